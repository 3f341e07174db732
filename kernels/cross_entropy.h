// kernels/cross_entropy.h: the negative log likelihood of one class a row.
#pragma once

#include <cstdint>

#include "adlib/core/context.h"
#include "adlib/core/dtype.h"

namespace adlib::kernels {

/// loss[r] = log sum exp(logits[r,:] - max) - (logits[r,target[r]] - max), in float; 0 where target[r] < 0.
/// logits: (rows, cols) row-major; targets: (rows), each < cols; loss: (rows).
template <class T>
void cross_entropy(CpuContext&, float* loss, const T* logits, const std::int32_t* targets, std::int64_t rows,
                   std::int64_t cols);
template <class T>
void cross_entropy(CudaContext&, float* loss, const T* logits, const std::int32_t* targets, std::int64_t rows,
                   std::int64_t cols);

}  // namespace adlib::kernels
