// kernels/cuda/cross_entropy.cuh: the loss of a row, and its gradient in the same launch (Backward).
//
// A block has a row. The greatest logit and the sum of exponentials come from one pass (Milakov and
// Gimelshein, "Online normalizer calculation for softmax", 2018); the gradient from a second one, whose reads
// hit the L2 cache: a row of 50257 logits is 100 KB in half types. Each logit is written at most once. Bound
// by memory: rows cols (sizeof(T) + sizeof(D)) bytes. grid = rows, block = 512, shared memory = row_scratch
// floats.
#pragma once

#include "kernels/cuda/softmax.cuh"

namespace adlib::kernels::cuda {

/// loss: (rows); dlogits, logits: (rows, cols), which may be one another where the types agree; targets,
/// weights: (rows). Forward: dlogits and weights are null.
template <class T, class D, bool Backward, bool Aligned>
__global__ void __launch_bounds__(512)
    cross_entropy_kernel(float* loss, D* dlogits, const T* logits, const std::int32_t* targets,
                         const float* weights, std::int64_t cols) {
  constexpr int size = vec_size<T>;
  const Shared<float> scratch(0, row_scratch);
  const std::int64_t row = blockIdx.x, offset = row * cols;
  const std::int64_t step = static_cast<std::int64_t>(blockDim.x) * size;
  const std::int64_t first = static_cast<std::int64_t>(thread_index()) * size;
  const std::int32_t target = targets[row];
  if (target < 0) {
    if (thread_index() == 0) loss[row] = 0;
    if constexpr (Backward) {
      for (std::int64_t column = thread_index(); column < cols; column += blockDim.x)
        dlogits[offset + column] = round_to<D>(0.0f);
    }
    return;
  }
  const float at_target = to_float(logits[offset + target]);  // before dlogits takes its place

  const SoftmaxSum mine = softmax_sum<Aligned>(logits + offset, first, step, cols);
  float largest[1] = {mine.largest};
  reduce_row<true>(largest, scratch, 0, Greater{});
  const float shift = largest[0];  // a row of -inf has no loss: NaN
  float sum[1] = {join<T>(mine, {largest[0], 0}).sum};
  reduce_row<true>(sum, scratch, 1, Add{});
  if (thread_index() == 0) loss[row] = logf(sum[0]) - (at_target - shift);
  if constexpr (Backward) {
    const float weight = weights[row], scale = weight / sum[0];
#pragma unroll 2
    for (std::int64_t column = first; column < cols; column += step) {
      const Group<T> in = load_group<Aligned>(logits + offset + column, cols - column);
#pragma unroll
      for (int e = 0; e < size; ++e) {
        if (column + e >= cols) continue;
        float gradient = exp_of<T>(to_float(in[e]) - shift) * scale;
        if (column + e == target) gradient -= weight;
        dlogits[offset + column + e] = round_to<D>(gradient);
      }
    }
  }
}

}  // namespace adlib::kernels::cuda
