// kernels/cuda/exp.cuh: the exponential and the quotient, as exact as the result's type asks for.
#pragma once

#include <type_traits>

#include "kernels/cuda/arch/math.cuh"

namespace adlib::kernels::cuda {

/// e^x for a result of type T: within 2 ulp for float; for half types the special function unit's, whose
/// relative error, 2^-23 |x| + 2^-22, is below their rounding wherever they hold the result.
template <class T>
__device__ __forceinline__ float exp_of(float x) {
  if constexpr (std::is_same_v<T, float>) return expf(x);
  return exp2_fast(x * log2_e);
}
/// x / y for a result of type T, as exp_of; 0 when y is infinite and x is not.
template <class T>
__device__ __forceinline__ float quotient_of(float x, float y) {
  if constexpr (std::is_same_v<T, float>) return x / y;
  return x * reciprocal_fast(y);
}

}  // namespace adlib::kernels::cuda
