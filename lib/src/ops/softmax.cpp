#include "kernels/softmax.h"

#include "adlib/ops.h"
#include "ops/checks.h"
#include "ops/dispatch.h"

namespace adlib::ops {
namespace {

// x seen as (outer, extent, inner) around the dimension that is normalised.
struct Along {
  std::int64_t outer = 1, extent = 1, inner = 1;
};

Along along(const Shape& shape, int dim) {
  const int at = shape.normalise(dim);
  Along out;
  for (int i = 0; i < at; ++i) out.outer *= shape[i];
  out.extent = shape[at];
  for (int i = at + 1; i < shape.rank(); ++i) out.inner *= shape[i];
  return out;
}

}  // namespace

Tensor softmax(const Tensor& x, int dim) {
  check_rank_at_least("softmax", "x", x, 1);
  const Along a = along(x.shape(), dim);
  const Tensor source = x.contiguous();
  Tensor y = Tensor::empty(x.shape(), x.dtype(), x.device());
  dispatch("softmax", x.device(), x.dtype(), [&]<class T>(auto& ctx) {
    kernels::softmax<T>(ctx, ptr<T>(y), ptr<T>(source), a.outer, a.extent, a.inner);
  });
  return y;
}

Tensor log_softmax(const Tensor& x, int dim) {
  check_rank_at_least("log_softmax", "x", x, 1);
  const Along a = along(x.shape(), dim);
  const Tensor source = x.contiguous();
  Tensor y = Tensor::empty(x.shape(), x.dtype(), x.device());
  dispatch("log_softmax", x.device(), x.dtype(), [&]<class T>(auto& ctx) {
    kernels::log_softmax<T>(ctx, ptr<T>(y), ptr<T>(source), a.outer, a.extent, a.inner);
  });
  return y;
}

}  // namespace adlib::ops
