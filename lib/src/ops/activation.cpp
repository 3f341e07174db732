#include "ops/activation.h"

#include "ops/checks.h"
#include "ops/dispatch.h"

namespace adlib::ops {

kernels::Activation to_kernel(const char* operation, Activation activation) {
  switch (activation) {
    case Activation::none:
      return kernels::Activation::none;
    case Activation::gelu_tanh:
      return kernels::Activation::gelu_tanh;
    case Activation::gelu_erf:
      return kernels::Activation::gelu_erf;
    case Activation::silu:
      return kernels::Activation::silu;
    case Activation::relu:
      return kernels::Activation::relu;
  }
  fail(ErrorCode::invalid_argument, operation, ": activation ", static_cast<int>(activation), " is unknown");
}

Tensor activate(const Tensor& x, Activation activation) {
  check_defined("activate", "x", x);
  const kernels::Activation function = to_kernel("activate", activation);
  const Tensor source = x.contiguous();
  Tensor y = Tensor::empty(x.shape(), x.dtype(), x.device());
  dispatch("activate", x.device(), x.dtype(), [&]<class T>(auto& ctx) {
    kernels::activate<T>(ctx, ptr<T>(y), ptr<T>(source), x.numel(), function);
  });
  return y;
}

namespace {

// The tensor itself where its last dimension is packed and its rows are evenly spaced, else a packed copy.
struct Rows {
  Tensor tensor;
  std::int64_t stride = 0;
};

Rows rows_of(const Tensor& x) {
  const std::int64_t cols = x.rank() == 0 ? 1 : x.size(-1);
  if (x.is_contiguous()) return {x, cols};
  bool even = x.rank() >= 2 && (x.stride(-1) == 1 || cols == 1);
  for (int dim = 0; even && dim + 2 < x.rank(); ++dim)
    even = x.stride(dim) == x.size(dim + 1) * x.stride(dim + 1);
  return even ? Rows{x, x.stride(-2)} : Rows{x.clone(), cols};
}

}  // namespace

Tensor swiglu(const Tensor& gate, const Tensor& up) {
  check_same("swiglu", "gate", gate, "up", up);
  check_shape("swiglu", "up", up, gate.shape());
  Tensor y = Tensor::empty(gate.shape(), gate.dtype(), gate.device());
  if (y.numel() == 0) return y;
  const Rows gates = rows_of(gate), ups = rows_of(up);
  const std::int64_t cols = gate.rank() == 0 ? 1 : gate.size(-1);
  dispatch("swiglu", gate.device(), gate.dtype(), [&]<class T>(auto& ctx) {
    kernels::swiglu<T>(ctx, ptr<T>(y), ptr<T>(gates.tensor), ptr<T>(ups.tensor), y.numel() / cols, cols,
                       gates.stride, ups.stride);
  });
  return y;
}

}  // namespace adlib::ops
