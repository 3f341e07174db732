// kernels/cpu/simd/epilogue.h: what is done to the sums of a product in one pass, one table a SIMD level.
#pragma once

#include <cstdint>

namespace adlib::kernels::simd {

/// out[j] = f(scales[j] sums[j] + bias[j]) multiplier[j] + residual[j] for j < n; null pointers leave their
/// part out. `scales` are bits of bfloat16. Every product is rounded before the next sum. `out` may be
/// `residual`.
struct EpilogueRow {
  float* out;
  const float* sums;
  const std::uint16_t* scales;
  const float* bias;
  const float* multiplier;
  const float* residual;
  std::int64_t n;
};

/// f with the accuracy of Math; an element's result does not depend on where it stands.
struct Epilogue {
  void (*none)(const EpilogueRow& row);
  void (*gelu_tanh)(const EpilogueRow& row);
  void (*silu)(const EpilogueRow& row);
};

extern const Epilogue epilogue_avx2;
extern const Epilogue epilogue_avx512;

}  // namespace adlib::kernels::simd
