
#include "adlib/ops.h"
#include "kernels/matmul.h"
#include "ops/checks.h"
#include "ops/dispatch.h"
#include "ops/epilogue.h"
#include "ops/quantized.h"
#include "ops/rows.h"

namespace adlib::ops {
namespace {

kernels::PackedType numbers_type(DType dtype) {
  switch (dtype) {
    case DType::f16:
      return kernels::PackedType::f16;
    case DType::bf16:
      return kernels::PackedType::bf16;
    default:
      return kernels::PackedType::f32;
  }
}

kernels::PackedShape packed_shape(const WeightFormat& format, DType dtype, std::int64_t k, std::int64_t n) {
  kernels::PackedShape shape{.type = numbers_type(dtype), .k = k, .n = n, .group = format.group};
  if (format.type == WeightFormat::Type::i8) shape.type = kernels::PackedType::i8;
  if (format.type == WeightFormat::Type::i4) shape.type = kernels::PackedType::i4;
  return shape;
}

}  // namespace

PackedMatrix::PackedMatrix(const Tensor& b, bool transpose_b, const WeightFormat& format)
    : transposed_(transpose_b) {
  check_rank("PackedMatrix", "b", b, 2, transpose_b ? "(N, K)" : "(K, N)");
  if (format.type == WeightFormat::Type::i8 || format.type == WeightFormat::Type::i4) {
    *this = PackedMatrix(quantize(b, format, /*transposed=*/!transpose_b));
    transposed_ = transpose_b;
    dtype_ = b.dtype();
    return;
  }
  require(format.group == 0, "PackedMatrix: the format ", to_string(format), " takes no group");
  rows_ = b.size(transpose_b ? 1 : 0);
  columns_ = b.size(transpose_b ? 0 : 1);
  // Only from f32 does packing itself round; from f16 the tensor does.
  const bool rounds = format.type == WeightFormat::Type::bf16;
  const Tensor source = packed_rows(rounds && b.dtype() == DType::f16 ? b.to(DType::bf16) : b);
  dtype_ = rounds ? DType::bf16 : b.dtype();
  format_.type = format.type;
  dispatch("PackedMatrix", b.device(), source.dtype(), [&]<class T>(auto& ctx) {
    const kernels::PackedShape shape = packed_shape(format_, dtype_, rows_, columns_);
    panels_ = Tensor::empty({kernels::packed_bytes(ctx, shape)}, DType::u8, b.device());
    kernels::pack<T>(ctx, panels_.raw(), ptr<T>(source), source.stride(0), transpose_b, shape);
  });
}

PackedMatrix::PackedMatrix(const QuantizedMatrix& w) : format_(w.format), transposed_(true) {
  check("PackedMatrix", w);
  rows_ = w.inputs;
  columns_ = w.outputs();
  const Tensor codes = w.codes.contiguous(), scales = w.scales.contiguous();
  dispatch_device("PackedMatrix", codes.device(), [&](auto& ctx) {
    const kernels::PackedShape shape = packed_shape(format_, dtype_, rows_, columns_);
    panels_ = Tensor::empty({kernels::packed_bytes(ctx, shape)}, DType::u8, codes.device());
    kernels::pack_codes(ctx, panels_.raw(), codes.raw(), ptr<bfloat16>(scales), shape);
  });
}

Tensor PackedMatrix::unpack() const {
  require(defined(), "PackedMatrix: unpack of an empty matrix");
  require(!is_quantized(), "PackedMatrix: unpack of a matrix of ", to_string(format_),
          "; its numbers are gone: use quantized(), or dequantize(quantized())");
  Tensor out = Tensor::empty(transposed_ ? Shape{columns_, rows_} : Shape{rows_, columns_}, dtype_, device());
  if (out.numel() == 0) return out;
  dispatch("PackedMatrix", device(), dtype_, [&]<class T>(auto& ctx) {
    kernels::unpack<T>(ctx, ptr<T>(out), out.stride(0), transposed_, panels_.raw(),
                       packed_shape(format_, dtype_, rows_, columns_));
  });
  return out;
}

QuantizedMatrix PackedMatrix::quantized() const {
  require(defined() && is_quantized(), "PackedMatrix: quantized() of a matrix of ", to_string(format_));
  QuantizedMatrix out = empty_quantized(columns_, rows_, format_, device());
  dispatch_device("PackedMatrix", device(), [&](auto& ctx) {
    kernels::unpack_codes(ctx, out.codes.raw(), ptr<bfloat16>(out.scales), panels_.raw(),
                          packed_shape(format_, dtype_, rows_, columns_));
  });
  return out;
}

Tensor matmul(const Tensor& a_in, const PackedMatrix& b, const MatmulOptions& options) {
  check_same_device("matmul", "a", a_in, "b", b.panels_);
  check_rank_at_least("matmul", "a", a_in, 2);
  const bool numbers = b.format().type == WeightFormat::Type::same;
  if (numbers && a_in.dtype() != b.dtype_) {
    fail(ErrorCode::dtype_mismatch, "matmul: a is ", a_in.describe(), ", b is packed as ", b.dtype_,
         "; convert a with .to(DType::", b.dtype_, ")");
  }
  require(!options.transpose_b, "matmul: transpose_b is set, but a PackedMatrix knows its own layout");
  require(a_in.size(-1) == b.rows(), "matmul: a is ", a_in.describe(), ", b is packed (", b.rows(), ", ",
          b.columns(), "); ", a_in.size(-1), " columns of a meet ", b.rows(), " rows of b");
  const Shape result = a_in.shape().with(-1, b.columns());
  check_epilogue("a", a_in, options, result);
  Tensor out = Tensor::empty(result, a_in.dtype(), a_in.device());
  if (out.numel() == 0) return out;
  const Tensor a = a_in.rank() == 2 ? packed_rows(a_in) : a_in.contiguous().view({-1, b.rows()});
  const Epilogue epilogue(options);
  dispatch("matmul", out.device(), out.dtype(), [&]<class T>(auto& ctx) {
    kernels::matmul_packed<T>(ctx, ptr<T>(out), ptr<T>(a), a.stride(0), a.size(0), b.panels_.raw(),
                              packed_shape(b.format_, b.dtype_, b.rows_, b.columns_), epilogue.at<T>(0));
  });
  return out;
}

Tensor embedding(const PackedMatrix& table, const Tensor& ids, DType dtype) {
  check_same_device("embedding", "table", table.panels_, "ids", ids);
  check_ids("embedding", ids, table.columns_);
  const bool numbers = table.format().type == WeightFormat::Type::same;
  require(!numbers || dtype == table.dtype_, "embedding: the table is packed as ", table.dtype_,
          ", expected ", dtype);
  const Tensor rows = ids.contiguous();
  Tensor y = Tensor::empty(lookup_shape(ids, table.rows_), dtype, table.device());
  if (y.numel() == 0) return y;
  dispatch("embedding", y.device(), dtype, [&]<class T>(auto& ctx) {
    kernels::embedding_packed<T>(ctx, ptr<T>(y), table.panels_.raw(),
                                 packed_shape(table.format_, table.dtype_, table.rows_, table.columns_),
                                 ptr<std::int32_t>(rows), rows.numel());
  });
  return y;
}

}  // namespace adlib::ops
