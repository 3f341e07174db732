// A panel of b is packed as floats (any dtype, transposed or not) and multiplied by tiles of 4 rows x 8
// columns whose sums stay in registers. 4 x 8 floats are 8 of the baseline's 16 vector registers; b takes 2
// and a 1 more.
//
// Each lane of a tile holds one output element, so the order of its sum is that of k, whatever the tile's
// height.
#include "kernels/matmul.h"

#include <algorithm>

#include "kernels/cpu/activate.h"
#include "kernels/cpu/convert.h"
#include "kernels/cpu/vector.h"

namespace adlib::kernels {
namespace {

using cpu::Float4;

constexpr std::int64_t block_k = 256;  // the contract of kernels/matmul.h: changing it changes results
constexpr std::int64_t block_m =
    128;  // rows that share one packing of b; their floats of a block_k fit in L2
constexpr std::int64_t block_n =
    128;  // columns packed at once: 256 x 128 floats are 128 KiB, half of a small L2
constexpr std::int64_t tile_m = 4;
constexpr std::int64_t tile_n = 8;
// From one packed panel to the next; the extra cache line keeps panels from sharing the sets of L1.
constexpr std::int64_t panel_stride = block_k * tile_n + 16;

// sums[r][0…8) += Σ_k a[r][k] b[k][0…8), the sum over this block starting from zero.
template <int Rows>
void multiply_tile(float* sums, std::int64_t sums_stride, const float* a, std::int64_t a_stride,
                   const float* b, std::int64_t k) {
  Float4 left[Rows] = {}, right[Rows] = {};
  for (std::int64_t i = 0; i < k; ++i) {
    const Float4 b_left = cpu::load4(b + i * tile_n);
    const Float4 b_right = cpu::load4(b + i * tile_n + 4);
    for (int r = 0; r < Rows; ++r) {
      const float value = a[r * a_stride + i];
      left[r] += value * b_left;
      right[r] += value * b_right;
    }
  }
  for (int r = 0; r < Rows; ++r) {
    float* row = sums + r * sums_stride;
    cpu::store4(row, cpu::load4(row) + left[r]);
    cpu::store4(row + 4, cpu::load4(row + 4) + right[r]);
  }
}

// Packs k rows x n columns of b, from its element `b`, as panels of (k, 8) floats; columns past n
// are 0.
template <class T>
void pack(float* panels, const T* b, const MatmulShape& shape, std::int64_t k, std::int64_t n) {
  if (!shape.transpose_b) {
    float row[block_n] = {};
    for (std::int64_t i = 0; i < k; ++i) {
      cpu::to_float(row, b + i * shape.b_stride, n);
      for (std::int64_t j = 0; j < n; j += tile_n) {
        float* to = panels + j / tile_n * panel_stride + i * tile_n;
        cpu::store4(to, cpu::load4(row + j));
        cpu::store4(to + 4, cpu::load4(row + j + 4));
      }
    }
    return;
  }
  float rows[4][block_k];
  static constexpr float zeros[block_k] = {};
  for (std::int64_t j = 0; j < n; j += 4) {
    std::array<const float*, 4> columns;  // of b, which are rows as stored
    for (std::int64_t c = 0; c < 4; ++c) {
      const auto at = static_cast<std::size_t>(c);
      columns[at] = j + c < n ? cpu::as_float(b + (j + c) * shape.b_stride, k, rows[at]) : zeros;
    }
    cpu::transpose_rows4(panels + j / tile_n * panel_stride + j % tile_n, tile_n, columns, k);
  }
  if (n % tile_n != 0 && n % tile_n <= 4) {  // the right half of the last panel
    float* last = panels + n / tile_n * panel_stride + 4;
    for (std::int64_t i = 0; i < k; ++i) std::fill_n(last + i * tile_n, 4, 0.0f);
  }
}

void multiply_panels(float* sums, const float* a, std::int64_t a_stride, const float* panels, std::int64_t m,
                     std::int64_t n, std::int64_t k) {
  for (std::int64_t i = 0; i < m; i += tile_m) {
    for (std::int64_t j = 0; j < n; j += tile_n) {
      float* to = sums + i * block_n + j;
      const float* from = a + i * a_stride;
      const float* panel = panels + j / tile_n * panel_stride;
      switch (std::min(tile_m, m - i)) {
        case 1:
          multiply_tile<1>(to, block_n, from, a_stride, panel, k);
          break;
        case 2:
          multiply_tile<2>(to, block_n, from, a_stride, panel, k);
          break;
        case 3:
          multiply_tile<3>(to, block_n, from, a_stride, panel, k);
          break;
        default:
          multiply_tile<4>(to, block_n, from, a_stride, panel, k);
          break;
      }
    }
  }
}

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

}  // namespace

template <class T>
void matmul(CpuContext&, T* out, const T* a, const T* b, const MatmulShape& shape,
            const MatmulEpilogue<T>& epilogue) {
  const auto [m, n, k, a_stride, b_stride, transpose_b] = shape;
  float* panels = cpu::scratch<struct MatmulPanels>(block_n / tile_n * panel_stride);
  float* sums = cpu::scratch<struct MatmulSums>(block_m * block_n);
  constexpr bool in_place = std::is_same_v<T, float>;
  float* rows_of_a = in_place ? nullptr : cpu::scratch<struct MatmulA>(std::min(m, block_m) * k);

  for (std::int64_t i = 0; i < m; i += block_m) {
    const std::int64_t rows = std::min(block_m, m - i);
    const float* a_block = rows_of_a;
    std::int64_t a_block_stride = k;
    if constexpr (in_place) {
      a_block = a + i * a_stride;
      a_block_stride = a_stride;
    } else {
      for (std::int64_t r = 0; r < rows; ++r) cpu::to_float(rows_of_a + r * k, a + (i + r) * a_stride, k);
    }
    for (std::int64_t j = 0; j < n; j += block_n) {
      const std::int64_t columns = std::min(block_n, n - j);
      std::fill_n(sums, rows * block_n, 0.0f);
      for (std::int64_t first = 0; first < k; first += block_k) {
        const std::int64_t depth = std::min(block_k, k - first);
        pack(panels, b + (transpose_b ? j * b_stride + first : first * b_stride + j), shape, depth, columns);
        multiply_panels(sums, a_block + first, a_block_stride, panels, rows, columns, depth);
      }
      for (std::int64_t r = 0; r < rows; ++r) {
        finish_row(out + (i + r) * n + j, sums + r * block_n, columns,
                   epilogue.bias == nullptr ? nullptr : epilogue.bias + j, epilogue.activation,
                   epilogue.residual == nullptr ? nullptr : epilogue.residual + (i + r) * n + j);
      }
    }
  }
}

template void matmul(CpuContext&, float*, const float*, const float*, const MatmulShape&,
                     const MatmulEpilogue<float>&);
template void matmul(CpuContext&, float16*, const float16*, const float16*, const MatmulShape&,
                     const MatmulEpilogue<float16>&);
template void matmul(CpuContext&, bfloat16*, const bfloat16*, const bfloat16*, const MatmulShape&,
                     const MatmulEpilogue<bfloat16>&);

}  // namespace adlib::kernels
