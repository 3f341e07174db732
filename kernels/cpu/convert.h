// kernels/cpu/convert.h: between storage types and float, in loops that the compiler vectorises.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "adlib/core/dtype.h"

namespace adlib::kernels::cpu {

inline float to_float(float x) { return x; }
inline float to_float(bfloat16 x) { return static_cast<float>(x); }
// Without branches: the exponent's bias is corrected by a multiplication, exact for normal and subnormal
// numbers.
inline float to_float(float16 x) {
  const std::uint32_t magnitude = x.bits & 0x7fffu;
  const std::uint32_t sign = static_cast<std::uint32_t>(x.bits & 0x8000u) << 16;
  const auto finite = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude << 13) * 0x1p112f);
  const std::uint32_t special =
      magnitude >= 0x7c00u ? 0x7f800000u : 0u;  // infinity and NaN keep their fraction
  return std::bit_cast<float>(sign | finite | special);
}

template <class T>
void to_float(float* out, const T* in, std::int64_t n) {
  if constexpr (std::is_same_v<T, float>) {
    std::memcpy(out, in, static_cast<std::size_t>(n) * sizeof(float));
  } else {
    for (std::int64_t i = 0; i < n; ++i) out[i] = to_float(in[i]);
  }
}

template <class T>
void from_float(T* out, const float* in, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) out[i] = static_cast<T>(in[i]);
}

/// `in` itself when it holds floats, else its values in `scratch`, which has room for n.
template <class T>
const float* as_float(const T* in, std::int64_t n, float* scratch) {
  if constexpr (std::is_same_v<T, float>) {
    return in;
  } else {
    to_float(scratch, in, n);
    return scratch;
  }
}

}  // namespace adlib::kernels::cpu
