// adlib/nn/embedding.h
#pragma once

#include <map>
#include <optional>
#include <string>

#include "adlib/nn/linear.h"

namespace adlib::nn {

/// A table of rows looked up by id.
class Embedding {
 public:
  /// Takes `weight`, numbers or (take_quantized) codes, from the scope of `w`.
  Embedding(const Weights& w, std::int64_t rows, std::int64_t width)
      : quantized_(take_quantized(w, rows, width)) {
    if (!quantized_) table_ = w.take("weight", {rows, width});
  }

  /// ids (…) i32 -> (…, C) in `dtype`, which must be the table's unless that is quantised or bf16.
  Tensor operator()(const Tensor& ids, DType dtype) const {
    if (packed_.defined()) return ops::embedding(packed_, ids, dtype);
    if (quantized_) return ops::embedding(ops::PackedMatrix(*quantized_), ids, dtype);
    require(table_.dtype() == dtype, "embedding: the table is ", table_.describe(), ", expected ", dtype);
    return ops::embedding(table_, ids);
  }
  /// The product with every row: the output head of a model that ties it to this table. (…, C) -> (…, V)
  Tensor logits(const Tensor& x) const {
    if (packed_.defined()) return ops::matmul(x, packed_);
    if (quantized_) return ops::matmul(x, ops::PackedMatrix(*quantized_));
    return ops::matmul(x, table_, {.transpose_b = true});
  }
  /// Lays the table out for logits(), in its place; in `format`, unless it came quantised. With the default
  /// format the results keep their bits.
  void pack(const ops::WeightFormat& format = {}) {
    packed_ = quantized_ ? ops::PackedMatrix(under_format(*quantized_, format))
                         : ops::PackedMatrix(table_, /*transpose_b=*/true, format);
    table_ = {};
    quantized_.reset();
  }

  /// Of the packed table: as asked for, or as it came.
  const ops::WeightFormat& format() const { return packed_.format(); }
  bool is_quantized() const { return quantized_.has_value() || packed_.is_quantized(); }
  /// (V, C); undefined when quantised or packed.
  const Tensor& table() const { return table_; }
  /// Bytes that the packed table takes, scales included.
  std::int64_t packed_bytes() const { return packed_.defined() ? packed_.bytes() : 0; }

  void collect(std::map<std::string, Tensor>& tensors, const std::string& name) const {
    if (is_quantized()) {
      const ops::QuantizedMatrix matrix = quantized_ ? *quantized_ : packed_.quantized();
      tensors[name + ".weight"] = matrix.codes;
      tensors[name + ".weight_scale"] = matrix.scales;
    } else {
      tensors[name + ".weight"] = packed_.defined() ? packed_.unpack() : table_;
    }
  }

 private:
  // One of these three holds the table.
  Tensor table_;
  std::optional<ops::QuantizedMatrix> quantized_;
  ops::PackedMatrix packed_;
};

}  // namespace adlib::nn
