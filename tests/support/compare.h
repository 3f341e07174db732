// tests/support/compare.h: comparing tensors with double-precision references, and bit for bit.
#pragma once

#include <cmath>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "adlib/core/tensor.h"

namespace adlib::test {

/// The elements of any tensor, row-major, as doubles.
inline std::vector<double> doubles(const Tensor& tensor) {
  const Tensor host = tensor.to(Device::cpu).to(DType::f64).contiguous();
  const auto values = host.data<double>();
  return {values.begin(), values.end()};
}

/// The distance between neighbours of `dtype` around x.
inline double ulp(DType dtype, double x) {
  const int fraction_bits = dtype == DType::f16 ? 10 : dtype == DType::bf16 ? 7 : 23;
  const int smallest_exponent = dtype == DType::f16 ? -14 : -126;
  const int exponent =
      x == 0 || !std::isfinite(x) ? smallest_exponent : std::max(std::ilogb(x), smallest_exponent);
  return std::ldexp(1.0, exponent - fraction_bits);
}

/// `value` rounded to `dtype`.
inline double rounded(DType dtype, double value) { return doubles(Tensor::from({value}, {1}).to(dtype))[0]; }

/// "" if every element of `actual` is within its bound of `expected`, else the worst offender in words.
/// The bound is the style board's, 2 |reference rounded to the dtype - reference| + 2 ulp, plus `slack`, the
/// error that sums in float may make: scale it with the sum of the magnitudes. NaN matches NaN, infinity
/// itself.
inline std::string difference(const Tensor& actual, std::span<const double> expected, double slack = 0) {
  const std::vector<double> values = doubles(actual);
  if (values.size() != expected.size()) {
    return concat(values.size(), " elements, expected ", expected.size());
  }
  std::string worst;
  double worst_ratio = 1;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double got = values[i], want = expected[i];
    if (std::isnan(got) && std::isnan(want)) continue;
    if (got == want) continue;
    const double bound =
        2 * std::fabs(rounded(actual.dtype(), want) - want) + 2 * ulp(actual.dtype(), want) + slack;
    const double ratio = std::fabs(got - want) / bound;
    if (ratio <= worst_ratio) continue;
    worst_ratio = ratio;  // a NaN ratio also comes here, and stays
    worst = concat("element ", i, " is ", got, ", expected ", want, " within ", bound);
    if (std::isnan(ratio)) break;
  }
  return worst;
}

/// True when the tensors agree in shape, dtype and every bit.
inline bool same_bits(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  const Tensor x = a.to(Device::cpu).contiguous(), y = b.to(Device::cpu).contiguous();
  return x.numel() == 0 ||
         std::memcmp(x.raw(), y.raw(), static_cast<std::size_t>(x.numel()) * size_of(x.dtype())) == 0;
}

}  // namespace adlib::test
