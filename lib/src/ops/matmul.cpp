#include "kernels/matmul.h"

#include <algorithm>
#include <array>
#include <vector>

#include "adlib/ops.h"
#include "ops/activation.h"
#include "ops/checks.h"
#include "ops/dispatch.h"

namespace adlib::ops {
namespace {

bool packed_rows(const Tensor& x) { return x.size(-1) <= 1 || x.stride(-1) == 1; }
bool packed_columns(const Tensor& x) { return x.size(-2) <= 1 || x.stride(-2) == 1; }

// (…, M, N), the leading dimensions broadcast.
Shape result_shape(const Tensor& a, const Tensor& b, std::int64_t m, std::int64_t n) {
  const int rank = std::max(a.rank(), b.rank());
  std::vector<std::int64_t> dims(static_cast<std::size_t>(rank));
  for (int dim = 3; dim <= rank; ++dim) {
    const std::int64_t x = dim <= a.rank() ? a.size(-dim) : 1;
    const std::int64_t y = dim <= b.rank() ? b.size(-dim) : 1;
    require(x == y || x == 1 || y == 1, "matmul: a is ", a.describe(), ", b is ", b.describe(),
            "; their leading dimensions do not broadcast");
    dims[static_cast<std::size_t>(rank - dim)] = x == 1 ? y : x;
  }
  dims[static_cast<std::size_t>(rank - 2)] = m;
  dims[static_cast<std::size_t>(rank - 1)] = n;
  return Shape(std::span<const std::int64_t>(dims));
}

void check_epilogue(const Tensor& a, const MatmulOptions& options, const Shape& result) {
  if (options.bias) {
    check_same("matmul", "a", a, "bias", options.bias);
    check_shape("matmul", "bias", options.bias, {result[-1]});
  }
  if (options.residual) {
    check_same("matmul", "a", a, "residual", options.residual);
    check_shape("matmul", "residual", options.residual, result);
  }
}

struct Plan {
  kernels::MatmulShape shape;
  Shape result;
};

Plan check(const Tensor& a, const Tensor& b, const MatmulOptions& options) {
  check_same("matmul", "a", a, "b", b);
  check_rank_at_least("matmul", "a", a, 2);
  check_rank_at_least("matmul", "b", b, 2);
  const std::int64_t m = a.size(-2), k = a.size(-1);
  const std::int64_t n = b.size(options.transpose_b ? -2 : -1);
  const std::int64_t b_k = b.size(options.transpose_b ? -1 : -2);
  require(k == b_k, "matmul: a is ", a.describe(), ", b is ", b.describe(),
          options.transpose_b ? " (transposed)" : "", "; ", k, " columns of a meet ", b_k, " rows of b");
  const Shape result = result_shape(a, b, m, n);
  check_epilogue(a, options, result);
  return {{.m = m, .n = n, .k = k, .transpose_b = options.transpose_b}, result};
}

// Elements from the first to the index-th matrix of `x`, whose leading dimensions broadcast to those of
// `result`.
std::int64_t matrix_offset(const Tensor& x, const Shape& result, std::int64_t index) {
  std::int64_t offset = 0;
  for (int dim = 3; dim <= result.rank(); ++dim) {
    const std::int64_t extent = result[-dim];
    if (dim <= x.rank() && x.size(-dim) != 1) offset += index % extent * x.stride(-dim);
    index /= extent;
  }
  return offset;
}

}  // namespace

void matmul_into(Tensor& out, const Tensor& a_in, const Tensor& b_in, const MatmulOptions& options) {
  Plan plan = check(a_in, b_in, options);  // not bindings: clang 14 does not capture those in a lambda
  kernels::MatmulShape& shape = plan.shape;
  Shape& result = plan.result;
  check_same("matmul", "a", a_in, "out", out);
  check_out("matmul", out, result);
  const kernels::Activation activation = to_kernel("matmul", options.activation);
  if (out.numel() == 0) return;

  Tensor a = packed_rows(a_in) ? a_in : a_in.contiguous();
  Tensor b = b_in;
  if (!packed_rows(b)) {
    // A transposed view of packed rows is the other layout; anything else is packed first.
    if (packed_columns(b)) {
      b = b.transpose(-2, -1);
      shape.transpose_b = !shape.transpose_b;
    } else {
      b = b.contiguous();
    }
  }
  std::int64_t matrices = result.numel() / (shape.m * shape.n);
  if (b.rank() == 2 && a.rank() > 2 && a.is_contiguous()) {  // (…, M, K)·(K, N) is one tall product
    a = a.view({-1, shape.k});
    shape.m = matrices * shape.m;
    matrices = 1;
    result = Shape{shape.m, shape.n};
  }
  shape.a_stride = a.stride(-2);
  shape.b_stride = b.stride(-2);
  const Tensor bias = options.bias ? options.bias.contiguous() : Tensor();
  const Tensor residual = options.residual ? options.residual.contiguous() : Tensor();
  dispatch("matmul", out.device(), out.dtype(), [&]<class T>(auto& ctx) {
    for (std::int64_t i = 0; i < matrices; ++i) {
      const std::int64_t at = i * shape.m * shape.n;
      const kernels::MatmulEpilogue<T> epilogue{ptr<T>(bias), activation,
                                                residual ? ptr<T>(residual) + at : nullptr};
      kernels::matmul<T>(ctx, ptr<T>(out) + at, ptr<T>(a) + matrix_offset(a, result, i),
                         ptr<T>(b) + matrix_offset(b, result, i), shape, epilogue);
    }
  });
}

Tensor matmul(const Tensor& a, const Tensor& b, const MatmulOptions& options) {
  Tensor out = Tensor::empty(check(a, b, options).result, a.dtype(), a.device());
  matmul_into(out, a, b, options);
  return out;
}

PackedMatrix::PackedMatrix(const Tensor& b, bool transpose_b) : transposed_(transpose_b) {
  check_rank("PackedMatrix", "b", b, 2, transpose_b ? "(N, K)" : "(K, N)");
  rows_ = b.size(transpose_b ? 1 : 0);
  columns_ = b.size(transpose_b ? 0 : 1);
  const Tensor source = packed_rows(b) ? b : b.contiguous();
  dispatch("PackedMatrix", b.device(), b.dtype(), [&]<class T>(auto& ctx) {
    panels_ = Tensor::empty({kernels::packed_size(ctx, rows_, columns_)}, b.dtype(), b.device());
    kernels::pack<T>(ctx, ptr<T>(panels_), ptr<T>(source),
                     {.n = columns_, .k = rows_, .b_stride = source.stride(0), .transpose_b = transpose_b});
  });
}

Tensor PackedMatrix::unpack() const {
  require(defined(), "PackedMatrix: unpack of an empty matrix");
  Tensor out =
      Tensor::empty(transposed_ ? Shape{columns_, rows_} : Shape{rows_, columns_}, dtype(), device());
  if (out.numel() == 0) return out;
  dispatch("PackedMatrix", device(), dtype(), [&]<class T>(auto& ctx) {
    kernels::unpack<T>(ctx, ptr<T>(out), ptr<T>(panels_),
                       {.n = columns_, .k = rows_, .b_stride = out.stride(0), .transpose_b = transposed_});
  });
  return out;
}

Tensor matmul(const Tensor& a_in, const PackedMatrix& b, const MatmulOptions& options) {
  check_same("matmul", "a", a_in, "b", b.panels_);
  check_rank_at_least("matmul", "a", a_in, 2);
  require(!options.transpose_b, "matmul: transpose_b is set, but a PackedMatrix knows its own layout");
  require(a_in.size(-1) == b.rows(), "matmul: a is ", a_in.describe(), ", b is packed (", b.rows(), ", ",
          b.columns(), "); ", a_in.size(-1), " columns of a meet ", b.rows(), " rows of b");
  const Shape result = a_in.shape().with(-1, b.columns());
  check_epilogue(a_in, options, result);
  const kernels::Activation activation = to_kernel("matmul", options.activation);
  Tensor out = Tensor::empty(result, a_in.dtype(), a_in.device());
  if (out.numel() == 0) return out;
  const Tensor a = (a_in.rank() == 2 && packed_rows(a_in) ? a_in : a_in.contiguous().view({-1, b.rows()}));
  const Tensor bias = options.bias ? options.bias.contiguous() : Tensor();
  const Tensor residual = options.residual ? options.residual.contiguous() : Tensor();
  dispatch("matmul", out.device(), out.dtype(), [&]<class T>(auto& ctx) {
    kernels::matmul_packed<T>(ctx, ptr<T>(out), ptr<T>(a), ptr<T>(b.panels_),
                              {.m = a.size(0), .n = b.columns(), .k = b.rows(), .a_stride = a.stride(0)},
                              {ptr<T>(bias), activation, ptr<T>(residual)});
  });
  return out;
}

}  // namespace adlib::ops
