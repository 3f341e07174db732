// kernels/cuda/embedding.cuh: rows of a table, and the sums of their gradients.
//
// Forward: a warp copies a row. Bound by memory: 2 n cols sizeof(T) bytes.
//
// Backward, without atomics on floats: first every position's rank in the stable order by id is counted, by
// comparing it with all others. These n² comparisons of integers (some 4 n² instructions, shared by 32 lanes)
// cost about as much as reading dy at n = 16384, and need no counters for the V rows, which would have to be
// cleared. Then the warps of each id's first position add its rows in ascending order, eight reads under
// way. Bound by memory: n cols sizeof(T) bytes, and 8 cols for each different id.
#pragma once

#include "kernels/cuda/group.cuh"

namespace adlib::kernels::cuda {

/// grid = n / 4, block = 128.
template <class T, bool Aligned>
__global__ void __launch_bounds__(128)
    embedding_kernel(T* y, const T* table, const std::int32_t* ids, std::int64_t n, std::int64_t cols,
                     std::int64_t table_stride) {
  constexpr int size = vec_size<T>;
  const std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * 4 + warp_index();
  if (row >= n) return;
  const T* from = table + ids[row] * table_stride;
  T* to = y + row * cols;
#pragma unroll 4
  for (std::int64_t column = lane_index() * size; column < cols; column += 32 * size)
    store_group<Aligned>(to + column, load_group<Aligned>(from + column, cols - column), cols - column);
}

/// Warps of rank_kernel, each of which compares with its part of the others.
inline constexpr int rank_parts = 8;

/// order[r] = the position whose rank is r. grid = n / 32, block = 256, shared memory = 256 integers.
/// Aligned: ids is a multiple of 16 bytes.
template <bool Aligned>
__global__ void __launch_bounds__(32 * rank_parts)
    rank_kernel(std::int32_t* order, const std::int32_t* ids, int n) {
  const Shared<int> counts(0, 32 * rank_parts);
  const int warp = warp_index(), lane = lane_index();
  const int first = static_cast<int>(blockIdx.x) * 32, mine = first + lane;
  const int id = mine < n ? ids[mine] : 0;
  // Whole groups of 32: the block's own positions are one, of which only the earlier equal ones count.
  const int groups = (n + 31) / 32, each = (groups + rank_parts - 1) / rank_parts;
  const int begin = warp * each * 32, end = (warp + 1) * each < groups ? (warp + 1) * each * 32 : n;
  int count = 0;
#pragma unroll 4
  for (int j = begin; j < end; j += 4) {
    Vec<std::int32_t, 4> other;
    if (Aligned && j + 4 <= n) {
      other = load<4>(ids + j);
    } else {
#pragma unroll
      for (int k = 0; k < 4; ++k) other[k] = j + k < n ? ids[j + k] : 0x7fffffff;
    }
    if (j >= first && j < first + 32) {
#pragma unroll
      for (int k = 0; k < 4; ++k) count += other[k] < id || (other[k] == id && j + k < mine);
    } else {
      const int bound = j < first ? id + 1 : id;
#pragma unroll
      for (int k = 0; k < 4; ++k) count += other[k] < bound;
    }
  }
  counts[warp * 32 + lane] = count;
  sync_threads();
  if (warp != 0 || mine >= n) return;
  int rank = 0;
  for (int part = 0; part < rank_parts; ++part) rank += counts[part * 32 + lane];
  order[rank] = mine;
}

/// dtable[ids[i],:] += dy[i,:] in the order of i. A warp for 32 groups of columns of each position, of which
/// those of an id's first one work. grid = (n / 4, groups / 32), block = 128. Aligned: dtable and dy are
/// multiples of 16 bytes, cols of a group.
template <class T, bool Aligned>
__global__ void __launch_bounds__(128)
    embedding_backward_kernel(float* dtable, const T* dy, const std::int32_t* ids, const std::int32_t* order,
                              int n, std::int64_t cols) {
  constexpr int size = vec_size<T>, at_once = 8;
  const int lane = lane_index();
  const int rank = static_cast<int>(blockIdx.x) * 4 + warp_index();
  if (rank >= n) return;
  const std::int32_t id = ids[order[rank]];
  if (rank > 0 && ids[order[rank - 1]] == id) return;

  const std::int64_t column = (static_cast<std::int64_t>(blockIdx.y) * 32 + lane) * size,
                     left = cols - column;
  float* out = dtable + id * cols + column;
  Group<float> sums[size / 4];
#pragma unroll
  for (int g = 0; g < size / 4; ++g) sums[g] = load_group<Aligned>(out + 4 * g, left - 4 * g);
  for (int at = rank;; at += 32) {
    // The id's positions stand side by side: the next 32 of them, one a lane.
    const int position = at + lane < n ? order[at + lane] : -1;
    const unsigned same = ballot(position >= 0 && ids[position >= 0 ? position : 0] == id);
    const int count = count_ones(same);
    for (int i = 0; i < count; i += at_once) {
      Group<T> rows[at_once];
#pragma unroll
      for (int k = 0; k < at_once; ++k) {
        const int row = shuffle(position, i + k < count ? i + k : i);
        rows[k] = load_group<Aligned>(dy + row * cols + column, i + k < count ? left : 0);
      }
#pragma unroll
      for (int k = 0; k < at_once; ++k) {
        if (i + k < count) {
#pragma unroll
          for (int e = 0; e < size; ++e) sums[e / 4][e % 4] += to_float(rows[k][e]);
        }
      }
    }
    if (count < 32) break;
  }
#pragma unroll
  for (int g = 0; g < size / 4; ++g) store_group<Aligned>(out + 4 * g, sums[g], left - 4 * g);
}

}  // namespace adlib::kernels::cuda
