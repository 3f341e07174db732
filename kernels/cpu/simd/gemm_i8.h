// kernels/cpu/simd/gemm_i8.h: the inner loops of products of quantised operands, one table a SIMD level.
#pragma once

#include <cstdint>

namespace adlib::kernels::simd {

/// One tile: sums (m, columns) = or += Σ over groups g of
///   a_scales[g] · panel_scales[g] · Σ over k in g of a[k] · (panel[k] - zero),
/// the inner sum exact in int32, the outer in float in ascending order. The zero that makes the panel's codes
/// unsigned, as the processor's instruction wants them, is 128 for int8 and 8 for int4; it enters through
/// a_offsets[g] = -zero · Σ a[k], with which the inner sum begins.
///
/// The panel holds one group after the other, each as its codes, then (grouped forms) its `columns` scales in
/// bfloat16. Codes stand four rows at a time: element (4q + i, column) is byte q · 4 columns + 4 column + i;
/// of int4, the low half of that byte belongs to quad 2q and the high half to quad 2q + 1. A short last group
/// is filled up to whole quads (int8) or pairs of quads (int4); there a is 0.
struct TileI8 {
  float* sums;
  std::int64_t sums_row;
  const void* a;                  ///< codes, as GemmI8::wide says
  std::int64_t a_row;             ///< bytes between rows
  const float* a_scales;          ///< (m, groups)
  const std::int32_t* a_offsets;  ///< (m, groups)
  std::int64_t groups_row;        ///< elements between rows of a_scales and of a_offsets
  const std::uint8_t* panel;
  std::int64_t m, k;
  std::int64_t group;  ///< elements of k that share a scale: a multiple of 8
  bool add;
  std::int64_t ahead = 0;  ///< bytes from the panel to what is read next, to be fetched from memory meanwhile
};

struct GemmI8 {
  std::int64_t rows;     ///< the most rows of a tile
  std::int64_t columns;  ///< the columns of a panel
  /// Codes of a: false, one byte each in order; true, 16 bits each, every four in the order 0 2 1 3.
  bool wide;
  void (*i8)(const TileI8& tile);          ///< int8, without scales in the panel
  void (*i8_grouped)(const TileI8& tile);  ///< int8 with scales
  void (*i4_grouped)(const TileI8& tile);  ///< int4 with scales
  /// Quantises one row of k floats: per group, scale = max |a| / 127 and codes = a / scale to nearest even;
  /// offsets = -zero · Σ codes. A group whose largest magnitude is under 1e-30 is zero; one with an infinity
  /// or a NaN has the scale NaN. `codes` has room for k rounded up to a multiple of 16, and is filled up to
  /// it with zeros.
  void (*quantize)(void* codes, float* scales, std::int32_t* offsets, const float* a, std::int64_t k,
                   std::int64_t group, std::int32_t zero);
};

extern const GemmI8 gemm_i8_avx2;
extern const GemmI8 gemm_i8_avx512;
extern const GemmI8 gemm_i8_vnni;

}  // namespace adlib::kernels::simd
