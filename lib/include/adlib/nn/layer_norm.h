// adlib/nn/layer_norm.h
#pragma once

#include <map>
#include <string>

#include "adlib/io/weights.h"
#include "adlib/ops.h"

namespace adlib::nn {

/// Layer normalisation over the last dimension, with gain `weight` and offset `bias`.
class LayerNorm {
 public:
  LayerNorm(const Weights& w, std::int64_t width, float eps)
      : gamma_(w.take("weight", {width})), beta_(w.take("bias", {width})), eps_(eps) {}

  /// (…, C) -> (…, C)
  Tensor operator()(const Tensor& x) const { return ops::layer_norm(x, gamma_, beta_, eps_); }

  Device device() const { return gamma_.device(); }

  void collect(std::map<std::string, Tensor>& tensors, const std::string& name) const {
    tensors[name + ".weight"] = gamma_;
    tensors[name + ".bias"] = beta_;
  }

 private:
  Tensor gamma_;
  Tensor beta_;
  float eps_;
};

}  // namespace adlib::nn
