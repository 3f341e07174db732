#include "adlib/train/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <vector>

#include "adlib/io/atomic_file.h"
#include "adlib/io/json.h"
#include "adlib/io/safetensors.h"

namespace adlib::train {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view prefix = "step-";
constexpr std::string_view unfinished = ".unfinished";

std::string directory_name(std::int64_t step) {
  char name[32];
  std::snprintf(name, sizeof name, "step-%08lld", static_cast<long long>(step));
  return name;
}

// The step that a checkpoint's name tells; nothing for other names, such as that of a copy someone keeps.
std::optional<std::int64_t> step_of(std::string_view name) {
  if (name.ends_with(unfinished)) name.remove_suffix(unfinished.size());
  if (!name.starts_with(prefix)) return std::nullopt;
  std::int64_t step = 0;
  std::from_chars(name.data() + prefix.size(), name.data() + name.size(), step);
  return directory_name(step) == name ? std::optional(step) : std::nullopt;
}

// The checkpoints in `checkpoints`, or what is left of unfinished ones, by their steps.
std::vector<fs::path> list(const fs::path& checkpoints, bool finished) {
  std::vector<fs::path> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(checkpoints, error)) {
    const std::string name = entry.path().filename().string();
    if (step_of(name) && name.ends_with(unfinished) != finished) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end(), [](const fs::path& a, const fs::path& b) {
    return step_of(a.filename().string()) < step_of(b.filename().string());
  });
  return found;
}

void remove_directory(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) fail(ErrorCode::io, path.string(), ": cannot remove the directory: ", error.message());
}

}  // namespace

void save_checkpoint(const fs::path& checkpoints, const Trainer& trainer, const TrainingState& state) {
  const fs::path target = checkpoints / directory_name(state.step);
  const fs::path temporary = target.string() + std::string(unfinished);
  remove_directory(temporary);
  io::make_directories(temporary);  // and `checkpoints`
  std::map<std::string, Tensor> weights;
  for (const Parameter& parameter : trainer.model().parameters()) weights[parameter.name] = parameter.master;
  io::save_safetensors(temporary / "model.safetensors", weights);
  io::save_safetensors(temporary / "optimizer.safetensors", trainer.optimizer().state());
  io::Json json = {
      {"format", 1},          {"step", state.step},           {"epoch", state.epoch},
      {"index", state.index}, {"best_step", state.best_step}, {"stale_evaluations", state.stale_evaluations}};
  if (state.best_step > 0) json["best_loss"] = state.best_loss;  // JSON has no infinity
  io::write_file(temporary / "state.json", json.dump(2) + "\n");
  remove_directory(target);  // of an earlier run to the same step
  std::error_code error;
  fs::rename(temporary, target, error);
  if (error) fail(ErrorCode::io, target.string(), ": cannot rename the checkpoint: ", error.message());
}

std::optional<fs::path> latest_checkpoint(const fs::path& checkpoints) {
  const std::vector<fs::path> finished = list(checkpoints, true);
  return finished.empty() ? std::nullopt : std::optional(finished.back());
}

TrainingState restore_checkpoint(const fs::path& checkpoint, Trainer& trainer) {
  const fs::path file = checkpoint / "state.json";
  const io::Json json = io::read_json(file);
  const io::JsonFields fields(json, file.string());
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  if (fields.integer("format", 0, most) != 1)
    fail(ErrorCode::unsupported, file.string(), ": the format is ", fields.integer("format", 0, most),
         ", expected 1; it was written by another version of adlib");
  TrainingState state{.step = fields.integer("step", 0, most),
                      .epoch = fields.integer("epoch", 0, most),
                      .index = fields.integer("index", 0, most),
                      .best_step = fields.integer("best_step", 0, most),
                      .stale_evaluations = fields.integer("stale_evaluations", 0, most)};
  if (fields.has("best_loss")) state.best_loss = fields.number("best_loss");

  const Weights weights = Weights::open(checkpoint, trainer.model().device(), DType::f32);
  for (Parameter& parameter : trainer.model().parameters()) {
    ops::copy_into(parameter.master, weights.take(parameter.name, parameter.master.shape()));
    parameter.round_master();
  }
  weights.expect_all_taken([](std::string_view) { return false; });
  const fs::path moments = checkpoint / "optimizer.safetensors";
  const Weights kept = Weights::from(io::read_safetensors(moments), moments.string());
  trainer.optimizer().restore(kept.to(trainer.model().device()), state.step);
  return state;
}

void prune_checkpoints(const fs::path& checkpoints, std::int64_t keep) {
  for (const fs::path& half : list(checkpoints, false)) remove_directory(half);
  const std::vector<fs::path> finished = list(checkpoints, true);
  for (std::int64_t i = 0; i + keep < std::ssize(finished); ++i)
    remove_directory(finished[static_cast<std::size_t>(i)]);
}

}  // namespace adlib::train
