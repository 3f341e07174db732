// kernels/cuda/group.cuh: what kernels on rows share: groups of elements in one access, and sums over the
// threads of a row.
#pragma once

#include "kernels/cuda/arch/barrier.cuh"
#include "kernels/cuda/arch/convert.cuh"
#include "kernels/cuda/arch/shared.cuh"
#include "kernels/cuda/arch/warp.cuh"

namespace adlib::kernels::cuda {

/// The elements that a thread reads at once, 16 bytes. Which thread has which elements depends on the extents
/// alone; whether a group is one access or one for each element, on where the rows stand (Aligned). So the
/// order of a sum does not depend on addresses.
template <class T>
using Group = Vec<T, vec_size<T>>;

/// Groups in a row of `cols` elements; the last one may be short.
template <class T>
__host__ __device__ constexpr std::int64_t groups_in(std::int64_t cols) {
  return (cols + vec_size<T> - 1) / vec_size<T>;
}

/// The first `left` elements of the group at p, zeros behind them. Aligned: p is a multiple of 16 bytes, and
/// `left` at least a group or not positive.
template <bool Aligned, class T, class Index>
__device__ __forceinline__ Group<T> load_group(const T* p, Index left) {
  Group<T> out{};
  if constexpr (Aligned) {
    if (left > 0) out = load_coherent<vec_size<T>>(p);
  } else {
#pragma unroll
    for (int e = 0; e < vec_size<T>; ++e) {
      if (e < left) out[e] = p[e];
    }
  }
  return out;
}
/// Writes what load_group reads.
template <bool Aligned, class T, class Index>
__device__ __forceinline__ void store_group(T* p, const Group<T>& values, Index left) {
  if constexpr (Aligned) {
    if (left > 0) store(p, values);
  } else {
#pragma unroll
    for (int e = 0; e < vec_size<T>; ++e) {
      if (e < left) p[e] = values[e];
    }
  }
}

/// True when every group of rows that begin at p and stand `stride` elements apart is one access; for null
/// too.
template <class T>
bool is_aligned(const T* p, std::int64_t cols, std::int64_t stride) {
  return is_vectorizable<vec_size<T>>(p, cols, stride);
}

struct Add {
  __device__ __forceinline__ float operator()(float a, float b) const { return a + b; }
};
/// The greater one; NaN is passed over.
struct Greater {
  __device__ __forceinline__ float operator()(float a, float b) const { return fmaxf(a, b); }
};

/// Most warps of a block whose threads share a row.
inline constexpr int most_row_warps = 16;
/// Shared memory that reduce_row needs in a block, for sets of up to three numbers.
inline constexpr int row_scratch = 2 * 3 * most_row_warps;

/// Reduces each of K numbers over the threads of a row, in every one of them: over the lanes of a warp, pairs
/// first, and where the row has the whole block, over its warps in ascending order. `turn` counts the calls
/// of a kernel: they alternate between two areas of `scratch`, so that one barrier a call is enough.
template <bool WholeBlock, int K, class Op>
__device__ __forceinline__ void reduce_row(float (&values)[K], const Shared<float>& scratch, int turn,
                                           const Op& op) {
  static_assert(K <= 3);
#pragma unroll
  for (int k = 0; k < K; ++k) {
#pragma unroll
    for (int mask = 1; mask < 32; mask *= 2) values[k] = op(values[k], shuffle_xor(values[k], mask));
  }
  if constexpr (WholeBlock) {
    const int warps = static_cast<int>(blockDim.x) / 32, warp = warp_index();
    const Shared<float> area = scratch.from(turn % 2 * (3 * most_row_warps));
    if (lane_index() == 0) {
#pragma unroll
      for (int k = 0; k < K; ++k) area[k * most_row_warps + warp] = values[k];
    }
    sync_threads();
#pragma unroll
    for (int k = 0; k < K; ++k) {
      values[k] = area[k * most_row_warps];
      for (int w = 1; w < warps; ++w) values[k] = op(values[k], area[k * most_row_warps + w]);
    }
  }
}

}  // namespace adlib::kernels::cuda
