// adlib/train/optimizer.h: what moves all parameters of a model.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "adlib/train/adamw.h"
#include "adlib/train/muon.h"

namespace adlib::train {

struct OptimizerConfig {
  AdamwConfig adamw = {};
  /// Of the matrices inside the blocks; without it AdamW moves these, too.
  std::optional<MuonConfig> muon = {};
};
/// Throws Error(invalid_argument) naming the optimizer and the number that is outside its range.
void validate(const OptimizerConfig& config);

/// AdamW, or Muon for the matrices inside the blocks and AdamW for the rest.
class Optimizer {
 public:
  /// `parameters` must outlive this.
  Optimizer(Parameters& parameters, const OptimizerConfig& config = {});

  /// One step along the gradients, each multiplied by `gradient_scale` first.
  void step(double learning_rate, double gradient_scale = 1);
  std::int64_t steps() const { return adamw_.steps(); }

  /// What the optimizers remember, by names of their own.
  std::map<std::string, Tensor> state() const;
  /// Continues from state() after `steps` steps. Throws Error naming the tensor that is missing or misshapen.
  void restore(const Weights& state, std::int64_t steps);

 private:
  Adamw adamw_;
  std::optional<Muon> muon_;
};

}  // namespace adlib::train
