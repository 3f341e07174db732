// kernels/cpu/simd/gemm_f32.h: the inner loops of the f32 matrix product, one table a SIMD level.
#pragma once

#include <cstdint>

namespace adlib::kernels::simd {

/// One tile of a product: sums (m, columns) = or += a (m, k) · panel (k, columns). Strides are in floats.
struct TileF32 {
  float* sums;
  std::int64_t sums_row;  ///< between rows of sums
  const float* a;
  std::int64_t a_row, a_k;  ///< between rows of a, and between its columns: either may be 1
  const float* panel;
  std::int64_t panel_row;  ///< between rows of the panel; its columns lie side by side
  std::int64_t m, k;
  bool add;
  /// What is read next, to be fetched meanwhile: two lines of 64 bytes for each k. May be null.
  const void* ahead = nullptr;
  std::int64_t ahead_step = 0;  ///< bytes from one to the next
};

/// Every level sums one output element over k in ascending order with fused multiply-adds, one lane an
/// element: the height of a tile does not change a bit of any row.
struct GemmF32 {
  std::int64_t rows;     ///< the most rows of a tile
  std::int64_t columns;  ///< the columns of a panel
  /// 1 <= m <= rows.
  void (*tile)(const TileF32& tile);
};

extern const GemmF32 gemm_f32_avx2;
extern const GemmF32 gemm_f32_avx512;

}  // namespace adlib::kernels::simd
