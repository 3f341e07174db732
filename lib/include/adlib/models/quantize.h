// adlib/models/quantize.h: whole checkpoints as codes and scales.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "adlib/io/weights.h"
#include "adlib/models/decoder.h"

namespace adlib {

/// What became of one tensor.
struct QuantizedTensor {
  TensorSpec tensor;
  ops::WeightFormat format;       ///< `same`: it stays as it is
  std::int64_t bytes_before = 0;  ///< in the checkpoint
  std::int64_t bytes_after = 0;   ///< scales included
  double squared_error = 0;       ///< Σ (w - scale · code)²
  double squared_weights = 0;     ///< Σ w² of a quantised tensor
};
using QuantizeObserver = std::function<void(const QuantizedTensor&)>;

/// The tensors of a checkpoint with the weights of products in `formats`, int8 or int4, and all others as
/// they are: what Decoder takes, and named as save() names them. Beside the result, memory holds about one
/// tensor at a time. Throws Error(bad_format) for weights that are quantised already or not finite, and as
/// Decoder does for tensors that are missing, misshapen or too many.
std::map<std::string, Tensor> quantize(const DecoderConfig& config, const Weights& weights,
                                       const WeightFormats& formats, const QuantizeObserver& observer = {});

}  // namespace adlib
