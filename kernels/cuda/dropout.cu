#include "kernels/dropout.h"

#include "kernels/cuda/dropout.cuh"
#include "kernels/cuda/grid.h"

namespace adlib::kernels {

template <class T>
void dropout(CudaContext& context, T* y, const T* x, const T* residual, std::int64_t n,
             const DropoutRule& rule) {
  if (n == 0) return;
  const cuda::Launch how{"dropout", cuda::flat_grid(context, cuda::groups_in<T>(n), 256), {256}};
  if (cuda::is_aligned(y, 0, 0) && cuda::is_aligned(x, 0, 0) && cuda::is_aligned(residual, 0, 0))
    cuda::launch(context, how, cuda::dropout_kernel<T, true>, y, x, residual, n, rule);
  else
    cuda::launch(context, how, cuda::dropout_kernel<T, false>, y, x, residual, n, rule);
}

template void dropout(CudaContext&, float*, const float*, const float*, std::int64_t, const DropoutRule&);
template void dropout(CudaContext&, float16*, const float16*, const float16*, std::int64_t,
                      const DropoutRule&);
template void dropout(CudaContext&, bfloat16*, const bfloat16*, const bfloat16*, std::int64_t,
                      const DropoutRule&);

}  // namespace adlib::kernels
