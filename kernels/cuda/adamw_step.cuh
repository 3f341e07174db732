// kernels/cuda/adamw_step.cuh: one step of AdamW in one pass.
//
// A thread has four elements: 16 bytes of each operand. Bound by memory: 28 n bytes and those of `rounded`.
// grid = filling blocks, block = 256, no shared memory.
#pragma once

#include "kernels/adamw_step.h"
#include "kernels/cuda/arch/convert.cuh"
#include "kernels/cuda/arch/math.cuh"
#include "kernels/cuda/group.cuh"

namespace adlib::kernels::cuda {

template <class T, bool Aligned>
__global__ void __launch_bounds__(256)
    adamw_step_kernel(float* w, float* m, float* v, T* rounded, const float* gradient, std::int64_t n,
                      AdamwFactors factors) {
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * blockDim.x * 4;
  for (std::int64_t at = (static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) * 4; at < n;
       at += step) {
    const std::int64_t left = n - at;
    Group<float> weight = load_group<Aligned>(w + at, left), mean = load_group<Aligned>(m + at, left),
                 square = load_group<Aligned>(v + at, left);
    const Group<float> raw = load_group<Aligned>(gradient + at, left);
#pragma unroll
    for (int e = 0; e < 4; ++e) {
      const float g = product(factors.gradient_scale, raw[e]);
      mean[e] += product(factors.gradient_share1, g - mean[e]);
      square[e] = product(factors.beta2, square[e]) + product(factors.gradient_share2, product(g, g));
      const float root = sqrtf(square[e]) / factors.root_correction2 + factors.epsilon;
      weight[e] = product(factors.decay, weight[e]) - product(factors.step_size, mean[e]) / root;
    }
    store_group<Aligned>(w + at, weight, left);
    store_group<Aligned>(m + at, mean, left);
    store_group<Aligned>(v + at, square, left);
    if (rounded != nullptr) {
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        if (e < left) rounded[at + e] = round_to<T>(weight[e]);
      }
    }
  }
}

}  // namespace adlib::kernels::cuda
