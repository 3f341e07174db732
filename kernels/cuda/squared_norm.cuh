// kernels/cuda/squared_norm.cuh: sums of squares of blocks of squared_norm_block elements, in double.
// A block for each; its threads take groups in turn and their sums are added as a tree. Bound by memory:
// n sizeof(T) bytes, on devices with half the rate in double; elsewhere by that.
#pragma once

#include "kernels/cuda/group.cuh"
#include "kernels/squared_norm.h"

namespace adlib::kernels::cuda {

/// sums[b] = that of block b. grid = blocks of elements, block = 256, shared memory = 8 doubles. Aligned: x
/// is a multiple of 16 bytes.
template <class T, bool Aligned>
__global__ void __launch_bounds__(256) squared_norm_kernel(double* sums, const T* x, std::int64_t n) {
  constexpr int size = vec_size<T>, step = 256 * size;
  const Shared<double> partial(0, 8);
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * squared_norm_block;
  const int count = static_cast<int>(n - first < squared_norm_block ? n - first : squared_norm_block);
  const T* p = x + first;
  double even = 0, odd = 0;  // two, so that an addition need not wait for the one before
  const auto add = [&](const Group<T>& group) {
#pragma unroll
    for (int e = 0; e < size; e += 2) {
      const double a = to_float(group[e]), b = to_float(group[e + 1]);
      even += a * a;
      odd += b * b;
    }
  };
  int i = thread_index() * size;
#pragma unroll 4
  for (; Aligned && i + size <= count; i += step) add(load_group<true>(p + i, size));
  for (; i < count; i += step) add(load_group<false>(p + i, count - i));
  const double sum = warp_sum(even + odd);
  const int warp = warp_index();
  if (lane_index() == 0) partial[warp] = sum;
  sync_threads();
  if (thread_index() != 0) return;
  double all = 0;
  for (int w = 0; w < 8; ++w) all += partial[w];
  sums[blockIdx.x] = all;
}

}  // namespace adlib::kernels::cuda
