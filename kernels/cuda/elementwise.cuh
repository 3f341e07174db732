// kernels/cuda/elementwise.cuh: sums and products of two operands that may broadcast.
//
// Dimensions that can be walked as one are joined first (elementwise.cu). What is left is most often one or
// two: rows of y without gaps, whose operands have a row stride (0 repeats a row) and elements side by side
// or all the same. Then a thread has one group of columns of every gridDim.y-th row. Bound by memory: 3 n
// sizeof(T) bytes, less where an operand repeats, since the cache has it. Any other layout: a thread an
// element, whose index is split into its dimensions; bound by the divisions.
#pragma once

#include "kernels/cuda/group.cuh"
#include "kernels/strided.h"

namespace adlib::kernels::cuda {

struct Multiply {
  __device__ __forceinline__ float operator()(float a, float b) const { return a * b; }
};

/// An operand of binary_rows_kernel: its elements stand side by side, or every row is one element.
template <class T>
struct RowOperand {
  const T* data;
  std::int64_t row_stride;
  bool one;
};

template <bool Aligned, class T>
__device__ __forceinline__ Group<T> load_operand(const RowOperand<T>& operand, std::int64_t row,
                                                 std::int64_t column, std::int64_t left) {
  const T* p = operand.data + row * operand.row_stride;
  if (!operand.one) return load_group<Aligned>(p + column, left);
  Group<T> out;
  const T value = *p;
#pragma unroll
  for (int e = 0; e < vec_size<T>; ++e) out[e] = value;
  return out;
}

/// y: (rows, cols). grid = (groups / 128, rows), either at most what fills the device; block = 128.
template <class T, class Op, bool Aligned>
__global__ void __launch_bounds__(128)
    binary_rows_kernel(T* y, RowOperand<T> a, RowOperand<T> b, std::int64_t rows, std::int64_t cols) {
  constexpr int size = vec_size<T>;
  const std::int64_t column_step = static_cast<std::int64_t>(gridDim.x) * 128 * size;
  for (std::int64_t column = (static_cast<std::int64_t>(blockIdx.x) * 128 + threadIdx.x) * size;
       column < cols; column += column_step) {
    const auto one = [&](std::int64_t row, auto aligned) {
      constexpr bool whole = decltype(aligned)::value;
      Group<T> p = load_operand<whole>(a, row, column, cols - column);
      const Group<T> q = load_operand<whole>(b, row, column, cols - column);
#pragma unroll
      for (int e = 0; e < size; ++e) p[e] = round_to<T>(Op{}(to_float(p[e]), to_float(q[e])));
      store_group<whole>(y + row * cols + column, p, cols - column);
    };
    // A last, short group of a single aligned row is not one access.
    if (Aligned && column + size <= cols) {
#pragma unroll 2
      for (std::int64_t row = blockIdx.y; row < rows; row += gridDim.y) one(row, std::true_type{});
    } else {
      for (std::int64_t row = blockIdx.y; row < rows; row += gridDim.y) one(row, std::false_type{});
    }
  }
}

/// Any strides. grid = n / 256 or what fills the device; block = 256.
template <class T, class Op>
__global__ void __launch_bounds__(256)
    binary_strided_kernel(T* y, const T* a, const T* b, std::int64_t n, Extents extents, Strides a_strides,
                          Strides b_strides) {
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < n; i += step) {
    std::int64_t rest = i, at_a = 0, at_b = 0;
    for (int dim = extents.rank - 1; dim >= 0; --dim) {
      const auto d = static_cast<std::size_t>(dim);
      const std::int64_t at = rest % extents.dims[d];
      rest /= extents.dims[d];
      at_a += at * a_strides[d];
      at_b += at * b_strides[d];
    }
    y[i] = round_to<T>(Op{}(to_float(a[at_a]), to_float(b[at_b])));
  }
}

}  // namespace adlib::kernels::cuda
