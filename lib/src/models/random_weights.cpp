#include <cmath>

#include "adlib/core/random.h"
#include "adlib/models/decoder.h"

namespace adlib {
namespace {

// Sines and cosines of wavelengths from 2π to 20000π (Vaswani et al. 2017): going back by so many places is
// one rotation for all positions, so that a model need not learn it for each. table (P, C)
void fill_sinusoids(Tensor& table, double deviation) {
  const std::int64_t width = table.size(1);
  const double amplitude = deviation * std::sqrt(2.0);
  auto values = table.data<float>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto position = static_cast<double>(static_cast<std::int64_t>(i) / width);
    const std::int64_t column = static_cast<std::int64_t>(i) % width;
    const double power = static_cast<double>(column / 2 * 2) / static_cast<double>(width);
    const double angle = position * std::pow(10000.0, -power);
    values[i] = static_cast<float>(amplitude * (column % 2 == 0 ? std::sin(angle) : std::cos(angle)));
  }
}

}  // namespace

Weights random_weights(const DecoderConfig& config, std::uint64_t seed, DType dtype) {
  constexpr double deviation = 0.02;
  const double residual_deviation = deviation / std::sqrt(2.0 * static_cast<double>(config.layers));
  std::map<std::string, Tensor> tensors;
  std::uint64_t stream = 0;
  for (const TensorSpec& spec : tensor_specs(config)) {
    Tensor values = Tensor::empty(spec.shape);
    if (spec.role == TensorRole::norm || spec.role == TensorRole::bias) {
      const float constant = spec.role == TensorRole::norm && spec.name.ends_with(".weight") ? 1.0f : 0.0f;
      for (float& value : values.data<float>()) value = constant;
    } else if (spec.role == TensorRole::position_embedding) {
      fill_sinusoids(values, deviation);
    } else {
      const bool into_residual = spec.role == TensorRole::attention_out || spec.role == TensorRole::mlp_down;
      // Each tensor draws from a stream of its own, so that adding one changes no other.
      const Philox random(seed, stream++);
      std::uint64_t index = 0;
      for (float& value : values.data<float>()) {
        value = static_cast<float>((into_residual ? residual_deviation : deviation) * random.normal(index++));
      }
    }
    tensors[spec.name] = values.to(dtype);
  }
  return Weights::from(std::move(tensors), concat("random weights of seed ", seed));
}

}  // namespace adlib
