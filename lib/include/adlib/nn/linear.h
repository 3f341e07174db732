// adlib/nn/linear.h: y = x·W + b, with W in either of the two layouts that checkpoints use, or quantised.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "adlib/io/weights.h"
#include "adlib/ops.h"

namespace adlib::nn {

/// The weight of `outputs` x `inputs` that adlib quantize wrote to this scope: `weight`, codes, and
/// `weight_scale`, as ops::QuantizedMatrix has them; none when the scope holds numbers. The format follows
/// from the dtype of the codes and the number of scales. Throws Error(bad_format) when they fit no format.
inline std::optional<ops::QuantizedMatrix> take_quantized(const Weights& w, std::int64_t outputs,
                                                          std::int64_t inputs) {
  if (!w.contains("weight_scale")) return std::nullopt;
  ops::QuantizedMatrix matrix;
  matrix.inputs = inputs;
  const bool int8 = w.dtype_of("weight") == DType::i8;
  matrix.codes = w.take("weight", {outputs, int8 ? inputs : (inputs + 1) / 2});
  const Shape scales = w.shape_of("weight_scale");
  const std::int64_t groups = scales.rank() == 2 ? scales[1] : 0;
  matrix.format.type = int8 ? ops::WeightFormat::Type::i8 : ops::WeightFormat::Type::i4;
  matrix.format.group = -1;
  if (int8 && groups == 1) matrix.format.group = 0;
  for (const std::int64_t group : {128, 64, 32}) {
    if (matrix.format.group != 0 && (inputs + group - 1) / group == groups) matrix.format.group = group;
  }
  if (matrix.format.group < 0) {
    fail(ErrorCode::bad_format, w.origin(), ": a quantised weight of ", outputs, " x ", inputs,
         " has scales of shape ", scales, ", which fits no group of 32, 64 or 128; was it written by adlib?");
  }
  matrix.scales = w.take("weight_scale", scales).to(DType::bf16);
  return matrix;
}

class Linear {
 public:
  enum class Layout {
    in_out,  ///< (in, out): GPT-2's Conv1D
    out_in,  ///< (out, in): torch.nn.Linear, and every quantised weight
  };

  /// Takes `weight` (with `weight_scale` when it is quantised), and `bias` when `with_bias`, from the scope
  /// of `w`.
  Linear(const Weights& w, std::int64_t in, std::int64_t out, Layout layout, bool with_bias)
      : layout_(layout), quantized_(take_quantized(w, out, in)) {
    if (!quantized_) weight_ = w.take("weight", layout == Layout::in_out ? Shape{in, out} : Shape{out, in});
    if (with_bias) bias_ = w.take("bias", {out});
  }

  /// One layer that computes several with the same input at once: outputs end to end. The bias is kept when
  /// any part has one; the others get zeros. All parts must be of one kind.
  static Linear fuse(std::span<const Linear> parts) {
    if (parts.size() == 1) return parts[0];
    Linear fused = parts[0];
    std::vector<Tensor> biases;
    bool any_bias = false;
    for (const Linear& part : parts) {
      biases.push_back(part.bias_ ? part.bias_ : zero_bias(part));
      any_bias = any_bias || part.bias_.defined();
      require(part.quantized_.has_value() == fused.quantized_.has_value() &&
                  (!part.quantized_ || part.quantized_->format == fused.quantized_->format),
              "linear: layers to be fused are quantised in different formats");
    }
    const auto joined = [&](auto part_of, int dim) {
      std::vector<Tensor> tensors;
      for (const Linear& part : parts) tensors.push_back(part_of(part));
      return ops::concatenate(tensors, dim);
    };
    if (fused.quantized_) {
      fused.quantized_->codes = joined([](const Linear& part) { return part.quantized_->codes; }, 0);
      fused.quantized_->scales = joined([](const Linear& part) { return part.quantized_->scales; }, 0);
    } else {
      fused.weight_ =
          joined([](const Linear& part) { return part.weight_; }, fused.layout_ == Layout::in_out ? 1 : 0);
    }
    fused.bias_ = any_bias ? ops::concatenate(biases, 0) : Tensor{};
    return fused;
  }

  /// For inference: lays the weight out for the processor, in the place of the tensor; in `format`, unless it
  /// came quantised. With the default format the results keep their bits.
  void pack(const ops::WeightFormat& format = {}) {
    packed_ = quantized_ ? ops::PackedMatrix(*quantized_)
                         : ops::PackedMatrix(weight_, layout_ == Layout::out_in, format);
    weight_ = {};
    quantized_.reset();
  }

  /// activation(x·W + b) + residual. (…, in) -> (…, out); residual, when given: (…, out)
  Tensor operator()(const Tensor& x, ops::Activation activation = ops::Activation::none,
                    const Tensor& residual = {}) const {
    ops::MatmulOptions options{.bias = bias_, .activation = activation, .residual = residual};
    if (packed_.defined()) return ops::matmul(x, packed_, options);
    if (quantized_) return ops::matmul(x, ops::PackedMatrix(*quantized_), options);
    options.transpose_b = layout_ == Layout::out_in;
    return ops::matmul(x, weight_, options);
  }

  std::int64_t out_features() const {
    if (packed_.defined()) return packed_.columns();
    return quantized_ ? quantized_->outputs() : weight_.size(layout_ == Layout::in_out ? 1 : 0);
  }
  /// Of the packed weight: as asked for, or as it came.
  const ops::WeightFormat& format() const { return packed_.format(); }
  /// Bytes that the packed weight takes, scales included.
  std::int64_t packed_bytes() const { return packed_.defined() ? packed_.bytes() : 0; }

  /// Adds output features [begin, end) to `tensors` as `name`.weight (quantised: with `name`.weight_scale)
  /// and, when there is one, `name`.bias: views, or a copy of the weight when it is packed.
  void collect(std::map<std::string, Tensor>& tensors, const std::string& name, std::int64_t begin,
               std::int64_t end, bool with_bias = true) const {
    if (quantized_ || packed_.is_quantized()) {
      const ops::QuantizedMatrix part = (quantized_ ? *quantized_ : packed_.quantized()).slice(begin, end);
      tensors[name + ".weight"] = part.codes;
      tensors[name + ".weight_scale"] = part.scales;
    } else {
      const Tensor weight = packed_.defined() ? packed_.unpack() : weight_;
      tensors[name + ".weight"] = weight.slice(layout_ == Layout::in_out ? 1 : 0, begin, end);
    }
    if (bias_ && with_bias) tensors[name + ".bias"] = bias_.slice(0, begin, end);
  }
  void collect(std::map<std::string, Tensor>& tensors, const std::string& name) const {
    collect(tensors, name, 0, out_features());
  }

 private:
  // A quantised layer without a bias does not say in which dtype it computes; nor has it any use for zeros,
  // since parts of one fused layer have biases all or (unquantised) in part.
  static Tensor zero_bias(const Linear& part) {
    const DType dtype = part.weight_ ? part.weight_.dtype() : DType::f32;
    const Device device = part.weight_ ? part.weight_.device() : part.quantized_->codes.device();
    return Tensor::zeros({part.out_features()}, dtype, device);
  }

  Layout layout_;
  // One of these three holds the weight.
  Tensor weight_;
  std::optional<ops::QuantizedMatrix> quantized_;
  ops::PackedMatrix packed_;
  Tensor bias_;  // undefined for a layer without one
};

}  // namespace adlib::nn
