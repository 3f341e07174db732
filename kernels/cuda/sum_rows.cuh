// kernels/cuda/sum_rows.cuh: sums over rows, in the order of kernels/sum_rows.h.
//
// First a thread adds up a group of columns over row_block rows, whose reads do not wait for one another;
// these sums go to temporary memory, 1 / (8 … 16) of what was read. Then they are added in ascending order:
// 32 columns a block, whose warps bring them to shared memory, where one warp adds. Bound by memory: rows
// cols sizeof(T) bytes.
#pragma once

#include "kernels/cuda/group.cuh"
#include "kernels/sum_rows.h"

namespace adlib::kernels::cuda {

/// partials[b, c] = the sum of block b's rows. grid = (blocks of rows, groups / threads), block = up to 256.
template <class T, bool Aligned>
__global__ void __launch_bounds__(256)
    sum_row_block_kernel(float* partials, const T* x, std::int64_t rows, std::int64_t cols) {
  constexpr int size = vec_size<T>;
  const std::int64_t column = (static_cast<std::int64_t>(blockIdx.y) * blockDim.x + threadIdx.x) * size;
  if (column >= cols) return;
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * row_block, left = cols - column;
  const int count = static_cast<int>(rows - first < row_block ? rows - first : row_block);
  const T* p = x + first * cols + column;
  float sums[size] = {};
  const auto add = [&](const Group<T>& row) {
#pragma unroll
    for (int e = 0; e < size; ++e) sums[e] += to_float(row[e]);
  };
  constexpr int at_once = Aligned ? 8 : 2;
  int r = 0;
  for (; r + at_once <= count; r += at_once) {
    Group<T> some[at_once];
#pragma unroll
    for (int i = 0; i < at_once; ++i) some[i] = load_group<Aligned>(p + (r + i) * cols, left);
#pragma unroll
    for (int i = 0; i < at_once; ++i) add(some[i]);
  }
  for (; r < count; ++r) add(load_group<Aligned>(p + r * cols, left));
#pragma unroll
  for (int e = 0; e < size; ++e) {
    if (e < left) partials[static_cast<std::int64_t>(blockIdx.x) * cols + column + e] = sums[e];
  }
}

/// Rows of partials that a warp brings to shared memory at a time, and most warps of a block.
inline constexpr int add_blocks_rows = 16, add_blocks_warps = 16;

/// sums[c] += partials[b, c] for b = 0, 1, … in this order; rows of partials stand `stride` apart.
/// grid = cols / 32, block = up to 16 warps, shared memory = 16 rows of 32 floats a warp.
template <int Rows>
__global__ void __launch_bounds__(32 * add_blocks_warps)
    add_blocks_kernel(float* sums, const float* partials, std::int64_t blocks, std::int64_t stride,
                      std::int64_t cols) {
  const int warp = warp_index(), lane = lane_index(), warps = static_cast<int>(blockDim.x) / 32;
  const int at_once = Rows * warps;
  const Shared<float> rows(0, at_once * 32);
  const std::int64_t column = static_cast<std::int64_t>(blockIdx.x) * 32 + lane;
  const bool mine = column < cols;
  float sum = mine && warp == 0 ? sums[column] : 0.0f;
  for (std::int64_t first = 0; first < blocks; first += at_once) {
    const int count = static_cast<int>(blocks - first < at_once ? blocks - first : at_once);
    if (first > 0) sync_threads();  // the last ones are added
#pragma unroll
    for (int i = 0; i < Rows; ++i) {
      const int r = i * warps + warp;
      if (mine && r < count) rows[r * 32 + lane] = partials[(first + r) * stride + column];
    }
    sync_threads();
    if (warp == 0 && mine) {
#pragma unroll 16
      for (int r = 0; r < count; ++r) sum += rows[r * 32 + lane];
    }
  }
  if (warp == 0 && mine) sums[column] = sum;
}

}  // namespace adlib::kernels::cuda
