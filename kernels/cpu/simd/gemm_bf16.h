// kernels/cpu/simd/gemm_bf16.h: the inner loops of products with a bfloat16 right operand, one table a SIMD
// level.
#pragma once

#include <cstdint>

namespace adlib::kernels::simd {

/// One tile: sums (m, columns) = or += a (m, k) · panel (k, columns). The panel holds pairs of rows: element
/// (2p + i, column) stands at panel[p · 2 columns + 2 column + i]. k is even: an odd one is filled up by a
/// row of zeros in both operands.
struct TileBf16 {
  float* sums;
  std::int64_t sums_row;
  const void* a;               ///< bfloat16 bits or floats, as GemmBf16::a_is_bf16 says
  std::int64_t a_row, a_pair;  ///< elements between rows, and between pairs of columns; a pair is adjacent
  const std::uint16_t* panel;
  std::int64_t m, k;
  bool add;
  /// What is read next, to be fetched meanwhile: two lines of 64 bytes for each pair. May be null.
  const void* ahead = nullptr;
  std::int64_t ahead_step = 0;  ///< bytes from one to the next
};

/// Sums in float over k in ascending order. With a_is_bf16 the processor's instruction adds the two products
/// of a pair at a time, taking subnormal numbers for zero; otherwise a is float and each product is a fused
/// multiply-add. Either way one lane is one element, whatever the height of the tile.
struct GemmBf16 {
  std::int64_t rows;     ///< the most rows of a tile
  std::int64_t columns;  ///< the columns of a panel
  bool a_is_bf16;
  void (*tile)(const TileBf16& tile);  ///< 1 <= m <= rows
  /// out[0 … n) = in, rounded to nearest even; subnormal numbers become zero. Null unless a_is_bf16.
  void (*round)(std::uint16_t* out, const float* in, std::int64_t n);
};

extern const GemmBf16 gemm_bf16_avx2;
extern const GemmBf16 gemm_bf16_avx512;
extern const GemmBf16 gemm_bf16_bf16;

}  // namespace adlib::kernels::simd
