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

}  // namespace adlib::kernels
