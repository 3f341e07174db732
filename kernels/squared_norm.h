// kernels/squared_norm.h: the sum of squares.
#pragma once

#include <cstdint>

#include "adlib/core/context.h"
#include "adlib/core/dtype.h"

namespace adlib::kernels {

/// Elements whose squares are summed first; the sums of such blocks are then added in ascending order.
inline constexpr std::int64_t squared_norm_block = 1 << 14;

/// The sum of x[i]^2 in double. x: (n). On a device the call waits for what is on the stream.
template <class T>
double squared_norm(CpuContext&, const T* x, std::int64_t n);
template <class T>
double squared_norm(CudaContext&, const T* x, std::int64_t n);

}  // namespace adlib::kernels
