#include "kernels/elementwise.h"

#include <algorithm>
#include <vector>

#include "adlib/ops.h"
#include "ops/checks.h"
#include "ops/dispatch.h"
#include "ops/strided.h"

namespace adlib::ops {
namespace {

Shape broadcast(const char* operation, const Shape& a, const Shape& b) {
  const int rank = std::max(a.rank(), b.rank());
  std::vector<std::int64_t> dims(static_cast<std::size_t>(rank));
  for (int dim = 1; dim <= rank; ++dim) {
    const std::int64_t x = dim <= a.rank() ? a[-dim] : 1;
    const std::int64_t y = dim <= b.rank() ? b[-dim] : 1;
    require(x == y || x == 1 || y == 1, operation, ": a has shape ", a, ", b has shape ", b,
            "; they do not broadcast");
    dims[static_cast<std::size_t>(rank - dim)] = x == 1 ? y : x;
  }
  return Shape(std::span<const std::int64_t>(dims));
}

template <class Kernel>
Tensor binary(const char* operation, const Tensor& a, const Tensor& b, Kernel&& kernel) {
  check_same(operation, "a", a, "b", b);
  const Shape shape = broadcast(operation, a.shape(), b.shape());
  Tensor y = Tensor::empty(shape, a.dtype(), a.device());
  if (y.numel() == 0) return y;
  if (a.shape() == shape && b.shape() == shape && a.is_contiguous() && b.is_contiguous()) {
    kernel(y, a, b, extents_of(Shape{shape.numel()}), kernels::Strides{1}, kernels::Strides{1});
  } else {
    kernel(y, a, b, extents_of(shape), strides_of(a.expand(shape)), strides_of(b.expand(shape)));
  }
  return y;
}

}  // namespace

Tensor add(const Tensor& a, const Tensor& b) {
  return binary("add", a, b, [](Tensor& y, const Tensor& p, const Tensor& q, const auto&... layout) {
    dispatch("add", y.device(), y.dtype(),
             [&]<class T>(auto& ctx) { kernels::add<T>(ctx, ptr<T>(y), ptr<T>(p), ptr<T>(q), layout...); });
  });
}

Tensor multiply(const Tensor& a, const Tensor& b) {
  return binary("multiply", a, b, [](Tensor& y, const Tensor& p, const Tensor& q, const auto&... layout) {
    dispatch("multiply", y.device(), y.dtype(), [&]<class T>(auto& ctx) {
      kernels::multiply<T>(ctx, ptr<T>(y), ptr<T>(p), ptr<T>(q), layout...);
    });
  });
}

}  // namespace adlib::ops
