#include "kernels/rms_norm.h"

#include "adlib/ops.h"
#include "ops/checks.h"
#include "ops/dispatch.h"
#include "ops/norm.h"

namespace adlib::ops {

Tensor rms_norm(const Tensor& x, const Tensor& gamma, float eps) {
  check_rank_at_least("rms_norm", "x", x, 1);
  const std::int64_t cols = x.size(-1);
  check_same("rms_norm", "x", x, "gamma", gamma);
  check_shape("rms_norm", "gamma", gamma, {cols});
  require(eps >= 0, "rms_norm: eps is ", eps, ", expected at least 0");
  const Tensor source = x.contiguous(), scale = gamma.contiguous();
  Tensor y = Tensor::empty(x.shape(), x.dtype(), x.device());
  if (y.numel() == 0) return y;
  dispatch("rms_norm", x.device(), x.dtype(), [&]<class T>(auto& ctx) {
    kernels::rms_norm<T>(ctx, ptr<T>(y), ptr<T>(source), ptr<T>(scale), x.numel() / cols, cols, eps);
  });
  return y;
}

void rms_norm_backward(Tensor& dx, Tensor& dgamma, const Tensor& dy, const Tensor& x, const Tensor& gamma,
                       float eps) {
  constexpr const char* name = "rms_norm_backward";
  const std::int64_t cols = check_norm_backward(name, dx, dy, x, gamma, eps);
  check_gradient(name, "dgamma", dgamma, {cols}, x.device());
  if (x.numel() == 0) return;
  const Tensor source = x.contiguous(), gradient = dy.contiguous(), scale = gamma.contiguous();
  dispatch(name, x.device(), x.dtype(), [&]<class T>(auto& ctx) {
    kernels::rms_norm_backward<T>(ctx, ptr<T>(dx), ptr<float>(dgamma), ptr<T>(gradient), ptr<T>(source),
                                  ptr<T>(scale), x.numel() / cols, cols, eps);
  });
}

}  // namespace adlib::ops
