// One thread an element in a grid-stride loop; each index is split into its dimensions, innermost first.
// Bound by memory where the innermost stride is 1, by the divisions elsewhere: copies with gaps are rare and
// small. grid = min(ceil(n / 256), 4096), block = 256, no shared memory.
#include "kernels/copy.h"

#include <cuda_runtime_api.h>

#include <algorithm>

#include "adlib/core/error.h"
#include "kernels/cuda/convert.cuh"

namespace adlib::kernels {
namespace {

template <class To, class From>
__global__ void __launch_bounds__(256) copy_kernel(To* out, const From* in, std::int64_t n, Extents extents,
                                                   Strides out_strides, Strides in_strides) {
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < n; i += step) {
    std::int64_t rest = i, to = 0, from = 0;
    for (int dim = extents.rank - 1; dim >= 0; --dim) {
      const std::int64_t at = rest % extents.dims[dim];
      rest /= extents.dims[dim];
      to += at * out_strides[dim];
      from += at * in_strides[dim];
    }
    out[to] = cuda::convert<To>(in[from]);
  }
}

}  // namespace

template <class To, class From>
void copy(CudaContext& context, To* out, const From* in, const Extents& extents, const Strides& out_strides,
          const Strides& in_strides) {
  std::int64_t n = 1;
  for (int dim = 0; dim < extents.rank; ++dim) n *= extents.dims[dim];
  if (n == 0) return;
  const auto blocks = static_cast<unsigned>(std::min<std::int64_t>((n + 255) / 256, 4096));
  copy_kernel<<<blocks, 256, 0, static_cast<cudaStream_t>(context.stream)>>>(out, in, n, extents, out_strides,
                                                                             in_strides);
  const cudaError_t status = cudaGetLastError();
  if (status != cudaSuccess) {
    fail(ErrorCode::unsupported, "copy: launching ", blocks, " blocks for ", n,
         " elements failed: ", cudaGetErrorString(status));
  }
}

// Every pair of element types.
#define ADLIB_COPY(To, From) \
  template void copy(CudaContext&, To*, const From*, const Extents&, const Strides&, const Strides&)
#define ADLIB_COPY_TO(To)       \
  ADLIB_COPY(To, float);        \
  ADLIB_COPY(To, float16);      \
  ADLIB_COPY(To, bfloat16);     \
  ADLIB_COPY(To, double);       \
  ADLIB_COPY(To, std::int64_t); \
  ADLIB_COPY(To, std::int32_t); \
  ADLIB_COPY(To, std::int16_t); \
  ADLIB_COPY(To, std::int8_t);  \
  ADLIB_COPY(To, std::uint8_t); \
  ADLIB_COPY(To, bool)
ADLIB_COPY_TO(float);
ADLIB_COPY_TO(float16);
ADLIB_COPY_TO(bfloat16);
ADLIB_COPY_TO(double);
ADLIB_COPY_TO(std::int64_t);
ADLIB_COPY_TO(std::int32_t);
ADLIB_COPY_TO(std::int16_t);
ADLIB_COPY_TO(std::int8_t);
ADLIB_COPY_TO(std::uint8_t);
ADLIB_COPY_TO(bool);
#undef ADLIB_COPY_TO
#undef ADLIB_COPY

}  // namespace adlib::kernels
