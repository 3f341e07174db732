#include "kernels/layer_norm.h"

#include "kernels/cuda/norm.h"

namespace adlib::kernels {

template <class T>
void layer_norm(CudaContext& context, T* y, const T* x, const T* gamma, const T* beta, std::int64_t rows,
                std::int64_t cols, float eps) {
  cuda::norm_forward<true, T>(context, "layer_norm",
                              {.y = y,
                               .sum = nullptr,
                               .x = x,
                               .residual = nullptr,
                               .gamma = gamma,
                               .beta = beta,
                               .rows = rows,
                               .cols = cuda::norm_columns("layer_norm", cols),
                               .eps = eps});
}

template <class T>
void layer_norm_backward(CudaContext& context, T* dx, float* dgamma, float* dbeta, const T* dy, const T* x,
                         const T* gamma, std::int64_t rows, std::int64_t cols, float eps) {
  cuda::norm_backward<true, T>(context, "layer_norm_backward",
                               {.dx = dx,
                                .before = dx,
                                .dy = dy,
                                .x = x,
                                .gamma = gamma,
                                .rows = rows,
                                .cols = cuda::norm_columns("layer_norm_backward", cols),
                                .eps = eps},
                               dgamma, dbeta);
}

template void layer_norm(CudaContext&, float*, const float*, const float*, const float*, std::int64_t,
                         std::int64_t, float);
template void layer_norm(CudaContext&, float16*, const float16*, const float16*, const float16*, std::int64_t,
                         std::int64_t, float);
template void layer_norm(CudaContext&, bfloat16*, const bfloat16*, const bfloat16*, const bfloat16*,
                         std::int64_t, std::int64_t, float);

template void layer_norm_backward(CudaContext&, float*, float*, float*, const float*, const float*,
                                  const float*, std::int64_t, std::int64_t, float);
template void layer_norm_backward(CudaContext&, float16*, float*, float*, const float16*, const float16*,
                                  const float16*, std::int64_t, std::int64_t, float);
template void layer_norm_backward(CudaContext&, bfloat16*, float*, float*, const bfloat16*, const bfloat16*,
                                  const bfloat16*, std::int64_t, std::int64_t, float);

}  // namespace adlib::kernels
