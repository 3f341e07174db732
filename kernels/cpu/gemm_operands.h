// kernels/cpu/gemm_operands.h: what every product on the CPU does to its rows of a and of the result.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "kernels/cpu/activate.h"
#include "kernels/cpu/convert.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/isa.h"
#include "kernels/cpu/simd/epilogue.h"
#include "kernels/matmul.h"

namespace adlib::kernels::cpu {

/// The left operand in the element type E that a tile reads, float or the bits of a bfloat16.
template <class E>
struct Rows {
  const E* data;
  std::int64_t stride;
  bool transposed;  ///< stored (k, m)
};

/// Presents the rows of a to tiles: where they lie, or, when a is transposed, those of one tile side by side
/// in a small area, pairs of columns adjacent, an odd last column of a pair filled up with zeros.
template <class E>
class StagedRows {
 public:
  /// `pairs`: the number of columns of a that the tile takes at once, 1 or 2.
  StagedRows(const Rows<E>& rows, std::int64_t first_row, std::int64_t tile_rows, std::int64_t pairs)
      : rows_(rows), first_row_(first_row), tile_rows_(tile_rows), pairs_(pairs) {}

  void open(std::int64_t first, std::int64_t depth) { first_ = first, depth_ = depth; }
  void stage(std::int64_t i, std::int64_t m) {
    m_ = m;
    const std::int64_t row = first_row_ + i;
    if (!rows_.transposed) {
      data_ = rows_.data + row * rows_.stride + first_;
      row_step_ = rows_.stride, k_step_ = pairs_;
      return;
    }
    E* area = reinterpret_cast<E*>(scratch<struct GemmStage>(tile_rows_ * (gemm_block_k + 1)));
    data_ = area;
    row_step_ = pairs_, k_step_ = pairs_ * tile_rows_;
    // The usual heights as constants: the compiler then turns a row of a into one or two vectors.
    if (m == 12) return stage_columns<12>(area, row, m);
    if (m == 8) return stage_columns<8>(area, row, m);
    stage_columns<0>(area, row, m);
  }

  const E* data() const { return data_; }
  std::int64_t row_step() const { return row_step_; }
  std::int64_t k_step() const { return k_step_; }  ///< between columns, or pairs of columns
  std::int64_t m() const { return m_; }
  std::int64_t depth() const { return depth_; }

 private:
  // Rows and columns change places: area[k / pairs][r][k % pairs] = a[k][r].
  template <int M>
  void stage_columns(E* area, std::int64_t row, std::int64_t m) const {
    if constexpr (M > 0) m = M;
    const E* from = rows_.data + first_ * rows_.stride + row;
    if (pairs_ == 1) {
      for (std::int64_t k = 0; k < depth_; ++k, from += rows_.stride, area += k_step_) {
        for (std::int64_t r = 0; r < m; ++r) area[r] = from[r];
      }
      return;
    }
    for (std::int64_t k = 0; k + 1 < depth_; k += 2, from += 2 * rows_.stride, area += k_step_) {
      const E* next = from + rows_.stride;
      for (std::int64_t r = 0; r < m; ++r) area[2 * r] = from[r], area[2 * r + 1] = next[r];
    }
    if (depth_ % 2 == 0) return;
    for (std::int64_t r = 0; r < m; ++r) area[2 * r] = from[r], area[2 * r + 1] = E();
  }

  Rows<E> rows_;
  std::int64_t first_row_, tile_rows_, pairs_;
  std::int64_t first_ = 0, depth_ = 0, m_ = 0;
  const E* data_ = nullptr;
  std::int64_t row_step_ = 0, k_step_ = 0;
};

/// The operands of one task: staged rows, and `Panels` with open(first, depth), panel(j), 0 past n, and
/// ahead().
template <class E, class Panels>
class Operands {
 public:
  Operands(const Rows<E>& rows, std::int64_t first_row, Panels panels, GemmKind kind, std::int64_t pairs)
      : rows_(rows, first_row, max_tile_rows(kind), pairs), panels_(std::move(panels)) {}

  void open(std::int64_t first, std::int64_t depth) {
    rows_.open(first, depth);
    panels_.open(first, depth);
  }
  void stage(std::int64_t i, std::int64_t m) {
    rows_.stage(i, m);
    ahead_ = i == 0 ? panels_.ahead() : 0;
  }

 protected:
  StagedRows<E> rows_;
  Panels panels_;
  std::int64_t ahead_ = 0;
};

/// Floats: rows of a panel hold panel_columns() of them.
template <class Panels>
class F32Operands : public Operands<float, Panels> {
 public:
  F32Operands(const Rows<float>& rows, std::int64_t first_row, Panels panels)
      : Operands<float, Panels>(rows, first_row, std::move(panels), GemmKind::f32, 1) {}

  void tile(float* sums, std::int64_t sums_row, std::int64_t j, bool add) const {
    gemm_f32().tile({.sums = sums,
                     .sums_row = sums_row,
                     .a = this->rows_.data(),
                     .a_row = this->rows_.row_step(),
                     .a_k = this->rows_.k_step(),
                     .panel = this->panels_.panel(j),
                     .panel_row = panel_columns(),
                     .m = this->rows_.m(),
                     .k = this->rows_.depth(),
                     .add = add,
                     .ahead = this->ahead_});
  }
};

/// Pairs of bfloat16; E is float or uint16_t as the level's tile wants a.
template <class E, class Panels>
class Bf16Operands : public Operands<E, Panels> {
 public:
  Bf16Operands(const Rows<E>& rows, std::int64_t first_row, Panels panels)
      : Operands<E, Panels>(rows, first_row, std::move(panels), GemmKind::bf16, 2) {}

  void tile(float* sums, std::int64_t sums_row, std::int64_t j, bool add) const {
    gemm_bf16().tile({.sums = sums,
                      .sums_row = sums_row,
                      .a = this->rows_.data(),
                      .a_row = this->rows_.row_step(),
                      .a_pair = this->rows_.k_step(),
                      .panel = this->panels_.panel(j),
                      .m = this->rows_.m(),
                      .k = round_up(this->rows_.depth(), 2),
                      .add = add,
                      .ahead = this->ahead_});
  }
};

inline void convert(float* out, const float16* in, std::int64_t n) { to_float(out, in, n); }
inline void convert(float* out, const bfloat16* in, std::int64_t n) { to_float(out, in, n); }
inline void convert(std::uint16_t* out, const float* in, std::int64_t n) { gemm_bf16().round(out, in, n); }
inline void convert(std::uint16_t* out, const float16* in, std::int64_t n) {
  float row[256];
  for (std::int64_t i = 0; i < n; i += 256) {
    const std::int64_t part = std::min<std::int64_t>(256, n - i);
    to_float(row, in + i, part);
    gemm_bf16().round(out + i, row, part);
  }
}

inline void convert(float* out, const float* in, std::int64_t n) { std::copy_n(in, n, out); }
inline void convert(std::uint16_t* out, const bfloat16* in, std::int64_t n) {
  std::memcpy(out, in, static_cast<std::size_t>(n) * sizeof(bfloat16));
}

/// Whether the rows of a tile can be read side by side: when they are a power of two apart, they share a few
/// of the 64 sets of L1, whose eight lines do not hold them all.
inline bool share_sets(std::int64_t stride_bytes) {
  std::array<int, 64> lines{};
  for (std::int64_t row = 0; row < 12; ++row) {
    if (++lines[static_cast<std::size_t>(row * stride_bytes / 64 % 64)] > 4) return true;
  }
  return false;
}

/// `a` itself where the tiles can read it, else a copy in a buffer of the calling thread: with other
/// elements, or with longer rows. `pairs` as for StagedRows.
template <class E, class T>
Rows<E> rows_as(CpuContext& context, const T* a, const MatmulShape& shape, std::int64_t pairs) {
  if constexpr (sizeof(E) == sizeof(T) && std::is_same_v<E, float> == std::is_same_v<T, float> &&
                !std::is_same_v<T, float16>) {
    static_assert(sizeof(bfloat16) == sizeof(std::uint16_t));
    const bool odd = shape.k % pairs != 0;
    const bool readable = shape.m == 1 || !share_sets(shape.a_stride * std::int64_t{sizeof(E)});
    if (shape.transpose_a || (readable && !odd)) {
      return {reinterpret_cast<const E*>(a), shape.a_stride, shape.transpose_a};
    }
  }
  const std::int64_t rows = shape.transpose_a ? shape.k : shape.m;
  const std::int64_t columns = shape.transpose_a ? shape.m : shape.k;
  const std::int64_t line = 64 / std::int64_t{sizeof(E)};
  const std::int64_t stride =
      round_up(columns, line) + line;  // an odd number of lines, or at least not many twos
  E* out = reinterpret_cast<E*>(scratch<struct GemmRows>(rows * stride));
  parallel_for(rows * columns < gemm_serial_limit ? 1 : context.threads, rows, [&](std::int64_t i) {
    convert(out + i * stride, a + i * shape.a_stride, columns);
    out[i * stride + columns] = E();  // the other half of an odd pair
  });
  return {out, stride, shape.transpose_a};
}

/// The vectorised epilogue of this level and activation, or null.
inline auto simd_epilogue(Activation activation) -> void (*)(const simd::EpilogueRow&) {
#if defined(__x86_64__)
  if (isa() < Isa::avx2) return nullptr;
  const simd::Epilogue& table = isa() >= Isa::avx512 ? simd::epilogue_avx512 : simd::epilogue_avx2;
  if (activation == Activation::none) return table.none;
  if (activation == Activation::gelu_tanh) return table.gelu_tanh;
  if (activation == Activation::silu) return table.silu;
#endif
  return nullptr;
}

/// What gemm() calls for every row of a task: the scales of the columns, when there are, the epilogue, and
/// the store.
template <class T>
auto finish(T* out, std::int64_t n, const MatmulEpilogue<T>& epilogue, const bfloat16* scales = nullptr) {
  const auto vectorised = std::is_same_v<T, float> ? simd_epilogue(epilogue.activation) : nullptr;
  return [=](std::int64_t row, std::int64_t column, std::int64_t columns, float* sums) {
    const std::int64_t at = row * n + column;
    const auto from = [](auto* p, std::int64_t offset) { return p == nullptr ? nullptr : p + offset; };
    if constexpr (std::is_same_v<T, float>) {
      if (vectorised != nullptr) {
        return vectorised({.out = out + at,
                           .sums = sums,
                           .scales = reinterpret_cast<const std::uint16_t*>(from(scales, column)),
                           .bias = from(epilogue.bias, column),
                           .multiplier = from(epilogue.multiplier, at),
                           .residual = from(epilogue.residual, at),
                           .n = columns});
      }
    }
    if (scales != nullptr) {
      for (std::int64_t j = 0; j < columns; ++j) sums[j] *= to_float(scales[column + j]);
    }
    if (epilogue.bias != nullptr) {
      for (std::int64_t j = 0; j < columns; ++j) sums[j] += to_float(epilogue.bias[column + j]);
    }
    activate(sums, columns, epilogue.activation);
    if (epilogue.multiplier != nullptr) {
      for (std::int64_t j = 0; j < columns; ++j) sums[j] *= to_float(epilogue.multiplier[at + j]);
    }
    if (epilogue.residual != nullptr) {
      for (std::int64_t j = 0; j < columns; ++j) sums[j] += to_float(epilogue.residual[at + j]);
    }
    from_float(out + at, sums, columns);
  };
}

}  // namespace adlib::kernels::cpu
