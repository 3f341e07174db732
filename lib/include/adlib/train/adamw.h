// adlib/train/adamw.h: the optimizer, over all parameters of a model.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "adlib/io/weights.h"
#include "adlib/train/parameters.h"

namespace adlib::train {

struct AdamwConfig {
  double beta1 = 0.9;
  double beta2 = 0.95;  ///< 0.999 remembers longer than the short runs that adlib is made for
  double epsilon = 1e-8;
  double weight_decay = 0.1;  ///< of weights and tables; never of biases and norms
};
/// Throws Error(invalid_argument) "adamw: …" for numbers outside their ranges.
void validate(const AdamwConfig& config);

/// AdamW (Loshchilov & Hutter 2019): ops::adamw_step for each parameter.
class Adamw {
 public:
  /// Moves `parameters`, which must outlive this.
  Adamw(const std::vector<Parameter*>& parameters, const AdamwConfig& config = {});

  /// One step along the gradients, each multiplied by `gradient_scale` first.
  void step(double learning_rate, double gradient_scale = 1);
  std::int64_t steps() const { return steps_; }

  /// The moments, as `parameter`.exp_avg and `parameter`.exp_avg_sq.
  std::map<std::string, Tensor> state() const;
  /// Continues from state() after `steps` steps. Throws Error naming the tensor that is missing or misshapen.
  void restore(const Weights& state, std::int64_t steps);

 private:
  struct Moments {
    Parameter* parameter;
    Tensor mean, square;  // f32, as the parameter
  };

  AdamwConfig config_;
  std::vector<Moments> moments_;
  std::int64_t steps_ = 0;
};

}  // namespace adlib::train
