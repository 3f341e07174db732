#include "kernels/quantize.h"

#include <charconv>

#include "adlib/ops.h"
#include "ops/checks.h"
#include "ops/dispatch.h"
#include "ops/quantized.h"
#include "ops/rows.h"

namespace adlib::ops {
namespace {

kernels::QuantizeShape quantize_shape(std::int64_t outputs, std::int64_t inputs, const WeightFormat& format) {
  return {.n = outputs,
          .k = inputs,
          .group = group_of(format, inputs),
          .bits = format.type == WeightFormat::Type::i4 ? 4 : 8};
}

void check(const char* operation, const WeightFormat& format) {
  const bool quantizes = format.type == WeightFormat::Type::i8 || format.type == WeightFormat::Type::i4;
  const bool by_column = format.type == WeightFormat::Type::i8 && format.group == 0;
  const bool grouped = format.group == 32 || format.group == 64 || format.group == 128;
  require(quantizes && (by_column || grouped), operation, ": the format ", to_string(format),
          " is none of int8, int8:G and int4:G with G = 32, 64 or 128");
}

}  // namespace

WeightFormat WeightFormat::parse(std::string_view text) {
  const auto unknown = [&] {
    fail(ErrorCode::invalid_argument, "weight format '", text,
         "' is not one of same, bf16, int8, int8:G, int4, int4:G with a group G of 32, 64 or 128");
  };
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  WeightFormat format;
  if (name == "same") {
    format.type = Type::same;
  } else if (name == "bf16") {
    format.type = Type::bf16;
  } else if (name == "int8") {
    format.type = Type::i8;
  } else if (name == "int4") {
    format = {Type::i4, 32};
  } else {
    unknown();
  }
  if (colon == text.npos) return format;
  const std::string_view group = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(group.data(), group.data() + group.size(), format.group);
  const bool known = format.group == 32 || format.group == 64 || format.group == 128;
  if (error != std::errc() || end != group.data() + group.size() || !known || format.type < Type::i8)
    unknown();
  return format;
}

std::string to_string(const WeightFormat& format) {
  std::string text;
  switch (format.type) {
    case WeightFormat::Type::same:
      text = "same";
      break;
    case WeightFormat::Type::bf16:
      text = "bf16";
      break;
    case WeightFormat::Type::i8:
      text = "int8";
      break;
    case WeightFormat::Type::i4:
      text = "int4";
      break;
  }
  if (format.group != 0) text += concat(":", format.group);
  return text;
}

std::int64_t group_of(const WeightFormat& format, std::int64_t inputs) {
  return format.group > 0 ? format.group : inputs;
}

QuantizedMatrix empty_quantized(std::int64_t outputs, std::int64_t inputs, const WeightFormat& format,
                                Device device) {
  const kernels::QuantizeShape shape = quantize_shape(outputs, inputs, format);
  const DType dtype = shape.bits == 8 ? DType::i8 : DType::u8;
  return {.format = format,
          .inputs = inputs,
          .codes = Tensor::empty({outputs, kernels::quantize_row_bytes(shape)}, dtype, device),
          .scales = Tensor::empty({outputs, kernels::quantize_groups(shape)}, DType::bf16, device)};
}

void check(const char* operation, const QuantizedMatrix& matrix) {
  check(operation, matrix.format);
  check_rank(operation, "codes", matrix.codes, 2, "(N, K)");
  const kernels::QuantizeShape shape = quantize_shape(matrix.codes.size(0), matrix.inputs, matrix.format);
  require(matrix.inputs > 0, operation, ": a quantised matrix of ", matrix.inputs, " inputs");
  check_dtype(operation, "codes", matrix.codes, shape.bits == 8 ? DType::i8 : DType::u8);
  check_dtype(operation, "scales", matrix.scales, DType::bf16);
  check_shape(operation, "codes", matrix.codes, {shape.n, kernels::quantize_row_bytes(shape)});
  check_shape(operation, "scales", matrix.scales, {shape.n, kernels::quantize_groups(shape)});
  check_same_device(operation, "codes", matrix.codes, "scales", matrix.scales);
}

QuantizedMatrix QuantizedMatrix::slice(std::int64_t begin, std::int64_t end) const {
  return {format, inputs, codes.slice(0, begin, end), scales.slice(0, begin, end)};
}

QuantizedMatrix quantize(const Tensor& w, const WeightFormat& format, bool transposed) {
  check("quantize", format);
  check_rank("quantize", "w", w, 2, transposed ? "(K, N)" : "(N, K)");
  const std::int64_t outputs = w.size(transposed ? 1 : 0), inputs = w.size(transposed ? 0 : 1);
  require(inputs > 0, "quantize: w is ", w.describe(), ", expected at least one input");
  const Tensor source = packed_rows(w);
  QuantizedMatrix out = empty_quantized(outputs, inputs, format, w.device());
  dispatch("quantize", w.device(), w.dtype(), [&]<class T>(auto& ctx) {
    kernels::quantize<T>(ctx, out.codes.raw(), ptr<bfloat16>(out.scales), ptr<T>(source), source.stride(0),
                         transposed, quantize_shape(outputs, inputs, format));
  });
  return out;
}

Tensor dequantize(const QuantizedMatrix& matrix, DType dtype) {
  check("dequantize", matrix);
  const Tensor codes = matrix.codes.contiguous(), scales = matrix.scales.contiguous();
  Tensor w = Tensor::empty({matrix.outputs(), matrix.inputs}, dtype, codes.device());
  dispatch("dequantize", w.device(), dtype, [&]<class T>(auto& ctx) {
    kernels::dequantize<T>(ctx, ptr<T>(w), codes.raw(), ptr<bfloat16>(scales),
                           quantize_shape(matrix.outputs(), matrix.inputs, matrix.format));
  });
  return w;
}

}  // namespace adlib::ops
