#include "kernels/copy.h"

#include "kernels/cuda/copy.cuh"
#include "kernels/cuda/launch.h"

namespace adlib::kernels {

template <class To, class From>
void copy(CudaContext& context, To* out, const From* in, const Extents& extents, const Strides& out_strides,
          const Strides& in_strides) {
  std::int64_t n = 1;
  for (int dim = 0; dim < extents.rank; ++dim) n *= extents.dims[static_cast<std::size_t>(dim)];
  if (n == 0) return;
  cuda::launch(context, {"copy", {cuda::blocks_for(n, 256, 4096)}, {256}}, cuda::copy_kernel<To, From>, out,
               in, n, extents, out_strides, in_strides);
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
