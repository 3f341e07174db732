// adlib/nn/embedding.h
#pragma once

#include <map>
#include <string>

#include "adlib/io/weights.h"
#include "adlib/ops.h"

namespace adlib::nn {

/// A table of rows looked up by id.
class Embedding {
 public:
  Embedding(const Weights& w, std::int64_t rows, std::int64_t width)
      : table_(w.take("weight", {rows, width})) {}

  /// ids (…) i32 -> (…, C)
  Tensor operator()(const Tensor& ids) const { return ops::embedding(table_, ids); }
  /// The product with every row: the output head of a model that ties it to this table. (…, C) -> (…, V)
  Tensor logits(const Tensor& x) const {
    return packed_.defined() ? ops::matmul(x, packed_) : ops::matmul(x, table_, {.transpose_b = true});
  }
  /// Keeps a copy of the table laid out for logits(), which has the same results after it.
  void pack() { packed_ = ops::PackedMatrix(table_, /*transpose_b=*/true); }

  /// (V, C)
  const Tensor& table() const { return table_; }

  void collect(std::map<std::string, Tensor>& tensors, const std::string& name) const {
    tensors[name + ".weight"] = table_;
  }

 private:
  Tensor table_;
  ops::PackedMatrix packed_;
};

}  // namespace adlib::nn
