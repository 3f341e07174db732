// kernels/cuda/arch/convert.cuh: between float and the half types.
#pragma once

#ifdef __CUDACC__
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#endif

#include <bit>
#include <type_traits>

#include "adlib/core/dtype.h"
#include "kernels/cuda/arch/device.cuh"

namespace adlib::kernels::cuda {

__device__ __forceinline__ float to_float(float x) { return x; }
__device__ __forceinline__ float to_float(bfloat16 x) {
#ifdef __CUDACC__
  return __uint_as_float(static_cast<unsigned>(x.bits) << 16);
#else
  return static_cast<float>(x);
#endif
}
__device__ __forceinline__ float to_float(float16 x) {
#ifdef __CUDACC__
  return __half2float(__ushort_as_half(x.bits));
#else
  return static_cast<float>(x);
#endif
}

/// To the nearest number of T, ties to even.
template <class T>
__device__ __forceinline__ T round_to(float x) {
  if constexpr (std::is_same_v<T, float>) {
    return x;
  } else {
#ifdef __CUDACC__
    T out;
    if constexpr (std::is_same_v<T, float16>) {
      out.bits = __half_as_ushort(__float2half_rn(x));
    } else {
      out.bits = __bfloat16_as_ushort(__float2bfloat16_rn(x));
    }
    return out;
#else
    return T(x);
#endif
  }
}

/// As round_to, rounded once.
template <class T>
__device__ __forceinline__ T round_double_to(double x) {
#ifdef __CUDACC__
  T out;
  if constexpr (std::is_same_v<T, float16>) {
    out.bits = __half_as_ushort(__double2half(x));
  } else {
    out.bits = __bfloat16_as_ushort(__double2bfloat16(x));
  }
  return out;
#else
  // To the float whose last bit is 1 when inexact, so that the second rounding is right.
  const auto nearest = static_cast<float>(x);
  if (static_cast<double>(nearest) == x || x != x || std::isinf(nearest)) return T(nearest);
  auto bits = std::bit_cast<std::uint32_t>(nearest);
  if (std::fabs(static_cast<double>(nearest)) > std::fabs(x)) --bits;
  return T(std::bit_cast<float>(bits | 1u));
#endif
}

/// Two numbers in the 32 bits of a matrix fragment, `low` in the lower half.
template <class T>
__device__ __forceinline__ std::uint32_t pack_pair(float low, float high) {
  static_assert(sizeof(T) == 2);
#ifdef __CUDACC__
  std::uint32_t out;
  if constexpr (std::is_same_v<T, float16>) {
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(out) : "f"(high), "f"(low));
  } else {
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(out) : "f"(high), "f"(low));
  }
  return out;
#else
  return static_cast<std::uint32_t>(T(low).bits) | static_cast<std::uint32_t>(T(high).bits) << 16;
#endif
}
/// The inverse of pack_pair.
template <class T>
__device__ __forceinline__ void unpack_pair(std::uint32_t pair, float& low, float& high) {
  T a, b;
  a.bits = static_cast<std::uint16_t>(pair);
  b.bits = static_cast<std::uint16_t>(pair >> 16);
  low = to_float(a);
  high = to_float(b);
}

}  // namespace adlib::kernels::cuda
