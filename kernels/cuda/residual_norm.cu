#include "kernels/residual_norm.h"

#include "kernels/cuda/norm.h"

namespace adlib::kernels {

template <class T>
void residual_layer_norm(CudaContext& context, T* y, T* sum, const T* x, const T* residual, const T* gamma,
                         const T* beta, std::int64_t rows, std::int64_t cols, float eps) {
  constexpr const char* name = "residual_layer_norm";
  cuda::norm_forward<true, T>(context, name,
                              {.y = y,
                               .sum = sum,
                               .x = x,
                               .residual = residual,
                               .gamma = gamma,
                               .beta = beta,
                               .rows = rows,
                               .cols = cuda::norm_columns(name, cols),
                               .eps = eps});
}

template <class T>
void residual_rms_norm(CudaContext& context, T* y, T* sum, const T* x, const T* residual, const T* gamma,
                       std::int64_t rows, std::int64_t cols, float eps) {
  constexpr const char* name = "residual_rms_norm";
  cuda::norm_forward<false, T>(context, name,
                               {.y = y,
                                .sum = sum,
                                .x = x,
                                .residual = residual,
                                .gamma = gamma,
                                .beta = nullptr,
                                .rows = rows,
                                .cols = cuda::norm_columns(name, cols),
                                .eps = eps});
}

template <class T>
void residual_layer_norm_backward(CudaContext& context, T* dx, float* dgamma, float* dbeta, const T* dy,
                                  const T* dsum, const T* sum, const T* gamma, std::int64_t rows,
                                  std::int64_t cols, float eps) {
  constexpr const char* name = "residual_layer_norm_backward";
  cuda::norm_backward<true, T>(context, name,
                               {.dx = dx,
                                .before = dsum,
                                .dy = dy,
                                .x = sum,
                                .gamma = gamma,
                                .rows = rows,
                                .cols = cuda::norm_columns(name, cols),
                                .eps = eps},
                               dgamma, dbeta);
}

template <class T>
void residual_rms_norm_backward(CudaContext& context, T* dx, float* dgamma, const T* dy, const T* dsum,
                                const T* sum, const T* gamma, std::int64_t rows, std::int64_t cols,
                                float eps) {
  constexpr const char* name = "residual_rms_norm_backward";
  cuda::norm_backward<false, T>(context, name,
                                {.dx = dx,
                                 .before = dsum,
                                 .dy = dy,
                                 .x = sum,
                                 .gamma = gamma,
                                 .rows = rows,
                                 .cols = cuda::norm_columns(name, cols),
                                 .eps = eps},
                                dgamma, nullptr);
}

template void residual_layer_norm(CudaContext&, float*, float*, const float*, const float*, const float*,
                                  const float*, std::int64_t, std::int64_t, float);
template void residual_rms_norm(CudaContext&, float*, float*, const float*, const float*, const float*,
                                std::int64_t, std::int64_t, float);
template void residual_layer_norm_backward(CudaContext&, float*, float*, float*, const float*, const float*,
                                           const float*, const float*, std::int64_t, std::int64_t, float);
template void residual_rms_norm_backward(CudaContext&, float*, float*, const float*, const float*,
                                         const float*, const float*, std::int64_t, std::int64_t, float);
template void residual_layer_norm(CudaContext&, float16*, float16*, const float16*, const float16*,
                                  const float16*, const float16*, std::int64_t, std::int64_t, float);
template void residual_rms_norm(CudaContext&, float16*, float16*, const float16*, const float16*,
                                const float16*, std::int64_t, std::int64_t, float);
template void residual_layer_norm_backward(CudaContext&, float16*, float*, float*, const float16*,
                                           const float16*, const float16*, const float16*, std::int64_t,
                                           std::int64_t, float);
template void residual_rms_norm_backward(CudaContext&, float16*, float*, const float16*, const float16*,
                                         const float16*, const float16*, std::int64_t, std::int64_t, float);
template void residual_layer_norm(CudaContext&, bfloat16*, bfloat16*, const bfloat16*, const bfloat16*,
                                  const bfloat16*, const bfloat16*, std::int64_t, std::int64_t, float);
template void residual_rms_norm(CudaContext&, bfloat16*, bfloat16*, const bfloat16*, const bfloat16*,
                                const bfloat16*, std::int64_t, std::int64_t, float);
template void residual_layer_norm_backward(CudaContext&, bfloat16*, float*, float*, const bfloat16*,
                                           const bfloat16*, const bfloat16*, const bfloat16*, std::int64_t,
                                           std::int64_t, float);
template void residual_rms_norm_backward(CudaContext&, bfloat16*, float*, const bfloat16*, const bfloat16*,
                                         const bfloat16*, const bfloat16*, std::int64_t, std::int64_t, float);

}  // namespace adlib::kernels
