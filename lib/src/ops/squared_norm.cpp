#include "kernels/squared_norm.h"

#include "adlib/ops.h"
#include "ops/checks.h"
#include "ops/dispatch.h"

namespace adlib::ops {

double squared_norm(const Tensor& x) {
  check_defined("squared_norm", "x", x);
  const Tensor source = x.contiguous();
  double sum = 0;
  dispatch("squared_norm", x.device(), x.dtype(),
           [&]<class T>(auto& ctx) { sum = kernels::squared_norm<T>(ctx, ptr<T>(source), x.numel()); });
  return sum;
}

}  // namespace adlib::ops
