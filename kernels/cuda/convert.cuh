// kernels/cuda/convert.cuh: between element types on the device, with the rounding of kernels/copy.h.
#pragma once

#include <cstdint>
#include <limits>
#include <type_traits>

#include "kernels/cuda/arch/convert.cuh"

namespace adlib::kernels::cuda {

/// The widest type that holds From exactly: double for floating point, int64_t for integers and bool.
template <class From>
__device__ auto widen(From value) {
  if constexpr (std::is_same_v<From, float16> || std::is_same_v<From, bfloat16>) {
    return static_cast<double>(to_float(value));
  } else if constexpr (std::is_floating_point_v<From>) {
    return static_cast<double>(value);
  } else {
    return static_cast<std::int64_t>(value);
  }
}

template <class To, class From>
__device__ To convert(From value) {
  if constexpr (std::is_same_v<To, From>) {
    return value;
  } else {
    const auto wide = widen(value);
    if constexpr (std::is_same_v<To, float16> || std::is_same_v<To, bfloat16>) {
      return round_double_to<To>(static_cast<double>(wide));
    } else if constexpr (std::is_same_v<To, bool>) {
      return wide != 0;
    } else if constexpr (std::is_integral_v<To> && std::is_same_v<decltype(wide), const double>) {
      if (wide != wide) return 0;
      if (wide <= static_cast<double>(std::numeric_limits<To>::min())) return std::numeric_limits<To>::min();
      if (wide >= ldexp(1.0, std::numeric_limits<To>::digits)) return std::numeric_limits<To>::max();
      return static_cast<To>(wide);
    } else {
      return static_cast<To>(wide);
    }
  }
}

}  // namespace adlib::kernels::cuda
