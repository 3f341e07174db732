// adlib init: a fresh model directory that transformers and adlib both open.
#include <optional>
#include <sstream>

#include "adlib/generate/config.h"
#include "adlib/io/json.h"
#include "adlib/io/safetensors.h"
#include "adlib/tokenizer/byte_bpe.h"
#include "adlib/tokenizer/tokenizer.h"
#include "app.h"
#include "model_directory.h"
#include "model_flags.h"

namespace adlib::cli {
namespace {

struct InitOptions {
  std::string dir;
  ModelFlags model;
  std::string tokenizer;
  std::uint64_t seed = 0;
  std::string dtype = "f32";
  bool force = false;
};

// The ids that begin and end a text, where the tokenizer has them.
struct Ends {
  std::optional<TokenId> bos, eos;
};

// Puts the tokenizer into the directory, says what it is, and how many ids it has.
std::int64_t write_tokenizer(const InitOptions& options, Ends& ends, std::string& what) {
  if (options.tokenizer.empty()) {
    write_byte_level_files(options.dir);
    what = "byte-level tokenizer";
  } else {
    copy_companions(options.tokenizer, options.dir);
    what = "tokenizer of " + options.tokenizer;
  }
  const auto tokenizer = Tokenizer::from_directory(options.dir);
  ends = {tokenizer->bos_id(), tokenizer->eos_id()};
  return tokenizer->vocab_size();
}

int run_init(const InitOptions& options, const Console& console) {
  namespace fs = std::filesystem;
  const fs::path dir = options.dir;
  if (fs::exists(dir) && (!fs::is_directory(dir) || !fs::is_empty(dir)) && !options.force) {
    fail(ErrorCode::invalid_argument, options.dir,
         ": exists and is not empty; --force replaces the files of the same names");
  }
  if (fs::exists(dir / "tokenizer.json")) {
    fail(ErrorCode::invalid_argument, options.dir,
         ": holds another model's tokenizer.json, which would be read before the new vocab.json; move it "
         "away first");
  }
  (void)make_config(options.model, 1);  // contradictions come to light before anything is written
  const DType dtype = parse_dtype(options.dtype);
  io::make_directories(dir);

  // config.json comes last: a directory without it is recognised as unfinished.
  fs::remove(dir / "config.json");
  Ends ends;
  std::string tokenizer;
  const DecoderConfig config = make_config(options.model, write_tokenizer(options, ends, tokenizer));
  const Weights weights = random_weights(config, options.seed, dtype);
  std::map<std::string, Tensor> tensors;
  for (const std::string& name : weights.names()) tensors[name] = weights.take(name, weights.shape_of(name));
  io::save_safetensors(
      dir / "model.safetensors", tensors,
      {{"format", "pt"},
       {untrained_key, "random weights of adlib init, seed " + std::to_string(options.seed)}});
  GenerationConfig generation;
  if (ends.eos) generation.eos_token_id = {*ends.eos};
  io::write_file(dir / "generation_config.json", generation_config_to_json(generation));
  io::Json json = io::parse_json(decoder_config_to_json(config, dtype), "config.json");
  if (ends.bos) json["bos_token_id"] = *ends.bos;
  if (ends.eos) json["eos_token_id"] = *ends.eos;
  io::write_file(dir / "config.json", json.dump(2) + "\n");

  std::ostringstream summary;
  summary << "wrote " << options.dir << ": " << options.model.family << ", " << parameter_count(config)
          << " parameters as " << dtype << ", " << tokenizer << " with " << config.vocab_size
          << " tokens, seed " << options.seed;
  console.note(summary.str());
  console.note("The weights are random: the model writes noise until it is trained.");
  return 0;
}

}  // namespace

void add_init(CLI::App& app, Session& session) {
  auto options = std::make_shared<InitOptions>();
  CLI::App* command = app.add_subcommand("init", "Make a fresh model directory with random weights");
  command->add_option("DIR", options->dir, "The directory to make; it must be empty or not exist")
      ->type_name("DIR")
      ->required();
  add_model_flags(*command, options->model);
  command
      ->add_option("--tokenizer", options->tokenizer,
                   "A directory whose tokenizer the model gets; without it one of bytes")
      ->type_name("DIR");
  command->add_option("--seed", options->seed, "The same seed gives the same files")
      ->check(check_seed)
      ->capture_default_str();
  command->add_option("--dtype", options->dtype, "Type of the weights")
      ->check(CLI::IsMember({"f32", "bf16", "f16"}))
      ->capture_default_str();
  command->add_flag("--force", options->force,
                    "Replace files of the same names in a directory that is not empty");
  command->footer(
      "Examples:\n"
      "  adlib init model\n"
      "  adlib init model --family qwen2 --size small --dtype bf16 --seed 7\n"
      "  adlib init model --layers 4 --width 128 --heads 8 --context 512\n\n"
      "The directory has the Hugging Face layout: config.json, generation_config.json, model.safetensors and "
      "a\n"
      "byte-level tokenizer of 256 bytes and <|endoftext|>, so that every text can be encoded. The weights "
      "are\n"
      "random, and their file says so: adlib write and adlib generate warn that such a model writes noise.");
  command->callback([options, &session] {
    session.job = [options, &session] { return run_init(*options, session.console); };
  });
}

}  // namespace adlib::cli
