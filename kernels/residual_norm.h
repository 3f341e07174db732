// kernels/residual_norm.h: a residual connection and the normalisation behind it, in one pass. For branches
// that do not end in a matrix product: those of lib's decoders do, and the product adds the residual in its
// epilogue. Its sum and the norm's two passes are then four tensors through memory with the residual, where
// the product's result, and this, are five.
#pragma once

#include <cstdint>

#include "adlib/core/context.h"
#include "adlib/core/dtype.h"

namespace adlib::kernels {

/// sum = x + residual, rounded to T, and y = layer_norm(sum), as kernels/layer_norm.h. y, sum, x, residual:
/// (rows, cols) row-major; gamma, beta: (cols); beta may be null. sum and y may each be x or residual, but
/// not one another.
template <class T>
void residual_layer_norm(CpuContext&, T* y, T* sum, const T* x, const T* residual, const T* gamma,
                         const T* beta, std::int64_t rows, std::int64_t cols, float eps);
template <class T>
void residual_layer_norm(CudaContext&, T* y, T* sum, const T* x, const T* residual, const T* gamma,
                         const T* beta, std::int64_t rows, std::int64_t cols, float eps);

/// The same with y = rms_norm(sum), as kernels/rms_norm.h.
template <class T>
void residual_rms_norm(CpuContext&, T* y, T* sum, const T* x, const T* residual, const T* gamma,
                       std::int64_t rows, std::int64_t cols, float eps);
template <class T>
void residual_rms_norm(CudaContext&, T* y, T* sum, const T* x, const T* residual, const T* gamma,
                       std::int64_t rows, std::int64_t cols, float eps);

/// The gradient by x, which is also that by residual: dx = dsum + the norm's gradient by its input, with dsum
/// what reaches `sum` on other ways; dgamma and dbeta as layer_norm_backward adds to them. dx, dy, dsum, sum:
/// (rows, cols) row-major; gamma, dgamma, dbeta: (cols); dgamma and dbeta may be null; dx may be dsum.
template <class T>
void residual_layer_norm_backward(CpuContext&, T* dx, float* dgamma, float* dbeta, const T* dy, const T* dsum,
                                  const T* sum, const T* gamma, std::int64_t rows, std::int64_t cols,
                                  float eps);
template <class T>
void residual_layer_norm_backward(CudaContext&, T* dx, float* dgamma, float* dbeta, const T* dy,
                                  const T* dsum, const T* sum, const T* gamma, std::int64_t rows,
                                  std::int64_t cols, float eps);

/// The same for rms_norm.
template <class T>
void residual_rms_norm_backward(CpuContext&, T* dx, float* dgamma, const T* dy, const T* dsum, const T* sum,
                                const T* gamma, std::int64_t rows, std::int64_t cols, float eps);
template <class T>
void residual_rms_norm_backward(CudaContext&, T* dx, float* dgamma, const T* dy, const T* dsum, const T* sum,
                                const T* gamma, std::int64_t rows, std::int64_t cols, float eps);

}  // namespace adlib::kernels
