// adlib/nn/rms_norm.h
#pragma once

#include <map>
#include <string>

#include "adlib/io/weights.h"
#include "adlib/ops.h"

namespace adlib::nn {

/// Root mean square normalisation over the last dimension, with gain `weight`.
class RmsNorm {
 public:
  RmsNorm(const Weights& w, std::int64_t width, float eps) : gamma_(w.take("weight", {width})), eps_(eps) {}

  /// (…, C) -> (…, C)
  Tensor operator()(const Tensor& x) const { return ops::rms_norm(x, gamma_, eps_); }

  Device device() const { return gamma_.device(); }

  void collect(std::map<std::string, Tensor>& tensors, const std::string& name) const {
    tensors[name + ".weight"] = gamma_;
  }

 private:
  Tensor gamma_;
  float eps_;
};

}  // namespace adlib::nn
