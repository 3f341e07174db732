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
  std::int64_t a_stride = 0;  ///< between rows of a as stored
  std::int64_t b_stride = 0;  ///< between rows of b as stored
  bool transpose_a = false;   ///< a is stored (k, m) instead of (m, k)
  bool transpose_b = false;   ///< b is stored (n, k) instead of (k, n)
};

/// What is done to a sum before it is stored: + bias[j], then the activation, then * multiplier[i,j], then
/// + residual[i,j].
template <class T>
struct MatmulEpilogue {
  const T* bias = nullptr;  ///< (n), or null
  Activation activation = Activation::none;
  const T* multiplier = nullptr;  ///< (m, n) row-major, or null
  const T* residual = nullptr;    ///< (m, n) row-major, or null; may be `out` itself
};

/// out[i,j] = residual[i,j] + multiplier[i,j] activation(bias[j] + sum_k a[i,k] b[k,j]), in float, rounded
/// once to Out, which is T or float. out: (m, n) row-major. One order of summation, fixed by k, the type and
/// the SIMD level: blocks of 256 are each summed from zero in ascending k, and the sums of the blocks are
/// added in ascending order. So a row's bits do not depend on m, on its position, or on the tile. On
/// processors with AVX-512 BF16, products of bfloat16 take subnormal numbers for zero. On CUDA this order is
/// kept with context.deterministic, and for up to 16 rows of an a that is not transposed; else cuBLASLt,
/// where the build has it, chooses by the shape.
template <class Out, class T>
void matmul(CpuContext&, Out* out, const T* a, const T* b, const MatmulShape& shape,
            const MatmulEpilogue<Out>& epilogue);
template <class Out, class T>
void matmul(CudaContext&, Out* out, const T* a, const T* b, const MatmulShape& shape,
            const MatmulEpilogue<Out>& epilogue);

/// How the elements of a packed matrix are stored: as numbers, or (kernels/quantize.h) as codes and scales.
enum class PackedType { f32, f16, bf16, i8, i4 };

/// A right operand b (k, n), laid out once in the panels that the tiles of this processor read; on CUDA as
/// the rows of b^T (n, k), each filled up with zeros to a multiple of 16 bytes, with the scales behind them.
struct PackedShape {
  PackedType type = PackedType::f32;
  std::int64_t k = 0, n = 0;
  /// i8, i4: rows of b that share a scale: 32, 64 or 128, since blocks of 256 are whole groups. 0 (i8): all.
  std::int64_t group = 0;
};

/// Bytes that pack() and pack_codes() write.
std::int64_t packed_bytes(CpuContext&, const PackedShape& shape);
std::int64_t packed_bytes(CudaContext&, const PackedShape& shape);
/// Lays out numbers: b (k, n), or (n, k) when transpose_b, with rows of b_stride. T is the type of `shape`,
/// or float for bf16, which rounds.
template <class T>
void pack(CpuContext&, void* packed, const T* b, std::int64_t b_stride, bool transpose_b,
          const PackedShape& shape);
template <class T>
void pack(CudaContext&, void* packed, const T* b, std::int64_t b_stride, bool transpose_b,
          const PackedShape& shape);
/// The inverse of pack().
template <class T>
void unpack(CpuContext&, T* b, std::int64_t b_stride, bool transpose_b, const void* packed,
            const PackedShape& shape);
template <class T>
void unpack(CudaContext&, T* b, std::int64_t b_stride, bool transpose_b, const void* packed,
            const PackedShape& shape);
/// Lays out the codes (n, k) and scales (n, groups) of kernels/quantize.h.
void pack_codes(CpuContext&, void* packed, const void* codes, const bfloat16* scales,
                const PackedShape& shape);
void pack_codes(CudaContext&, void* packed, const void* codes, const bfloat16* scales,
                const PackedShape& shape);
/// The inverse of pack_codes().
void unpack_codes(CpuContext&, void* codes, bfloat16* scales, const void* packed, const PackedShape& shape);
void unpack_codes(CudaContext&, void* codes, bfloat16* scales, const void* packed, const PackedShape& shape);

/// matmul() with a packed b: a (m, k) with rows of a_stride. With numbers of type T, the bits of matmul().
/// With bf16 and a T that is not, a is rounded to bfloat16 where the processor multiplies those. With codes,
/// each row of a is quantised to int8 in groups (of b's group, or 128 when it has none: scale = max |a| /
/// 127); the products of codes are summed exactly within a group, and the scaled sums of groups in ascending
/// order.
/// On CUDA, numbers of type T give what matmul() gives with their transpose. With bf16 and a T that is not, a
/// is rounded to bfloat16; and with codes a is not quantised, which is more exact and no
/// slower there: it is taken as float16 when that is T, else rounded to bfloat16, and multiplied by the
/// codes. Within a block of 256, each group's products are summed in float and its scaled sum is added to the
/// block's, in ascending order; the sums of the blocks are added as in matmul(). Always in this order.
template <class T>
void matmul_packed(CpuContext&, T* out, const T* a, std::int64_t a_stride, std::int64_t m, const void* packed,
                   const PackedShape& shape, const MatmulEpilogue<T>& epilogue);
template <class T>
void matmul_packed(CudaContext&, T* out, const T* a, std::int64_t a_stride, std::int64_t m,
                   const void* packed, const PackedShape& shape, const MatmulEpilogue<T>& epilogue);
/// y[i,:] = column ids[i] of b: the lookup of an embedding whose table is packed as its transpose. y: (rows,
/// k).
template <class T>
void embedding_packed(CpuContext&, T* y, const void* packed, const PackedShape& shape,
                      const std::int32_t* ids, std::int64_t rows);
template <class T>
void embedding_packed(CudaContext&, T* y, const void* packed, const PackedShape& shape,
                      const std::int32_t* ids, std::int64_t rows);

}  // namespace adlib::kernels
