#include "kernels/adamw_step.h"

#include "kernels/cuda/adamw_step.cuh"
#include "kernels/cuda/grid.h"

namespace adlib::kernels {

template <class T>
void adamw_step(CudaContext& context, float* w, float* m, float* v, T* rounded, const float* gradient,
                std::int64_t n, const AdamwFactors& factors) {
  using namespace cuda;
  if (n == 0) return;
  const Launch how{"adamw_step", flat_grid(context, (n + 3) / 4, 256), {256}};
  if (is_aligned(w, n, n) && is_aligned(m, n, n) && is_aligned(v, n, n) && is_aligned(gradient, n, n)) {
    launch(context, how, adamw_step_kernel<T, true>, w, m, v, rounded, gradient, n, factors);
  } else {
    launch(context, how, adamw_step_kernel<T, false>, w, m, v, rounded, gradient, n, factors);
  }
}

template void adamw_step(CudaContext&, float*, float*, float*, float*, const float*, std::int64_t,
                         const AdamwFactors&);
template void adamw_step(CudaContext&, float*, float*, float*, float16*, const float*, std::int64_t,
                         const AdamwFactors&);
template void adamw_step(CudaContext&, float*, float*, float*, bfloat16*, const float*, std::int64_t,
                         const AdamwFactors&);

}  // namespace adlib::kernels
