// lib/src/ops/quantized.h: what the operations on quantised weights share.
#pragma once

#include "adlib/ops.h"

namespace adlib::ops {

/// Inputs that share a scale: those of the format, or all.
std::int64_t group_of(const WeightFormat& format, std::int64_t inputs);
/// A matrix of `format` with room for its codes and scales.
QuantizedMatrix empty_quantized(std::int64_t outputs, std::int64_t inputs, const WeightFormat& format,
                                Device device);
/// Throws Error(invalid_argument) unless the parts fit together.
void check(const char* operation, const QuantizedMatrix& matrix);

}  // namespace adlib::ops
