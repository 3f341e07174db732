// kernels/cpu/simd/training.h: what training does to every number once a step, one table a SIMD level.
#pragma once

#include <cstdint>

namespace adlib::kernels::simd {

/// kernels/adamw_step.h on n elements.
struct AdamwRun {
  float* w;
  float* m;
  float* v;
  const float* gradient;
  std::int64_t n;
  float gradient_scale, decay, gradient_share1, beta2, gradient_share2, root_correction2, epsilon, step_size;
};

/// kernels/dropout.h on n elements, of which the first is number 4 first_block of its tensor.
struct DropoutRun {
  float* y;
  const float* x;
  const float* residual;  ///< may be null
  std::int64_t n;
  std::uint64_t first_block;
  std::uint64_t seed, stream;
  std::uint32_t threshold;
  float scale;
};

/// An element's result does not depend on where it stands.
struct Training {
  void (*adamw)(const AdamwRun& run);
  void (*dropout)(const DropoutRun& run);
  /// The sum of x[i]², every product exact, in an order that n and the level decide.
  double (*sum_of_squares)(const float* x, std::int64_t n);
  /// The bits of x[i] as bfloat16, as its constructor rounds them.
  void (*round_to_bf16)(std::uint16_t* y, const float* x, std::int64_t n);
};

extern const Training training_baseline;
extern const Training training_avx2;
extern const Training training_avx512;

}  // namespace adlib::kernels::simd
