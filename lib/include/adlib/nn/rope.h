// adlib/nn/rope.h: rotary position embedding and the ways in which checkpoints stretch it to longer contexts.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

#include "adlib/ops.h"

namespace adlib::nn {

/// How the angles are made; names and meanings as in Hugging Face's rope_scaling.
struct RopeConfig {
  enum class Scaling { none, linear, llama3, yarn };

  double theta = 10000.0;
  std::int64_t rotary_dim = 0;  ///< how many elements of a head are rotated; even
  Scaling scaling = Scaling::none;
  double factor = 1.0;
  std::int64_t original_context = 0;  ///< llama3, yarn: the context that the model was first trained for
  double low_freq_factor = 1.0;       ///< llama3
  double high_freq_factor = 4.0;      ///< llama3
  double beta_fast = 32.0;            ///< yarn
  double beta_slow = 1.0;             ///< yarn
  double attention_factor = 0.0;      ///< yarn: multiplies cos and sin; 0 means 0.1 ln(factor) + 1
  bool truncate = true;               ///< yarn: round the ends of the ramp to whole dimensions

  friend bool operator==(const RopeConfig&, const RopeConfig&) = default;
};

/// The angle per position of each rotated pair, after scaling. (R/2)
/// Llama 3: frequencies below low_freq_factor / original_context are divided by `factor`, those above
/// high_freq_factor / original_context kept, those between blended (Meta, Llama 3.1). YaRN: a linear ramp
/// over the dimensions between beta_fast and beta_slow rotations (Peng et al. 2023).
inline std::vector<double> rope_frequencies(const RopeConfig& config) {
  const auto pairs = config.rotary_dim / 2;
  const auto original = static_cast<double>(config.original_context);
  std::vector<double> frequencies(static_cast<std::size_t>(pairs));
  // The dimension that turns `rotations` times over the original context.
  const auto yarn_dimension = [&](double rotations) {
    return static_cast<double>(config.rotary_dim) *
           std::log(original / (rotations * 2.0 * std::numbers::pi)) / (2.0 * std::log(config.theta));
  };
  for (std::int64_t i = 0; i < pairs; ++i) {
    const double base =
        std::pow(config.theta, -2.0 * static_cast<double>(i) / static_cast<double>(config.rotary_dim));
    double scaled = base;
    switch (config.scaling) {
      case RopeConfig::Scaling::none:
        break;
      case RopeConfig::Scaling::linear:
        scaled = base / config.factor;
        break;
      case RopeConfig::Scaling::llama3: {
        const double turns = original * base / (2.0 * std::numbers::pi);  // over the original context
        const double keep = std::clamp(
            (turns - config.low_freq_factor) / (config.high_freq_factor - config.low_freq_factor), 0.0, 1.0);
        scaled = (1.0 - keep) * base / config.factor + keep * base;
        break;
      }
      case RopeConfig::Scaling::yarn: {
        double low = yarn_dimension(config.beta_fast);
        double high = yarn_dimension(config.beta_slow);
        if (config.truncate) {
          low = std::floor(low);
          high = std::ceil(high);
        }
        low = std::max(low, 0.0);
        high = std::min(high, static_cast<double>(config.rotary_dim - 1));
        if (low == high) high += 0.001;  // the ramp needs a slope
        const double ramp = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
        scaled = ramp * base / config.factor + (1.0 - ramp) * base;
        break;
      }
    }
    frequencies[static_cast<std::size_t>(i)] = scaled;
  }
  return frequencies;
}

/// Tables of cos and sin for positions 0 … context - 1, computed in double.
class Rope {
 public:
  Rope(const RopeConfig& config, std::int64_t context, Device device) {
    const std::vector<double> frequencies = rope_frequencies(config);
    double gain = 1.0;
    if (config.scaling == RopeConfig::Scaling::yarn) {
      gain = config.attention_factor > 0 ? config.attention_factor
                                         : (config.factor > 1.0 ? 0.1 * std::log(config.factor) + 1.0 : 1.0);
    }
    const Shape shape{context, config.rotary_dim / 2};
    Tensor cos = Tensor::empty(shape);
    Tensor sin = Tensor::empty(shape);
    float* cos_out = cos.data<float>().data();
    float* sin_out = sin.data<float>().data();
    for (std::int64_t position = 0; position < context; ++position) {
      for (const double frequency : frequencies) {
        const double angle = static_cast<double>(position) * frequency;
        *cos_out++ = static_cast<float>(gain * std::cos(angle));
        *sin_out++ = static_cast<float>(gain * std::sin(angle));
      }
    }
    cos_ = cos.to(device);
    sin_ = sin.to(device);
  }

  /// x (N, H, D), positions (N) i32 -> (N, H, D)
  Tensor operator()(const Tensor& x, const Tensor& positions) const {
    return ops::rope(x, positions, cos_, sin_);
  }
  /// The gradient by x. dy (N, H, D), positions (N) i32 -> (N, H, D)
  Tensor backward(const Tensor& dy, const Tensor& positions) const {
    return ops::rope_backward(dy, positions, cos_, sin_);
  }

 private:
  Tensor cos_;  // (context, R/2)
  Tensor sin_;  // (context, R/2)
};

}  // namespace adlib::nn
