// kernels/cuda/arch/device.cuh: what every kernel includes first: the words of CUDA C++, for nvcc or, in a
// build without it, for the emulator in kernels/cuda/host. Below kernels/cuda/arch and host, no file asks
// which.
//
// Kernels use no static __shared__ arrays: shared.cuh gives views of the dynamic shared memory, which the
// emulator checks.
#pragma once

#ifdef __CUDACC__
#include <cuda_runtime.h>
#else
#include "kernels/cuda/host/device.h"
#endif

#include <cstdint>

namespace adlib::kernels::cuda {

__device__ __forceinline__ int thread_index() { return static_cast<int>(threadIdx.x); }
__device__ __forceinline__ int lane_index() { return static_cast<int>(threadIdx.x % 32); }
/// Of a block that is one row of threads. The same in every lane, which the compiler is told: all of them
/// must call.
__device__ __forceinline__ int warp_index() {
#ifdef __CUDACC__
  return __shfl_sync(0xffffffffu, static_cast<int>(threadIdx.x / 32), 0);
#else
  return host::collective<int>("warp_index", static_cast<int>(threadIdx.x / 32),
                               [](auto in, auto out, unsigned lanes) {
                                 for (unsigned l = 0; l < lanes; ++l) out(l) = in(0);
                               });
#endif
}

/// x, of which the compiler does not know that it is the same as the last time: what follows from it is
/// computed again instead of being held in registers across a loop.
__device__ __forceinline__ int recomputed(int x) {
#ifdef __CUDACC__
  asm volatile("" : "+r"(x));
#endif
  return x;
}

}  // namespace adlib::kernels::cuda
