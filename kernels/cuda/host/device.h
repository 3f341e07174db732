// kernels/cuda/host/device.h: the words of CUDA C++ that the kernels use, for a C++ compiler.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/cuda/host/emulator.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __grid_constant__
#define threadIdx (::adlib::kernels::cuda::host::this_thread().index)
#define blockIdx (::adlib::kernels::cuda::host::block_index())
#define blockDim (::adlib::kernels::cuda::host::block_extents())
#define gridDim (::adlib::kernels::cuda::host::grid_extents())
