// The packed form on a device: rows of b^T (n, k), as memory is read best by both kinds of product.
#include "kernels/cuda/packed.cuh"

#include "kernels/copy.h"
#include "kernels/cuda/gemm.h"
#include "kernels/matmul.h"

namespace adlib::kernels {
namespace {

using cuda::Code4;
using cuda::Code8;

std::int64_t bits_of(PackedType type) {
  switch (type) {
    case PackedType::f32:
      return 32;
    case PackedType::f16:
    case PackedType::bf16:
      return 16;
    case PackedType::i8:
      return 8;
    case PackedType::i4:
      return 4;
  }
  return 0;
}

struct Layout {
  std::int64_t row_bytes;     // of numbers or codes
  std::int64_t stride_bytes;  // between rows
  std::int64_t groups = 0;    // scales of a row
  std::int64_t scales_offset;

  explicit Layout(const PackedShape& shape)
      : row_bytes((shape.k * bits_of(shape.type) + 7) / 8),
        stride_bytes((row_bytes + 15) / 16 * 16),
        scales_offset(shape.n * stride_bytes) {
    if (bits_of(shape.type) <= 8) groups = shape.group > 0 ? (shape.k + shape.group - 1) / shape.group : 1;
  }
};

template <class T>
T* at(void* packed, std::int64_t offset) {
  return reinterpret_cast<T*>(static_cast<std::uint8_t*>(packed) + offset);
}
template <class T>
const T* at(const void* packed, std::int64_t offset) {
  return reinterpret_cast<const T*>(static_cast<const std::uint8_t*>(packed) + offset);
}

// out (rows, cols) = in.
template <class To, class From>
void copy_rows(CudaContext& context, To* out, std::int64_t out_row, std::int64_t out_col, const From* in,
               std::int64_t in_row, std::int64_t in_col, std::int64_t rows, std::int64_t cols) {
  Extents extents{.rank = 2};
  extents.dims = {rows, cols};
  copy(context, out, in, extents, Strides{out_row, out_col}, Strides{in_row, in_col});
}

template <class E, class T>
void pack_as(CudaContext& context, void* packed, const T* b, std::int64_t b_stride, bool transpose_b,
             const PackedShape& shape) {
  const Layout layout(shape);
  if (layout.stride_bytes != layout.row_bytes)
    cuda::fill_bytes(packed, 0, static_cast<std::size_t>(layout.scales_offset), context.stream);
  copy_rows(context, at<E>(packed, 0), layout.stride_bytes / std::int64_t{sizeof(E)}, 1, b,
            transpose_b ? b_stride : 1, transpose_b ? 1 : b_stride, shape.n, shape.k);
}

template <class E>
cuda::GlobalMatrix<E> matrix(const void* packed, const PackedShape& shape, const Layout& layout) {
  const cuda::GlobalMatrix<E> rows =
      cuda::global_matrix(at<E>(packed, 0), shape.n, shape.k, layout.stride_bytes / std::int64_t{sizeof(E)});
  require(rows.aligned, "matmul: a packed matrix at an address that is not a multiple of 16 bytes");
  return rows;
}

cuda::GroupScales scales_of(const void* packed, const PackedShape& shape, const Layout& layout) {
  return {at<bfloat16>(packed, layout.scales_offset), layout.groups, static_cast<int>(shape.group)};
}

template <class E, class T>
void multiply_codes(CudaContext& context, T* out, const T* a, std::int64_t a_stride, std::int64_t m,
                    const void* packed, const PackedShape& shape, const MatmulEpilogue<T>& epilogue) {
  using Half = std::conditional_t<std::is_same_v<T, float16>, float16, bfloat16>;
  const Layout layout(shape);
  cuda::GemmArguments<cuda::GemmOutput<T>, E, T> args;
  args.a = cuda::global_matrix(a, m, shape.k, a_stride);
  args.b = matrix<E>(packed, shape, layout);
  args.k = shape.k;
  args.scales = scales_of(packed, shape, layout);
  args.output = cuda::gemm_output(out, m, shape.n, epilogue, shape.group == 0 ? args.scales.scales : nullptr);
  if constexpr (std::is_same_v<E, Code8>) {
    if (shape.group == 0) return cuda::gemm_codes<Half, false>(context, "matmul", args);
  }
  cuda::gemm_codes<Half, true>(context, "matmul", args);
}

}  // namespace

std::int64_t packed_bytes(CudaContext&, const PackedShape& shape) {
  const Layout layout(shape);
  return layout.scales_offset + shape.n * layout.groups * std::int64_t{sizeof(bfloat16)};
}

template <class T>
void pack(CudaContext& context, void* packed, const T* b, std::int64_t b_stride, bool transpose_b,
          const PackedShape& shape) {
  if constexpr (std::is_same_v<T, float>) {
    if (shape.type == PackedType::bf16)
      return pack_as<bfloat16>(context, packed, b, b_stride, transpose_b, shape);
  }
  pack_as<T>(context, packed, b, b_stride, transpose_b, shape);
}

template <class T>
void unpack(CudaContext& context, T* b, std::int64_t b_stride, bool transpose_b, const void* packed,
            const PackedShape& shape) {
  const Layout layout(shape);
  copy_rows(context, b, transpose_b ? b_stride : 1, transpose_b ? 1 : b_stride, at<T>(packed, 0),
            layout.stride_bytes / std::int64_t{sizeof(T)}, 1, shape.n, shape.k);
}

void pack_codes(CudaContext& context, void* packed, const void* codes, const bfloat16* scales,
                const PackedShape& shape) {
  const Layout layout(shape);
  if (layout.stride_bytes != layout.row_bytes) {
    const int zero = shape.type == PackedType::i4 ? 0x88 : 0;
    cuda::fill_bytes(packed, zero, static_cast<std::size_t>(layout.scales_offset), context.stream);
  }
  copy_rows(context, at<std::uint8_t>(packed, 0), layout.stride_bytes, 1, at<std::uint8_t>(codes, 0),
            layout.row_bytes, 1, shape.n, layout.row_bytes);
  copy_rows(context, at<bfloat16>(packed, layout.scales_offset), layout.groups, 1, scales, layout.groups, 1,
            shape.n, layout.groups);
}

void unpack_codes(CudaContext& context, void* codes, bfloat16* scales, const void* packed,
                  const PackedShape& shape) {
  const Layout layout(shape);
  copy_rows(context, at<std::uint8_t>(codes, 0), layout.row_bytes, 1, at<std::uint8_t>(packed, 0),
            layout.stride_bytes, 1, shape.n, layout.row_bytes);
  copy_rows(context, scales, layout.groups, 1, at<bfloat16>(packed, layout.scales_offset), layout.groups, 1,
            shape.n, layout.groups);
}

template <class T>
void matmul_packed(CudaContext& context, T* out, const T* a, std::int64_t a_stride, std::int64_t m,
                   const void* packed, const PackedShape& shape, const MatmulEpilogue<T>& epilogue) {
  if (m == 0 || shape.n == 0) return;
  if (shape.type == PackedType::i8)
    return multiply_codes<Code8>(context, out, a, a_stride, m, packed, shape, epilogue);
  if (shape.type == PackedType::i4)
    return multiply_codes<Code4>(context, out, a, a_stride, m, packed, shape, epilogue);
  const Layout layout(shape);
  const MatmulShape whole{.m = m,
                          .n = shape.n,
                          .k = shape.k,
                          .a_stride = a_stride,
                          .b_stride = layout.stride_bytes * 8 / bits_of(shape.type),
                          .transpose_b = true};
  if constexpr (!std::is_same_v<T, bfloat16>) {
    if (shape.type == PackedType::bf16)
      return cuda::gemm(context, "matmul", out, a, at<bfloat16>(packed, 0), whole, epilogue);
  }
  matmul(context, out, a, at<T>(packed, 0), whole, epilogue);
}

template <class T>
void embedding_packed(CudaContext& context, T* y, const void* packed, const PackedShape& shape,
                      const std::int32_t* ids, std::int64_t rows) {
  if (rows == 0 || shape.k == 0) return;
  const Layout layout(shape);
  const auto look_up = [&]<class E>(E) {
    constexpr int N = cuda::packed_chunk<E>;
    cuda::launch(context,
                 {"embedding", {cuda::blocks_for(rows * ((shape.k + N - 1) / N), 256, 65536)}, {256}},
                 cuda::embedding_packed_kernel<T, E>, y, matrix<E>(packed, shape, layout),
                 scales_of(packed, shape, layout), ids, rows);
  };
  switch (shape.type) {
    case PackedType::i8:
      return look_up(Code8{});
    case PackedType::i4:
      return look_up(Code4{});
    case PackedType::bf16:
      return look_up(bfloat16{});
    default:
      return look_up(T{});
  }
}

template void pack(CudaContext&, void*, const float*, std::int64_t, bool, const PackedShape&);
template void pack(CudaContext&, void*, const float16*, std::int64_t, bool, const PackedShape&);
template void pack(CudaContext&, void*, const bfloat16*, std::int64_t, bool, const PackedShape&);
template void unpack(CudaContext&, float*, std::int64_t, bool, const void*, const PackedShape&);
template void unpack(CudaContext&, float16*, std::int64_t, bool, const void*, const PackedShape&);
template void unpack(CudaContext&, bfloat16*, std::int64_t, bool, const void*, const PackedShape&);
template void matmul_packed(CudaContext&, float*, const float*, std::int64_t, std::int64_t, const void*,
                            const PackedShape&, const MatmulEpilogue<float>&);
template void matmul_packed(CudaContext&, float16*, const float16*, std::int64_t, std::int64_t, const void*,
                            const PackedShape&, const MatmulEpilogue<float16>&);
template void matmul_packed(CudaContext&, bfloat16*, const bfloat16*, std::int64_t, std::int64_t, const void*,
                            const PackedShape&, const MatmulEpilogue<bfloat16>&);
template void embedding_packed(CudaContext&, float*, const void*, const PackedShape&, const std::int32_t*,
                               std::int64_t);
template void embedding_packed(CudaContext&, float16*, const void*, const PackedShape&, const std::int32_t*,
                               std::int64_t);
template void embedding_packed(CudaContext&, bfloat16*, const void*, const PackedShape&, const std::int32_t*,
                               std::int64_t);

}  // namespace adlib::kernels
