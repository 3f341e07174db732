// kernels/cuda/arch/atomic.cuh: changes of a word of shared memory by many threads at once. Integers only:
// their result does not depend on who comes first. A barrier must stand between them and plain accesses of
// other warps.
#pragma once

#include "kernels/cuda/arch/shared.cuh"

namespace adlib::kernels::cuda {

/// words[i] += value -> what stood there before.
__device__ __forceinline__ std::uint32_t atomic_add(const Shared<std::uint32_t>& words, int i,
                                                    std::uint32_t value) {
#ifdef __CUDACC__
  return atomicAdd(&words[i], value);
#else
  return host::change_atomically(words.offset(i, 1), [&](std::uint32_t before) { return before + value; });
#endif
}
/// words[i] |= bits -> what stood there before.
__device__ __forceinline__ std::uint32_t atomic_or(const Shared<std::uint32_t>& words, int i,
                                                   std::uint32_t bits) {
#ifdef __CUDACC__
  return atomicOr(&words[i], bits);
#else
  return host::change_atomically(words.offset(i, 1), [&](std::uint32_t before) { return before | bits; });
#endif
}

}  // namespace adlib::kernels::cuda
