// adlib/train/block.h: one decoder block, forward with what its gradient needs, and backward. It computes
// what nn::Block does, whose cache and packed weights are of no use to training.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "adlib/nn/block.h"
#include "adlib/train/linear.h"

namespace adlib::train {

/// Layer or root mean square normalisation.
class Norm {
 public:
  /// `beta` is null for RMS norms.
  Norm(nn::Norm::Kind kind, Parameter& gamma, Parameter* beta, float eps)
      : kind_(kind), gamma_(&gamma), beta_(beta), eps_(eps) {}

  /// (N, C) -> (N, C)
  Tensor forward(const Tensor& x) const {
    if (kind_ == nn::Norm::Kind::rms) return ops::rms_norm(x, gamma_->value, eps_);
    return ops::layer_norm(x, gamma_->value, beta_ != nullptr ? beta_->value : Tensor(), eps_);
  }
  /// dx += the gradient by x. (N, C)
  void backward(Tensor& dx, const Tensor& dy, const Tensor& x) const {
    if (kind_ == nn::Norm::Kind::rms) {
      ops::rms_norm_backward(dx, gamma_->sum(), dy, x, gamma_->value, eps_);
    } else {
      Tensor none;
      ops::layer_norm_backward(dx, gamma_->sum(), beta_ != nullptr ? beta_->sum() : none, dy, x,
                               gamma_->value, eps_);
    }
  }

 private:
  nn::Norm::Kind kind_;
  Parameter* gamma_;
  Parameter* beta_;
  float eps_;
};

/// What the layers of one pass share.
struct Pass {
  std::span<const std::int64_t> offsets;  ///< of the documents, as TokenBatch::offsets
  Tensor positions;                       ///< (N) i32
  float dropout = 0;
  std::uint64_t seed = 0;  ///< of the dropout
};

class Block {
 public:
  struct Config {
    std::int64_t layer = 0;
    std::int64_t heads = 0, kv_heads = 0, head_dim = 0;
    float attention_scale = 0;
    ops::Activation activation = ops::Activation::none;  ///< of a plain MLP
  };
  /// What backward() reads; everything else is computed again, since a norm or an activation costs less than
  /// the memory of its result.
  struct Saved {
    Tensor x;                   ///< (N, C) the block's input
    Tensor q, k, v;             ///< (N, H, D), (N, Hkv, D), (N, Hkv, D), rotated
    Tensor mixed;               ///< (N, H, D) what attention gives
    Tensor lse;                 ///< (N, H)
    Tensor attended;            ///< (N, C) after the attention's residual
    std::vector<Tensor> inner;  ///< (N, width of the mlp) before the activation: up, or gate and up
  };

  /// `qkv` is one fused layer or three; a plain MLP has no gate.
  Block(const Config& config, Norm attention_norm, std::vector<Linear> qkv, Linear out, Norm mlp_norm,
        std::optional<Linear> gate, Linear up, Linear down, std::optional<nn::Rope> rope)
      : config_(config),
        attention_norm_(attention_norm),
        qkv_(std::move(qkv)),
        out_(out),
        mlp_norm_(mlp_norm),
        gate_(gate),
        up_(up),
        down_(down),
        rope_(std::move(rope)) {}

  /// (N, C) -> (N, C), with `saved` filled.
  Tensor forward(const Tensor& x, const Pass& pass, Saved& saved) const {
    saved.x = x;
    attend(attention_norm_.forward(x), pass, saved);
    saved.attended = add_branch(out_, mixed_rows(saved), x, pass, 0);
    const Tensor normed = mlp_norm_.forward(saved.attended);
    saved.inner.clear();
    if (gate_) saved.inner.push_back(gate_->forward(normed));
    saved.inner.push_back(up_.forward(normed));
    return add_branch(down_, activated(saved), saved.attended, pass, 1);
  }

  /// dx holds the gradient by the block's output and becomes the gradient by its input. (N, C)
  void backward(Tensor& dx, const Pass& pass, const Saved& saved) const {
    {
      const Tensor dinner = down_.backward(branch_gradient(dx, pass, 1), activated(saved));
      const Tensor normed = mlp_norm_.forward(saved.attended);
      Tensor dnormed;
      if (gate_) {
        Tensor dgate = Tensor::empty(dinner.shape(), dinner.dtype(), dinner.device());
        Tensor dup = Tensor::empty(dinner.shape(), dinner.dtype(), dinner.device());
        ops::swiglu_backward(dgate, dup, dinner, saved.inner[0], saved.inner[1]);
        dnormed = up_.backward(dup, normed, gate_->backward(dgate, normed));
      } else {
        dnormed = up_.backward(ops::activate_backward(dinner, saved.inner[0], config_.activation), normed);
      }
      mlp_norm_.backward(dx, dnormed, saved.attended);
    }
    const Tensor dmixed = out_.backward(branch_gradient(dx, pass, 0), mixed_rows(saved));
    attention_norm_.backward(dx, attend_backward(dmixed, pass, saved), saved.x);
  }

  /// Every product, for saving.
  std::vector<const Linear*> linears() const {
    std::vector<const Linear*> all;
    for (const Linear& part : qkv_) all.push_back(&part);
    all.push_back(&out_);
    if (gate_) all.push_back(&*gate_);
    all.push_back(&up_);
    all.push_back(&down_);
    return all;
  }

 private:
  static Tensor mixed_rows(const Saved& saved) { return saved.mixed.view({saved.mixed.size(0), -1}); }

  Tensor activated(const Saved& saved) const {
    return gate_ ? ops::swiglu(saved.inner[0], saved.inner[1])
                 : ops::activate(saved.inner[0], config_.activation);
  }

  // residual + dropout(layer(x)). Each branch of each layer has a stream of its own; 0 is the embedding's.
  std::uint64_t stream(int branch) const {
    return static_cast<std::uint64_t>(2 * config_.layer + branch + 1);
  }
  Tensor add_branch(const Linear& layer, const Tensor& x, const Tensor& residual, const Pass& pass,
                    int branch) const {
    if (pass.dropout == 0) return layer.forward(x, residual);
    return ops::dropout(layer.forward(x), pass.dropout, pass.seed, stream(branch), residual);
  }
  Tensor branch_gradient(const Tensor& dy, const Pass& pass, int branch) const {
    return pass.dropout == 0 ? dy : ops::dropout(dy, pass.dropout, pass.seed, stream(branch));
  }

  // Views of a fused result (N, (H + 2 Hkv) D) as queries, keys and values.
  std::array<Tensor, 3> split(const Tensor& fused) const {
    const auto [heads, kv_heads, head_dim] = std::array{config_.heads, config_.kv_heads, config_.head_dim};
    const Tensor all = fused.view({fused.size(0), heads + 2 * kv_heads, head_dim});
    return {all.slice(1, 0, heads), all.slice(1, heads, heads + kv_heads),
            all.slice(1, heads + kv_heads, heads + 2 * kv_heads)};
  }

  void attend(const Tensor& normed, const Pass& pass, Saved& saved) const {
    if (qkv_.size() == 1) {
      auto [q, k, v] = split(qkv_[0].forward(normed));
      saved.q = q, saved.k = k, saved.v = v;
    } else {
      const auto heads = [&](const Linear& layer) {
        return layer.forward(normed).view({normed.size(0), -1, config_.head_dim});
      };
      saved.q = heads(qkv_[0]), saved.k = heads(qkv_[1]), saved.v = heads(qkv_[2]);
    }
    if (rope_) {
      saved.q = (*rope_)(saved.q, pass.positions);
      saved.k = (*rope_)(saved.k, pass.positions);
    }
    saved.mixed = ops::varlen_attention(saved.q, saved.k, saved.v, pass.offsets,
                                        {.scale = config_.attention_scale, .lse = &saved.lse});
  }

  // -> the gradient by the normed input. (N, C)
  Tensor attend_backward(const Tensor& dmixed, const Pass& pass, const Saved& saved) const {
    const std::int64_t tokens = saved.x.size(0);
    const std::int64_t all_heads = config_.heads + 2 * config_.kv_heads;
    Tensor dfused = Tensor::empty({tokens, all_heads * config_.head_dim}, dmixed.dtype(), dmixed.device());
    auto [dq, dk, dv] = split(dfused);
    ops::varlen_attention_backward(dq, dk, dv, dmixed.view(saved.mixed.shape()), saved.q, saved.k, saved.v,
                                   saved.mixed, saved.lse, pass.offsets, {.scale = config_.attention_scale});
    const Tensor normed = attention_norm_.forward(saved.x);
    if (qkv_.size() == 1 && !rope_) return qkv_[0].backward(dfused, normed);
    if (rope_) {
      dq = rope_->backward(dq, pass.positions);
      dk = rope_->backward(dk, pass.positions);
    }
    const auto rows = [&](const Tensor& x) { return x.contiguous().view({tokens, -1}); };
    if (qkv_.size() == 1) {
      const std::array<Tensor, 3> parts = {rows(dq), rows(dk), rows(dv)};
      return qkv_[0].backward(ops::concatenate(parts, 1), normed);
    }
    Tensor dnormed = qkv_[0].backward(rows(dq), normed);
    dnormed = qkv_[1].backward(rows(dk), normed, dnormed);
    return qkv_[2].backward(rows(dv), normed, dnormed);
  }

  Config config_;
  Norm attention_norm_;
  std::vector<Linear> qkv_;
  Linear out_;
  Norm mlp_norm_;
  std::optional<Linear> gate_;
  Linear up_;
  Linear down_;
  std::optional<nn::Rope> rope_;  // its tables are shared by all layers
};

}  // namespace adlib::train
