// kernels/cuda/norm.cuh: layer and RMS normalisation of rows, which differ in whether the mean is taken away
// (Centred), and the sum of two rows before it (a residual connection).
//
// A row is read once and kept in registers as it was stored, 16 bytes a group; the second and third look at
// it convert again. Lane l of L has the groups l, l + L, …: a warp a row up to 1024 columns, a block a row up
// to 8192, and the longer ones are read again from the cache. Bound by memory: rows cols sizeof(T) bytes
// each way; gamma and beta come from the cache.
#pragma once

#include "kernels/cuda/arch/math.cuh"
#include "kernels/cuda/group.cuh"
#include "kernels/cuda/norm.h"

namespace adlib::kernels::cuda {

/// The group at `column` of a row; with a residual its sum, which is stored too.
template <bool Aligned, class T>
__device__ __forceinline__ Group<T> load_normal_input(const NormRows<T>& a, std::int64_t offset, int column) {
  Group<T> x = load_group<Aligned>(a.x + offset + column, a.cols - column);
  if (a.residual != nullptr) {
    const Group<T> residual = load_group<Aligned>(a.residual + offset + column, a.cols - column);
#pragma unroll
    for (int e = 0; e < vec_size<T>; ++e) x[e] = round_to<T>(to_float(x[e]) + to_float(residual[e]));
    store_group<Aligned>(a.sum + offset + column, x, a.cols - column);
  }
  return x;
}

/// y = (x - mean) rstd gamma + beta for one group.
template <bool Aligned, class T>
__device__ __forceinline__ void store_normal(const NormRows<T>& a, std::int64_t offset, int column,
                                             const Group<T>& x, float mean, float rstd) {
  const int left = a.cols - column;
  const Group<T> gamma = load_group<Aligned>(a.gamma + column, left);
  Group<T> beta{};
  if (a.beta != nullptr) beta = load_group<Aligned>(a.beta + column, left);
  Group<T> y;
#pragma unroll
  for (int e = 0; e < vec_size<T>; ++e)
    y[e] = round_to<T>((to_float(x[e]) - mean) * (rstd * to_float(gamma[e])) + to_float(beta[e]));
  store_group<Aligned>(a.y + offset + column, y, left);
}

/// grid = rows / 4, block = 128, a warp a row; or WholeBlock: grid = rows, block = as many warps as the
/// groups need, shared memory = row_scratch floats. Elements: those of a thread.
template <class T, bool Centred, bool Aligned, bool WholeBlock, int Elements>
__global__ void __launch_bounds__(!WholeBlock    ? 128
                                  : Elements > 8 ? 512
                                                 : 256,
                                  1) norm_kernel(NormRows<T> a) {
  constexpr int size = vec_size<T>, groups = Elements / size;
  const Shared<float> scratch(0, WholeBlock ? row_scratch : 0);
  const int lanes = WholeBlock ? static_cast<int>(blockDim.x) : 32;
  const int lane = WholeBlock ? thread_index() : lane_index();
  const std::int64_t row = WholeBlock ? blockIdx.x : static_cast<std::int64_t>(blockIdx.x) * 4 + warp_index();
  if (row >= a.rows) return;
  const std::int64_t offset = row * a.cols;

  Group<T> x[groups];
#pragma unroll
  for (int i = 0; i < groups; ++i) x[i] = load_normal_input<Aligned>(a, offset, (i * lanes + lane) * size);

  int turn = 0;
  float mean = 0;
  if constexpr (Centred) {
    float sum[1] = {0};
#pragma unroll
    for (int i = 0; i < groups; ++i) {
#pragma unroll
      for (int e = 0; e < size; ++e) sum[0] += to_float(x[i][e]);
    }
    reduce_row<WholeBlock>(sum, scratch, turn++, Add{});
    mean = sum[0] / static_cast<float>(a.cols);
  }
  float squares[1] = {0};
#pragma unroll
  for (int i = 0; i < groups; ++i) {
    const int column = (i * lanes + lane) * size;
#pragma unroll
    for (int e = 0; e < size; ++e) {
      const float from_mean = to_float(x[i][e]) - mean;
      if (column + (Aligned ? 0 : e) < a.cols) squares[0] += from_mean * from_mean;
    }
  }
  reduce_row<WholeBlock>(squares, scratch, turn++, Add{});
  const float rstd = reciprocal_sqrt(squares[0] / static_cast<float>(a.cols) + a.eps);
#pragma unroll
  for (int i = 0; i < groups; ++i)
    store_normal<Aligned>(a, offset, (i * lanes + lane) * size, x[i], mean, rstd);
}

/// Any number of columns: a block of 512 threads a row, which is read again for each pass.
template <class T, bool Centred, bool Aligned>
__global__ void __launch_bounds__(512) norm_long_kernel(NormRows<T> a) {
  constexpr int size = vec_size<T>;
  const Shared<float> scratch(0, row_scratch);
  const int step = static_cast<int>(blockDim.x) * size, first = thread_index() * size;
  const std::int64_t offset = static_cast<std::int64_t>(blockIdx.x) * a.cols;
  // What is normalised: read again from `sum`, where this thread put it, when there is one.
  NormRows<T> again = a;
  if (a.residual != nullptr) again.x = a.sum, again.residual = nullptr;

  float sum[1] = {0};
  for (int column = first; column < a.cols; column += step) {
    const Group<T> x = load_normal_input<Aligned>(a, offset, column);
#pragma unroll
    for (int e = 0; e < size; ++e) sum[0] += to_float(x[e]);
  }
  reduce_row<true>(sum, scratch, 0, Add{});
  const float mean = Centred ? sum[0] / static_cast<float>(a.cols) : 0.0f;
  float squares[1] = {0};
  for (int column = first; column < a.cols; column += step) {
    const Group<T> x = load_normal_input<Aligned>(again, offset, column);
#pragma unroll
    for (int e = 0; e < size; ++e) {
      const float from_mean = to_float(x[e]) - mean;
      if (column + (Aligned ? 0 : e) < a.cols) squares[0] += from_mean * from_mean;
    }
  }
  reduce_row<true>(squares, scratch, 1, Add{});
  const float rstd = reciprocal_sqrt(squares[0] / static_cast<float>(a.cols) + a.eps);
  for (int column = first; column < a.cols; column += step)
    store_normal<Aligned>(a, offset, column, load_normal_input<Aligned>(again, offset, column), mean, rstd);
}

}  // namespace adlib::kernels::cuda
