#include "train_flags.h"

#include <algorithm>
#include <cmath>

#include "adlib/io/json.h"
#include "app.h"

namespace adlib::cli {
namespace {

// Everything that decides the bytes of the result: what run.json holds.
template <class Flags, class Visit>
void visit(Flags& flags, Visit&& each) {
  each("from", flags.from), each("tokenizer", flags.tokenizer);
  each("family", flags.model.family), each("size", flags.model.size), each("layers", flags.model.layers);
  each("width", flags.model.width), each("heads", flags.model.heads), each("kv_heads", flags.model.kv_heads);
  each("context", flags.model.context), each("mlp_width", flags.model.mlp_width);
  each("data", flags.data), each("validation_data", flags.validation_data);
  each("validation", flags.validation), each("split_by", flags.split_by);
  each("max_tokens", flags.max_tokens), each("no_eos", flags.no_eos);
  each("steps", flags.steps), each("epochs", flags.epochs), each("batch_tokens", flags.batch_tokens);
  each("accumulate", flags.accumulate), each("learning_rate", flags.learning_rate);
  each("min_learning_rate", flags.min_learning_rate), each("warmup", flags.warmup);
  each("optimizer", flags.optimizer), each("momentum", flags.momentum);
  each("weight_decay", flags.weight_decay), each("beta1", flags.beta1), each("beta2", flags.beta2);
  each("epsilon", flags.epsilon), each("clip", flags.clip), each("dropout", flags.dropout);
  each("preference_beta", flags.preference_beta), each("dtype", flags.dtype);
  each("save_dtype", flags.save_dtype), each("checkpoint_activations", flags.checkpoint_activations);
  each("lora_rank", flags.lora_rank), each("lora_alpha", flags.lora_alpha);
  each("lora_targets", flags.lora_targets), each("evaluate_every", flags.evaluate_every);
  each("save_every", flags.save_every), each("keep", flags.keep), each("patience", flags.patience);
  each("seed", flags.seed);
}

// Relative paths of a run that is resumed from another folder must still be found.
std::string absolute(const std::string& path) {
  return path.empty() ? path : std::filesystem::absolute(path).lexically_normal().string();
}

}  // namespace

std::string to_run_json(const TrainFlags& given, const std::string& data) {
  TrainFlags flags = given;
  flags.from = absolute(flags.from), flags.tokenizer = absolute(flags.tokenizer);
  for (auto* files : {&flags.data, &flags.validation_data})
    for (std::string& file : *files) file = absolute(file);
  nlohmann::ordered_json json = {{"format", 1}};
  visit(flags, [&](const char* name, const auto& value) { json[name] = value; });
  json["data_fingerprint"] = data;
  return json.dump(2) + "\n";
}

void read_run_json(const std::filesystem::path& file, TrainFlags& flags, std::string& data) {
  if (!std::filesystem::exists(file)) {
    fail(ErrorCode::not_found, file.string(),
         ": is missing; --resume continues a run that was begun in this directory");
  }
  const io::Json json = io::read_json(file);
  const io::JsonFields fields(json, file.string());
  if (fields.integer("format", 0, 1 << 30) != 1)
    fail(ErrorCode::unsupported, file.string(), ": was written by another version of adlib");
  visit(flags, [&](const char* name, auto& value) {
    // Settings that runs of before they existed do without.
    const std::string_view field = name;
    if ((field == "optimizer" || field == "momentum") && !json.contains(name)) return;
    try {
      json.at(name).get_to(value);
    } catch (const io::Json::exception&) {
      fail(ErrorCode::bad_format, file.string(), ": field '", name, "' is missing or of the wrong type");
    }
  });
  data = fields.string("data_fingerprint");
}

void check(const CLI::App& command, const TrainFlags& flags) {
  if (flags.resume) {
    for (const CLI::Option* option : command.get_options({})) {
      const std::string name = option->get_name();
      if (option->count() == 0 || name == "--resume" || option->get_positional()) continue;
      throw UsageError(name + " cannot be given with --resume: the run's settings stand in " + flags.output +
                       "/run.json");
    }
    return;
  }
  const auto needs = [](bool given, bool there, const char* message) {
    if (given && !there) throw UsageError(message);
  };
  needs(flags.data.empty(), false, "--data FILE is required: what is there to learn from?");
  needs(flags.from.empty(), !flags.tokenizer.empty(),
        "give --from DIR, a model to start from, or --tokenizer DIR for a fresh one");
  needs(!flags.from.empty(), flags.tokenizer.empty(),
        "a model brings its tokenizer: --from excludes --tokenizer");
  for (const char* name :
       {"--family", "--size", "--layers", "--width", "--heads", "--kv-heads", "--context", "--mlp-width"}) {
    needs(command.count(name) > 0, flags.from.empty(),
          "the shape of the model is that of --from DIR; --family, --size and their like are for fresh ones");
  }
  needs(flags.validation > 0, flags.validation_data.empty(), "--validation excludes --validation-data");
  needs(!flags.split_by.empty(), flags.validation > 0, "--split-by needs --validation FRACTION");
  needs(flags.patience > 0, flags.validation > 0 || !flags.validation_data.empty(),
        "--patience needs --validation FRACTION or --validation-data FILE");
  needs(!flags.lora_targets.empty(), flags.lora_rank > 0, "--lora-targets needs --lora-rank");
  needs(
      flags.optimizer == "muon", flags.lora_rank == 0,
      "--optimizer muon moves whole matrices, and --lora-rank leaves them as they are: give one of the two");
  needs(command.count("--momentum") > 0, flags.optimizer == "muon",
        "--momentum is Muon's: it needs --optimizer muon");
  needs(command.count("--steps") > 0, command.count("--epochs") == 0, "--steps excludes --epochs");
}

void add_train_flags(CLI::App& command, TrainFlags& flags) {
  command
      .add_option("OUT_DIR", flags.output,
                  "The directory that gets the model, and all that belongs to the run")
      ->type_name("DIR")
      ->required();
  command.add_flag("--resume", flags.resume,
                   "Go on with the run in OUT_DIR; its settings stand in run.json there");
  command.add_flag("--force", flags.force, "Begin anew where OUT_DIR holds a run already");

  const auto path = [&](const char* name, auto& value, const char* kind, const char* text) {
    return command.add_option(name, value, text)->type_name(kind);
  };
  const auto natural = CLI::Range(std::int64_t{1}, std::int64_t{1} << 40);
  const auto whole = CLI::Range(std::int64_t{0}, std::int64_t{1} << 40);
  const auto positive = CLI::Range(0.0, 1e6);
  path("--from", flags.from, "DIR", "The model to start from, fresh ('adlib init') or trained")
      ->group("Model");
  path("--tokenizer", flags.tokenizer, "DIR", "Make a fresh model with this tokenizer")->group("Model");
  command.add_option("--dropout", flags.dropout, "Of the embeddings and of every residual branch")
      ->check(CLI::Range(0.0, 0.95))
      ->capture_default_str()
      ->group("Model");
  command.add_option("--dtype", flags.dtype, "What is computed in; with bf16 masters and optimizer stay f32")
      ->check(CLI::IsMember({"f32", "bf16"}))
      ->capture_default_str()
      ->group("Model");
  command.add_option("--save-dtype", flags.save_dtype, "Of the model written at the end; default: --dtype")
      ->check(CLI::IsMember({"f32", "bf16", "f16"}))
      ->group("Model");
  command
      .add_flag(
          "--checkpoint-activations", flags.checkpoint_activations,
          "Keep only the input of each block and compute the rest twice: less memory, a third more time")
      ->group("Model");
  command
      .add_option("--lora-rank", flags.lora_rank,
                  "Train adapters of this rank beside a frozen model; 0: all weights")
      ->check(whole)
      ->capture_default_str()
      ->group("Model");
  command.add_option("--lora-alpha", flags.lora_alpha, "Adapters count alpha / rank")
      ->check(positive)
      ->capture_default_str()
      ->group("Model");
  command
      .add_option(
          "--lora-targets", flags.lora_targets,
          "Layers that get adapters, by the ends of their names: c_attn, q_proj and so on; default: all")
      ->type_name("NAME")
      ->delimiter(',')
      ->group("Model");

  path("--data", flags.data, "FILE",
       "JSON Lines of {prompt, completion}, {text} or {prompt, chosen, rejected}, or plain text (.txt); may "
       "be repeated")
      ->group("Data");
  path("--validation-data", flags.validation_data, "FILE", "Examples to measure on, never learned")
      ->group("Data");
  command
      .add_option("--validation", flags.validation, "The share of --data that is kept for measuring instead")
      ->check(CLI::Range(0.0, 0.9))
      ->capture_default_str()
      ->group("Data");
  command
      .add_option(
          "--split-by", flags.split_by,
          "Examples with the same value of this field fall on one side of the split; default: the prompt")
      ->type_name("FIELD")
      ->group("Data");
  command
      .add_option("--max-tokens", flags.max_tokens,
                  "Longer examples lose the beginning of their prompts; default: the model's context")
      ->check(natural)
      ->type_name("N")
      ->group("Data");
  command.add_flag("--no-eos", flags.no_eos, "Do not teach the model to end its texts")->group("Data");

  command.add_option("--epochs", flags.epochs, "How often to read the data")
      ->check(CLI::Range(0.001, 1e6))
      ->capture_default_str()
      ->group("Steps");
  command.add_option("--steps", flags.steps, "Steps in all, instead of epochs")
      ->check(natural)
      ->group("Steps");
  command
      .add_option("--batch-tokens", flags.batch_tokens, "Tokens of a batch, at most: whole examples, packed")
      ->check(natural)
      ->capture_default_str()
      ->group("Steps");
  command.add_option("--accumulate", flags.accumulate, "Batches a step")
      ->check(natural)
      ->capture_default_str()
      ->group("Steps");
  command.add_option("--learning-rate", flags.learning_rate, "After the warm-up")
      ->check(positive)
      ->capture_default_str()
      ->group("Steps");
  command
      .add_option("--min-learning-rate", flags.min_learning_rate,
                  "At the end of the cosine; default: a tenth of the learning rate")
      ->check(positive)
      ->group("Steps");
  command.add_option("--warmup", flags.warmup, "Steps of the rise; default: a twentieth of all")
      ->check(whole)
      ->group("Steps");
  command
      .add_option("--optimizer", flags.optimizer,
                  "adamw, or muon: Muon for the matrices inside the blocks, AdamW for the rest")
      ->check(CLI::IsMember({"adamw", "muon"}))
      ->capture_default_str()
      ->group("Steps");
  command.add_option("--momentum", flags.momentum, "Muon's")->capture_default_str()->group("Steps");
  command.add_option("--weight-decay", flags.weight_decay, "Of weights, not of biases and norms")
      ->check(positive)
      ->capture_default_str()
      ->group("Steps");
  command.add_option("--beta1", flags.beta1, "AdamW's")->capture_default_str()->group("Steps");
  command.add_option("--beta2", flags.beta2, "AdamW's")->capture_default_str()->group("Steps");
  command.add_option("--epsilon", flags.epsilon, "AdamW's")->capture_default_str()->group("Steps");
  command.add_option("--clip", flags.clip, "The longest gradient; longer ones are shortened; 0: never")
      ->check(positive)
      ->capture_default_str()
      ->group("Steps");
  command
      .add_option(
          "--preference-beta", flags.preference_beta,
          "DPO's beta, for data of {prompt, chosen, rejected}: how close to stay to the model of --from")
      ->check(CLI::Range(1e-6, 1e3))
      ->capture_default_str()
      ->group("Steps");
  command.add_option("--seed", flags.seed, "Of fresh weights, of the order of the data and of the dropout")
      ->check(check_seed)
      ->capture_default_str()
      ->group("Steps");

  command
      .add_option(
          "--evaluate-every", flags.evaluate_every,
          "Steps between measurements of the validation loss; default: a tenth of all; 0: only the last")
      ->check(whole)
      ->group("Run");
  command
      .add_option("--patience", flags.patience,
                  "Stop after so many measurements without a better one; 0: never")
      ->check(whole)
      ->capture_default_str()
      ->group("Run");
  command
      .add_option("--save-every", flags.save_every,
                  "Steps between checkpoints; default: a tenth of all; 0: only the last")
      ->check(whole)
      ->group("Run");
  command.add_option("--keep", flags.keep, "Checkpoints that are kept")
      ->check(natural)
      ->capture_default_str()
      ->group("Run");
  add_model_flags(command, flags.model);
}

train::TrainerOptions trainer_options(const TrainFlags& flags, std::int64_t tokens_per_epoch) {
  std::int64_t steps = flags.steps;
  if (steps == 0) {
    const double a_step = static_cast<double>(flags.batch_tokens) * static_cast<double>(flags.accumulate);
    steps = std::max<std::int64_t>(
        1, std::llround(std::ceil(flags.epochs * static_cast<double>(tokens_per_epoch) / a_step)));
  }
  train::TrainerOptions options;
  options.schedule = {
      .peak = flags.learning_rate,
      .floor = flags.min_learning_rate >= 0 ? flags.min_learning_rate : flags.learning_rate / 10,
      .warmup = flags.warmup >= 0 ? flags.warmup : (steps + 19) / 20,
      .total = steps};
  options.optimizer.adamw = {.beta1 = flags.beta1,
                             .beta2 = flags.beta2,
                             .epsilon = flags.epsilon,
                             .weight_decay = flags.weight_decay};
  if (flags.optimizer == "muon")
    options.optimizer.muon = {.momentum = flags.momentum, .weight_decay = flags.weight_decay};
  options.max_gradient_norm = flags.clip;
  options.accumulation = flags.accumulate;
  options.seed = flags.seed;
  return options;
}

train::RunOptions run_options(const TrainFlags& flags, std::int64_t steps) {
  const auto every = [&](std::int64_t asked) {
    return asked >= 0 ? asked : std::max<std::int64_t>(1, steps / 10);
  };
  train::RunOptions options;
  options.directory = flags.output;
  options.title = std::filesystem::path(flags.output).filename().string();
  options.evaluate_every = every(flags.evaluate_every);
  options.save_every = every(flags.save_every);
  options.keep_checkpoints = flags.keep;
  options.patience = flags.patience;
  return options;
}

train::TrainableOptions trainable_options(const TrainFlags& flags) {
  train::TrainableOptions options;
  options.dtype = parse_dtype(flags.dtype);
  options.dropout = static_cast<float>(flags.dropout);
  options.checkpoint_activations = flags.checkpoint_activations;
  if (flags.lora_rank > 0) {
    options.lora = train::LoraConfig{.rank = flags.lora_rank,
                                     .alpha = flags.lora_alpha,
                                     .targets = flags.lora_targets,
                                     .seed = flags.seed};
  }
  return options;
}

}  // namespace adlib::cli
