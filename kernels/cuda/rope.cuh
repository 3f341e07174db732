// kernels/cuda/rope.cuh: rotary position embedding.
// A block a row, so that its position is read once and its angles come from the cache; its threads share the
// heads' pairs, a group of each half at once, or one pair where groups are not 16 aligned bytes (Whole is
// false). Bound by memory: 2 N H D sizeof(T) bytes.
#pragma once

#include "kernels/cuda/group.cuh"
#include "kernels/rope.h"

namespace adlib::kernels::cuda {

/// grid = rows, block = up to 256.
template <class T, bool Interleaved, bool Whole>
__global__ void __launch_bounds__(256) rope_kernel(T* y, const T* x, const std::int32_t* positions,
                                                   const float* cos, const float* sin, RopeShape shape) {
  constexpr int size = vec_size<T>;
  constexpr int at_once = !Whole ? 1 : Interleaved ? size / 2 : size;  // pairs
  constexpr int angles = at_once < 4 ? at_once : 4;                    // in one access
  constexpr int passed = Whole ? size : 1;  // elements that are not rotated, at once
  const std::int64_t row = blockIdx.x;
  const int pairs = static_cast<int>(shape.rotary_dim) / 2;
  const int rotated = pairs / at_once;
  const int items = rotated + static_cast<int>(shape.head_dim - shape.rotary_dim) / passed;
  const int all = static_cast<int>(shape.heads) * items;
  const float direction = shape.inverse ? -1.0f : 1.0f;
  const std::int64_t position = positions[row];
  const float *c_row = cos + position * pairs, *s_row = sin + position * pairs;

  for (int i = thread_index(); i < all; i += static_cast<int>(blockDim.x)) {
    const int head = i / items, item = i % items;
    const T* from = x + row * shape.row_stride + head * shape.head_stride;
    T* to = y + (row * shape.heads + head) * shape.head_dim;
    if (item >= rotated) {
      const std::int64_t at = shape.rotary_dim + static_cast<std::int64_t>(item - rotated) * passed;
      store(to + at, load<passed>(from + at));
      continue;
    }
    const int pair = item * at_once;
    float c[at_once], s[at_once];
#pragma unroll
    for (int p = 0; p < at_once; p += angles) {
      const Vec<float, angles> some_c = load<angles>(c_row + pair + p),
                               some_s = load<angles>(s_row + pair + p);
#pragma unroll
      for (int k = 0; k < angles; ++k) c[p + k] = some_c[k], s[p + k] = direction * some_s[k];
    }
    const auto rotate = [&](T& a, T& b, int p) {
      const float first = to_float(a), second = to_float(b);
      a = round_to<T>(first * c[p] - second * s[p]);
      b = round_to<T>(second * c[p] + first * s[p]);
    };
    if constexpr (Interleaved && Whole) {
      Vec<T, size> both = load<size>(from + 2 * pair);
#pragma unroll
      for (int p = 0; p < at_once; ++p) rotate(both[2 * p], both[2 * p + 1], p);
      store(to + 2 * pair, both);
    } else {
      const int a_at = Interleaved ? 2 * pair : pair, b_at = Interleaved ? 2 * pair + 1 : pair + pairs;
      Vec<T, at_once> a = load<at_once>(from + a_at), b = load<at_once>(from + b_at);
#pragma unroll
      for (int p = 0; p < at_once; ++p) rotate(a[p], b[p], p);
      store(to + a_at, a);
      store(to + b_at, b);
    }
  }
}

}  // namespace adlib::kernels::cuda
