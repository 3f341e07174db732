// kernels/cuda/softmax.cuh: softmax and its logarithm (Logarithm) along one dimension.
//
// Rows whose elements stand side by side are kept in registers as norm.cuh keeps them, and read once; those
// of more than 16384 elements are read twice, the greatest and the sum in one pass (Milakov and Gimelshein,
// "Online normalizer calculation for softmax", 2018). Where other dimensions lie inside, a thread has a row,
// so that a warp reads neighbours. Bound by memory: n sizeof(T) bytes each way.
#pragma once

#include "kernels/cuda/arch/math.cuh"
#include "kernels/cuda/exp.cuh"
#include "kernels/cuda/group.cuh"

namespace adlib::kernels::cuda {

/// What a row is shifted by: a row of -inf by 0, so that its exponentials are 0 and not NaN.
__device__ __forceinline__ float softmax_shift(float largest) {
  return largest == -INFINITY ? 0.0f : largest;
}

/// From x, the row's shift, and 1 / sum or log(sum).
template <class T, bool Logarithm>
__device__ __forceinline__ T softmax_of(T x, float shift, float scale) {
  const float shifted = to_float(x) - shift;
  return round_to<T>(Logarithm ? shifted - scale : exp_of<T>(shifted) * scale);
}
/// 1 / sum or log(sum); 0 where nothing was summed.
template <bool Logarithm>
__device__ __forceinline__ float softmax_scale(float sum) {
  if (sum == 0) return 0;
  return Logarithm ? logf(sum) : 1.0f / sum;
}

/// The greatest of some numbers and the sum of exp(x - shift of it).
struct SoftmaxSum {
  float largest = -INFINITY, sum = 0;
};
/// Both of both. NaN is in the sum.
template <class T>
__device__ __forceinline__ SoftmaxSum join(const SoftmaxSum& a, const SoftmaxSum& b) {
  const float largest = fmaxf(a.largest, b.largest), shift = softmax_shift(largest);
  const auto part = [&](const SoftmaxSum& s) {
    return s.sum * (s.largest == largest ? 1.0f : exp_of<T>(s.largest - shift));
  };
  return {largest, part(a) + part(b)};
}

/// A thread's share of a row: every `step`-th group of elements from `first` on, in one pass (Milakov and
/// Gimelshein, 2018).
template <bool Aligned, class T>
__device__ __forceinline__ SoftmaxSum softmax_sum(const T* row, std::int64_t first, std::int64_t step,
                                                  std::int64_t cols) {
  constexpr int size = vec_size<T>;
  SoftmaxSum mine;
#pragma unroll 2
  for (std::int64_t column = first; column < cols; column += step) {
    const Group<T> in = load_group<Aligned>(row + column, cols - column);
    SoftmaxSum group;
#pragma unroll
    for (int e = 0; e < size; ++e) {
      if (column + (Aligned ? 0 : e) < cols) group.largest = fmaxf(group.largest, to_float(in[e]));
    }
    const float shift = softmax_shift(group.largest);
#pragma unroll
    for (int e = 0; e < size; ++e) {
      if (column + (Aligned ? 0 : e) < cols) group.sum += exp_of<T>(to_float(in[e]) - shift);
    }
    mine = join<T>(mine, group);
  }
  return mine;
}

/// y, x: (rows, cols). grid and block as norm_kernel's.
template <class T, bool Logarithm, bool Aligned, bool WholeBlock, int Elements>
__global__ void __launch_bounds__(!WholeBlock    ? 128
                                  : Elements > 8 ? 512
                                                 : 256)
    softmax_kernel(T* y, const T* x, std::int64_t rows, int cols) {
  constexpr int size = vec_size<T>, groups = Elements / size;
  const Shared<float> scratch(0, WholeBlock ? row_scratch : 0);
  const int lanes = WholeBlock ? static_cast<int>(blockDim.x) : 32;
  const int lane = WholeBlock ? thread_index() : lane_index();
  const std::int64_t row = WholeBlock ? blockIdx.x : static_cast<std::int64_t>(blockIdx.x) * 4 + warp_index();
  if (row >= rows) return;
  const std::int64_t offset = row * cols;

  Group<T> in[groups];
  float largest[1] = {-INFINITY};
#pragma unroll
  for (int i = 0; i < groups; ++i) {
    const int column = (i * lanes + lane) * size;
    in[i] = load_group<Aligned>(x + offset + column, cols - column);
  }
#pragma unroll
  for (int i = 0; i < groups; ++i) {
    const int column = (i * lanes + lane) * size;
#pragma unroll
    for (int e = 0; e < size; ++e) {
      if (column + (Aligned ? 0 : e) < cols) largest[0] = fmaxf(largest[0], to_float(in[i][e]));
    }
  }
  reduce_row<WholeBlock>(largest, scratch, 0, Greater{});
  const float shift = softmax_shift(largest[0]);
  float sum[1] = {0};
#pragma unroll
  for (int i = 0; i < groups; ++i) {
    const int column = (i * lanes + lane) * size;
#pragma unroll
    for (int e = 0; e < size; ++e) {
      if (column + (Aligned ? 0 : e) < cols) sum[0] += exp_of<T>(to_float(in[i][e]) - shift);
    }
  }
  reduce_row<WholeBlock>(sum, scratch, 1, Add{});
  const float scale = softmax_scale<Logarithm>(sum[0]);
#pragma unroll
  for (int i = 0; i < groups; ++i) {
    const int column = (i * lanes + lane) * size;
    Group<T> out;
#pragma unroll
    for (int e = 0; e < size; ++e) out[e] = softmax_of<T, Logarithm>(in[i][e], shift, scale);
    store_group<Aligned>(y + offset + column, out, cols - column);
  }
}

/// Any number of columns. grid = rows, block = 512, shared memory = row_scratch floats.
template <class T, bool Logarithm, bool Aligned>
__global__ void __launch_bounds__(512) softmax_long_kernel(T* y, const T* x, std::int64_t cols) {
  constexpr int size = vec_size<T>;
  const Shared<float> scratch(0, row_scratch);
  const std::int64_t offset = static_cast<std::int64_t>(blockIdx.x) * cols;
  const std::int64_t step = static_cast<std::int64_t>(blockDim.x) * size;
  const std::int64_t first = static_cast<std::int64_t>(thread_index()) * size;

  const SoftmaxSum mine = softmax_sum<Aligned>(x + offset, first, step, cols);
  float largest[1] = {mine.largest};
  reduce_row<true>(largest, scratch, 0, Greater{});
  const float shift = softmax_shift(largest[0]);
  float sum[1] = {join<T>(mine, {largest[0], 0}).sum};
  reduce_row<true>(sum, scratch, 1, Add{});
  const float scale = softmax_scale<Logarithm>(sum[0]);
#pragma unroll 2
  for (std::int64_t column = first; column < cols; column += step) {
    const Group<T> in = load_group<Aligned>(x + offset + column, cols - column);
    Group<T> out;
#pragma unroll
    for (int e = 0; e < size; ++e) out[e] = softmax_of<T, Logarithm>(in[e], shift, scale);
    store_group<Aligned>(y + offset + column, out, cols - column);
  }
}

/// y, x: (outer, extent, inner). A thread a row; grid = outer inner / 128, block = 128.
template <class T, bool Logarithm>
__global__ void __launch_bounds__(128)
    softmax_inner_kernel(T* y, const T* x, std::int64_t rows, std::int64_t extent, std::int64_t inner) {
  const std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * 128 + threadIdx.x;
  if (row >= rows) return;
  const std::int64_t first = row / inner * extent * inner + row % inner;
  float largest = -INFINITY, sum = 0;
#pragma unroll 4
  for (std::int64_t e = 0; e < extent; ++e) largest = fmaxf(largest, to_float(x[first + e * inner]));
  const float shift = softmax_shift(largest);
#pragma unroll 4
  for (std::int64_t e = 0; e < extent; ++e) sum += exp_of<T>(to_float(x[first + e * inner]) - shift);
  const float scale = softmax_scale<Logarithm>(sum);
#pragma unroll 4
  for (std::int64_t e = 0; e < extent; ++e)
    y[first + e * inner] = softmax_of<T, Logarithm>(x[first + e * inner], shift, scale);
}

}  // namespace adlib::kernels::cuda
