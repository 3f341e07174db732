// b is packed by each task, a block of rows at a time, in the panels that the tiles read: floats, or pairs of
// bfloat16. Each lane of a tile holds one output element, so the order of its sum is that of k, whatever the
// tile's height.
#include "kernels/matmul.h"

#include <array>

#include "kernels/cpu/gemm_operands.h"

namespace adlib::kernels {
namespace {

using cpu::gemm_block_k;
using cpu::panel_columns;

constexpr std::int64_t max_columns = cpu::GemmTuning::max_block_n;  // of a task

// Of a transposed a of 16 bits, so many rows of the product are copied at a time (rows_as()): with 512
// columns 4 MiB, which stay in L3.
constexpr std::int64_t copied_rows = 4096;

// The columns of b that one task packs.
template <class T>
struct Columns {
  const T* b;
  std::int64_t stride;
  bool transposed;
  std::int64_t column, columns;

  std::int64_t padded() const { return cpu::round_up(columns, panel_columns()); }
};

// Asks for a row of b some time before it is packed: rows are far apart, and the processor does not see them
// coming. (Whole rows of floats that are to be transposed it does see.)
template <class T>
void fetch(const T* p, std::int64_t n) {
  const char* bytes = reinterpret_cast<const char*>(p);
  for (std::int64_t i = 0; i < n * std::int64_t{sizeof(T)}; i += 64) __builtin_prefetch(bytes + i);
}
constexpr std::int64_t rows_ahead = 8;

// Panels of floats from any type.
template <class T>
class FloatPanels {
 public:
  explicit FloatPanels(const Columns<T>& source)
      : source_(source),
        // the extra line keeps panels from sharing sets of L1
        panel_stride_(gemm_block_k * panel_columns() + 16),
        panels_(cpu::scratch<struct GemmPanels>((max_columns / panel_columns()) * panel_stride_)) {}

  void open(std::int64_t first, std::int64_t depth) {
    if (source_.transposed) {
      pack_transposed(source_.b + source_.column * source_.stride + first, depth);
    } else {
      pack_rows(source_.b + first * source_.stride + source_.column, depth);
    }
  }
  const float* panel(std::int64_t j) const { return panels_ + j / panel_columns() * panel_stride_; }
  static std::int64_t ahead() { return 0; }

 private:
  void pack_rows(const T* b, std::int64_t depth) {
    const std::int64_t width = panel_columns();
    for (std::int64_t i = 0; i < depth; ++i) {
      const T* row = b + i * source_.stride;
      if (i + rows_ahead < depth) fetch(row + rows_ahead * source_.stride, source_.columns);
      for (std::int64_t j = 0; j < source_.columns; j += width) {
        float* out = panels_ + j / width * panel_stride_ + i * width;
        const std::int64_t inside = std::min(width, source_.columns - j);
        cpu::to_float(out, row + j, inside);
        std::fill(out + inside, out + width, 0.0f);
      }
    }
  }
  void pack_transposed(const T* b, std::int64_t depth) {
    const std::int64_t width = panel_columns();
    float buffer[4][gemm_block_k];
    static constexpr float zeros[gemm_block_k] = {};
    for (std::int64_t j = 0; j < source_.padded(); j += 4) {
      std::array<const float*, 4> columns;  // of b, which are rows as stored
      for (std::int64_t c = 0; c < 4; ++c) {
        const auto at = static_cast<std::size_t>(c);
        const bool inside = j + c < source_.columns;
        columns[at] = inside ? cpu::as_float(b + (j + c) * source_.stride, depth, buffer[at]) : zeros;
      }
      cpu::transpose_rows4(panels_ + j / width * panel_stride_ + j % width, width, columns, depth);
    }
  }

  Columns<T> source_;
  std::int64_t panel_stride_;
  float* panels_;
};

// Panels of pairs from bfloat16.
class PairPanels {
 public:
  explicit PairPanels(const Columns<bfloat16>& source)
      : source_(source),
        panel_stride_(gemm_block_k * panel_columns() + 32),
        panels_(reinterpret_cast<std::uint32_t*>(
            cpu::scratch<struct GemmPanels>((max_columns / panel_columns()) * panel_stride_ / 2))) {}

  void open(std::int64_t first, std::int64_t depth) {
    if (source_.transposed) {
      pack_transposed(source_.b + source_.column * source_.stride + first, depth);
    } else {
      pack_rows(source_.b + first * source_.stride + source_.column, depth);
    }
  }
  const std::uint16_t* panel(std::int64_t j) const {
    return reinterpret_cast<const std::uint16_t*>(panels_) + j / panel_columns() * panel_stride_;
  }
  static std::int64_t ahead() { return 0; }

 private:
  static const std::uint16_t* bits(const bfloat16* p) { return reinterpret_cast<const std::uint16_t*>(p); }
  std::uint32_t* at(std::int64_t column, std::int64_t i) {
    const std::int64_t width = panel_columns();
    return panels_ + (column / width * panel_stride_ + i * width) / 2 + column % width;
  }
  void pack_rows(const bfloat16* b, std::int64_t depth) {
    const std::int64_t width = panel_columns();
    static constexpr bfloat16 zeros[max_columns] = {};
    for (std::int64_t i = 0; i < depth; i += 2) {
      const bfloat16* even = b + i * source_.stride;
      for (std::int64_t next = i + rows_ahead; next < std::min(i + rows_ahead + 2, depth); ++next) {
        fetch(b + next * source_.stride, source_.columns);
      }
      const bfloat16* odd = i + 1 < depth ? even + source_.stride : zeros;
      for (std::int64_t j = 0; j < source_.padded(); j += width) {
        std::uint32_t* out = at(j, i);
        const std::int64_t inside = std::min(width, source_.columns - j);
        cpu::interleave(reinterpret_cast<std::uint16_t*>(out), bits(even + j), bits(odd + j), inside);
        std::fill(out + inside, out + width, 0u);
      }
    }
  }
  void pack_transposed(const bfloat16* b, std::int64_t depth) {
    const std::int64_t width = panel_columns();
    // Pairs are floats to the transposition: it only moves them.
    const std::int64_t whole = depth / 2;
    static constexpr float zeros[gemm_block_k / 2] = {};
    float buffer[4][gemm_block_k / 2];
    for (std::int64_t j = 0; j < source_.padded(); j += 4) {
      std::array<const float*, 4> columns;
      for (std::int64_t next = j + 4; next < std::min(j + 8, source_.columns); ++next) {
        fetch(b + next * source_.stride, depth);
      }
      for (std::int64_t c = 0; c < 4; ++c) {
        const auto index = static_cast<std::size_t>(c);
        columns[index] = zeros;
        if (j + c >= source_.columns) continue;
        std::memcpy(buffer[index], b + (j + c) * source_.stride,
                    static_cast<std::size_t>(depth) * sizeof(bfloat16));
        if (depth % 2 != 0) std::memset(reinterpret_cast<char*>(buffer[index]) + 2 * depth, 0, 2);
        columns[index] = buffer[index];
      }
      cpu::transpose_rows4(reinterpret_cast<float*>(at(j, 0)), width, columns, whole + depth % 2);
    }
  }

  Columns<bfloat16> source_;
  std::int64_t panel_stride_;  // in elements of 16 bits
  std::uint32_t* panels_;
};

template <class E, class Out>
void multiply_bf16(CpuContext& context, Out* out, const bfloat16* a, const bfloat16* b,
                   const MatmulShape& shape, const MatmulEpilogue<Out>& epilogue) {
  const cpu::Rows<E> rows = cpu::rows_as<E, 2>(context, a, shape);
  cpu::gemm(
      context, {shape.m, shape.n, shape.k, cpu::GemmKind::bf16, /*panel_by_panel=*/false},
      [&](std::int64_t row, std::int64_t, std::int64_t column, std::int64_t columns) {
        return cpu::Bf16Operands<E, PairPanels>(
            rows, row, PairPanels({b, shape.b_stride, shape.transpose_b, column, columns}));
      },
      cpu::finish(out, shape.n, epilogue));
}

}  // namespace

template <class Out, class T>
void matmul(CpuContext& context, Out* out, const T* a, const T* b, const MatmulShape& shape,
            const MatmulEpilogue<Out>& epilogue) {
  if (!std::is_same_v<T, float> && shape.transpose_a && shape.m > copied_rows) {
    for (std::int64_t row = 0; row < shape.m; row += copied_rows) {
      MatmulShape part = shape;
      part.m = std::min(copied_rows, shape.m - row);
      MatmulEpilogue<Out> rows = epilogue;
      if (rows.multiplier != nullptr) rows.multiplier += row * shape.n;
      if (rows.residual != nullptr) rows.residual += row * shape.n;
      matmul(context, out + row * shape.n, a + row, b, part, rows);
    }
    return;
  }
  if constexpr (std::is_same_v<T, bfloat16>) {
    const bool wide = !cpu::gemm_bf16().a_is_bf16;
    return wide ? multiply_bf16<float>(context, out, a, b, shape, epilogue)
                : multiply_bf16<std::uint16_t>(context, out, a, b, shape, epilogue);
  } else {
    const cpu::Rows<float> rows = cpu::rows_as<float, 1>(context, a, shape);
    cpu::gemm(
        context, {shape.m, shape.n, shape.k, cpu::GemmKind::f32, /*panel_by_panel=*/false},
        [&](std::int64_t row, std::int64_t, std::int64_t column, std::int64_t columns) {
          return cpu::F32Operands<FloatPanels<T>>(
              rows, row, FloatPanels<T>({b, shape.b_stride, shape.transpose_b, column, columns}));
        },
        cpu::finish(out, shape.n, epilogue));
  }
}

template void matmul(CpuContext&, float*, const float*, const float*, const MatmulShape&,
                     const MatmulEpilogue<float>&);
template void matmul(CpuContext&, float16*, const float16*, const float16*, const MatmulShape&,
                     const MatmulEpilogue<float16>&);
template void matmul(CpuContext&, float*, const float16*, const float16*, const MatmulShape&,
                     const MatmulEpilogue<float>&);
template void matmul(CpuContext&, float*, const bfloat16*, const bfloat16*, const MatmulShape&,
                     const MatmulEpilogue<float>&);
template void matmul(CpuContext&, bfloat16*, const bfloat16*, const bfloat16*, const MatmulShape&,
                     const MatmulEpilogue<bfloat16>&);

}  // namespace adlib::kernels
