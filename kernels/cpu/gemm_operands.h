// kernels/cpu/gemm_operands.h: what every product on the CPU does to its rows of a and of the result.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "kernels/cpu/activate.h"
#include "kernels/cpu/convert.h"
#include "kernels/cpu/gemm.h"
#include "kernels/matmul.h"

namespace adlib::kernels::cpu {

/// The element type that a tile reads: float, or the bits of a bfloat16.
template <class E>
struct Rows {
  const E* data;
  std::int64_t stride;
  bool transposed;  ///< stored (k, m)
};

/// Presents the rows of a to tiles as they like them: those of one tile side by side in a small area, pairs
/// of columns adjacent, an odd last column of a pair filled up with zeros.
template <class E>
class StagedRows {
 public:
  static constexpr std::int64_t pair = std::is_same_v<E, float> ? 1 : 2;

  /// `pairs`: the number of columns of a that the tile takes at once, 1 or 2.
  StagedRows(const Rows<E>& rows, std::int64_t first_row, std::int64_t tile_rows, std::int64_t pairs)
      : rows_(rows), first_row_(first_row), tile_rows_(tile_rows), pairs_(pairs) {}

  void open(std::int64_t first, std::int64_t depth) { first_ = first, depth_ = depth; }
  void stage(std::int64_t i, std::int64_t m) {
    m_ = m;
    const std::int64_t row = first_row_ + i;
    if (m == 1 && !rows_.transposed && depth_ % pairs_ == 0) {
      data_ = rows_.data + row * rows_.stride + first_;
      row_step_ = 0, k_step_ = pairs_;
      return;
    }
    E* area = reinterpret_cast<E*>(scratch<struct GemmStage>(tile_rows_ * gemm_stage_row));
    data_ = area;
    if (rows_.transposed) {
      row_step_ = pairs_, k_step_ = pairs_ * tile_rows_;
      const E* from = rows_.data + first_ * rows_.stride + row;
      for (std::int64_t k = 0; k < depth_; ++k, from += rows_.stride) {
        E* to = area + k / pairs_ * k_step_ + k % pairs_;
        for (std::int64_t r = 0; r < m; ++r) to[r * pairs_] = from[r];
      }
      for (std::int64_t r = 0; r < m && depth_ % pairs_ != 0; ++r) {
        area[depth_ / pairs_ * k_step_ + 1 + r * pairs_] = E();
      }
    } else {
      row_step_ = gemm_stage_row, k_step_ = pairs_;
      for (std::int64_t r = 0; r < m; ++r) {
        E* to = area + r * gemm_stage_row;
        std::copy_n(rows_.data + (row + r) * rows_.stride + first_, depth_, to);
        if (depth_ % pairs_ != 0) to[depth_] = E();
      }
    }
  }

  const E* data() const { return data_; }
  std::int64_t row_step() const { return row_step_; }
  std::int64_t k_step() const { return k_step_; }  ///< between columns, or pairs of columns
  std::int64_t m() const { return m_; }
  std::int64_t depth() const { return depth_; }

 private:
  Rows<E> rows_;
  std::int64_t first_row_, tile_rows_, pairs_;
  std::int64_t first_ = 0, depth_ = 0, m_ = 0;
  const E* data_ = nullptr;
  std::int64_t row_step_ = 0, k_step_ = 0;
};

/// The operands of one task, floats: `Panels` offers open(first, depth) and panel(j), whose rows are panels
/// of depth x panel_columns() floats, 0 past n.
template <class Panels>
class F32Operands {
 public:
  F32Operands(const Rows<float>& rows, std::int64_t first_row, Panels panels)
      : rows_(rows, first_row, gemm_f32().rows, 1), panels_(std::move(panels)) {}

  void open(std::int64_t first, std::int64_t depth) {
    rows_.open(first, depth);
    panels_.open(first, depth);
  }
  void stage(std::int64_t i, std::int64_t m) { rows_.stage(i, m); }
  void tile(float* sums, std::int64_t j, bool add) const {
    gemm_f32().tile({.sums = sums,
                     .sums_row = gemm_block_n,
                     .a = rows_.data(),
                     .a_row = rows_.row_step(),
                     .a_k = rows_.k_step(),
                     .panel = panels_.panel(j),
                     .panel_row = panel_columns(),
                     .m = rows_.m(),
                     .k = rows_.depth(),
                     .add = add});
  }

 private:
  StagedRows<float> rows_;
  Panels panels_;
};

/// The same with panels of pairs of bfloat16; E is float or uint16_t as the level's tile wants a.
template <class E, class Panels>
class Bf16Operands {
 public:
  Bf16Operands(const Rows<E>& rows, std::int64_t first_row, Panels panels)
      : rows_(rows, first_row, gemm_bf16().rows, 2), panels_(std::move(panels)) {}

  void open(std::int64_t first, std::int64_t depth) {
    rows_.open(first, depth);
    panels_.open(first, depth);
  }
  void stage(std::int64_t i, std::int64_t m) { rows_.stage(i, m); }
  void tile(float* sums, std::int64_t j, bool add) const {
    gemm_bf16().tile({.sums = sums,
                      .sums_row = gemm_block_n,
                      .a = rows_.data(),
                      .a_row = rows_.row_step(),
                      .a_pair = rows_.k_step(),
                      .panel = panels_.panel(j),
                      .m = rows_.m(),
                      .k = round_up(rows_.depth(), 2),
                      .add = add});
  }

 private:
  StagedRows<E> rows_;
  Panels panels_;
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

/// `a` itself when its elements are those the tile reads, else converted, in a buffer of the calling thread.
template <class E, class T>
Rows<E> rows_as(CpuContext& context, const T* a, const MatmulShape& shape) {
  if constexpr (std::is_same_v<E, T>) {
    return {a, shape.a_stride, shape.transpose_a};
  } else if constexpr (std::is_same_v<T, bfloat16> && std::is_same_v<E, std::uint16_t>) {
    static_assert(sizeof(bfloat16) == sizeof(std::uint16_t));
    return {reinterpret_cast<const std::uint16_t*>(a), shape.a_stride, shape.transpose_a};
  } else {
    const std::int64_t rows = shape.transpose_a ? shape.k : shape.m;
    const std::int64_t columns = shape.transpose_a ? shape.m : shape.k;
    E* out = reinterpret_cast<E*>(scratch<struct GemmRows>(rows * columns));
    parallel_for(rows * columns < gemm_serial_limit ? 1 : context.threads, rows,
                 [&](std::int64_t i) { convert(out + i * columns, a + i * shape.a_stride, columns); });
    return {out, columns, shape.transpose_a};
  }
}

/// What gemm() calls for every row of a task: the epilogue, and the store.
template <class T>
auto finish(T* out, std::int64_t n, const MatmulEpilogue<T>& epilogue) {
  return [=](std::int64_t row, std::int64_t column, std::int64_t columns, float* sums) {
    const std::int64_t at = row * n + column;
    if (epilogue.bias != nullptr) {
      for (std::int64_t j = 0; j < columns; ++j) sums[j] += to_float(epilogue.bias[column + j]);
    }
    activate(sums, columns, epilogue.activation);
    if (epilogue.residual != nullptr) {
      for (std::int64_t j = 0; j < columns; ++j) sums[j] += to_float(epilogue.residual[at + j]);
    }
    from_float(out + at, sums, columns);
  };
}

}  // namespace adlib::kernels::cpu
