#include "kernels/residual_norm.h"

#include <algorithm>

#include "kernels/cpu/convert.h"
#include "kernels/cpu/rows.h"
#include "kernels/layer_norm.h"
#include "kernels/rms_norm.h"

namespace adlib::kernels {
namespace {

template <class T>
void add_residual(CpuContext& context, T* sum, const T* x, const T* residual, std::int64_t n) {
  cpu::for_each_run(context, n, 1, [&](std::int64_t first, std::int64_t run) {
    for (std::int64_t i = first; i < first + run; ++i)
      sum[i] = static_cast<T>(cpu::to_float(x[i]) + cpu::to_float(residual[i]));
  });
}

}  // namespace

template <class T>
void residual_layer_norm(CpuContext& context, T* y, T* sum, const T* x, const T* residual, const T* gamma,
                         const T* beta, std::int64_t rows, std::int64_t cols, float eps) {
  add_residual(context, sum, x, residual, rows * cols);
  layer_norm(context, y, static_cast<const T*>(sum), gamma, beta, rows, cols, eps);
}

template <class T>
void residual_rms_norm(CpuContext& context, T* y, T* sum, const T* x, const T* residual, const T* gamma,
                       std::int64_t rows, std::int64_t cols, float eps) {
  add_residual(context, sum, x, residual, rows * cols);
  rms_norm(context, y, static_cast<const T*>(sum), gamma, rows, cols, eps);
}

template <class T>
void residual_layer_norm_backward(CpuContext& context, T* dx, float* dgamma, float* dbeta, const T* dy,
                                  const T* dsum, const T* sum, const T* gamma, std::int64_t rows,
                                  std::int64_t cols, float eps) {
  if (dx != dsum) std::copy_n(dsum, rows * cols, dx);
  layer_norm_backward(context, dx, dgamma, dbeta, dy, sum, gamma, rows, cols, eps);
}

template <class T>
void residual_rms_norm_backward(CpuContext& context, T* dx, float* dgamma, const T* dy, const T* dsum,
                                const T* sum, const T* gamma, std::int64_t rows, std::int64_t cols,
                                float eps) {
  if (dx != dsum) std::copy_n(dsum, rows * cols, dx);
  rms_norm_backward(context, dx, dgamma, dy, sum, gamma, rows, cols, eps);
}

template void residual_layer_norm(CpuContext&, float*, float*, const float*, const float*, const float*,
                                  const float*, std::int64_t, std::int64_t, float);
template void residual_rms_norm(CpuContext&, float*, float*, const float*, const float*, const float*,
                                std::int64_t, std::int64_t, float);
template void residual_layer_norm_backward(CpuContext&, float*, float*, float*, const float*, const float*,
                                           const float*, const float*, std::int64_t, std::int64_t, float);
template void residual_rms_norm_backward(CpuContext&, float*, float*, const float*, const float*,
                                         const float*, const float*, std::int64_t, std::int64_t, float);
template void residual_layer_norm(CpuContext&, float16*, float16*, const float16*, const float16*,
                                  const float16*, const float16*, std::int64_t, std::int64_t, float);
template void residual_rms_norm(CpuContext&, float16*, float16*, const float16*, const float16*,
                                const float16*, std::int64_t, std::int64_t, float);
template void residual_layer_norm_backward(CpuContext&, float16*, float*, float*, const float16*,
                                           const float16*, const float16*, const float16*, std::int64_t,
                                           std::int64_t, float);
template void residual_rms_norm_backward(CpuContext&, float16*, float*, const float16*, const float16*,
                                         const float16*, const float16*, std::int64_t, std::int64_t, float);
template void residual_layer_norm(CpuContext&, bfloat16*, bfloat16*, const bfloat16*, const bfloat16*,
                                  const bfloat16*, const bfloat16*, std::int64_t, std::int64_t, float);
template void residual_rms_norm(CpuContext&, bfloat16*, bfloat16*, const bfloat16*, const bfloat16*,
                                const bfloat16*, std::int64_t, std::int64_t, float);
template void residual_layer_norm_backward(CpuContext&, bfloat16*, float*, float*, const bfloat16*,
                                           const bfloat16*, const bfloat16*, const bfloat16*, std::int64_t,
                                           std::int64_t, float);
template void residual_rms_norm_backward(CpuContext&, bfloat16*, float*, const bfloat16*, const bfloat16*,
                                         const bfloat16*, const bfloat16*, std::int64_t, std::int64_t, float);

}  // namespace adlib::kernels
