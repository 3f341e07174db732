// kernels/cpu/math.h: vectorised functions for the processor at hand.
#pragma once

#include <cstdint>

#include "kernels/cpu/simd/math.h"
#include "kernels/cpu/vector.h"

namespace adlib::kernels::cpu {

/// The functions of the level that isa() names.
const simd::Math& math();

/// y[i] = exp(x[i] - shift) for i < n; their ordered_sum(). y may be x.
inline float exp_and_sum(float* y, const float* x, float shift, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = x[i] - shift;
  math().exp(y, n);
  return ordered_sum(n, [&](std::int64_t i) { return y[i]; });
}

}  // namespace adlib::kernels::cpu
