#include "kernels/dropout.h"

#include <cmath>

#include "adlib/ops.h"
#include "ops/checks.h"
#include "ops/dispatch.h"

namespace adlib::ops {

Tensor dropout(const Tensor& x, float p, std::uint64_t seed, std::uint64_t stream, const Tensor& residual) {
  check_defined("dropout", "x", x);
  require(p >= 0 && p < 1, "dropout: p is ", p, ", expected a probability in [0, 1)");
  if (residual) {
    check_same("dropout", "x", x, "residual", residual);
    check_shape("dropout", "residual", residual, x.shape());
  }
  if (p == 0) return residual ? add(x, residual) : x.clone();
  const Tensor source = x.contiguous(), added = residual ? residual.contiguous() : residual;
  Tensor y = Tensor::empty(x.shape(), x.dtype(), x.device());
  const kernels::DropoutRule rule{.seed = seed,
                                  .stream = stream,
                                  .threshold = static_cast<std::uint32_t>(std::llround(p * 0x1p32)),
                                  .scale = static_cast<float>(1 / (1 - static_cast<double>(p)))};
  dispatch("dropout", x.device(), x.dtype(), [&]<class T>(auto& ctx) {
    kernels::dropout<T>(ctx, ptr<T>(y), ptr<T>(source), ptr<T>(added), x.numel(), rule);
  });
  return y;
}

}  // namespace adlib::ops
