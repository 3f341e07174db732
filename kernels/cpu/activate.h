// kernels/cpu/activate.h: the nonlinearities on floats, shared by activation.cpp and the epilogue of
// matmul.cpp. Scalar libm calls: Eigen's packet versions round differently in the tail of a row.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/activation.h"

namespace adlib::kernels::cpu {

inline float gelu_tanh(float x) {
  constexpr float sqrt_2_over_pi = 0.79788456080286535588f;
  return 0.5f * x * (1.0f + std::tanh(sqrt_2_over_pi * (x + 0.044715f * x * x * x)));
}
inline float gelu_erf(float x) {
  constexpr float one_over_sqrt_2 = 0.70710678118654752440f;
  return 0.5f * x * (1.0f + std::erf(x * one_over_sqrt_2));
}
inline float silu(float x) { return x / (1.0f + std::exp(-x)); }
inline float relu(float x) { return x < 0.0f ? 0.0f : x; }

/// x[i] = f(x[i]) for i < n.
inline void activate(float* x, std::int64_t n, Activation activation) {
  switch (activation) {
    case Activation::none:
      return;
    case Activation::gelu_tanh:
      for (std::int64_t i = 0; i < n; ++i) x[i] = gelu_tanh(x[i]);
      return;
    case Activation::gelu_erf:
      for (std::int64_t i = 0; i < n; ++i) x[i] = gelu_erf(x[i]);
      return;
    case Activation::silu:
      for (std::int64_t i = 0; i < n; ++i) x[i] = silu(x[i]);
      return;
    case Activation::relu:
      for (std::int64_t i = 0; i < n; ++i) x[i] = relu(x[i]);
      return;
  }
}

}  // namespace adlib::kernels::cpu
