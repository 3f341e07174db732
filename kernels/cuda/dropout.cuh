// kernels/cuda/dropout.cuh: random zeros, the same as on the CPU.
// A thread has one group of 16 bytes, whose words are one or two blocks of Philox, and takes others a grid
// further on. Bound by memory: 2 n sizeof(T) bytes, 3 with a residual; Philox's some 80 instructions for four
// elements are close to that limit for half types.
#pragma once

#include "adlib/core/random.h"
#include "kernels/cuda/group.cuh"
#include "kernels/dropout.h"

namespace adlib::kernels::cuda {

/// grid = groups / 256 or what fills the device; block = 256. Aligned: all are multiples of 16 bytes.
template <class T, bool Aligned>
__global__ void __launch_bounds__(256)
    dropout_kernel(T* y, const T* x, const T* residual, std::int64_t n, DropoutRule rule) {
  constexpr int size = vec_size<T>, words = 4;
  const Philox random(rule.seed, rule.stream);
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * 256 * size;
  std::int64_t i = (static_cast<std::int64_t>(blockIdx.x) * 256 + threadIdx.x) * size;
  const auto one = [&](std::int64_t at, auto aligned) {
    constexpr bool whole = decltype(aligned)::value;
    Group<T> values = load_group<whole>(x + at, n - at);
    Group<T> added{};
    if (residual != nullptr) added = load_group<whole>(residual + at, n - at);
#pragma unroll
    for (int first = 0; first < size; first += words) {
      const Philox::Block block = random.block(static_cast<std::uint64_t>((at + first) / words));
#pragma unroll
      for (int w = 0; w < words; ++w) {
        const int e = first + w;
        float value =
            block[static_cast<std::size_t>(w)] < rule.threshold ? 0.0f : to_float(values[e]) * rule.scale;
        if (residual != nullptr) value += to_float(added[e]);
        values[e] = round_to<T>(value);
      }
    }
    store_group<whole>(y + at, values, n - at);
  };
  for (; Aligned && i + size <= n; i += step) one(i, std::true_type{});
  for (; i < n; i += step) one(i, std::false_type{});  // the last, short group
}

}  // namespace adlib::kernels::cuda
