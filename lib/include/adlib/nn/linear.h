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
  const bool has_scales = w.contains("weight_scale");
  if (!has_scales && !w.contains("weight")) return std::nullopt;  // take() says what is missing
  const DType dtype = w.dtype_of("weight");
  const auto refuse = [&](const char* name, const auto&... problem) {
    fail(ErrorCode::bad_format, w.origin(), ": tensor '", w.full_name(name), "' ", problem...);
  };
  if (dtype != DType::i8 && dtype != DType::u8) {
    if (has_scales) {
      refuse("weight", "is ", dtype, ", but '", w.full_name("weight_scale"),
             "' is there: expected codes of i8 (int8) or u8 (two int4 a byte); was it written by adlib?");
    }
    return std::nullopt;
  }
  if (!has_scales) {
    refuse("weight", "is ", dtype, ", codes of a quantised weight, but '", w.full_name("weight_scale"),
           "' is missing; expected (", outputs, ", groups) bf16");
  }
  ops::QuantizedMatrix matrix;
  matrix.inputs = inputs;
  const bool int8 = dtype == DType::i8;
  matrix.codes = w.take("weight", {outputs, int8 ? inputs : (inputs + 1) / 2});
  const Shape shape = w.shape_of("weight_scale");
  std::optional<std::int64_t> group;
  if (shape.rank() == 2 && shape[0] == outputs) {
    for (const std::int64_t size : {128, 64, 32}) {
      if ((inputs + size - 1) / size == shape[1]) group = size;
    }
    if (int8 && shape[1] == 1) group = 0;
  }
  if (!group) {
    refuse("weight_scale", "has shape ", shape,
           ", which fits no group of 32, 64 or 128 inputs of a weight of ", outputs, " x ", inputs,
           "; was it written by adlib?");
  }
  matrix.format = {int8 ? ops::WeightFormat::Type::i8 : ops::WeightFormat::Type::i4, *group};
  // Never converted with the other weights: f16 has not the range of bf16.
  matrix.scales = w.take_as_stored("weight_scale", shape);
  if (matrix.scales.dtype() != DType::bf16) {
    refuse("weight_scale", "is ", matrix.scales.dtype(), ", expected bf16; was it written by adlib?");
  }
  return matrix;
}

/// The same codes under `format` where it describes them, too: a weight of few inputs has one scale an output
/// whatever the group, but the group is also that of the inputs it will be multiplied by.
inline ops::QuantizedMatrix under_format(ops::QuantizedMatrix matrix, const ops::WeightFormat& format) {
  const auto groups = [&](std::int64_t group) { return group > 0 ? (matrix.inputs + group - 1) / group : 1; };
  if (format.type == matrix.format.type && groups(format.group) == matrix.scales.size(1))
    matrix.format = format;
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
    packed_ = quantized_ ? ops::PackedMatrix(under_format(*quantized_, format))
                         : ops::PackedMatrix(weight_, layout_ == Layout::out_in, format);
    weight_ = {};
    quantized_.reset();
  }

  /// activation(x·W + b) + residual. (…, in) -> (…, out); residual, when given: (…, out)
  Tensor operator()(const Tensor& x, ops::Activation activation = ops::Activation::none,
                    const Tensor& residual = {}) const {
    return apply(x, {.bias = bias_, .activation = activation, .residual = residual});
  }
  /// (x·W + b) * multiplier: the linear half of a gated layer. (…, in), (…, out) -> (…, out)
  Tensor times(const Tensor& x, const Tensor& multiplier) const {
    return apply(x, {.bias = bias_, .multiplier = multiplier});
  }

  std::int64_t out_features() const {
    if (packed_.defined()) return packed_.columns();
    return quantized_ ? quantized_->outputs() : weight_.size(layout_ == Layout::in_out ? 1 : 0);
  }
  /// Of the weight as it is packed or, before that, as it came.
  const ops::WeightFormat& format() const { return quantized_ ? quantized_->format : packed_.format(); }
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

  Tensor apply(const Tensor& x, ops::MatmulOptions options) const {
    if (packed_.defined()) return ops::matmul(x, packed_, options);
    if (quantized_) return ops::matmul(x, ops::PackedMatrix(*quantized_), options);
    options.transpose_b = layout_ == Layout::out_in;
    return ops::matmul(x, weight_, options);
  }

  Layout layout_;
  // One of these three holds the weight.
  Tensor weight_;
  std::optional<ops::QuantizedMatrix> quantized_;
  ops::PackedMatrix packed_;
  Tensor bias_;  // undefined for a layer without one
};

}  // namespace adlib::nn
