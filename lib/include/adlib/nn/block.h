// adlib/nn/block.h: one pre-norm decoder block.
#pragma once

#include <map>
#include <string>
#include <variant>

#include "adlib/nn/attention.h"
#include "adlib/nn/layer_norm.h"
#include "adlib/nn/mlp.h"
#include "adlib/nn/rms_norm.h"

namespace adlib::nn {

/// Either of the two normalisations that decoders use.
class Norm {
 public:
  enum class Kind { layer, rms };

  Norm(Kind kind, const Weights& w, std::int64_t width, float eps) : norm_(make(kind, w, width, eps)) {}

  /// (…, C) -> (…, C)
  Tensor operator()(const Tensor& x) const {
    return std::visit([&](const auto& norm) { return norm(x); }, norm_);
  }
  Device device() const {
    return std::visit([](const auto& norm) { return norm.device(); }, norm_);
  }
  void collect(std::map<std::string, Tensor>& tensors, const std::string& name) const {
    std::visit([&](const auto& norm) { norm.collect(tensors, name); }, norm_);
  }

 private:
  using Variant = std::variant<LayerNorm, RmsNorm>;
  static Variant make(Kind kind, const Weights& w, std::int64_t width, float eps) {
    if (kind == Kind::layer) return LayerNorm(w, width, eps);
    return RmsNorm(w, width, eps);
  }
  Variant norm_;
};

/// x + attention(norm(x)), then + mlp(norm(…)): Radford et al. 2019.
class Block {
 public:
  Block(Norm attention_norm, Attention attention, Norm mlp_norm, Mlp mlp)
      : attention_norm_(std::move(attention_norm)),
        attention_(std::move(attention)),
        mlp_norm_(std::move(mlp_norm)),
        mlp_(std::move(mlp)) {}

  /// (N, C) -> (N, C)
  Tensor operator()(const Tensor& x, const Step& step) const {
    const Tensor attended = attention_(attention_norm_(x), x, step);
    return mlp_(mlp_norm_(attended), attended);
  }

  /// Linear::pack() for every product.
  void pack(const ops::WeightFormat& format = {}) {
    attention_.pack(format);
    mlp_.pack(format);
  }

  const Norm& attention_norm() const { return attention_norm_; }
  const Attention& attention() const { return attention_; }
  const Norm& mlp_norm() const { return mlp_norm_; }
  const Mlp& mlp() const { return mlp_; }

 private:
  Norm attention_norm_;
  Attention attention_;
  Norm mlp_norm_;
  Mlp mlp_;
};

}  // namespace adlib::nn
