#include <cmath>

#include "adlib/core/random.h"
#include "adlib/models/decoder.h"

namespace adlib {

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
