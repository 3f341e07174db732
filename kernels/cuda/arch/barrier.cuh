// kernels/cuda/arch/barrier.cuh: barriers of a block.
#pragma once

#include "kernels/cuda/arch/device.cuh"

namespace adlib::kernels::cuda {

/// Waits for every thread of the block; orders what they did to memory.
__device__ __forceinline__ void sync_threads() {
#ifdef __CUDACC__
  __syncthreads();
#else
  host::barrier_sync(0, host::block_extents().count());
#endif
}

/// Waits at barrier `id` (1 to 15; 0 is sync_threads) until `count` threads, whole warps, have come.
__device__ __forceinline__ void named_barrier_sync(int id, int count) {
#ifdef __CUDACC__
  asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(count) : "memory");
#else
  host::barrier_sync(static_cast<unsigned>(id), static_cast<unsigned>(count));
#endif
}
/// Counts at barrier `id` without waiting.
__device__ __forceinline__ void named_barrier_arrive(int id, int count) {
#ifdef __CUDACC__
  asm volatile("bar.arrive %0, %1;" ::"r"(id), "r"(count) : "memory");
#else
  host::barrier_arrive(static_cast<unsigned>(id), static_cast<unsigned>(count));
#endif
}

}  // namespace adlib::kernels::cuda
