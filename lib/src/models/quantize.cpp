#include "adlib/models/quantize.h"

#include <algorithm>
#include <cmath>

#include "adlib/models/checkpoint.h"
#include "models/tied_head.h"

namespace adlib {
namespace {

std::int64_t bytes_of(const Tensor& tensor) {
  return tensor.numel() * static_cast<std::int64_t>(size_of(tensor.dtype()));
}

// Adds the errors of w, (N, K) or (K, N) when `transposed`: few rows at a time, since both sides are f32
// here. Blocks as large as a tensor's would, once freed, be cut up for the next tensors' codes.
void measure(QuantizedTensor& out, const Tensor& w, bool transposed, const ops::QuantizedMatrix& matrix) {
  const std::int64_t step = std::max<std::int64_t>(1, 16384 / matrix.inputs);
  const Tensor rows = transposed ? w.transpose(0, 1) : w;  // (N, K)
  for (std::int64_t begin = 0; begin < matrix.outputs(); begin += step) {
    const std::int64_t end = std::min(matrix.outputs(), begin + step);
    const Tensor truth = rows.slice(0, begin, end).to(DType::f32).to(Device::cpu).contiguous();
    const Tensor codes = ops::dequantize(matrix.slice(begin, end)).to(Device::cpu);
    const auto want = truth.data<float>();
    const auto got = codes.data<float>();
    for (std::size_t i = 0; i < want.size(); ++i) {
      const double value = static_cast<double>(want[i]), error = static_cast<double>(got[i]) - value;
      out.squared_error += error * error;
      out.squared_weights += value * value;
    }
  }
}

}  // namespace

std::map<std::string, Tensor> quantize(const DecoderConfig& config, const Weights& weights,
                                       const WeightFormats& formats, const QuantizeObserver& observer) {
  require(formats.quantized(), "quantize: the format ", to_string(formats),
          " is none of int8, int8:G, int4 and int4:G");
  const DecoderNames& names = names_of(config.family);
  const std::string root = names.root + ".";
  const bool prefixed = weights.contains(root + names.token_embedding + ".weight");
  const bool in_out = names.layout == nn::Linear::Layout::in_out;
  std::map<std::string, Tensor> tensors;
  for (const TensorSpec& spec : tensor_specs(config)) {
    const std::string name =
        !prefixed && spec.name.starts_with(root) ? spec.name.substr(root.size()) : spec.name;
    if (weights.contains(name + "_scale")) {
      fail(ErrorCode::bad_format, weights.origin(), ": tensor '", name,
           "' is quantised already; quantise the checkpoint that it was made from");
    }
    const Tensor tensor = weights.take(name, spec.shape);
    if (!is_floating(tensor.dtype()) || tensor.dtype() == DType::f64) {
      fail(ErrorCode::bad_format, weights.origin(), ": tensor '", name, "' is ", tensor.dtype(),
           ", expected f32, f16 or bf16");
    }
    QuantizedTensor done{.tensor = spec, .format = format_of(spec.role, formats)};
    done.bytes_before = done.bytes_after = bytes_of(tensor);
    if (spec.role == TensorRole::token_embedding && config.tied_embeddings) {
      models::take_tied_copy(config, weights, tensor);
    }
    if (done.format == ops::WeightFormat{}) {
      tensors[spec.name] = tensor;
    } else {
      const bool is_table = spec.role == TensorRole::token_embedding || spec.role == TensorRole::head;
      const bool transposed = in_out && !is_table;
      const ops::QuantizedMatrix matrix = ops::quantize(tensor, done.format, transposed);
      done.bytes_after = bytes_of(matrix.codes) + bytes_of(matrix.scales);
      measure(done, tensor, transposed, matrix);
      if (!std::isfinite(done.squared_error)) {
        fail(ErrorCode::bad_format, weights.origin(), ": tensor '", name,
             "' holds NaN or infinity, which no code stands for; 'adlib inspect' counts them");
      }
      tensors[spec.name] = matrix.codes;
      tensors[spec.name + "_scale"] = matrix.scales;
      weights.release_pages();
    }
    if (observer) observer(done);
  }
  weights.expect_all_taken([&](std::string_view name) { return is_known_extra(config, name); });
  return tensors;
}

}  // namespace adlib
