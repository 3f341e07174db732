// adlib train: a model that learns from examples, or from preferences among them.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <deque>
#include <iomanip>
#include <memory>
#include <numeric>
#include <sstream>

#include "adlib/generate/config.h"
#include "adlib/io/json.h"
#include "adlib/io/safetensors.h"
#include "adlib/train/preference.h"
#include "app.h"
#include "model_directory.h"
#include "train_flags.h"

namespace adlib::cli {
namespace {

namespace fs = std::filesystem;

// Ctrl-C and kill: the step is finished and a checkpoint written.
std::atomic<bool> stop_asked{false};
extern "C" void ask_to_stop(int) { stop_asked = true; }

std::string duration(double seconds) {
  const auto total = static_cast<std::int64_t>(seconds + 0.5);
  std::ostringstream out;
  if (total >= 3600)
    out << total / 3600 << " h " << std::setw(2) << std::setfill('0') << total / 60 % 60 << " min";
  if (total < 3600) out << total / 60 << ':' << std::setw(2) << std::setfill('0') << total % 60;
  return out.str();
}

std::string rounded(double value, int digits = 4) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(digits) << value;
  return out.str();
}

// What a run starts from, besides its data.
struct Source {
  fs::path directory;  // whose tokenizer and settings the model gets
  DecoderConfig config;
  std::shared_ptr<const Tokenizer> tokenizer;
  bool is_fresh = false;
};

Source open_source(const TrainFlags& flags) {
  Source source;
  source.is_fresh = flags.from.empty();
  source.directory = source.is_fresh ? flags.tokenizer : flags.from;
  source.tokenizer = Tokenizer::from_directory(source.directory);
  source.config = source.is_fresh ? make_config(flags.model, source.tokenizer->vocab_size())
                                  : read_config(source.directory);
  require(source.tokenizer->vocab_size() <= source.config.vocab_size, source.directory.string(),
          ": the tokenizer has ", source.tokenizer->vocab_size(), " ids, the model ",
          source.config.vocab_size);
  return source;
}

Decoder initial_model(const Source& source, const TrainFlags& flags, const Console& console) {
  if (source.is_fresh) return Decoder(source.config, random_weights(source.config, flags.seed));
  LoadOptions load;
  load.dtype = DType::f32;
  load.progress = console.progress("loading tensors");
  return load_decoder(source.directory, load);
}

train::Dataset open_data(const std::vector<std::string>& files, const Source& source, const TrainFlags& flags,
                         const Console& console) {
  train::DatasetOptions options;
  options.context = flags.max_tokens > 0 ? flags.max_tokens : source.config.context;
  require(options.context <= source.config.context, "--max-tokens is ", options.context,
          ", more than the model's context of ", source.config.context);
  options.eos = !flags.no_eos;
  options.split_field = flags.split_by;
  options.cache_directory = fs::path(flags.output) / "tokens";
  options.progress = [&](const train::DatasetProgress& progress) {
    std::ostringstream line;
    line << "tokenising " << progress.file.filename().string() << ": "
         << 100 * progress.bytes / std::max<std::int64_t>(1, progress.total_bytes) << "%, "
         << progress.documents << " documents";
    console.status(line.str());
  };
  const std::vector<fs::path> paths(files.begin(), files.end());
  train::Dataset data(paths, *source.tokenizer, options);
  console.status("");
  const train::DatasetSummary& summary = data.summary();
  console.note(concat("data: ", summary.units, data.pairs() ? " pairs, " : " examples, ", summary.tokens,
                      " tokens, of which ", summary.counted, " are learned; the longest has ",
                      summary.longest_unit));
  if (summary.truncated_prompts > 0)
    console.warn(concat(summary.truncated_prompts, " prompts lost their beginning to fit into ",
                        options.context, " tokens; --max-tokens and a longer context keep more"));
  if (summary.truncated_completions > 0)
    console.warn(concat(summary.truncated_completions, " completions lost their end to fit into ",
                        options.context, " tokens"));
  return data;
}

// -log p of every completion under the model that the run starts from. Computed once, and kept beside the
// run: the weights are others when it is resumed.
std::vector<double> reference_losses(const train::Dataset& data, const train::TrainableDecoder& model,
                                     const TrainFlags& flags, const Console& console) {
  const fs::path file = fs::path(flags.output) / "reference.safetensors";
  const std::int64_t documents = data.summary().documents;
  if (fs::exists(file)) {
    const io::SafetensorsFile stored = io::SafetensorsFile::open(file);
    const Tensor losses = stored.tensor("losses");
    const auto found = stored.metadata().find("data_fingerprint");
    require(found != stored.metadata().end() && found->second == data.fingerprint() &&
                losses.numel() == documents,
            file.string(), ": belongs to other data; begin anew with --force");
    const auto values = losses.data<double>();
    return {values.begin(), values.end()};
  }
  std::vector<double> losses;
  train::BatchPass pass(train::Subset(data), flags.batch_tokens);
  for (train::TokenBatch batch; pass.next(batch);) {
    const std::vector<double> sums = train::document_losses(model.losses(batch), batch);
    losses.insert(losses.end(), sums.begin(), sums.end());
    console.status(concat("reference: ", losses.size(), " of ", documents, " texts"));
  }
  console.status("");
  io::save_safetensors(file, {{"losses", Tensor::from(std::span<const double>(losses), {documents})}},
                       {{"format", "pt"}, {"data_fingerprint", data.fingerprint()}});
  return losses;
}

// The line that is rewritten on a terminal, and written now and then elsewhere.
class ProgressLine {
 public:
  ProgressLine(const Console& console, std::int64_t steps, bool pairs)
      : console_(console), steps_(steps), pairs_(pairs) {}

  void stepped(const train::StepReport& report, double seconds) {
    recent_.push_back({report.tokens, seconds});
    if (recent_.size() > 50) recent_.pop_front();
    double time = 0, tokens = 0;
    for (const auto& [count, spent] : recent_) tokens += static_cast<double>(count), time += spent;
    const double left =
        time / static_cast<double>(recent_.size()) * static_cast<double>(steps_ - report.step);
    std::ostringstream line;
    line << "step " << report.step << '/' << steps_ << "  loss " << rounded(report.totals.mean_loss());
    if (pairs_) line << "  preferred " << rounded(100 * report.totals.wins / report.totals.count, 1) << '%';
    line << "  gradient " << rounded(report.gradient_norm, 2) << "  "
         << static_cast<std::int64_t>(tokens / time) << " tokens/s  " << duration(left) << " left";
    const auto now = std::chrono::steady_clock::now();
    if (console_.is_terminal()) {
      console_.status(line.str());
    } else if (report.step == steps_ || now >= next_) {
      console_.note(line.str());
      next_ = now + std::chrono::seconds(10);
    }
  }
  void evaluated(std::int64_t step, const train::Totals& totals, bool best) {
    console_.status("");
    std::string line = concat("step ", step, "  validation loss ", rounded(totals.mean_loss()));
    if (pairs_) line += concat("  preferred ", rounded(100 * totals.wins / totals.count, 1), "%");
    console_.note(line + (best ? "  (best so far)" : ""));
  }

 private:
  const Console& console_;
  std::int64_t steps_;
  bool pairs_;
  std::deque<std::pair<std::int64_t, double>> recent_;
  std::chrono::steady_clock::time_point next_;
};

// The trained model, config.json last: a directory without it is recognised as unfinished.
void write_model(const TrainFlags& flags, const Source& source, const train::TrainableDecoder& model) {
  const fs::path output = flags.output, best = output / "best.safetensors";
  const DType dtype = parse_dtype(flags.save_dtype.empty() ? flags.dtype : flags.save_dtype);
  std::map<std::string, Tensor> tensors;
  if (fs::exists(best)) {
    tensors = io::read_safetensors(best);
  } else {
    tensors = model.named_tensors();
  }
  for (auto& [name, tensor] : tensors) tensor = tensor.to(dtype);
  fs::remove(output / "config.json");
  io::save_safetensors(output / "model.safetensors", tensors);
  copy_companions(source.directory, output);
  const std::string own = decoder_config_to_json(source.config, dtype);
  io::Json json =
      source.is_fresh ? io::parse_json(own, "config.json") : io::read_json(source.directory / "config.json");
  json["torch_dtype"] = io::parse_json(own, "config.json").at("torch_dtype");
  json.erase("dtype");  // transformers 5 reads this name first
  if (source.is_fresh) {
    GenerationConfig generation;
    if (const auto eos = source.tokenizer->eos_id())
      json["eos_token_id"] = *eos, generation.eos_token_id = {*eos};
    if (const auto bos = source.tokenizer->bos_id()) json["bos_token_id"] = *bos;
    io::write_file(output / "generation_config.json", generation_config_to_json(generation));
  }
  io::write_file(output / "config.json", json.dump(2) + "\n");
}

// Before anything is read: may this run be written there? What stands there is not touched yet.
void check_fresh_output(const TrainFlags& flags) {
  const fs::path output = flags.output;
  if (!flags.from.empty() && fs::exists(output) && fs::equivalent(flags.from, output))
    throw UsageError("'" + flags.output +
                     "' is the model of --from: it would be replaced; give another directory");
  const bool holds_run = fs::exists(output / "run.json");
  if (holds_run && !flags.force) {
    fail(ErrorCode::invalid_argument, flags.output,
         ": holds a run already; --resume goes on with it, --force begins anew and loses it");
  }
  // What a run that was killed before it began has left.
  const auto is_cache = [](const fs::directory_entry& entry) {
    const std::string name = entry.path().filename().string();
    return name == "tokens" || name.starts_with(".adlib-");
  };
  const bool only_cache =
      fs::is_directory(output) && std::all_of(fs::directory_iterator(output), {}, is_cache);
  check_output(flags.from.empty() ? flags.tokenizer : flags.from, output, flags.force || only_cache);
}

// The settings of a run that can begin, in place of the run that stood there.
void begin_run(const TrainFlags& flags, const std::string& data) {
  const fs::path output = flags.output;
  for (const char* stale :
       {"run.json", "config.json", "best.safetensors", "reference.safetensors", "log.jsonl", "loss.svg"})
    fs::remove(output / stale);
  fs::remove_all(output / "checkpoints");
  io::write_file(output / "run.json", to_run_json(flags, data));
}

struct Validation {
  std::optional<train::BatchPass> pass;
  std::int64_t units = 0;
};

int run_train(TrainFlags& flags, const CLI::App& command, const Console& console) {
  check(command, flags);
  const fs::path settings = fs::path(flags.output) / "run.json";
  std::string known_data;
  if (flags.resume) {
    read_run_json(settings, flags, known_data);
  } else {
    check_fresh_output(flags);
  }
  const Source source = open_source(flags);
  io::make_directories(flags.output);
  const train::RunLock lock(flags.output);
  const train::Dataset data = open_data(flags.data, source, flags, console);
  std::string fingerprint = data.fingerprint();
  train::Subset training(data);
  Validation validation;
  if (flags.validation > 0) {
    train::Split parts = train::split(data, flags.validation);
    training = parts.train;
    validation.units = parts.validation.size();
    validation.pass.emplace(parts.validation, flags.batch_tokens);
  } else if (!flags.validation_data.empty()) {
    require(!data.pairs(), "--validation-data is not for preference pairs; use --validation FRACTION");
    const train::Dataset held_out = open_data(flags.validation_data, source, flags, console);
    require(!held_out.pairs(), "--validation-data holds preference pairs, --data does not");
    fingerprint += "/" + held_out.fingerprint();
    validation.units = held_out.size();
    validation.pass.emplace(train::Subset(held_out), flags.batch_tokens);
  }
  if (flags.resume && known_data != fingerprint) {
    fail(ErrorCode::invalid_argument, settings.string(),
         ": the data or the tokenizer changed since the run began; begin anew with --force");
  }
  train::BatchStream stream(training, flags.batch_tokens, flags.seed);
  const double share = static_cast<double>(training.size()) / static_cast<double>(data.size());
  const train::TrainerOptions options =
      trainer_options(flags, static_cast<std::int64_t>(share * static_cast<double>(data.summary().tokens)));
  const std::int64_t steps = options.schedule.total;
  train::validate(options.schedule);
  train::validate(options.optimizer);
  std::optional<train::TrainableDecoder> model;
  model.emplace(initial_model(source, flags, console), trainable_options(flags));
  // From here on there is a run to resume: everything that can be wrong with the settings was found before.
  if (!flags.resume) begin_run(flags, fingerprint);
  std::unique_ptr<train::Objective> objective = std::make_unique<train::LanguageModelling>();
  if (data.pairs()) {
    if (source.is_fresh) {
      console.warn(
          "preferences change a model that writes already; these weights are random: train them on "
          "{prompt, completion} first, then give that model by --from");
    }
    objective = std::make_unique<train::DirectPreference>(flags.preference_beta,
                                                          reference_losses(data, *model, flags, console));
  }
  train::Trainer trainer(*model, *objective, options);
  console.note(concat("model: ", to_string(source.config.family), ", ", parameter_count(source.config),
                      " parameters, ", model->parameters().trained(), " trained in ", flags.dtype, "; ",
                      steps, " steps of up to ", flags.batch_tokens * flags.accumulate, " tokens on ",
                      training.size(), " examples, ", validation.units, " kept for validation"));

  train::RunOptions how = run_options(flags, steps);
  std::signal(SIGINT, ask_to_stop);
  std::signal(SIGTERM, ask_to_stop);
  how.interrupted = [] { return stop_asked.load(); };
  ProgressLine line(console, steps, data.pairs());
  train::RunObserver observer;
  observer.started = [&](const train::TrainingState& state) {
    if (state.step > 0) console.note(concat("resuming after step ", state.step));
  };
  observer.stepped = [&](const train::StepReport& report, double seconds) { line.stepped(report, seconds); };
  observer.evaluated = [&](std::int64_t step, const train::Totals& totals, bool best) {
    line.evaluated(step, totals, best);
  };
  train::RunResult result;
  try {
    result = train::run(trainer, stream, validation.pass, how, observer);
  } catch (const Error& error) {
    console.status("");
    const auto last = train::latest_checkpoint(fs::path(flags.output) / "checkpoints");
    fail(error.code(), error.what(),
         last ? concat("; the last checkpoint is whole: ", last->string(), "; 'adlib train ", flags.output,
                       " --resume' goes on from it, with the settings in run.json")
              : "; there is no checkpoint yet: --force begins anew");
  }
  console.status("");
  if (result.interrupted) {
    console.warn(concat("stopped after step ", result.state.step, " of ", steps, "; 'adlib train ",
                        flags.output, " --resume' goes on, and writes the model when it is done"));
    return 1;
  }
  write_model(flags, source, *model);
  std::string what = concat("wrote ", flags.output, ": ");
  if (result.state.best_step > 0) {
    what += concat("the weights of step ", result.state.best_step, ", validation loss ",
                   rounded(result.state.best_loss));
    if (result.stopped_early) what += concat("; stopped early after step ", result.state.step);
  } else {
    what += concat("the weights of step ", result.state.step);
  }
  console.note(what + "; the course is in loss.svg and log.jsonl");
  return 0;
}

}  // namespace

void add_train(CLI::App& app, Session& session) {
  auto flags = std::make_shared<TrainFlags>();
  CLI::App* command = app.add_subcommand("train", "Teach a model from examples or preferences");
  add_train_flags(*command, *flags);
  command->footer(
      "Examples:\n"
      "  adlib train mine --from model --data copy.jsonl --validation 0.1 --split-by title\n"
      "  adlib train fresh --tokenizer vocabulary --size small --context 512 --data corpus.jsonl --epochs 2\n"
      "  adlib train mine --from model --data copy.jsonl --lora-rank 16 --learning-rate 1e-3\n"
      "  adlib train better --from mine --data clicks.jsonl --learning-rate 1e-5 --epochs 1\n"
      "  adlib train mine --resume\n\n"
      "OUT_DIR becomes a model directory in the Hugging Face layout. Beside the model it holds run.json "
      "(the\n"
      "settings), checkpoints, log.jsonl and loss.svg, and the tokenised data. A run that was interrupted in "
      "any\n"
      "way goes on with --resume and ends with the same bytes as one that never was. With validation data "
      "the\n"
      "weights with the lowest validation loss are written, else the last ones. Lines of {prompt, chosen,\n"
      "rejected} are learned by direct preference optimisation. docs/training.md tells the rest.");
  command->callback([flags, command, &session] {
    session.job = [flags, command, &session] { return run_train(*flags, *command, session.console); };
  });
}

}  // namespace adlib::cli
