// Runs once a weight: plain loops, a row at a time.
#include "kernels/quantize.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "adlib/core/parallel.h"
#include "kernels/cpu/convert.h"
#include "kernels/cpu/vector.h"

namespace adlib::kernels {
namespace {

constexpr float nan = std::numeric_limits<float>::quiet_NaN();

float largest_magnitude(const float* x, std::int64_t n) {
  float largest = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    if (!std::isfinite(x[i])) return nan;
    largest = std::max(largest, std::fabs(x[i]));
  }
  return largest;
}

// The smallest bfloat16 that is at least x.
bfloat16 round_to_larger(float x) {
  bfloat16 rounded(x);
  if (cpu::to_float(rounded) < x) ++rounded.bits;  // the next larger one, for x > 0
  return rounded;
}

// The integer nearest to x, ties to even, held in [low, high]; |x| < 2^22. Adding 1.5 · 2^23 leaves no room
// for a fraction: unlike a call of the library, that is a loop which the compiler vectorises.
float code_of(float x, float low, float high) {
  constexpr float shift = 0x1.8p23f;
  return std::min(high, std::max(low, (x + shift) - shift));
}

bfloat16 scale_int8(const float* x, std::int64_t n) {
  const float largest = largest_magnitude(x, n);
  return std::isnan(largest) ? bfloat16(nan) : round_to_larger(largest / 127.0f);
}

float squared_error(const float* x, std::int64_t n, float scale) {
  const float inverse = 1.0f / scale;
  return cpu::ordered_sum(n, [=](std::int64_t i) {
    const float difference = x[i] - scale * code_of(x[i] * inverse, -8.0f, 7.0f);
    return difference * difference;
  });
}

// Sixteen codes are few: which outliers to clip is worth a search. The scale's sign decides whether the
// largest magnitude takes the code -8, of which there is no positive twin.
bfloat16 scale_int4(const float* x, std::int64_t n) {
  const float largest = largest_magnitude(x, n);
  if (std::isnan(largest) || largest < 1e-30f) return bfloat16(std::isnan(largest) ? nan : 0.0f);
  bfloat16 best(largest / -8.0f);  // also where all squares overflow
  float least = std::numeric_limits<float>::infinity();
  for (const float divisor : {-8.0f, 8.0f, 7.0f, -7.5f, 7.5f, -8.5f, 8.5f, -9.0f, 9.0f, -10.0f, 10.0f}) {
    const bfloat16 scale(largest / divisor);
    const float error = squared_error(x, n, cpu::to_float(scale));
    if (error < least) best = scale, least = error;
  }
  return best;
}

void quantize_row(std::uint8_t* codes, bfloat16* scales, const float* row, const QuantizeShape& shape) {
  if (shape.bits == 4)
    std::fill_n(codes, quantize_row_bytes(shape), std::uint8_t{0x88});  // an odd last half is 0
  for (std::int64_t g = 0; g < quantize_groups(shape); ++g) {
    const std::int64_t first = g * shape.group, end = std::min(shape.k, first + shape.group);
    const float* x = row + first;
    scales[g] = shape.bits == 8 ? scale_int8(x, end - first) : scale_int4(x, end - first);
    const float scale = cpu::to_float(scales[g]);
    const float inverse = 1.0f / scale;
    // A scale of NaN says all; one of 0, or so small that it has no inverse, stands for zeros.
    if (!std::isfinite(inverse)) {
      scales[g] = std::isnan(scale) ? scales[g] : bfloat16(0.0f);
      if (shape.bits == 8) std::fill(codes + first, codes + end, std::uint8_t{0});
    } else if (shape.bits == 8) {
      for (std::int64_t i = first; i < end; ++i) {
        codes[i] = static_cast<std::uint8_t>(static_cast<int>(code_of(row[i] * inverse, -127.0f, 127.0f)));
      }
    } else {
      for (std::int64_t i = first; i < end; ++i) {
        const auto code = static_cast<unsigned>(static_cast<int>(code_of(row[i] * inverse, -8.0f, 7.0f)) + 8);
        const unsigned kept = i % 2 == 0 ? codes[i / 2] & 0xf0u : codes[i / 2] & 0x0fu;
        codes[i / 2] = static_cast<std::uint8_t>(kept | (i % 2 == 0 ? code : code << 4));
      }
    }
  }
}

}  // namespace

template <class T>
void quantize(CpuContext& context, void* codes_out, bfloat16* scales, const T* w, std::int64_t w_stride,
              bool transpose, const QuantizeShape& shape) {
  const std::int64_t groups = quantize_groups(shape), row_bytes = quantize_row_bytes(shape);
  // Several rows at a time: the columns of a transposed w are read a cache line wide.
  constexpr std::int64_t rows_at_once = 16;
  parallel_for(context.threads, (shape.n + rows_at_once - 1) / rows_at_once, [&](std::int64_t block) {
    const std::int64_t begin = block * rows_at_once, rows = std::min(rows_at_once, shape.n - begin);
    std::vector<float> buffer(static_cast<std::size_t>(rows * shape.k));
    float* const floats = buffer.data();
    if (transpose) {
      for (std::int64_t i = 0; i < shape.k; ++i) {
        const T* from = w + i * w_stride + begin;
        for (std::int64_t r = 0; r < rows; ++r) floats[r * shape.k + i] = cpu::to_float(from[r]);
      }
    } else {
      for (std::int64_t r = 0; r < rows; ++r) {
        cpu::to_float(floats + r * shape.k, w + (begin + r) * w_stride, shape.k);
      }
    }
    for (std::int64_t r = 0; r < rows; ++r) {
      quantize_row(static_cast<std::uint8_t*>(codes_out) + (begin + r) * row_bytes,
                   scales + (begin + r) * groups, floats + r * shape.k, shape);
    }
  });
}

template <class T>
void dequantize(CpuContext& context, T* w, const void* codes_in, const bfloat16* scales,
                const QuantizeShape& shape) {
  const std::int64_t groups = quantize_groups(shape), row_bytes = quantize_row_bytes(shape);
  parallel_for(context.threads, shape.n, [&](std::int64_t n) {
    const auto* codes = static_cast<const std::uint8_t*>(codes_in) + n * row_bytes;
    for (std::int64_t i = 0; i < shape.k; ++i) {
      const float scale = cpu::to_float(scales[n * groups + i / shape.group]);
      const int code = shape.bits == 8 ? static_cast<std::int8_t>(codes[i])
                       : i % 2 == 0    ? (codes[i / 2] & 15) - 8
                                       : (codes[i / 2] >> 4) - 8;
      w[n * shape.k + i] = static_cast<T>(scale * static_cast<float>(code));
    }
  });
}

template void quantize(CpuContext&, void*, bfloat16*, const float*, std::int64_t, bool, const QuantizeShape&);
template void quantize(CpuContext&, void*, bfloat16*, const float16*, std::int64_t, bool,
                       const QuantizeShape&);
template void quantize(CpuContext&, void*, bfloat16*, const bfloat16*, std::int64_t, bool,
                       const QuantizeShape&);
template void dequantize(CpuContext&, float*, const void*, const bfloat16*, const QuantizeShape&);
template void dequantize(CpuContext&, float16*, const void*, const bfloat16*, const QuantizeShape&);
template void dequantize(CpuContext&, bfloat16*, const void*, const bfloat16*, const QuantizeShape&);

}  // namespace adlib::kernels
