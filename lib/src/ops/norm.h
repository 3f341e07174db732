// lib/src/ops/norm.h: the checks that both norms' gradients share.
#pragma once

#include "ops/checks.h"

namespace adlib::ops {

/// Checks all but the gradients of parameters. Returns the columns.
inline std::int64_t check_norm_backward(const char* operation, const Tensor& dx, const Tensor& dy,
                                        const Tensor& x, const Tensor& gamma, float eps) {
  check_rank_at_least(operation, "x", x, 1);
  const std::int64_t cols = x.size(-1);
  check_same(operation, "x", x, "gamma", gamma);
  check_shape(operation, "gamma", gamma, {cols});
  check_same(operation, "x", x, "dy", dy);
  check_shape(operation, "dy", dy, x.shape());
  check_same(operation, "x", x, "dx", dx);
  check_writable(operation, "dx", dx, x.shape());
  check_apart(operation, "dx", dx, "dy", dy);
  check_apart(operation, "dx", dx, "x", x);
  require(eps >= 0, operation, ": eps is ", eps, ", expected at least 0");
  return cols;
}

}  // namespace adlib::ops
