// kernels/dropout.h: random zeros.
#pragma once

#include <cstdint>

#include "adlib/core/context.h"
#include "adlib/core/dtype.h"

namespace adlib::kernels {

/// Which elements fall: element i with word w = Philox(seed, stream).block(i / 4)[i % 4] where w < threshold.
struct DropoutRule {
  std::uint64_t seed = 0;
  std::uint64_t stream = 0;
  std::uint32_t threshold = 0;  ///< the probability times 2^32
  float scale = 1;              ///< of what stays
};

/// y[i] = (i falls ? 0 : x[i] scale) + residual[i], in float, rounded once. x, y, residual: (n); residual may
/// be null; y may be x or residual.
template <class T>
void dropout(CpuContext&, T* y, const T* x, const T* residual, std::int64_t n, const DropoutRule& rule);
template <class T>
void dropout(CudaContext&, T* y, const T* x, const T* residual, std::int64_t n, const DropoutRule& rule);

}  // namespace adlib::kernels
