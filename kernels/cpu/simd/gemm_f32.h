// kernels/cpu/simd/gemm_f32.h: the inner loops of the f32 matrix product, one table a SIMD level.
#pragma once

#include <cstdint>

namespace adlib::kernels::simd {

/// Every level sums one output element over k in ascending order with fused multiply-adds, one lane an
/// element: the height of a tile does not change a bit of any row.
struct GemmF32 {
  std::int64_t rows;     ///< the most rows of a tile
  std::int64_t columns;  ///< the columns of a panel
  /// sums (m, columns) of row stride `stride` = or += a (m rows of stride a_stride, k) · panel (k, columns),
  /// 1 <= m <= rows.
  void (*tile)(float* sums, std::int64_t stride, const float* a, std::int64_t a_stride, const float* panel,
               std::int64_t m, std::int64_t k, bool add);
};

extern const GemmF32 gemm_f32_avx2;
extern const GemmF32 gemm_f32_avx512;

}  // namespace adlib::kernels::simd
