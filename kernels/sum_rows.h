// kernels/sum_rows.h: sums over rows, which are the gradients of what every row was given.
#pragma once

#include <cstdint>

#include "adlib/core/context.h"
#include "adlib/core/dtype.h"

namespace adlib::kernels {

/// Rows that are summed first, in ascending order, in float. The sums of such blocks are then added to the
/// result, in ascending order too: how rows are shared among threads changes no bit.
inline constexpr std::int64_t row_block = 32;

/// sums[c] += sum over r of x[r,c], in blocks of row_block rows. x: (rows, cols) row-major; sums: (cols).
template <class T>
void sum_rows(CpuContext&, float* sums, const T* x, std::int64_t rows, std::int64_t cols);
template <class T>
void sum_rows(CudaContext&, float* sums, const T* x, std::int64_t rows, std::int64_t cols);

}  // namespace adlib::kernels
