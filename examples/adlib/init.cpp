// adlib init: a fresh model directory that transformers and adlib both open.
#include <algorithm>
#include <array>
#include <sstream>

#include "adlib/generate/config.h"
#include "adlib/io/json.h"
#include "adlib/io/safetensors.h"
#include "adlib/tokenizer/byte_bpe.h"
#include "app.h"

namespace adlib::cli {
namespace {

struct Options {
  std::string dir;
  std::string family = "gpt2";
  std::string size = "tiny";
  std::int64_t layers = 0, width = 0, heads = 0, kv_heads = 0, context = 0,
               mlp_width = 0;  // 0: the size's own
  std::uint64_t seed = 0;
  std::string dtype = "f32";
  bool force = false;
};

struct Size {
  const char* name;
  std::int64_t layers, width, heads, kv_heads, context, gated_mlp;
};
// GPT-2 has an MLP of four times the width and as many key heads as heads; Llama's gated MLP has three
// matrices, so that about 8/3 of the width costs the same.
constexpr std::array<Size, 3> sizes = {{{"tiny", 2, 64, 4, 2, 2048, 176},
                                        {"small", 6, 384, 6, 2, 2048, 1024},
                                        {"124m", 12, 768, 12, 4, 1024, 2048}}};

// write_byte_level_files(): 256 bytes and <|endoftext|>, which begins and ends texts.
constexpr TokenId end_of_text = 256;
constexpr std::int64_t vocab_size = 257;

DecoderConfig make_config(const Options& options) {
  const Size& size =
      *std::find_if(sizes.begin(), sizes.end(), [&](const Size& s) { return options.size == s.name; });
  const auto pick = [](std::int64_t asked, std::int64_t own) { return asked > 0 ? asked : own; };
  const bool gpt2 = options.family == "gpt2";
  DecoderConfig config;
  config.vocab_size = vocab_size;  // that of the byte-level tokenizer
  config.layers = pick(options.layers, size.layers);
  config.width = pick(options.width, size.width);
  config.heads = pick(options.heads, size.heads);
  const bool own_shape = options.heads == 0;
  config.kv_heads = pick(options.kv_heads, gpt2 || !own_shape ? config.heads : size.kv_heads);
  config.context = pick(options.context, size.context);
  config.mlp_width = pick(options.mlp_width, gpt2                 ? 4 * config.width
                                             : options.width == 0 ? size.gated_mlp
                                                                  : (8 * config.width + 2) / 3);
  if (config.width % config.heads != 0) {
    throw UsageError("--width is " + std::to_string(config.width) + ", which --heads " +
                     std::to_string(config.heads) + " does not divide");
  }
  config.head_dim = config.width / config.heads;
  if (!gpt2) {
    config.family = options.family == "llama" ? DecoderConfig::Family::llama : DecoderConfig::Family::qwen2;
    config.norm = nn::Norm::Kind::rms;
    config.norm_eps = 1e-6f;
    config.positions = DecoderConfig::Positions::rope;
    config.rope.rotary_dim = config.head_dim;
    config.mlp = DecoderConfig::Mlp::gated;
    config.activation = ops::Activation::silu;
    config.qkv_bias = config.family == DecoderConfig::Family::qwen2;
    config.attention_out_bias = false;
    config.mlp_bias = false;
  }
  try {
    validate(config);
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
  return config;
}

void write_text(const std::filesystem::path& path, std::string_view text) {
  io::AtomicFile file(path);
  file.write(text);
  file.commit();
}

int run(const Options& options, const Console& console) {
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
  const DecoderConfig config = make_config(options);
  const DType dtype = parse_dtype(options.dtype);
  std::error_code error;
  fs::create_directories(dir, error);
  if (error) fail(ErrorCode::io, options.dir, ": cannot create the directory: ", error.message());

  // config.json comes last: a directory without it is recognised as unfinished.
  fs::remove(dir / "config.json");
  const Weights weights = random_weights(config, options.seed, dtype);
  std::map<std::string, Tensor> tensors;
  for (const std::string& name : weights.names()) tensors[name] = weights.take(name, weights.shape_of(name));
  io::save_safetensors(
      dir / "model.safetensors", tensors,
      {{"format", "pt"},
       {untrained_key, "random weights of adlib init, seed " + std::to_string(options.seed)}});
  write_byte_level_files(dir);
  GenerationConfig generation;
  generation.eos_token_id = {end_of_text};
  write_text(dir / "generation_config.json", generation_config_to_json(generation));
  io::Json json = io::parse_json(decoder_config_to_json(config, dtype), "config.json");
  json["bos_token_id"] = end_of_text;
  json["eos_token_id"] = end_of_text;
  write_text(dir / "config.json", json.dump(2) + "\n");

  std::ostringstream summary;
  summary << "wrote " << options.dir << ": " << options.family << ", " << parameter_count(config)
          << " parameters as " << dtype << ", byte-level tokenizer of " << vocab_size << " tokens, seed "
          << options.seed;
  console.note(summary.str());
  console.note("The weights are random: the model writes noise until it is trained.");
  return 0;
}

}  // namespace

void add_init(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("init", "Make a fresh model directory with random weights");
  command->add_option("DIR", options->dir, "The directory to make; it must be empty or not exist")
      ->type_name("DIR")
      ->required();
  command->add_option("--family", options->family, "The kind of decoder")
      ->check(CLI::IsMember({"gpt2", "llama", "qwen2"}))
      ->capture_default_str();
  command
      ->add_option("--size", options->size,
                   "Layers x width: tiny 2 x 64, small 6 x 384, 124m 12 x 768 (as the smallest GPT-2)")
      ->check(CLI::IsMember({"tiny", "small", "124m"}))
      ->capture_default_str();
  const auto shape = [&](const char* flag, std::int64_t& value, std::int64_t most, const char* what) {
    command->add_option(flag, value, what)
        ->check(CLI::Range(std::int64_t{1}, most))
        ->type_name("N")
        ->group("Instead of the size's own");
  };
  shape("--layers", options->layers, 1024, "Decoder blocks");
  shape("--width", options->width, 65536, "Numbers that describe a token");
  shape("--heads", options->heads, 1024, "Attention heads; divides the width");
  shape("--kv-heads", options->kv_heads, 1024,
        "Heads of keys and values; divides the heads (gpt2: the same number)");
  shape("--context", options->context, 1 << 20, "The most tokens a text may have, prompt included");
  shape("--mlp-width", options->mlp_width, 1 << 20, "Width inside the feed-forward part");
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
  command->callback(
      [options, &session] { session.job = [options, &session] { return run(*options, session.console); }; });
}

}  // namespace adlib::cli
