// kernels/softmax.h: softmax and its logarithm along one dimension.
#pragma once

#include <cstdint>

#include "adlib/core/context.h"
#include "adlib/core/dtype.h"

namespace adlib::kernels {

/// y[o,:,i] = exp(x[o,:,i] - max) / sum exp(x[o,:,i] - max), in float. x, y: (outer, extent, inner)
/// row-major. A row of -inf gives zeros; NaN gives a row of NaN. y may be x.
template <class T>
void softmax(CpuContext&, T* y, const T* x, std::int64_t outer, std::int64_t extent, std::int64_t inner);
template <class T>
void softmax(CudaContext&, T* y, const T* x, std::int64_t outer, std::int64_t extent, std::int64_t inner);

/// y[o,:,i] = x[o,:,i] - max - log sum exp(x[o,:,i] - max), as softmax. A row of -inf gives -inf.
template <class T>
void log_softmax(CpuContext&, T* y, const T* x, std::int64_t outer, std::int64_t extent, std::int64_t inner);
template <class T>
void log_softmax(CudaContext&, T* y, const T* x, std::int64_t outer, std::int64_t extent, std::int64_t inner);

}  // namespace adlib::kernels
