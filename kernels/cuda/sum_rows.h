// kernels/cuda/sum_rows.h: the second stage of sums over rows, for the kernels that have a first one.
#pragma once

#include <cstdint>

#include "adlib/core/context.h"

namespace adlib::kernels::cuda {

/// sums[c] += partials[b stride + c] for b = 0, 1, …, blocks - 1 in this order, c < cols.
void add_blocks(const CudaContext& context, const char* operation, float* sums, const float* partials,
                std::int64_t blocks, std::int64_t stride, std::int64_t cols);

}  // namespace adlib::kernels::cuda
