// kernels/rms_norm.h: root-mean-square normalisation.
#pragma once

#include <cstdint>

#include "adlib/core/context.h"
#include "adlib/core/dtype.h"

namespace adlib::kernels {

/// y[r,:] = x[r,:] / sqrt(mean(x[r,:]^2) + eps) * gamma. x, y: (rows, cols) row-major; gamma: (cols). y may
/// be x.
template <class T>
void rms_norm(CpuContext&, T* y, const T* x, const T* gamma, std::int64_t rows, std::int64_t cols, float eps);
template <class T>
void rms_norm(CudaContext&, T* y, const T* x, const T* gamma, std::int64_t rows, std::int64_t cols,
              float eps);

/// With n = x / sqrt(mean(x^2) + eps) = x r, computed again from x, and g = dy * gamma, for each row:
///   dx += r (g - n mean(g n)),    dgamma += sum over rows of dy n.
/// dx, dy, x: (rows, cols) row-major; gamma, dgamma: (cols); dgamma may be null. Sums over rows as
/// kernels/sum_rows.h; on a device, with up to 1024 columns, a block's rows r, r + 8, r + 16 and r + 24 are
/// added first, for each r < 8.
template <class T>
void rms_norm_backward(CpuContext&, T* dx, float* dgamma, const T* dy, const T* x, const T* gamma,
                       std::int64_t rows, std::int64_t cols, float eps);
template <class T>
void rms_norm_backward(CudaContext&, T* dx, float* dgamma, const T* dy, const T* x, const T* gamma,
                       std::int64_t rows, std::int64_t cols, float eps);

}  // namespace adlib::kernels
