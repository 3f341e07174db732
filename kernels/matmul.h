// kernels/matmul.h: the matrix product with a fused epilogue.
#pragma once

#include <cstdint>

#include "adlib/core/context.h"
#include "adlib/core/dtype.h"
#include "kernels/activation.h"

namespace adlib::kernels {

/// Extents and row strides (in elements) of one product.
struct MatmulShape {
  std::int64_t m = 0, n = 0, k = 0;
  std::int64_t a_stride = 0;  ///< between rows of a
  std::int64_t b_stride = 0;  ///< between rows of b as stored
  bool transpose_b = false;   ///< b is stored (n, k) instead of (k, n)
};

/// What is done to a sum before it is stored: + bias[j], then the activation, then + residual[i,j].
template <class T>
struct MatmulEpilogue {
  const T* bias = nullptr;  ///< (n), or null
  Activation activation = Activation::none;
  const T* residual = nullptr;  ///< (m, n) row-major, or null; may be `out` itself
};

/// out[i,j] = residual[i,j] + activation(bias[j] + sum_k a[i,k] b[k,j]), in float, rounded once.
/// a: (m, k), b: (k, n) or (n, k), out: (m, n) row-major.
/// One order of summation, fixed by k alone: blocks of 256 are each summed from zero in ascending k, and the
/// sums of the blocks are added in ascending order. So a row's bits do not depend on m, on its position, or
/// on the tile.
template <class T>
void matmul(CpuContext&, T* out, const T* a, const T* b, const MatmulShape& shape,
            const MatmulEpilogue<T>& epilogue);
template <class T>
void matmul(CudaContext&, T* out, const T* a, const T* b, const MatmulShape& shape,
            const MatmulEpilogue<T>& epilogue);

/// How many elements pack() writes for a b of (k, n).
std::int64_t packed_size(CpuContext&, std::int64_t k, std::int64_t n);
/// Lays out b once in the panels that the tiles of this processor read, for matmul_packed: columns in panels
/// of the tile's width, the last one filled with zeros; a panel holds its rows k one after the other. Of
/// `shape` only n, k, b_stride and transpose_b count.
template <class T>
void pack(CpuContext&, T* packed, const T* b, const MatmulShape& shape);
/// The inverse: b (k, n), or (n, k) when transpose_b, with rows of b_stride.
template <class T>
void unpack(CpuContext&, T* b, const T* packed, const MatmulShape& shape);
/// matmul() with b as pack() left it, and with the same bits.
template <class T>
void matmul_packed(CpuContext&, T* out, const T* a, const T* packed, const MatmulShape& shape,
                   const MatmulEpilogue<T>& epilogue);

}  // namespace adlib::kernels
