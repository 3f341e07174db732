// adlib/train/trainer.h: steps of training.
#pragma once

#include <cstdint>
#include <functional>

#include "adlib/train/objective.h"
#include "adlib/train/optimizer.h"
#include "adlib/train/schedule.h"

namespace adlib::train {

struct TrainerOptions {
  Schedule schedule = {};
  OptimizerConfig optimizer = {};
  double max_gradient_norm = 1.0;  ///< longer gradients are shortened to it; 0: never
  std::int64_t accumulation = 1;   ///< batches whose gradients make one step
  std::uint64_t seed = 0;          ///< of the dropout
};

/// What one step did.
struct StepReport {
  std::int64_t step = 0;  ///< from 1
  Totals totals;          ///< before the step changed the weights
  double gradient_norm = 0;
  double learning_rate = 0;
  std::int64_t tokens = 0;  ///< computed, counted or not
};

/// Model, objective and optimizer. The same batches, options and number of steps give the same bytes, on any
/// number of threads, however the steps are spread over processes (train/checkpoint.h).
class Trainer {
 public:
  using NextBatch = std::function<TokenBatch()>;

  /// `model` and `objective` must outlive this.
  Trainer(TrainableDecoder& model, const Objective& objective, const TrainerOptions& options);

  /// Takes `accumulation` batches and moves the weights once. Throws Error(invalid_argument) when the loss or
  /// a gradient is not finite: then the weights are as they were before the step.
  StepReport step(const NextBatch& next);
  /// Over all batches: `next` replaces its argument and returns false when there is none left.
  Totals evaluate(const std::function<bool(TokenBatch&)>& next) const;

  const TrainableDecoder& model() const { return model_; }
  TrainableDecoder& model() { return model_; }
  const Objective& objective() const { return objective_; }
  const Optimizer& optimizer() const { return optimizer_; }
  Optimizer& optimizer() { return optimizer_; }
  const TrainerOptions& options() const { return options_; }

 private:
  TrainableDecoder& model_;
  const Objective& objective_;
  TrainerOptions options_;
  Optimizer optimizer_;
};

}  // namespace adlib::train
