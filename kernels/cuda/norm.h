// kernels/cuda/norm.h: the normalisations that layer_norm, rms_norm and residual_norm share: norm.cu,
// norm_backward.cu.
#pragma once

#include <cstdint>
#include <limits>

#include "adlib/core/context.h"
#include "adlib/core/error.h"

namespace adlib::kernels::cuda {

/// Operands of a forward pass; y, x, sum, residual: (rows, cols) row-major. Null: sum, residual, beta.
template <class T>
struct NormRows {
  T* y;
  T* sum;  ///< x + residual, which is what is normalised
  const T* x;
  const T* residual;
  const T* gamma;
  const T* beta;
  std::int64_t rows;
  int cols;
  float eps;
};

/// Operands of a backward pass: (rows, cols) row-major; gamma: (cols).
template <class T>
struct NormGradient {
  T* dx;            ///< before + the gradient
  const T* before;  ///< may be dx
  const T* dy;
  const T* x;
  const T* gamma;
  std::int64_t rows;
  int cols;
  float eps;
};

/// Columns of a row as the kernels count them.
inline int norm_columns(const char* operation, std::int64_t cols) {
  require(cols <= std::numeric_limits<int>::max() / 2, operation, ": rows of ", cols,
          " columns, expected fewer than 2^30");
  return static_cast<int>(cols);
}

/// y from x, as kernels/layer_norm.h (Centred) or kernels/rms_norm.h say.
template <bool Centred, class T>
void norm_forward(const CudaContext& context, const char* operation, const NormRows<T>& a);

/// dx, and what the rows add to dgamma and dbeta, which may be null.
template <bool Centred, class T>
void norm_backward(const CudaContext& context, const char* operation, const NormGradient<T>& a, float* dgamma,
                   float* dbeta);

}  // namespace adlib::kernels::cuda
