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

Tensor activate_backward(const Tensor& dy, const Tensor& x, Activation activation) {
  check_same("activate_backward", "dy", dy, "x", x);
  check_shape("activate_backward", "x", x, dy.shape());
  const kernels::Activation function = to_kernel("activate_backward", activation);
  const Tensor gradient = dy.contiguous(), source = x.contiguous();
  Tensor dx = Tensor::empty(x.shape(), x.dtype(), x.device());
  dispatch("activate_backward", x.device(), x.dtype(), [&]<class T>(auto& ctx) {
    kernels::activate_backward<T>(ctx, ptr<T>(dx), ptr<T>(gradient), ptr<T>(source), x.numel(), function);
  });
  return dx;
}

namespace {

// The tensor itself where its last dimension is packed and its rows are evenly spaced, else a packed copy.
struct Rows {
  Tensor tensor;
  std::int64_t stride = 0;
};

// How far apart evenly spaced rows stand, their elements side by side; -1 where they do not.
std::int64_t row_stride(const Tensor& x) {
  const std::int64_t cols = x.rank() == 0 ? 1 : x.size(-1);
  if (x.is_contiguous()) return cols;
  bool even = x.rank() >= 2 && (x.stride(-1) == 1 || cols == 1);
  for (int dim = 0; even && dim + 2 < x.rank(); ++dim)
    even = x.stride(dim) == x.size(dim + 1) * x.stride(dim + 1);
  return even ? x.stride(-2) : -1;
}

Rows rows_of(const Tensor& x) {
  const std::int64_t stride = row_stride(x);
  return stride >= 0 ? Rows{x, stride} : Rows{x.clone(), x.size(-1)};
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

void swiglu_backward(Tensor& dgate, Tensor& dup, const Tensor& dy, const Tensor& gate, const Tensor& up) {
  constexpr const char* name = "swiglu_backward";
  check_defined(name, "dy", dy);
  for (const auto& [part, tensor] : {std::pair<const char*, const Tensor*>{"gate", &gate},
                                     {"up", &up},
                                     {"dgate", &dgate},
                                     {"dup", &dup}}) {
    check_same(name, "dy", dy, part, *tensor);
    check_shape(name, part, *tensor, dy.shape());
  }
  for (const auto& [part, tensor] : {std::pair<const char*, const Tensor*>{"dgate", &dgate}, {"dup", &dup}}) {
    require(row_stride(*tensor) >= 0, name, ": ", part, " ", tensor->describe(),
            " has gaps within rows or between some of them, expected a tensor or columns of one");
    check_apart(name, part, *tensor, "dy", dy);
    check_apart(name, part, *tensor, "gate", gate);
    check_apart(name, part, *tensor, "up", up);
  }
  require(dgate.numel() == 0 || dgate.raw() != dup.raw(), name, ": dgate and dup are the same memory");
  if (dy.numel() == 0) return;
  const Tensor gradient = dy.contiguous();
  const Rows gates = rows_of(gate), ups = rows_of(up);
  const std::int64_t cols = dy.rank() == 0 ? 1 : dy.size(-1);
  const kernels::SwigluStrides strides{
      .gate = gates.stride, .up = ups.stride, .dgate = row_stride(dgate), .dup = row_stride(dup)};
  dispatch(name, dy.device(), dy.dtype(), [&]<class T>(auto& ctx) {
    kernels::swiglu_backward<T>(ctx, ptr<T>(dgate), ptr<T>(dup), ptr<T>(gradient), ptr<T>(gates.tensor),
                                ptr<T>(ups.tensor), dy.numel() / cols, cols, strides);
  });
}

}  // namespace adlib::ops
