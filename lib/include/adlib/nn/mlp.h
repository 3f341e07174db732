// adlib/nn/mlp.h: the feed-forward half of a block, plain (GPT-2) or gated (Llama).
#pragma once

#include <optional>

#include "adlib/nn/linear.h"

namespace adlib::nn {

class Mlp {
 public:
  /// down(activation(up(x))).
  Mlp(Linear up, Linear down, ops::Activation activation)
      : up_(std::move(up)), down_(std::move(down)), activation_(activation) {}
  /// down(silu(gate(x)) * up(x)), Shazeer 2020.
  Mlp(Linear gate, Linear up, Linear down)
      : gate_(std::move(gate)), up_(std::move(up)), down_(std::move(down)) {}

  /// residual + mlp(x). x, residual (N, C) -> (N, C)
  Tensor operator()(const Tensor& x, const Tensor& residual) const {
    // (N, width of the mlp)
    const Tensor inner = gate_ ? up_.times(x, (*gate_)(x, ops::Activation::silu)) : up_(x, activation_);
    return down_(inner, ops::Activation::none, residual);
  }

  /// Linear::pack() for every product.
  void pack(const ops::WeightFormat& format = {}) {
    if (gate_) gate_->pack(format);
    up_.pack(format);
    down_.pack(format);
  }

  const std::optional<Linear>& gate() const { return gate_; }
  const Linear& up() const { return up_; }
  const Linear& down() const { return down_; }

 private:
  std::optional<Linear> gate_;
  Linear up_;
  Linear down_;
  ops::Activation activation_ = ops::Activation::none;
};

}  // namespace adlib::nn
