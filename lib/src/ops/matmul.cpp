#include "kernels/matmul.h"

#include <algorithm>
#include <array>
#include <vector>

#include "adlib/ops.h"
#include "ops/checks.h"
#include "ops/dispatch.h"
#include "ops/epilogue.h"
#include "ops/rows.h"

namespace adlib::ops {
namespace {

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
  return {{.m = m, .n = n, .k = k, .transpose_b = options.transpose_b}, result_shape(a, b, m, n)};
}

// The result has the dtype of a, or is f32 under operands of 16 bits; the epilogue is in its dtype.
void check_result(const Tensor& out, const Tensor& a, const MatmulOptions& options, const Shape& result) {
  const bool wider = out.defined() && out.dtype() == DType::f32 && size_of(a.dtype()) == 2;
  if (wider) {
    check_same_device("matmul", "a", a, "out", out);
  } else {
    check_same("matmul", "a", a, "out", out);
  }
  check_out("matmul", out, result);
  check_epilogue(wider ? "out" : "a", out, options, result);
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
  check_result(out, a_in, options, result);
  const Epilogue epilogue(options);
  if (out.numel() == 0) return;

  // A transposed view of packed rows is the other layout; anything else is made contiguous.
  const auto as_rows = [](const Tensor& x, bool& transposed) {
    if (has_packed_rows(x)) return x;
    if (!packed_columns(x)) return x.contiguous();
    transposed = !transposed;
    return x.transpose(-2, -1);
  };
  Tensor a = as_rows(a_in, shape.transpose_a);
  const Tensor b = as_rows(b_in, shape.transpose_b);
  std::int64_t matrices = result.numel() / (shape.m * shape.n);
  if (b.rank() == 2 && a.rank() > 2 && a.is_contiguous() &&
      !shape.transpose_a) {  // (…, M, K)·(K, N) is one tall product
    a = a.view({-1, shape.k});
    shape.m = matrices * shape.m;
    matrices = 1;
    result = Shape{shape.m, shape.n};
  }
  shape.a_stride = a.stride(-2);
  shape.b_stride = b.stride(-2);
  dispatch("matmul", out.device(), a.dtype(), [&]<class T>(auto& ctx) {
    const auto multiply = [&]<class Out>(Out* to) {
      for (std::int64_t i = 0; i < matrices; ++i) {
        const std::int64_t at = i * shape.m * shape.n;
        kernels::matmul(ctx, to + at, ptr<T>(a) + matrix_offset(a, result, i),
                        ptr<T>(b) + matrix_offset(b, result, i), shape, epilogue.at<Out>(at));
      }
    };
    if (out.dtype() == DType::f32) {
      multiply(ptr<float>(out));
    } else {
      multiply(ptr<T>(out));
    }
  });
}

Tensor matmul(const Tensor& a, const Tensor& b, const MatmulOptions& options) {
  Tensor out = Tensor::empty(check(a, b, options).result, a.dtype(), a.device());
  matmul_into(out, a, b, options);
  return out;
}

}  // namespace adlib::ops
