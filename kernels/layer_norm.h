// kernels/layer_norm.h: layer normalisation.
#pragma once

#include <cstdint>

#include "adlib/core/context.h"
#include "adlib/core/dtype.h"

namespace adlib::kernels {

/// y[r,:] = (x[r,:] - mean_r) * rstd_r * gamma + beta, rstd = 1 / sqrt(variance + eps), variance divided by
/// cols. x, y: (rows, cols) row-major; gamma, beta: (cols); beta may be null. Statistics in float, in two
/// passes. y may be x.
template <class T>
void layer_norm(CpuContext&, T* y, const T* x, const T* gamma, const T* beta, std::int64_t rows,
                std::int64_t cols, float eps);
template <class T>
void layer_norm(CudaContext&, T* y, const T* x, const T* gamma, const T* beta, std::int64_t rows,
                std::int64_t cols, float eps);

/// With n = (x - mean) rstd, computed again from x, and g = dy * gamma, for each row:
///   dx += rstd (g - mean(g) - n mean(g n)),    dgamma += sum over rows of dy n,    dbeta += that of dy.
/// dx, dy, x: (rows, cols) row-major; gamma, dgamma, dbeta: (cols); dgamma and dbeta may be null. Sums over
/// rows as kernels/sum_rows.h; on a device, with up to 1024 columns, a block's rows r, r + 8, r + 16 and
/// r + 24 are added first, for each r < 8.
template <class T>
void layer_norm_backward(CpuContext&, T* dx, float* dgamma, float* dbeta, const T* dy, const T* x,
                         const T* gamma, std::int64_t rows, std::int64_t cols, float eps);
template <class T>
void layer_norm_backward(CudaContext&, T* dx, float* dgamma, float* dbeta, const T* dy, const T* x,
                         const T* gamma, std::int64_t rows, std::int64_t cols, float eps);

}  // namespace adlib::kernels
