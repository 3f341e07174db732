// kernels/quantize.h: weights as small integers and scales.
#pragma once

#include <cstdint>

#include "adlib/core/context.h"
#include "adlib/core/dtype.h"

namespace adlib::kernels {

/// The rows of w (n, k) are quantised symmetrically, each in groups of `group` elements (the last may be
/// short): w[i,j] ~ scales[i, j / group] · code[i,j].
struct QuantizeShape {
  std::int64_t n = 0, k = 0;
  std::int64_t group = 0;  ///< at least 1
  int bits = 8;            ///< 8 or 4
};

/// Groups of one row.
constexpr std::int64_t quantize_groups(const QuantizeShape& shape) {
  return (shape.k + shape.group - 1) / shape.group;
}
/// Bytes of one row of codes.
constexpr std::int64_t quantize_row_bytes(const QuantizeShape& shape) {
  return shape.bits == 8 ? shape.k : (shape.k + 1) / 2;
}

/// codes: int8 in [-127, 127] one a byte, or int4 in [-8, 7] stored + 8, two a byte, the even element in the
/// low half. scales: (n, groups) in bfloat16. int8: the smallest scale with which no code overflows. int4: of
/// several candidates, the scale with the least squared error, summed in one order on every device. w (n, k),
/// or (k, n) when transpose, with rows of w_stride. A group of zeros has the scale 0; one with an infinity or
/// a NaN has the scale NaN.
template <class T>
void quantize(CpuContext&, void* codes, bfloat16* scales, const T* w, std::int64_t w_stride, bool transpose,
              const QuantizeShape& shape);
template <class T>
void quantize(CudaContext&, void* codes, bfloat16* scales, const T* w, std::int64_t w_stride, bool transpose,
              const QuantizeShape& shape);
/// w = scales · codes, rounded to T. w: (n, k) row-major.
template <class T>
void dequantize(CpuContext&, T* w, const void* codes, const bfloat16* scales, const QuantizeShape& shape);
template <class T>
void dequantize(CudaContext&, T* w, const void* codes, const bfloat16* scales, const QuantizeShape& shape);

}  // namespace adlib::kernels
