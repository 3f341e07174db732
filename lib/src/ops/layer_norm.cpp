#include "kernels/layer_norm.h"

#include "adlib/ops.h"
#include "ops/checks.h"
#include "ops/dispatch.h"
#include "ops/norm.h"

namespace adlib::ops {

Tensor layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, float eps) {
  check_rank_at_least("layer_norm", "x", x, 1);
  const std::int64_t cols = x.size(-1);
  check_same("layer_norm", "x", x, "gamma", gamma);
  check_shape("layer_norm", "gamma", gamma, {cols});
  if (beta) {
    check_same("layer_norm", "x", x, "beta", beta);
    check_shape("layer_norm", "beta", beta, {cols});
  }
  require(eps >= 0, "layer_norm: eps is ", eps, ", expected at least 0");
  const Tensor source = x.contiguous(), scale = gamma.contiguous(), shift = beta ? beta.contiguous() : beta;
  Tensor y = Tensor::empty(x.shape(), x.dtype(), x.device());
  if (y.numel() == 0) return y;
  dispatch("layer_norm", x.device(), x.dtype(), [&]<class T>(auto& ctx) {
    kernels::layer_norm<T>(ctx, ptr<T>(y), ptr<T>(source), ptr<T>(scale), ptr<T>(shift), x.numel() / cols,
                           cols, eps);
  });
  return y;
}

void layer_norm_backward(Tensor& dx, Tensor& dgamma, Tensor& dbeta, const Tensor& dy, const Tensor& x,
                         const Tensor& gamma, float eps) {
  constexpr const char* name = "layer_norm_backward";
  const std::int64_t cols = check_norm_backward(name, dx, dy, x, gamma, eps);
  check_gradient(name, "dgamma", dgamma, {cols}, x.device());
  check_gradient(name, "dbeta", dbeta, {cols}, x.device());
  if (x.numel() == 0) return;
  const Tensor source = x.contiguous(), gradient = dy.contiguous(), scale = gamma.contiguous();
  dispatch(name, x.device(), x.dtype(), [&]<class T>(auto& ctx) {
    kernels::layer_norm_backward<T>(ctx, ptr<T>(dx), ptr<float>(dgamma), ptr<float>(dbeta), ptr<T>(gradient),
                                    ptr<T>(source), ptr<T>(scale), x.numel() / cols, cols, eps);
  });
}

}  // namespace adlib::ops
