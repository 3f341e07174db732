#include "adlib/train/muon.h"

#include <algorithm>
#include <cmath>

namespace adlib::train {
namespace {

Tensor times(const Tensor& x, double factor) {
  return ops::multiply(x, Tensor::from({static_cast<float>(factor)}, {1}).to(x.device()));
}

// x wide: x xᵀ has the shorter side.
Tensor orthogonalize_wide(Tensor x) {
  constexpr int iterations = 5;
  constexpr double a = 3.4445, b = -4.7750, c = 2.0315;
  x = times(x, 1 / std::max(std::sqrt(ops::squared_norm(x)), 1e-7));
  for (int i = 0; i < iterations; ++i) {  // x = a x + (b g + c g²) x with g = x xᵀ
    const Tensor gram = ops::matmul(x, x, {.transpose_b = true});
    const Tensor square = ops::matmul(gram, gram);
    x = ops::matmul(ops::add(times(gram, b), times(square, c)), x, {.residual = times(x, a)});
  }
  return x;
}

}  // namespace

void validate(const MuonConfig& config) {
  require(config.momentum >= 0 && config.momentum < 1, "muon: momentum is ", config.momentum,
          ", expected 0 <= momentum < 1");
  require(config.weight_decay >= 0, "muon: the weight decay is ", config.weight_decay,
          ", expected at least 0");
}

Tensor orthogonalize(const Tensor& x) {
  require(x.rank() == 2, "orthogonalize: x is ", x.describe(), ", expected two dimensions");
  if (x.size(0) <= x.size(1)) return orthogonalize_wide(x.contiguous());
  return orthogonalize_wide(x.transpose(0, 1).contiguous()).transpose(0, 1).contiguous();
}

Muon::Muon(std::vector<Parameter*> parameters, const MuonConfig& config)
    : config_((validate(config), config)) {
  for (Parameter* parameter : parameters) {
    require(parameter->master.rank() == 2, "muon: '", parameter->name, "' is ", parameter->master.describe(),
            ", expected two dimensions");
    momenta_.push_back(
        {parameter, Tensor::zeros(parameter->master.shape(), DType::f32, parameter->master.device())});
  }
}

void Muon::step(double learning_rate, double gradient_scale) {
  for (Momentum& momentum : momenta_) {
    Parameter& parameter = *momentum.parameter;
    const Tensor share = times(parameter.sum(), gradient_scale * (1 - config_.momentum));
    momentum.buffer = ops::add(times(momentum.buffer, config_.momentum), share);
    const Tensor ahead = ops::add(times(momentum.buffer, config_.momentum), share);
    const std::int64_t columns = parameter.master.size(1) / parameter.parts;
    for (std::int64_t part = 0; part < parameter.parts; ++part) {
      const auto cut = [&](const Tensor& whole) {
        return whole.slice(1, part * columns, (part + 1) * columns);
      };
      const double longer = static_cast<double>(std::max(parameter.master.size(0), columns));
      Tensor weights = cut(parameter.master);
      const Tensor kept = times(weights, 1 - learning_rate * config_.weight_decay);
      const Tensor move = times(orthogonalize(cut(ahead)), -learning_rate * 0.2 * std::sqrt(longer));
      ops::copy_into(weights, ops::add(kept, move));
    }
    parameter.round_master();
  }
}

std::map<std::string, Tensor> Muon::state() const {
  std::map<std::string, Tensor> tensors;
  for (const Momentum& momentum : momenta_)
    tensors[momentum.parameter->name + ".momentum_buffer"] = momentum.buffer;
  return tensors;
}

void Muon::restore(const Weights& state) {
  for (Momentum& momentum : momenta_) {
    ops::copy_into(momentum.buffer,
                   state.take(momentum.parameter->name + ".momentum_buffer", momentum.buffer.shape()));
  }
}

}  // namespace adlib::train
