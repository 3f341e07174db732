// adlib/core/context.h: what a kernel needs besides its pointers.
#pragma once

namespace adlib {

/// Passed first to every CPU kernel.
struct CpuContext {
  int threads = 1;  ///< how many threads a kernel may use
};

/// Passed first to every CUDA kernel; the stream is a cudaStream_t.
struct CudaContext {
  void* stream = nullptr;
  int device = 0;
  bool deterministic = false;  ///< one order of summation, whatever the batch
};

}  // namespace adlib
