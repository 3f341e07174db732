// adlib/train/muon.h: the optimizer of the matrices inside the blocks.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "adlib/io/weights.h"
#include "adlib/train/parameters.h"

namespace adlib::train {

struct MuonConfig {
  double momentum = 0.95;
  double weight_decay = 0.1;
};
/// Throws Error(invalid_argument) "muon: …" for numbers outside their ranges.
void validate(const MuonConfig& config);

/// The nearest matrix to `x` whose singular values are all about one (0.7 to 1.2), by five Newton-Schulz
/// iterations with the coefficients of Jordan et al. 2024. The same whatever x is scaled by; zeros stay
/// zeros. (R, C) f32 -> (R, C)
Tensor orthogonalize(const Tensor& x);

/// Muon (Jordan et al. 2024): momentum with Nesterov's look ahead, made orthogonal, so that rare directions
/// of a gradient move a matrix as far as common ones. Steps are scaled by 0.2 √max(R, C) (Liu et al. 2025):
/// then they are as long as AdamW's, and both take one learning rate and one weight decay. A fused projection
/// (Parameter::parts) is several matrices side by side, each made orthogonal by itself.
class Muon {
 public:
  /// Moves `parameters`, all of two dimensions, which must outlive this.
  Muon(std::vector<Parameter*> parameters, const MuonConfig& config = {});

  /// One step along the gradients, each multiplied by `gradient_scale` first.
  void step(double learning_rate, double gradient_scale = 1);

  /// The momentum, as `parameter`.momentum_buffer.
  std::map<std::string, Tensor> state() const;
  /// Continues from state(). Throws Error naming the tensor that is missing or misshapen.
  void restore(const Weights& state);

 private:
  struct Momentum {
    Parameter* parameter;
    Tensor buffer;  // f32, as the parameter
  };

  MuonConfig config_;
  std::vector<Momentum> momenta_;
};

}  // namespace adlib::train
