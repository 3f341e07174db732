// kernels/cpu/simd/math.h: exponentials and what is built on them, one table a SIMD level.
#pragma once

#include <cstdint>

namespace adlib::kernels::simd {

/// In place on x[0 … n), each with float arithmetic of the vector's lanes: an element's result does not
/// depend on where it stands. Errors are measured by tests/ops/simd_test.cpp; the baseline's are larger by
/// half where it has no fused multiply-add.
struct Math {
  /// exp(x), within 1.1 ulp; 0 below -104, infinity from 88.73 on.
  void (*exp)(float* x, std::int64_t n) = nullptr;
  /// x / (1 + exp(-2u)), u = sqrt(2/pi) (x + 0.044715 x^3), which is 0.5 x (1 + tanh u) without its
  /// cancellation; within 2^-22 of |x|.
  void (*gelu_tanh)(float* x, std::int64_t n) = nullptr;
  /// x / (1 + exp(-x)), within 4 ulp where the result is over 1e-36; 0 where exp(-x) overflows.
  void (*silu)(float* x, std::int64_t n) = nullptr;
};

extern const Math math_baseline;
extern const Math math_avx2;
extern const Math math_avx512;

}  // namespace adlib::kernels::simd
