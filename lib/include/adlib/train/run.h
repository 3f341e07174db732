// adlib/train/run.h: a whole training in a directory, from the first step or from where it was interrupted.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>

#include "adlib/train/batch_stream.h"
#include "adlib/train/checkpoint.h"
#include "adlib/train/training_log.h"

namespace adlib::train {

struct RunOptions {
  /// Gets checkpoints/, best.safetensors, log.jsonl and loss.svg.
  std::filesystem::path directory;
  std::string title = "adlib";      ///< of the plot
  std::int64_t evaluate_every = 0;  ///< steps; 0: only after the last
  std::int64_t save_every = 0;      ///< steps; 0: only after the last
  std::int64_t keep_checkpoints = 2;
  std::int64_t patience = 0;  ///< evaluations without a better one that end the run; 0: never
  /// Asked after every step; true saves a checkpoint and leaves. May be empty.
  std::function<bool()> interrupted = {};
};

/// Called while the run goes on; each may be empty. What they throw ends the run; the last checkpoint stays.
struct RunObserver {
  std::function<void(const TrainingState&)> started;  ///< with what was restored
  std::function<void(const StepReport&, double seconds)> stepped;
  std::function<void(std::int64_t step, const Totals&, bool best)> evaluated;
  std::function<void(const std::filesystem::path&)> saved;
};

struct RunResult {
  TrainingState state;
  bool stopped_early = false;        ///< patience was lost
  bool interrupted = false;          ///< the run is not at its end
  std::optional<Totals> validation;  ///< of the last evaluation in this process
};

/// Keeps other processes out of the directory of a run while it lives, and removes what killed ones left half
/// written there. train::run() takes none by itself: there may be work to guard before and after it.
class RunLock {
 public:
  /// Throws Error(io) when another process holds it, Error(not_found) when the directory is missing.
  explicit RunLock(const std::filesystem::path& directory);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  int directory_ = -1;
};

/// Trains to the end of the trainer's schedule, or until patience is lost. Goes on from the newest checkpoint
/// in the directory if there is one: killed at any moment and called again with the same arguments, it leaves
/// the same weights, optimizer and best.safetensors as one never killed. best.safetensors holds the whole
/// model in f32 (adapters merged) at the lowest validation loss; without validation data there is none.
/// Weights whose loss is not finite are never saved: the run ends, and the checkpoint before them stays.
/// Throws Error.
RunResult run(Trainer& trainer, BatchStream& data, std::optional<BatchPass> validation,
              const RunOptions& options, const RunObserver& observer = {});

}  // namespace adlib::train
