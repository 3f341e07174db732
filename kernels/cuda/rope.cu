#include "kernels/rope.h"

#include "kernels/cuda/launch.h"
#include "kernels/cuda/rope.cuh"

namespace adlib::kernels {

template <class T>
void rope(CudaContext& context, T* y, const T* x, const std::int32_t* positions, const float* cos,
          const float* sin, const RopeShape& shape) {
  constexpr int size = cuda::vec_size<T>;
  if (shape.rows == 0 || shape.heads == 0 || shape.head_dim == 0) return;
  const std::int64_t pairs = shape.rotary_dim / 2;
  const auto whole = [](const auto* p, auto... multiples) {
    return cuda::is_aligned(p, 0, 0) && ((multiples % size == 0) && ...);
  };
  // The two halves of a head begin with groups, and four angles are one access.
  const bool groups = whole(x, shape.row_stride, shape.head_stride, shape.head_dim, shape.rotary_dim) &&
                      whole(y) && cuda::is_aligned(cos, pairs, pairs) &&
                      cuda::is_aligned(sin, pairs, pairs) && (shape.interleaved || pairs % size == 0);
  const std::int64_t items =
      shape.heads * (groups ? (shape.interleaved ? shape.head_dim / size : (shape.head_dim - pairs) / size)
                            : shape.head_dim - pairs);
  const cuda::Launch how{"rope",
                         {static_cast<unsigned>(shape.rows)},
                         {static_cast<unsigned>(items < 256 ? (items + 31) / 32 * 32 : 256)}};
  const auto run = [&](auto* kernel) {
    cuda::launch(context, how, kernel, y, x, positions, cos, sin, shape);
  };
  if (shape.interleaved)
    run(groups ? cuda::rope_kernel<T, true, true> : cuda::rope_kernel<T, true, false>);
  else
    run(groups ? cuda::rope_kernel<T, false, true> : cuda::rope_kernel<T, false, false>);
}

template void rope(CudaContext&, float*, const float*, const std::int32_t*, const float*, const float*,
                   const RopeShape&);
template void rope(CudaContext&, float16*, const float16*, const std::int32_t*, const float*, const float*,
                   const RopeShape&);
template void rope(CudaContext&, bfloat16*, const bfloat16*, const std::int32_t*, const float*, const float*,
                   const RopeShape&);

}  // namespace adlib::kernels
