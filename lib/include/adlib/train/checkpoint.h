// adlib/train/checkpoint.h: a run of training on disk, so that it may be killed at any moment.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>

#include "adlib/train/trainer.h"

namespace adlib::train {

/// Where a run stands, besides its weights and the optimizer's moments. There is no random state: what is
/// drawn follows from the seed and the step.
struct TrainingState {
  std::int64_t step = 0;                                       ///< steps done
  std::int64_t epoch = 0;                                      ///< of the next example
  std::int64_t index = 0;                                      ///< of the next example in its epoch
  double best_loss = std::numeric_limits<double>::infinity();  ///< of the evaluations so far
  std::int64_t best_step = 0;
  std::int64_t stale_evaluations = 0;  ///< since the best
};

/// Writes `runs`/step-00000042: master weights and adapters, moments, state. The directory appears under
/// its name when all of it is on disk. Throws Error(io); what stood there before is left alone.
void save_checkpoint(const std::filesystem::path& checkpoints, const Trainer& trainer,
                     const TrainingState& state);
/// The newest one that is whole.
std::optional<std::filesystem::path> latest_checkpoint(const std::filesystem::path& checkpoints);
/// Sets weights, moments and the number of steps. Throws Error naming the file that does not fit the model.
TrainingState restore_checkpoint(const std::filesystem::path& checkpoint, Trainer& trainer);
/// Removes all but the newest `keep`, and what a killed process left half written.
void prune_checkpoints(const std::filesystem::path& checkpoints, std::int64_t keep);

}  // namespace adlib::train
