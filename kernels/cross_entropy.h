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

/// loss as cross_entropy, and its gradient: dlogits[r,c] = weights[r] (softmax(logits[r,:])[c] - (c ==
/// targets[r])); loss and row are 0 where target[r] < 0. dlogits: as logits, in its own dtype D, and may be
/// logits where the dtypes agree; weights: (rows).
template <class T, class D>
void cross_entropy_backward(CpuContext&, float* loss, D* dlogits, const T* logits,
                            const std::int32_t* targets, const float* weights, std::int64_t rows,
                            std::int64_t cols);
template <class T, class D>
void cross_entropy_backward(CudaContext&, float* loss, D* dlogits, const T* logits,
                            const std::int32_t* targets, const float* weights, std::int64_t rows,
                            std::int64_t cols);

}  // namespace adlib::kernels
