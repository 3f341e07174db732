// kernels/embedding.h: rows of a table.
#pragma once

#include <cstdint>

#include "adlib/core/context.h"
#include "adlib/core/dtype.h"

namespace adlib::kernels {

/// y[n,:] = table[ids[n],:]. table: rows of `cols` elements, table_stride apart; ids: (n), each inside the
/// table; y: (n, cols) row-major.
template <class T>
void embedding(CpuContext&, T* y, const T* table, const std::int32_t* ids, std::int64_t n, std::int64_t cols,
               std::int64_t table_stride);
template <class T>
void embedding(CudaContext&, T* y, const T* table, const std::int32_t* ids, std::int64_t n, std::int64_t cols,
               std::int64_t table_stride);

/// dtable[ids[i],:] += dy[i,:] for i = 0, 1, …, n - 1, in this order. dtable: rows of `cols` elements without
/// gaps; dy: (n, cols) row-major; ids: (n), each inside the table.
template <class T>
void embedding_backward(CpuContext&, float* dtable, const T* dy, const std::int32_t* ids, std::int64_t n,
                        std::int64_t cols);
template <class T>
void embedding_backward(CudaContext&, float* dtable, const T* dy, const std::int32_t* ids, std::int64_t n,
                        std::int64_t cols);

}  // namespace adlib::kernels
