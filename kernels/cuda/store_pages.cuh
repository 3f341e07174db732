// kernels/cuda/store_pages.cuh: new keys and values to their pages.
//
// A warp has the key and the value of one row and head. Bound by memory: one read, one write; rows of a page
// lie one behind the other, so that both are whole lines. Elements come 16 bytes a lane where rows allow it.
// i8: the row's largest magnitude first, from registers, then codes by the CPU's own operations.
// Launch: grid = (segments, ceil(rows / 4), kv_heads), block = 128, no shared memory, dims <= 256.
#pragma once

#include <limits>

#include "kernels/attention.h"
#include "kernels/cuda/arch/convert.cuh"
#include "kernels/cuda/arch/math.cuh"
#include "kernels/cuda/arch/vector.cuh"
#include "kernels/cuda/arch/warp.cuh"

namespace adlib::kernels::cuda {

inline constexpr int most_stored_dim = 256;

/// What one element of an i8 row counts: 0 for a row of zeros, NaN for one that is not finite. The largest
/// magnitude is compared as bits, in whose order infinity and NaN come last.
__device__ __forceinline__ float code_worth(std::uint32_t largest_bits) {
  if (largest_bits >= 0x7f800000u) return bits_float(0x7fc00000u);
  return bits_float(largest_bits) / 127.0f;
}
__device__ __forceinline__ std::int8_t code_of(float x, float worth) {
  if (!(worth > 0.0f)) return 0;
  const float code = (x / worth + 0x1.8p23f) - 0x1.8p23f;  // to nearest even: the sum's last bit is worth 1
  // A subnormal scale is rough, so that codes may leave the range.
  return static_cast<std::int8_t>(code > 127.0f ? 127.0f : code < -127.0f ? -127.0f : code);
}

/// One row of up to 256 elements by a warp. Vectors: 8 at a time, which rows and pages allow.
template <class Page, bool Vectors, class T>
__device__ __forceinline__ void store_row(Page* to, float* worth, const T* from, int dim) {
  constexpr int width = Vectors ? 8 : 1, turns = most_stored_dim / 32 / width;
  constexpr int read_width = Vectors ? (width < vec_size<T> ? width : vec_size<T>) : 1;
  constexpr int write_width = Vectors ? (width < vec_size<Page> ? width : vec_size<Page>) : 1;
  const int lane = lane_index();
  float x[turns][width];
#pragma unroll
  for (int i = 0; i < turns; ++i) {
    const int at = (i * 32 + lane) * width;
#pragma unroll
    for (int e = 0; e < width; e += read_width) {
      Vec<T, read_width> some{};
      if (at < dim) some = load<read_width>(from + at + e);
#pragma unroll
      for (int k = 0; k < read_width; ++k) x[i][e + k] = to_float(some[k]);
    }
  }
  float scale = 1;
  if constexpr (std::is_same_v<Page, std::int8_t>) {
    std::uint32_t largest = 0;
#pragma unroll
    for (int i = 0; i < turns; ++i) {
#pragma unroll
      for (int e = 0; e < width; ++e) {
        const std::uint32_t bits = float_bits(x[i][e]) & 0x7fffffffu;
        largest = bits > largest ? bits : largest;
      }
    }
#pragma unroll
    for (int mask = 1; mask < 32; mask *= 2) {
      const std::uint32_t other = shuffle_xor(largest, mask);
      largest = other > largest ? other : largest;
    }
    scale = code_worth(largest);
    if (lane == 0) *worth = scale;
  }
#pragma unroll
  for (int i = 0; i < turns; ++i) {
    const int at = (i * 32 + lane) * width;
    if (at >= dim) break;
#pragma unroll
    for (int e = 0; e < width; e += write_width) {
      Vec<Page, write_width> some;
#pragma unroll
      for (int k = 0; k < write_width; ++k) {
        if constexpr (std::is_same_v<Page, std::int8_t>) {
          some[k] = code_of(x[i][e + k], scale);
        } else {
          some[k] = round_to<Page>(x[i][e + k]);
        }
      }
      store(to + at + e, some);
    }
  }
}

/// Which operands are read and written 8 elements at a time.
struct StoreVectors {
  bool keys, values;
};

template <class Page, class T>
__global__ void __launch_bounds__(128)
    store_pages_kernel(const KeyValuePages pages, const AttentionSegment* segments,
                       const NewKeyValues<T> rows, const StoreVectors vectors) {
  const AttentionSegment segment = segments[blockIdx.x];
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.y) * 4 + warp_index(), head = blockIdx.z;
  if (i >= segment.rows) return;
  const std::int64_t position = segment.position + i, row = segment.begin + i;
  const std::int64_t slot = segment.pages[position / attention_block] * pages.kv_heads + head;
  const std::int64_t at = slot * attention_block + position % attention_block;
  const auto put = [&](void* to, float* worth, const T* from, std::int64_t dim, bool whole) {
    Page* there = static_cast<Page*>(to) + at * dim;
    float* scale = worth == nullptr ? nullptr : worth + at;
    if (whole) {
      store_row<Page, true>(there, scale, from, static_cast<int>(dim));
    } else {
      store_row<Page, false>(there, scale, from, static_cast<int>(dim));
    }
  };
  put(pages.keys, pages.key_scales, rows.keys + row * rows.k_row + head * rows.k_head, pages.head_dim,
      vectors.keys);
  put(pages.values, pages.value_scales, rows.values + row * rows.v_row + head * rows.v_head, pages.value_dim,
      vectors.values);
}

}  // namespace adlib::kernels::cuda
