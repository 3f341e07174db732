// kernels/cuda/copy.cuh: strided copy with conversion.
// One thread an element in a grid-stride loop; each index is split into its dimensions, innermost first.
// Bound by memory where the innermost stride is 1, by the divisions elsewhere: copies with gaps are rare and
// small. grid = min(ceil(n / 256), 4096), block = 256, no shared memory.
#pragma once

#include "kernels/cuda/convert.cuh"
#include "kernels/strided.h"

namespace adlib::kernels::cuda {

template <class To, class From>
__global__ void __launch_bounds__(256) copy_kernel(To* out, const From* in, std::int64_t n, Extents extents,
                                                   Strides out_strides, Strides in_strides) {
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < n; i += step) {
    std::int64_t rest = i, to = 0, from = 0;
    for (int dim = extents.rank - 1; dim >= 0; --dim) {
      const std::int64_t at = rest % extents.dims[static_cast<std::size_t>(dim)];
      rest /= extents.dims[static_cast<std::size_t>(dim)];
      to += at * out_strides[static_cast<std::size_t>(dim)];
      from += at * in_strides[static_cast<std::size_t>(dim)];
    }
    out[to] = convert<To>(in[from]);
  }
}

}  // namespace adlib::kernels::cuda
