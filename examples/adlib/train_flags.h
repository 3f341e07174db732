// examples/adlib/train_flags.h: the settings of a run of training: from the command line, and from the
// run.json that
// --resume reads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "adlib/train/run.h"
#include "model_flags.h"

namespace adlib::cli {

struct TrainFlags {
  std::string output;
  std::string from, tokenizer;
  ModelFlags model;
  std::vector<std::string> data, validation_data;
  double validation = 0;
  std::string split_by;
  std::int64_t max_tokens = 0;  ///< of a document; 0: the model's context
  bool no_eos = false;

  std::int64_t steps = 0;  ///< 0: from the epochs
  double epochs = 3;
  std::int64_t batch_tokens = 4096, accumulate = 1;
  double learning_rate = 3e-4;
  double min_learning_rate = -1;  ///< below 0: a tenth of the learning rate
  std::int64_t warmup = -1;       ///< below 0: a twentieth of the steps
  std::string optimizer = "adamw";
  double momentum = 0.95;
  double weight_decay = 0.1, beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8, clip = 1;
  double dropout = 0;
  double preference_beta = 0.1;

  std::string dtype = "f32", save_dtype;
  bool checkpoint_activations = false;
  std::int64_t lora_rank = 0;
  double lora_alpha = 16;
  std::vector<std::string> lora_targets;

  std::int64_t evaluate_every = -1, save_every = -1;  ///< below 0: ten times in a run
  std::int64_t keep = 2, patience = 0;
  std::uint64_t seed = 0;
  bool resume = false, force = false;
};

void add_train_flags(CLI::App& command, TrainFlags& flags);
/// Throws UsageError for flags that contradict each other, or that --resume forbids.
void check(const CLI::App& command, const TrainFlags& flags);

/// The text of a run.json, and back. `data` names the examples (Dataset::fingerprint).
std::string to_run_json(const TrainFlags& flags, const std::string& data);
/// Keeps output, resume and force. Throws Error naming file and field. Sets `data` to what was written.
void read_run_json(const std::filesystem::path& file, TrainFlags& flags, std::string& data);

/// What the library needs, for a training set with so many tokens an epoch.
train::TrainerOptions trainer_options(const TrainFlags& flags, std::int64_t tokens_per_epoch);
train::RunOptions run_options(const TrainFlags& flags, std::int64_t steps);
train::TrainableOptions trainable_options(const TrainFlags& flags);

}  // namespace adlib::cli
