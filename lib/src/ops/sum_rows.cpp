#include "kernels/sum_rows.h"

#include "adlib/ops.h"
#include "ops/checks.h"
#include "ops/dispatch.h"

namespace adlib::ops {

void sum_rows_into(Tensor& sums, const Tensor& x) {
  check_rank("sum_rows", "x", x, 2, "(N, C)");
  check_defined("sum_rows", "sums", sums);
  check_gradient("sum_rows", "sums", sums, {x.size(1)}, x.device());
  check_apart("sum_rows", "sums", sums, "x", x);
  const Tensor source = x.contiguous();
  dispatch("sum_rows", x.device(), x.dtype(), [&]<class T>(auto& ctx) {
    kernels::sum_rows<T>(ctx, ptr<float>(sums), ptr<T>(source), x.size(0), x.size(1));
  });
}

}  // namespace adlib::ops
