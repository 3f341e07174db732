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
void multiply_tile(const simd::TileF32& t) {
  Float4 left[Rows] = {}, right[Rows] = {};
  for (std::int64_t i = 0; i < t.k; ++i) {
    const Float4 b_left = load4(t.panel + i * t.panel_row);
    const Float4 b_right = load4(t.panel + i * t.panel_row + 4);
    for (int r = 0; r < Rows; ++r) {
      const float value = t.a[r * t.a_row + i * t.a_k];
      left[r] += value * b_left;
      right[r] += value * b_right;
    }
  }
  for (int r = 0; r < Rows; ++r) {
    float* row = t.sums + r * t.sums_row;
    store4(row, t.add ? load4(row) + left[r] : left[r]);
    store4(row + 4, t.add ? load4(row + 4) + right[r] : right[r]);
  }
}

void baseline_tile(const simd::TileF32& t) {
  switch (t.m) {
    case 1:
      return multiply_tile<1>(t);
    case 2:
      return multiply_tile<2>(t);
    case 3:
      return multiply_tile<3>(t);
    default:
      return multiply_tile<4>(t);
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

// The product for either source of b.
template <class T, class Panels>
void multiply(CpuContext& context, T* out, const T* a, const MatmulShape& shape,
              const MatmulEpilogue<T>& epilogue, const Panels& panels) {
  std::int64_t a_stride = shape.a_stride;
  const float* rows = rows_as_float(a, shape, a_stride);
  cpu::gemm(context, cpu::gemm_f32(), shape.m, shape.n, shape.k, rows, a_stride, panels,
            [&](std::int64_t row, std::int64_t column, std::int64_t columns, float* sums) {
              const std::int64_t at = row * shape.n + column;
              finish_row(out + at, sums, columns, epilogue.bias == nullptr ? nullptr : epilogue.bias + column,
                         epilogue.activation,
                         epilogue.residual == nullptr ? nullptr : epilogue.residual + at);
            });
}

// Panels that pack() laid out: floats are read where they are, other types are converted a block at a time.
template <class T>
class Packed {
 public:
  Packed(const T* packed, std::int64_t k, std::int64_t panel_columns, std::int64_t column,
         std::int64_t columns)
      : packed_(packed + column * k), k_(k), panel_columns_(panel_columns), columns_(columns) {
    if constexpr (!in_place) panels_ = cpu::scratch<struct GemmPanels>(gemm_block_n * gemm_block_k);
  }

  void open(std::int64_t first, std::int64_t depth) {
    first_ = first;
    depth_ = depth;
    if constexpr (!in_place) {
      for (std::int64_t j = 0; j < columns_; j += panel_columns_) {
        cpu::to_float(panels_ + j * depth, at(j), depth * panel_columns_);
      }
    }
  }
  const float* panel(std::int64_t j) const {
    if constexpr (in_place) {
      return at(j);
    } else {
      return panels_ + j * depth_;
    }
  }

 private:
  static constexpr bool in_place = std::is_same_v<T, float>;
  const T* at(std::int64_t j) const { return packed_ + j * k_ + first_ * panel_columns_; }

  const T* packed_;
  std::int64_t k_, panel_columns_, columns_;
  std::int64_t first_ = 0, depth_ = 0;
  float* panels_ = nullptr;
};

// Calls element(index in the packed panels, index in b as stored) for every element of one panel's column,
// rows in order.
template <class Element>
void for_each_packed(const MatmulShape& shape, std::int64_t panel_columns, std::int64_t column,
                     Element element) {
  const std::int64_t to = column / panel_columns * panel_columns * shape.k + column % panel_columns;
  const std::int64_t from = shape.transpose_b ? column * shape.b_stride : column;
  const std::int64_t step = shape.transpose_b ? 1 : shape.b_stride;
  for (std::int64_t i = 0; i < shape.k; ++i) element(to + i * panel_columns, from + i * step);
}

std::int64_t padded_columns(std::int64_t n) {
  const std::int64_t width = cpu::gemm_f32().columns;
  return (n + width - 1) / width * width;
}

}  // namespace

template <class T>
void matmul(CpuContext& context, T* out, const T* a, const T* b, const MatmulShape& shape,
            const MatmulEpilogue<T>& epilogue) {
  multiply(context, out, a, shape, epilogue, [&](std::int64_t column, std::int64_t columns) {
    return Packing<T>(b, shape, cpu::gemm_f32().columns, column, columns);
  });
}

template <class T>
void matmul_packed(CpuContext& context, T* out, const T* a, const T* packed, const MatmulShape& shape,
                   const MatmulEpilogue<T>& epilogue) {
  multiply(context, out, a, shape, epilogue, [&](std::int64_t column, std::int64_t columns) {
    return Packed<T>(packed, shape.k, cpu::gemm_f32().columns, column, columns);
  });
}

std::int64_t packed_size(CpuContext&, std::int64_t k, std::int64_t n) { return k * padded_columns(n); }

template <class T>
void pack(CpuContext& context, T* packed, const T* b, const MatmulShape& shape) {
  const std::int64_t width = cpu::gemm_f32().columns;
  parallel_for(context.threads, padded_columns(shape.n) / width, [&](std::int64_t panel) {
    for (std::int64_t column = panel * width; column < (panel + 1) * width; ++column) {
      const bool inside = column < shape.n;
      for_each_packed(shape, width, column,
                      [&](std::int64_t to, std::int64_t from) { packed[to] = inside ? b[from] : T(); });
    }
  });
}

template <class T>
void unpack(CpuContext& context, T* b, const T* packed, const MatmulShape& shape) {
  const std::int64_t width = cpu::gemm_f32().columns;
  parallel_for(context.threads, shape.n, [&](std::int64_t column) {
    for_each_packed(shape, width, column, [&](std::int64_t from, std::int64_t to) { b[to] = packed[from]; });
  });
}

template void matmul(CpuContext&, float*, const float*, const float*, const MatmulShape&,
                     const MatmulEpilogue<float>&);
template void matmul_packed(CpuContext&, float*, const float*, const float*, const MatmulShape&,
                            const MatmulEpilogue<float>&);
template void pack(CpuContext&, float*, const float*, const MatmulShape&);
template void unpack(CpuContext&, float*, const float*, const MatmulShape&);
template void matmul(CpuContext&, float16*, const float16*, const float16*, const MatmulShape&,
                     const MatmulEpilogue<float16>&);
template void matmul_packed(CpuContext&, float16*, const float16*, const float16*, const MatmulShape&,
                            const MatmulEpilogue<float16>&);
template void pack(CpuContext&, float16*, const float16*, const MatmulShape&);
template void unpack(CpuContext&, float16*, const float16*, const MatmulShape&);
template void matmul(CpuContext&, bfloat16*, const bfloat16*, const bfloat16*, const MatmulShape&,
                     const MatmulEpilogue<bfloat16>&);
template void matmul_packed(CpuContext&, bfloat16*, const bfloat16*, const bfloat16*, const MatmulShape&,
                            const MatmulEpilogue<bfloat16>&);
template void pack(CpuContext&, bfloat16*, const bfloat16*, const MatmulShape&);
template void unpack(CpuContext&, bfloat16*, const bfloat16*, const MatmulShape&);

}  // namespace adlib::kernels
