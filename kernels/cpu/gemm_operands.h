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

/// The left operand as tiles read it: elements E, floats or the bits of bfloat16, in units of one column or
/// of a pair of columns, which are adjacent. Rows lie one after the other, or units do.
template <class E>
struct Rows {
  const E* data;
  std::int64_t row_step;   ///< between rows
  std::int64_t unit_step;  ///< between columns, or between pairs of them
};

/// The operands of one task: rows of a, and `Panels` with open(first, depth), panel(j), 0 past n, and
/// ahead(). `unit`: the number of columns of a that the tile takes at once, 1 or 2.
template <class E, class Panels, std::int64_t unit>
class Operands {
 public:
  Operands(const Rows<E>& rows, std::int64_t first_row, Panels panels)
      : rows_(rows), first_row_(first_row), panels_(std::move(panels)) {}

  void open(std::int64_t first, std::int64_t depth) {
    first_ = first, depth_ = depth;
    panels_.open(first, depth);
  }
  void stage(std::int64_t i, std::int64_t m) {
    a_ = rows_.data + (first_row_ + i) * rows_.row_step + first_ / unit * rows_.unit_step;
    a_row_ = rows_.row_step, m_ = m;
    if (depth_ % unit != 0 && rows_.unit_step == unit) complete_pairs();
    panels_ahead_ = i == 0 ? panels_.ahead() : 0;
  }

 protected:
  // The column beside an odd last one is not there: zeros take its place.
  void complete_pairs() {
    constexpr std::int64_t row = gemm_block_k + 2;
    E* area = reinterpret_cast<E*>(scratch<struct GemmLastPair>(m_ * row));
    for (std::int64_t r = 0; r < m_; ++r) {
      std::copy_n(a_ + r * a_row_, depth_, area + r * row);
      area[r * row + depth_] = E();
    }
    a_ = area, a_row_ = row;
  }
  // What tiles fetch meanwhile: the panels that follow, or else, once for all panels, the rows of a that
  // follow, where each column of them is far from the next.
  const void* ahead(std::int64_t j) const {
    if (panels_ahead_ != 0) return reinterpret_cast<const char*>(panels_.panel(j)) + panels_ahead_;
    return j == 0 && rows_.row_step == unit ? a_ + m_ * rows_.row_step : nullptr;
  }
  std::int64_t ahead_step() const {
    return panels_ahead_ != 0 ? panel_columns() * 4 : rows_.unit_step * std::int64_t{sizeof(E)};
  }

  Rows<E> rows_;
  std::int64_t first_row_;
  Panels panels_;
  const E* a_ = nullptr;
  std::int64_t a_row_ = 0, m_ = 0, first_ = 0, depth_ = 0, panels_ahead_ = 0;
};

/// Floats: rows of a panel hold panel_columns() of them.
template <class Panels>
class F32Operands : public Operands<float, Panels, 1> {
 public:
  using Operands<float, Panels, 1>::Operands;

  void tile(float* sums, std::int64_t sums_row, std::int64_t j, bool add) const {
    gemm_f32().tile({.sums = sums,
                     .sums_row = sums_row,
                     .a = this->a_,
                     .a_row = this->a_row_,
                     .a_k = this->rows_.unit_step,
                     .panel = this->panels_.panel(j),
                     .panel_row = panel_columns(),
                     .m = this->m_,
                     .k = this->depth_,
                     .add = add,
                     .ahead = this->ahead(j),
                     .ahead_step = this->ahead_step()});
  }
};

/// Pairs of bfloat16; E is float or uint16_t as the level's tile wants a.
template <class E, class Panels>
class Bf16Operands : public Operands<E, Panels, 2> {
 public:
  using Operands<E, Panels, 2>::Operands;

  void tile(float* sums, std::int64_t sums_row, std::int64_t j, bool add) const {
    gemm_bf16().tile({.sums = sums,
                      .sums_row = sums_row,
                      .a = this->a_,
                      .a_row = this->a_row_,
                      .a_pair = this->rows_.unit_step,
                      .panel = this->panels_.panel(j),
                      .m = this->m_,
                      .k = round_up(this->depth_, 2),
                      .add = add,
                      .ahead = this->ahead(j),
                      .ahead_step = this->ahead_step()});
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

/// a (m, k), or (k, m) when shape.transpose_a, itself where the tiles can read it, else a copy in a buffer of
/// the calling thread: with other elements, with longer rows, or with pairs of columns side by side.
template <class E, std::int64_t unit, class T>
Rows<E> rows_as(CpuContext& context, const T* a, const MatmulShape& shape) {
  constexpr bool same = sizeof(E) == sizeof(T) && std::is_same_v<E, float> == std::is_same_v<T, float> &&
                        !std::is_same_v<T, float16>;
  if constexpr (same) {
    static_assert(sizeof(bfloat16) == sizeof(std::uint16_t));
    const auto* data = reinterpret_cast<const E*>(a);
    if (shape.transpose_a && unit == 1) return {data, 1, shape.a_stride};
    const bool readable = shape.m == 1 || !share_sets(shape.a_stride * std::int64_t{sizeof(E)});
    if (!shape.transpose_a && readable) return {data, shape.a_stride, unit};
  }
  const std::int64_t rows = shape.transpose_a ? (shape.k + unit - 1) / unit : shape.m;
  const std::int64_t columns = shape.transpose_a ? shape.m * unit : shape.k;
  const std::int64_t line = 64 / std::int64_t{sizeof(E)};
  const std::int64_t stride =
      round_up(columns, line) + line;  // an odd number of lines, or at least not many twos
  E* out = reinterpret_cast<E*>(scratch<struct GemmRows>(rows * stride));
  parallel_for(rows * columns < gemm_serial_limit ? 1 : context.threads, rows, [&](std::int64_t i) {
    const T* from = a + i * (shape.transpose_a ? unit : 1) * shape.a_stride;
    E* to = out + i * stride;
    if (shape.transpose_a && unit == 2) {
      static constexpr T zeros[256] = {};
      E even[256], odd[256];
      for (std::int64_t j = 0; j < shape.m; j += 256) {
        const std::int64_t part = std::min<std::int64_t>(256, shape.m - j);
        convert(even, from + j, part);
        convert(odd, 2 * i + 1 < shape.k ? from + shape.a_stride + j : zeros, part);
        interleave(to + 2 * j, even, odd, part);
      }
      return;
    }
    convert(to, from, columns);
  });
  return shape.transpose_a ? Rows<E>{out, unit, stride} : Rows<E>{out, stride, unit};
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

/// What gemm() does to the sums of a row: the scales of the columns, when there are, the epilogue, and the
/// store.
template <class T>
class Finish {
 public:
  Finish(T* out, std::int64_t n, const MatmulEpilogue<T>& epilogue, const bfloat16* scales)
      : out_(out), n_(n), epilogue_(epilogue), scales_(scales) {
    if constexpr (std::is_same_v<T, float>) vectorised_ = simd_epilogue(epilogue.activation);
  }

  /// A tile's place in the result, while its sums are computed: the rows are far apart, and waiting for each
  /// would cost a tenth of a product that is 256 deep.
  void expect(std::int64_t row, std::int64_t m, std::int64_t column) const {
    for (std::int64_t at = row * n_ + column; m > 0; --m, at += n_) {
      __builtin_prefetch(out_ + at, 1);
      __builtin_prefetch(out_ + at + 16, 1);
    }
  }
  void operator()(std::int64_t row, std::int64_t column, std::int64_t columns, float* sums) const {
    const std::int64_t at = row * n_ + column;
    const auto from = [](auto* p, std::int64_t offset) { return p == nullptr ? nullptr : p + offset; };
    if constexpr (std::is_same_v<T, float>) {
      if (vectorised_ != nullptr) {
        return vectorised_({.out = out_ + at,
                            .sums = sums,
                            .scales = reinterpret_cast<const std::uint16_t*>(from(scales_, column)),
                            .bias = from(epilogue_.bias, column),
                            .multiplier = from(epilogue_.multiplier, at),
                            .residual = from(epilogue_.residual, at),
                            .n = columns});
      }
    }
    if (scales_ != nullptr) {
      for (std::int64_t j = 0; j < columns; ++j) sums[j] *= to_float(scales_[column + j]);
    }
    if (epilogue_.bias != nullptr) {
      for (std::int64_t j = 0; j < columns; ++j) sums[j] += to_float(epilogue_.bias[column + j]);
    }
    activate(sums, columns, epilogue_.activation);
    if (epilogue_.multiplier != nullptr) {
      for (std::int64_t j = 0; j < columns; ++j) sums[j] *= to_float(epilogue_.multiplier[at + j]);
    }
    if (epilogue_.residual != nullptr) {
      for (std::int64_t j = 0; j < columns; ++j) sums[j] += to_float(epilogue_.residual[at + j]);
    }
    from_float(out_ + at, sums, columns);
  }

 private:
  T* out_;
  std::int64_t n_;
  MatmulEpilogue<T> epilogue_;
  const bfloat16* scales_;
  void (*vectorised_)(const simd::EpilogueRow&) = nullptr;
};

template <class T>
Finish<T> finish(T* out, std::int64_t n, const MatmulEpilogue<T>& epilogue,
                 const bfloat16* scales = nullptr) {
  return {out, n, epilogue, scales};
}

}  // namespace adlib::kernels::cpu
