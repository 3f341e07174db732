// adlib/nn/linear.h: y = x·W + b, with W in either of the two layouts that checkpoints use.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "adlib/io/weights.h"
#include "adlib/ops.h"

namespace adlib::nn {

class Linear {
 public:
  enum class Layout {
    in_out,  ///< (in, out): GPT-2's Conv1D
    out_in,  ///< (out, in): torch.nn.Linear
  };

  /// Takes `weight`, and `bias` when `with_bias`, from the scope of `w`.
  Linear(const Weights& w, std::int64_t in, std::int64_t out, Layout layout, bool with_bias)
      : layout_(layout),
        weight_(w.take("weight", layout == Layout::in_out ? Shape{in, out} : Shape{out, in})) {
    if (with_bias) bias_ = w.take("bias", {out});
  }

  /// One layer that computes several with the same input at once: outputs end to end. The bias is kept when
  /// any part has one; the others get zeros.
  static Linear fuse(std::span<const Linear> parts) {
    if (parts.size() == 1) return parts[0];
    std::vector<Tensor> weights;
    std::vector<Tensor> biases;
    bool any_bias = false;
    for (const Linear& part : parts) {
      weights.push_back(part.weight_);
      biases.push_back(
          part.bias_ ? part.bias_
                     : Tensor::zeros({part.out_features()}, part.weight_.dtype(), part.weight_.device()));
      any_bias = any_bias || part.bias_.defined();
    }
    const int out_dim = parts[0].layout_ == Layout::in_out ? 1 : 0;
    return Linear(parts[0].layout_, ops::concatenate(weights, out_dim),
                  any_bias ? ops::concatenate(biases, 0) : Tensor{});
  }

  /// For inference: lays the weight out for the processor, in the place of the tensor. Same results, bit for
  /// bit.
  void pack() {
    packed_ = ops::PackedMatrix(weight_, layout_ == Layout::out_in);
    weight_ = {};
  }

  /// activation(x·W + b) + residual. (…, in) -> (…, out); residual, when given: (…, out)
  Tensor operator()(const Tensor& x, ops::Activation activation = ops::Activation::none,
                    const Tensor& residual = {}) const {
    ops::MatmulOptions options{.bias = bias_, .activation = activation, .residual = residual};
    if (packed_.defined()) return ops::matmul(x, packed_, options);
    options.transpose_b = layout_ == Layout::out_in;
    return ops::matmul(x, weight_, options);
  }

  std::int64_t out_features() const {
    return packed_.defined() ? packed_.columns() : weight_.size(layout_ == Layout::in_out ? 1 : 0);
  }

  /// Adds output features [begin, end) to `tensors` as `name`.weight and, when there is one, `name`.bias:
  /// views, or a copy of the weight when it is packed.
  void collect(std::map<std::string, Tensor>& tensors, const std::string& name, std::int64_t begin,
               std::int64_t end, bool with_bias = true) const {
    const Tensor weight = packed_.defined() ? packed_.unpack() : weight_;
    tensors[name + ".weight"] = weight.slice(layout_ == Layout::in_out ? 1 : 0, begin, end);
    if (bias_ && with_bias) tensors[name + ".bias"] = bias_.slice(0, begin, end);
  }
  void collect(std::map<std::string, Tensor>& tensors, const std::string& name) const {
    collect(tensors, name, 0, out_features());
  }

 private:
  Linear(Layout layout, Tensor weight, Tensor bias)
      : layout_(layout), weight_(std::move(weight)), bias_(std::move(bias)) {}

  Layout layout_;
  Tensor weight_;  // undefined when packed
  ops::PackedMatrix packed_;
  Tensor bias_;  // undefined for a layer without one
};

}  // namespace adlib::nn
