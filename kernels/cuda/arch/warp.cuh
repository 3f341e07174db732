// kernels/cuda/arch/warp.cuh: what the 32 threads of a warp do together. All of them must call.
#pragma once

#include "kernels/cuda/arch/device.cuh"

namespace adlib::kernels::cuda {

inline constexpr unsigned full_warp = 0xffffffffu;

/// Waits for the warp; orders what its threads did to memory.
__device__ __forceinline__ void sync_warp() {
#ifdef __CUDACC__
  __syncwarp();
#else
  host::collective<int>("sync_warp", 0, [](auto, auto, unsigned) {});
#endif
}

/// The value of lane `lane`. T: 4 or 8 bytes.
template <class T>
__device__ __forceinline__ T shuffle(T value, int lane) {
#ifdef __CUDACC__
  return __shfl_sync(full_warp, value, lane);
#else
  struct In {
    T value;
    int lane;
  };
  return host::collective<T>("shuffle", In{value, lane}, [](auto in, auto out, unsigned lanes) {
    for (unsigned l = 0; l < lanes; ++l) out(l) = in(static_cast<unsigned>(in(l).lane) % 32 % lanes).value;
  });
#endif
}
/// The value of the lane whose number differs in the bits of `mask`.
template <class T>
__device__ __forceinline__ T shuffle_xor(T value, int mask) {
#ifdef __CUDACC__
  return __shfl_xor_sync(full_warp, value, mask);
#else
  struct In {
    T value;
    int mask;
  };
  return host::collective<T>("shuffle_xor", In{value, mask}, [](auto in, auto out, unsigned lanes) {
    for (unsigned l = 0; l < lanes; ++l) {
      const unsigned from = l ^ static_cast<unsigned>(in(l).mask);
      out(l) = in(from < lanes ? from : l).value;
    }
  });
#endif
}
/// The value of the lane `distance` below; lanes below `distance` keep their own.
template <class T>
__device__ __forceinline__ T shuffle_up(T value, int distance) {
#ifdef __CUDACC__
  return __shfl_up_sync(full_warp, value, static_cast<unsigned>(distance));
#else
  struct In {
    T value;
    int distance;
  };
  return host::collective<T>("shuffle_up", In{value, distance}, [](auto in, auto out, unsigned lanes) {
    for (unsigned l = 0; l < lanes; ++l) {
      const auto d = static_cast<unsigned>(in(l).distance);
      out(l) = in(l >= d ? l - d : l).value;
    }
  });
#endif
}
/// Bit l is set where lane l brought true.
__device__ __forceinline__ unsigned ballot(bool value) {
#ifdef __CUDACC__
  return __ballot_sync(full_warp, value);
#else
  return host::collective<unsigned>("ballot", value, [](auto in, auto out, unsigned lanes) {
    unsigned bits = 0;
    for (unsigned l = 0; l < lanes; ++l) bits |= static_cast<unsigned>(in(l)) << l;
    for (unsigned l = 0; l < lanes; ++l) out(l) = bits;
  });
#endif
}

/// How many bits are set.
__device__ __forceinline__ int count_ones(unsigned bits) {
#ifdef __CUDACC__
  return __popc(bits);
#else
  return __builtin_popcount(bits);
#endif
}

/// The sum over aligned groups of `Width` lanes, in every lane, in one order: pairs first.
template <int Width = 32, class T>
__device__ __forceinline__ T warp_sum(T value) {
#pragma unroll
  for (int mask = 1; mask < Width; mask *= 2) value += shuffle_xor(value, mask);
  return value;
}
/// The greatest over aligned groups of `Width` lanes; NaN is passed over unless all are NaN.
template <int Width = 32>
__device__ __forceinline__ float warp_max(float value) {
#pragma unroll
  for (int mask = 1; mask < Width; mask *= 2) value = fmaxf(value, shuffle_xor(value, mask));
  return value;
}

}  // namespace adlib::kernels::cuda
