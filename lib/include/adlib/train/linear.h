// adlib/train/linear.h: an affine layer with its gradient, and low-rank adaptation of one.
#pragma once

#include <cstdint>
#include <string>

#include "adlib/nn/linear.h"
#include "adlib/train/parameters.h"

namespace adlib::train {

/// scale·B·A beside a frozen weight, Hu et al. 2021. Both null: no adapter.
struct Adapter {
  Parameter* a = nullptr;  ///< (r, in)
  Parameter* b = nullptr;  ///< (out, r)
  float scale = 1;         ///< alpha / r
};

class Linear {
 public:
  using Layout = nn::Linear::Layout;

  /// `bias` may be null.
  Linear(Parameter& weight, Parameter* bias, Layout layout, const Adapter& adapter = {})
      : weight_(&weight), bias_(bias), layout_(layout), adapter_(adapter) {}

  std::int64_t out_features() const { return weight_->master.size(layout_ == Layout::in_out ? 1 : 0); }

  /// x·W + b + scale·(x·Aᵀ)·Bᵀ + residual. (N, in) -> (N, out); residual, when given: (N, out)
  Tensor forward(const Tensor& x, const Tensor& residual = {}) const {
    Tensor y = ops::matmul(x, weight_->value,
                           {.transpose_b = layout_ == Layout::out_in,
                            .bias = bias_ != nullptr ? bias_->value : Tensor(),
                            .residual = residual});
    if (adapter_.a != nullptr)
      ops::matmul_into(y, low_rank(x), adapter_.b->value, {.transpose_b = true, .residual = y});
    return y;
  }

  /// Adds to the gradients of the parameters. dy (N, out), x as in forward() -> the gradient by x (N, in),
  /// plus `residual` when that is given.
  Tensor backward(const Tensor& dy, const Tensor& x, const Tensor& residual = {}) const {
    const bool in_out = layout_ == Layout::in_out;
    if (bias_ != nullptr && bias_->is_trained()) ops::sum_rows_into(bias_->sum(), dy);
    weight_->add_product((in_out ? x : dy).transpose(0, 1), in_out ? dy : x);
    Tensor dx = ops::matmul(dy, weight_->value, {.transpose_b = in_out, .residual = residual});
    if (adapter_.a != nullptr) {
      const Tensor dlow = scaled(ops::matmul(dy, adapter_.b->value));  // (N, r)
      adapter_.b->add_product(dy.transpose(0, 1), low_rank(x));
      adapter_.a->add_product(dlow.transpose(0, 1), x);
      ops::matmul_into(dx, dlow, adapter_.a->value, {.residual = dx});
    }
    return dx;
  }

  /// The weight with the adapter in it, in f32.
  Tensor merged() const {
    if (adapter_.a == nullptr) return weight_->master;
    const Tensor a = adapter_.a->master, b = adapter_.b->master;
    // As bf16 has rounded it while the adapter was trained.
    const Tensor scale = Tensor::from<float>({adapter_.scale}, {1})
                             .to(adapter_.a->value.dtype())
                             .to(DType::f32)
                             .to(a.device());
    const Tensor delta = layout_ == Layout::in_out
                             ? ops::matmul(a.transpose(0, 1), b, {.transpose_b = true})  // (in, out)
                             : ops::matmul(b, a);                                        // (out, in)
    return ops::add(weight_->master, ops::multiply(delta, scale));
  }
  const std::string& weight_name() const { return weight_->name; }

 private:
  Tensor scaled(const Tensor& x) const {
    return ops::multiply(x, Tensor::from<float>({adapter_.scale}, {1}).to(x.dtype()).to(x.device()));
  }
  Tensor low_rank(const Tensor& x) const {  // scale·x·Aᵀ, (N, r)
    return scaled(ops::matmul(x, adapter_.a->value, {.transpose_b = true}));
  }

  Parameter* weight_;
  Parameter* bias_;
  Layout layout_;
  Adapter adapter_;
};

}  // namespace adlib::train
