// kernels/cpu/simd/math.h: exponentials and what is built on them, one table a SIMD level.
#pragma once

#include <cstdint>

namespace adlib::kernels::simd {

/// On n floats, with float arithmetic of the vector's lanes: an element's result does not depend on where it
/// stands. Functions of one pointer work in place; results may be an operand. Errors are measured by
/// tests/ops/simd_test.cpp; the baseline's are larger by half where it has no fused multiply-add.
struct Math {
  /// exp(x), within 1.1 ulp; 0 below -104, infinity from 88.73 on.
  void (*exp)(float* x, std::int64_t n) = nullptr;
  /// y[i] = exp(x[i] - shift); their sum, in an order that n and the level decide.
  float (*exp_and_sum)(float* y, const float* x, float shift, std::int64_t n) = nullptr;
  /// x / (1 + exp(-2u)), u = sqrt(2/pi) (x + 0.044715 x^3), which is 0.5 x (1 + tanh u) without its
  /// cancellation; within 2^-22 of |x|.
  void (*gelu_tanh)(float* x, std::int64_t n) = nullptr;
  /// x Φ(x) = 0.5 x (1 + erf(x / sqrt 2)), within 2^-23 of |x|.
  void (*gelu_erf)(float* x, std::int64_t n) = nullptr;
  /// x / (1 + exp(-x)), within 4 ulp where the result is over 1e-36; 0 where exp(-x) overflows.
  void (*silu)(float* x, std::int64_t n) = nullptr;

  /// dx[i] = dy[i] f'(x[i]); f' within 2^-21.
  void (*gelu_tanh_backward)(float* dx, const float* dy, const float* x, std::int64_t n) = nullptr;
  void (*gelu_erf_backward)(float* dx, const float* dy, const float* x, std::int64_t n) = nullptr;
  void (*silu_backward)(float* dx, const float* dy, const float* x, std::int64_t n) = nullptr;
  /// dgate = dy up silu'(gate), dup = dy silu(gate).
  void (*swiglu_backward)(float* dgate, float* dup, const float* dy, const float* gate, const float* up,
                          std::int64_t n) = nullptr;
};

extern const Math math_baseline;
extern const Math math_avx2;
extern const Math math_avx512;

}  // namespace adlib::kernels::simd
