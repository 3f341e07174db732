// kernels/cuda/quantize.cuh: weights as small integers and scales, with the scales and codes of the CPU, bit
// for bit: the same operations in the same order, none of them fused. Runs once a weight.
#pragma once

#include "kernels/cuda/arch/convert.cuh"
#include "kernels/cuda/arch/math.cuh"
#include "kernels/cuda/arch/warp.cuh"
#include "kernels/quantize.h"

namespace adlib::kernels::cuda {

/// w as the kernels read it: element (i, j) stands at i * row + j * col.
template <class T>
struct QuantizeSource {
  const T* w;
  std::int64_t row, col;

  __device__ __forceinline__ float operator()(std::int64_t i, std::int64_t j) const {
    return to_float(w[i * row + j * col]);
  }
};

/// The integer nearest to w / scale, ties to even.
__device__ __forceinline__ float code_of(float w, float inverse, float low, float high) {
  return fminf(high, fmaxf(low, rintf(product(w, inverse))));
}

/// Squared error of one candidate, by eight neighbouring lanes: lane l adds the elements l, l + 8, …
template <class T>
__device__ __forceinline__ float squared_error(const QuantizeSource<T>& from, std::int64_t i,
                                               std::int64_t first, std::int64_t end, float scale) {
  const float inverse = 1.0f / scale;
  float sum = 0;
  for (std::int64_t j = first + lane_index() % 8; j < end; j += 8) {
    const float x = from(i, j);
    const float difference = x - product(scale, code_of(x, inverse, -8.0f, 7.0f));
    sum += product(difference, difference);
  }
  sum += shuffle_xor(sum, 4);
  sum += shuffle_xor(sum, 2);
  return sum + shuffle_xor(sum, 1);
}

/// The scales, a warp a group in a grid-stride loop; of int4, four candidates at a time. A scale that has no
/// inverse is 0, or NaN where the group has a number that is not finite.
/// grid = min(ceil(n groups / 8), 65536), block = 256, no shared memory.
template <class T, int Bits>
__global__ void __launch_bounds__(256)
    quantize_scales_kernel(bfloat16* scales, QuantizeSource<T> from, QuantizeShape shape) {
  const std::int64_t groups = quantize_groups(shape), step = std::int64_t{8} * gridDim.x;
  for (std::int64_t at = std::int64_t{8} * blockIdx.x + warp_index(); at < shape.n * groups; at += step) {
    const std::int64_t i = at / groups, first = at % groups * shape.group;
    const std::int64_t end = first + shape.group < shape.k ? first + shape.group : shape.k;
    float largest = 0;
    bool finite = true;
    for (std::int64_t j = first + lane_index(); j < end; j += 32) {
      const float magnitude = fabsf(from(i, j));
      finite = finite && magnitude <= 3.4028235e38f;
      largest = fmaxf(largest, magnitude);
    }
    largest = warp_max(largest);
    finite = ballot(!finite) == 0;
    bfloat16 scale = round_to<bfloat16>(0.0f);
    if (Bits == 8) {  // the smallest one that is at least largest / 127
      const float exact = largest / 127.0f;
      scale = round_to<bfloat16>(exact);
      if (to_float(scale) < exact) ++scale.bits;
    } else if (finite && largest >= 1e-30f) {
      // Of the CPU's candidates, in their order; the twelfth is the eleventh again.
      constexpr float divisors[12] = {-8.0f, 8.0f,  7.0f, -7.5f,  7.5f,  -8.5f,
                                      8.5f,  -9.0f, 9.0f, -10.0f, 10.0f, 10.0f};
      scale = round_to<bfloat16>(largest / -8.0f);
      float least = bits_float(0x7f800000u);
#pragma unroll
      for (int c = 0; c < 12; c += 4) {
        const int which = lane_index() / 8;
        const float divisor = which == 0   ? divisors[c]
                              : which == 1 ? divisors[c + 1]
                              : which == 2 ? divisors[c + 2]
                                           : divisors[c + 3];
        const bfloat16 candidate = round_to<bfloat16>(largest / divisor);
        const float error = squared_error(from, i, first, end, to_float(candidate));
#pragma unroll
        for (int other = 0; other < 4; ++other) {
          const float its_error = shuffle(error, 8 * other);
          const int its_bits = shuffle(static_cast<int>(candidate.bits), 8 * other);
          if (its_error < least) {
            least = its_error;
            scale.bits = static_cast<std::uint16_t>(its_bits);
          }
        }
      }
    }
    if (!finite) {
      scale.bits = 0x7fc0;  // NaN
    } else if (!(fabsf(1.0f / to_float(scale)) <= 3.4028235e38f)) {
      scale.bits = 0;
    }
    if (lane_index() == 0) scales[at] = scale;
  }
}

/// The codes, a thread a byte in a grid-stride loop.
/// grid = min(ceil(n row bytes / 256), 65536), block = 256, no shared memory.
template <class T, int Bits>
__global__ void __launch_bounds__(256) quantize_codes_kernel(std::uint8_t* codes, const bfloat16* scales,
                                                             QuantizeSource<T> from, QuantizeShape shape) {
  const std::int64_t groups = quantize_groups(shape), bytes = quantize_row_bytes(shape);
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t at = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
       at < shape.n * bytes; at += step) {
    const std::int64_t i = at / bytes, byte = at % bytes;
    const auto code = [&](std::int64_t j, float low, float high) {
      if (j >= shape.k) return 0;
      const float scale = to_float(scales[i * groups + j / shape.group]);
      if (!(fabsf(scale) > 0.0f)) return 0;  // of zeros, or NaN
      return static_cast<int>(code_of(from(i, j), 1.0f / scale, low, high));
    };
    if (Bits == 8) {
      codes[at] = static_cast<std::uint8_t>(code(byte, -127.0f, 127.0f));
    } else {
      const int low = code(2 * byte, -8.0f, 7.0f) + 8, high = code(2 * byte + 1, -8.0f, 7.0f) + 8;
      codes[at] = static_cast<std::uint8_t>(low | high << 4);
    }
  }
}

/// w = scales · codes, a thread an element in a grid-stride loop.
/// grid = min(ceil(n k / 256), 65536), block = 256, no shared memory.
template <class T, int Bits>
__global__ void __launch_bounds__(256)
    dequantize_kernel(T* w, const std::uint8_t* codes, const bfloat16* scales, QuantizeShape shape) {
  const std::int64_t groups = quantize_groups(shape), bytes = quantize_row_bytes(shape);
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t at = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
       at < shape.n * shape.k; at += step) {
    const std::int64_t i = at / shape.k, j = at % shape.k;
    const std::uint8_t byte = codes[i * bytes + (Bits == 8 ? j : j / 2)];
    const int code = Bits == 8    ? static_cast<std::int8_t>(byte)
                     : j % 2 == 0 ? (byte & 15) - 8
                                  : (byte >> 4) - 8;
    w[at] = round_to<T>(to_float(scales[i * groups + j / shape.group]) * static_cast<float>(code));
  }
}

}  // namespace adlib::kernels::cuda
