// kernels/cuda/launch.h: starts a kernel, on the device or in the emulator.
#pragma once

#include <cstddef>
#include <cstdint>

#include "adlib/core/context.h"
#include "adlib/core/error.h"
#include "kernels/cuda/arch/device.cuh"
#include "kernels/cuda/arch/dim3.h"

namespace adlib::kernels::cuda {

/// Blocks of a grid of one dimension that give every one of n items a thread or, past `most`, a turn.
inline unsigned blocks_for(std::int64_t n, int per_block, std::int64_t most = 0x7fffffff) {
  const std::int64_t blocks = (n + per_block - 1) / per_block;
  return static_cast<unsigned>(blocks < most ? blocks : most);
}

/// How a kernel is started.
struct Launch {
  const char* operation;  ///< for messages
  Dim3 grid, block;
  std::size_t shared_bytes = 0;  ///< dynamic shared memory of a block
};

/// Runs kernel(arguments...) on the context's stream. Throws Error(unsupported) naming the operation and the
/// extents when the device refuses.
template <class... Parameters, class... Arguments>
void launch(const CudaContext& context, const Launch& how, void (*kernel)(Parameters...),
            const Arguments&... arguments) {
#ifdef __CUDACC__
  const auto check = [&](cudaError_t status, const char* what) {
    if (status == cudaSuccess) return;
    cudaGetLastError();  // forget it, so that the next call does not report it again
    fail(ErrorCode::unsupported, how.operation, ": ", what, " of a grid of ", how.grid.x, " x ", how.grid.y,
         " x ", how.grid.z, " blocks of ", how.block.count(), " threads with ", how.shared_bytes,
         " bytes of shared memory failed: ", cudaGetErrorString(status));
  };
  if (how.shared_bytes > 48 << 10)
    check(
        cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                             cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(how.shared_bytes)),
        "the shared memory");
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(how.grid.x, how.grid.y, how.grid.z);
  config.blockDim = dim3(how.block.x, how.block.y, how.block.z);
  config.dynamicSmemBytes = how.shared_bytes;
  config.stream = static_cast<cudaStream_t>(context.stream);
  check(cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...), "the launch");
#else
  (void)context;
  host::run_grid(how.operation, how.grid, how.block, how.shared_bytes,
                 [&] { kernel(static_cast<Parameters>(arguments)...); });
#endif
}

}  // namespace adlib::kernels::cuda
