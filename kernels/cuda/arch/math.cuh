// kernels/cuda/arch/math.cuh: functions of one number. The fast ones are the special function unit's.
#pragma once

#include "kernels/cuda/arch/device.cuh"

namespace adlib::kernels::cuda {

/// 2^x within 2 ulp; 0 for -inf.
__device__ __forceinline__ float exp2_fast(float x) {
#ifdef __CUDACC__
  float out;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(out) : "f"(x));
  return out;
#else
  return exp2f(x);
#endif
}
/// log2(x) to an absolute error of 2^-22 near 1.
__device__ __forceinline__ float log2_fast(float x) {
#ifdef __CUDACC__
  float out;
  asm("lg2.approx.ftz.f32 %0, %1;" : "=f"(out) : "f"(x));
  return out;
#else
  return log2f(x);
#endif
}
/// tanh(x) to a relative error of 2^-11: for half types only.
__device__ __forceinline__ float tanh_fast(float x) {
#ifdef __CUDACC__
  float out;
  asm("tanh.approx.f32 %0, %1;" : "=f"(out) : "f"(x));
  return out;
#else
  return tanhf(x);
#endif
}
/// 1 / x within 1 ulp; 0 for infinity.
__device__ __forceinline__ float reciprocal_fast(float x) {
#ifdef __CUDACC__
  float out;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(out) : "f"(x));
  return out;
#else
  return 1.0f / x;
#endif
}
/// x y, rounded for itself: compilers do not fuse it with a sum that it goes into.
__device__ __forceinline__ float product(float x, float y) {
#ifdef __CUDACC__
  return __fmul_rn(x, y);
#else
  return x * y;
#endif
}
/// x / y within 2 ulp for |y| up to 2^126; 0 for larger y, infinity too.
__device__ __forceinline__ float divide_fast(float x, float y) {
#ifdef __CUDACC__
  return __fdividef(x, y);
#else
  return fabsf(y) > 0x1p126f ? 0.0f * x : x / y;
#endif
}
/// 1 / sqrt(x), rounded as the two operations round.
__device__ __forceinline__ float reciprocal_sqrt(float x) { return 1.0f / sqrtf(x); }

__device__ __forceinline__ std::uint32_t float_bits(float x) {
#ifdef __CUDACC__
  return __float_as_uint(x);
#else
  std::uint32_t out;
  std::memcpy(&out, &x, sizeof out);
  return out;
#endif
}
__device__ __forceinline__ float bits_float(std::uint32_t x) {
#ifdef __CUDACC__
  return __uint_as_float(x);
#else
  float out;
  std::memcpy(&out, &x, sizeof out);
  return out;
#endif
}

inline constexpr float log2_e = 1.4426950408889634f;
inline constexpr float log_2 = 0.6931471805599453f;

}  // namespace adlib::kernels::cuda
