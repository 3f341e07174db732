// kernels/cuda/activation.cuh: element-wise nonlinearities and their derivatives.
//
// The formulas are those of kernels/cpu/simd/math_lanes.h, with which NaN stays NaN: comparisons, and not
// fminf, cut x off. A thread has one group of 16 bytes of each operand, and takes others a grid further on.
// Bound by memory: n sizeof(T) bytes for each operand. Half types use the special function unit, or their
// arithmetic would be the limit.
#pragma once

#include "kernels/activation.h"
#include "kernels/cuda/exp.cuh"
#include "kernels/cuda/group.cuh"

namespace adlib::kernels::cuda {

/// x between -limit and limit; NaN stays.
__device__ __forceinline__ float cut_off(float x, float limit) {
  return x < -limit ? -limit : x > limit ? limit : x;
}

/// Where exp(-x) stays finite, and 1 / (1 + exp(-x)) normal.
inline constexpr float logistic_limit = 87.0f;

template <class T>
__device__ __forceinline__ float silu_of(float x) {
  return quotient_of<T>(x, 1.0f + exp_of<T>(-x));
}

/// With s = 1 / (1 + e^-x): (x s)' = s (1 + x (1 - s)), and 1 - s = e^-x s without cancellation.
template <class T>
__device__ __forceinline__ float silu_slope_of(float x) {
  x = cut_off(x, logistic_limit);
  const float e = exp_of<T>(-x), s = quotient_of<T>(1.0f, 1.0f + e);
  return s * (x * (e * s) + 1.0f);
}

inline constexpr float two_sqrt_2_over_pi = 1.59576912160573071f;

/// 0.5 x (1 + tanh u) = x / (1 + e^-2u)
template <class T>
__device__ __forceinline__ float gelu_tanh_of(float x) {
  const float twice_u = (x * x * x * 0.044715f + x) * two_sqrt_2_over_pi;
  return quotient_of<T>(x, 1.0f + exp_of<T>(-twice_u));
}

/// As silu's with 2u for x in the logistic function, so that the second term has (2u)' as another factor.
template <class T>
__device__ __forceinline__ float gelu_tanh_slope_of(float x) {
  x = cut_off(x, 16.0f);  // where the slope is 0 or 1 in float
  const float squared = x * x;
  const float twice_u = (squared * x * 0.044715f + x) * two_sqrt_2_over_pi;
  const float slope = squared * (3 * 0.044715f * two_sqrt_2_over_pi) + two_sqrt_2_over_pi;
  const float e = exp_of<T>(-cut_off(twice_u, logistic_limit)), s = quotient_of<T>(1.0f, 1.0f + e);
  return s * (x * slope * (e * s) + 1.0f);
}

/// The standard normal distribution at |x|: its tail 1 - Φ and e^(-x²/2); math_lanes.h says how.
struct NormalTail {
  float magnitude, tail, exponential;
};
template <class T>
__device__ __forceinline__ NormalTail normal_tail(float x) {
  const float magnitude = fabsf(cut_off(x, 16.0f));
  const float z = magnitude * (0.3f * 0.70710678118654752440f);
  const float s = quotient_of<T>(z, 1.0f + z);
  float p = 0.06409312f;
  p = p * s - 0.33752835f;
  p = p * s + 0.64119524f;
  p = p * s - 0.15753946f;
  p = p * s - 1.6546917f;
  p = p * s + 3.8492765f;
  p = p * s - 4.6990337f;
  p = p * s + 3.6748571f;
  p = p * s - 1.8806305f;
  p = p * s + 0.5f;
  const float e = exp_of<T>(-0.5f * magnitude * magnitude);
  return {magnitude, p * e, e};
}

/// x Φ(x) = max(x, 0) - |x| (1 - Φ(|x|))
template <class T>
__device__ __forceinline__ float gelu_erf_of(float x) {
  const NormalTail normal = normal_tail<T>(x);
  return (x > 0.0f ? x : 0.0f) - normal.magnitude * normal.tail;
}

/// Φ(x) + x φ(x): at -|x| the tail less |x| φ(x), at |x| what is left of 1.
template <class T>
__device__ __forceinline__ float gelu_erf_slope_of(float x) {
  const NormalTail normal = normal_tail<T>(x);
  const float below = normal.tail - normal.magnitude * (normal.exponential * 0.39894228040143267794f);
  return x < 0.0f ? below : 1.0f - below;
}

/// f(x) for a result of type T.
template <class T, Activation F>
__device__ __forceinline__ float activation_of(float x) {
  if constexpr (F == Activation::gelu_tanh) return gelu_tanh_of<T>(x);
  if constexpr (F == Activation::gelu_erf) return gelu_erf_of<T>(x);
  if constexpr (F == Activation::silu) return silu_of<T>(x);
  if constexpr (F == Activation::relu) return x < 0.0f ? 0.0f : x;
  return x;
}
/// dy f'(x) for a result of type T.
template <class T, Activation F>
__device__ __forceinline__ float activation_gradient_of(float dy, float x) {
  if constexpr (F == Activation::gelu_tanh) return dy * gelu_tanh_slope_of<T>(x);
  if constexpr (F == Activation::gelu_erf) return dy * gelu_erf_slope_of<T>(x);
  if constexpr (F == Activation::silu) return dy * silu_slope_of<T>(x);
  if constexpr (F == Activation::relu) return x <= 0.0f ? 0.0f : dy;
  return dy;
}

/// y = f(x) in float. grid = groups / 256 or
/// what fills the device; block = 256. Aligned: y and x are multiples of 16 bytes.
template <class T, Activation F, bool Aligned>
__global__ void __launch_bounds__(256) activate_kernel(T* y, const T* x, std::int64_t n) {
  constexpr int size = vec_size<T>;
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * 256 * size;
  std::int64_t i = (static_cast<std::int64_t>(blockIdx.x) * 256 + threadIdx.x) * size;
  const auto one = [&](std::int64_t at, auto aligned) {
    Group<T> values = load_group<decltype(aligned)::value>(x + at, n - at);
#pragma unroll
    for (int e = 0; e < size; ++e) values[e] = round_to<T>(activation_of<T, F>(to_float(values[e])));
    store_group<decltype(aligned)::value>(y + at, values, n - at);
  };
#pragma unroll 2
  for (; Aligned && i + size <= n; i += step) one(i, std::true_type{});
  for (; i < n; i += step) one(i, std::false_type{});  // the last, short group
}

/// As activate_kernel, with one more operand.
template <class T, Activation F, bool Aligned>
__global__ void __launch_bounds__(256)
    activate_backward_kernel(T* dx, const T* dy, const T* x, std::int64_t n) {
  constexpr int size = vec_size<T>;
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * 256 * size;
  std::int64_t i = (static_cast<std::int64_t>(blockIdx.x) * 256 + threadIdx.x) * size;
  const auto one = [&](std::int64_t at, auto aligned) {
    constexpr bool whole = decltype(aligned)::value;
    const Group<T> gradients = load_group<whole>(dy + at, n - at);
    Group<T> values = load_group<whole>(x + at, n - at);
#pragma unroll
    for (int e = 0; e < size; ++e)
      values[e] = round_to<T>(activation_gradient_of<T, F>(to_float(gradients[e]), to_float(values[e])));
    store_group<whole>(dx + at, values, n - at);
  };
#pragma unroll 2
  for (; Aligned && i + size <= n; i += step) one(i, std::true_type{});
  for (; i < n; i += step) one(i, std::false_type{});
}

/// y = silu(gate) up. A thread has one group of columns of every gridDim.y-th row. grid = (groups / 128,
/// rows or what fills the device), block = 128.
template <class T, bool Aligned>
__global__ void __launch_bounds__(128)
    swiglu_kernel(T* y, const T* gate, const T* up, std::int64_t rows, std::int64_t cols,
                  std::int64_t gate_stride, std::int64_t up_stride) {
  constexpr int size = vec_size<T>;
  const std::int64_t column = (static_cast<std::int64_t>(blockIdx.x) * 128 + threadIdx.x) * size;
  const std::int64_t left = cols - column;
  if (left <= 0) return;
#pragma unroll 2
  for (std::int64_t r = blockIdx.y; r < rows; r += gridDim.y) {
    const Group<T> g = load_group<Aligned>(gate + r * gate_stride + column, left);
    Group<T> u = load_group<Aligned>(up + r * up_stride + column, left);
#pragma unroll
    for (int e = 0; e < size; ++e) u[e] = round_to<T>(silu_of<T>(to_float(g[e])) * to_float(u[e]));
    store_group<Aligned>(y + r * cols + column, u, left);
  }
}

/// As swiglu_kernel.
template <class T, bool Aligned>
__global__ void __launch_bounds__(128)
    swiglu_backward_kernel(T* dgate, T* dup, const T* dy, const T* gate, const T* up, std::int64_t rows,
                           std::int64_t cols, SwigluStrides strides) {
  constexpr int size = vec_size<T>;
  const std::int64_t column = (static_cast<std::int64_t>(blockIdx.x) * 128 + threadIdx.x) * size;
  const std::int64_t left = cols - column;
  if (left <= 0) return;
  for (std::int64_t r = blockIdx.y; r < rows; r += gridDim.y) {
    const Group<T> d = load_group<Aligned>(dy + r * cols + column, left);
    Group<T> g = load_group<Aligned>(gate + r * strides.gate + column, left);
    Group<T> u = load_group<Aligned>(up + r * strides.up + column, left);
#pragma unroll
    for (int i = 0; i < size; ++i) {
      // As silu_slope_of, with its exponential for both.
      const float gradient = to_float(d[i]), x = to_float(g[i]), c = cut_off(x, logistic_limit);
      const float e = exp_of<T>(-c), s = quotient_of<T>(1.0f, 1.0f + e);
      g[i] = round_to<T>(gradient * to_float(u[i]) * (s * (c * (e * s) + 1.0f)));
      u[i] = round_to<T>(gradient * (x * s));
    }
    store_group<Aligned>(dgate + r * strides.dgate + column, g, left);
    store_group<Aligned>(dup + r * strides.dup + column, u, left);
  }
}

}  // namespace adlib::kernels::cuda
