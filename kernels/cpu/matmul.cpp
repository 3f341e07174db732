// Every level multiplies panels of b, packed as floats (any dtype, transposed or not), by tiles of rows whose
// sums stay in registers. Each lane of a tile holds one output element, so the order of its sum is that of k,
// whatever the tile's height.
#include "kernels/matmul.h"

#include <algorithm>
#include <array>

#include "kernels/cpu/activate.h"
#include "kernels/cpu/convert.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/isa.h"
#include "kernels/cpu/vector.h"

namespace adlib::kernels {
namespace cpu {
namespace {

// The baseline's tile of 4 rows x 8 columns: 8 of 16 vector registers hold sums, b takes 2 and a 1 more.
constexpr std::int64_t tile_n = 8;

template <int Rows>
void multiply_tile(float* sums, std::int64_t sums_stride, const float* a, std::int64_t a_stride,
                   const float* b, std::int64_t k, bool add) {
  Float4 left[Rows] = {}, right[Rows] = {};
  for (std::int64_t i = 0; i < k; ++i) {
    const Float4 b_left = load4(b + i * tile_n);
    const Float4 b_right = load4(b + i * tile_n + 4);
    for (int r = 0; r < Rows; ++r) {
      const float value = a[r * a_stride + i];
      left[r] += value * b_left;
      right[r] += value * b_right;
    }
  }
  for (int r = 0; r < Rows; ++r) {
    float* row = sums + r * sums_stride;
    store4(row, add ? load4(row) + left[r] : left[r]);
    store4(row + 4, add ? load4(row + 4) + right[r] : right[r]);
  }
}

void baseline_tile(float* sums, std::int64_t stride, const float* a, std::int64_t a_stride,
                   const float* panel, std::int64_t m, std::int64_t k, bool add) {
  switch (m) {
    case 1:
      return multiply_tile<1>(sums, stride, a, a_stride, panel, k, add);
    case 2:
      return multiply_tile<2>(sums, stride, a, a_stride, panel, k, add);
    case 3:
      return multiply_tile<3>(sums, stride, a, a_stride, panel, k, add);
    default:
      return multiply_tile<4>(sums, stride, a, a_stride, panel, k, add);
  }
}

constexpr simd::GemmF32 gemm_f32_baseline = {.rows = 4, .columns = tile_n, .tile = baseline_tile};

}  // namespace

const simd::GemmF32& gemm_f32() {
#if defined(__x86_64__)
  if (isa() >= Isa::avx512) return simd::gemm_f32_avx512;
  if (isa() >= Isa::avx2) return simd::gemm_f32_avx2;
#endif
  return gemm_f32_baseline;
}

}  // namespace cpu

namespace {

using cpu::gemm_block_k;
using cpu::gemm_block_n;

// Packs b for one task, a block of rows at a time.
template <class T>
class Packing {
 public:
  Packing(const T* b, const MatmulShape& shape, std::int64_t panel_columns, std::int64_t column,
          std::int64_t columns)
      : b_(b),
        stride_(shape.b_stride),
        transposed_(shape.transpose_b),
        panel_columns_(panel_columns),
        panel_stride_(gemm_block_k * panel_columns +
                      16),  // the extra line keeps panels from sharing sets of L1
        column_(column),
        columns_(columns),
        panels_(cpu::scratch<struct GemmPanels>((gemm_block_n / panel_columns) * panel_stride_)) {}

  void open(std::int64_t first, std::int64_t depth) {
    if (transposed_) {
      pack_transposed(b_ + column_ * stride_ + first, depth);
    } else {
      pack_rows(b_ + first * stride_ + column_, depth);
    }
  }
  const float* panel(std::int64_t j) const { return panels_ + j / panel_columns_ * panel_stride_; }

 private:
  std::int64_t padded() const { return (columns_ + panel_columns_ - 1) / panel_columns_ * panel_columns_; }

  void pack_rows(const T* b, std::int64_t depth) {
    float row[gemm_block_n] = {};  // columns past the last stay 0
    for (std::int64_t i = 0; i < depth; ++i) {
      cpu::to_float(row, b + i * stride_, columns_);
      for (std::int64_t j = 0; j < columns_; j += panel_columns_) {
        std::copy_n(row + j, panel_columns_,
                    panels_ + j / panel_columns_ * panel_stride_ + i * panel_columns_);
      }
    }
  }
  void pack_transposed(const T* b, std::int64_t depth) {
    float buffer[4][gemm_block_k];
    static constexpr float zeros[gemm_block_k] = {};
    for (std::int64_t j = 0; j < padded(); j += 4) {
      std::array<const float*, 4> columns;  // of b, which are rows as stored
      for (std::int64_t c = 0; c < 4; ++c) {
        const auto at = static_cast<std::size_t>(c);
        columns[at] = j + c < columns_ ? cpu::as_float(b + (j + c) * stride_, depth, buffer[at]) : zeros;
      }
      cpu::transpose_rows4(panels_ + j / panel_columns_ * panel_stride_ + j % panel_columns_, panel_columns_,
                           columns, depth);
    }
  }

  const T* b_;
  std::int64_t stride_;
  bool transposed_;
  std::int64_t panel_columns_, panel_stride_;
  std::int64_t column_, columns_;
  float* panels_;
};

template <class T>
void finish_row(T* out, float* sums, std::int64_t n, const T* bias, Activation activation,
                const T* residual) {
  if (bias != nullptr) {
    for (std::int64_t j = 0; j < n; ++j) sums[j] += cpu::to_float(bias[j]);
  }
  cpu::activate(sums, n, activation);
  if (residual != nullptr) {
    for (std::int64_t j = 0; j < n; ++j) sums[j] += cpu::to_float(residual[j]);
  }
  cpu::from_float(out, sums, n);
}

// `a` itself when it holds floats without conversion, else its rows as floats, end to end.
template <class T>
const float* rows_as_float(const T* a, const MatmulShape& shape, std::int64_t& stride) {
  if constexpr (std::is_same_v<T, float>) {
    return a;
  } else {
    float* rows = cpu::scratch<struct GemmRows>(shape.m * shape.k);
    for (std::int64_t i = 0; i < shape.m; ++i) cpu::to_float(rows + i * shape.k, a + i * stride, shape.k);
    stride = shape.k;
    return rows;
  }
}

}  // namespace

template <class T>
void matmul(CpuContext& context, T* out, const T* a, const T* b, const MatmulShape& shape,
            const MatmulEpilogue<T>& epilogue) {
  const simd::GemmF32& tiles = cpu::gemm_f32();
  std::int64_t a_stride = shape.a_stride;
  const float* rows = rows_as_float(a, shape, a_stride);
  const auto panels = [&](std::int64_t column, std::int64_t columns) {
    return Packing<T>(b, shape, tiles.columns, column, columns);
  };
  cpu::gemm(context, tiles, shape.m, shape.n, shape.k, rows, a_stride, panels,
            [&](std::int64_t row, std::int64_t column, std::int64_t columns, float* sums) {
              const std::int64_t at = row * shape.n + column;
              finish_row(out + at, sums, columns, epilogue.bias == nullptr ? nullptr : epilogue.bias + column,
                         epilogue.activation,
                         epilogue.residual == nullptr ? nullptr : epilogue.residual + at);
            });
}

template void matmul(CpuContext&, float*, const float*, const float*, const MatmulShape&,
                     const MatmulEpilogue<float>&);
template void matmul(CpuContext&, float16*, const float16*, const float16*, const MatmulShape&,
                     const MatmulEpilogue<float16>&);
template void matmul(CpuContext&, bfloat16*, const bfloat16*, const bfloat16*, const MatmulShape&,
                     const MatmulEpilogue<bfloat16>&);

}  // namespace adlib::kernels
