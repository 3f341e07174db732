#include "bench/matmul_check.h"

#include <algorithm>
#include <cmath>

#include "support/compare.h"
#include "support/oracle.h"

namespace adlib::bench {
namespace {

// Six deviations of a sum of k products with b in [-1, 1), when each a in [-1, 1) is off by up to `step`.
double rounding_slack(std::int64_t k, double step) {
  return 6 * std::sqrt(static_cast<double>(k)) * (step / std::sqrt(3.0)) * (1 / std::sqrt(3.0));
}

}  // namespace

std::string check_matmul(const Tensor& out, const Tensor& a, const Tensor& b, double slack) {
  const std::int64_t m = a.size(0), k = a.size(1), n = b.size(1), columns = std::min<std::int64_t>(n, 64);
  for (const std::int64_t row : {std::int64_t{0}, m - 1}) {
    for (const std::int64_t column : {std::int64_t{0}, n - columns}) {
      const auto expected =
          test::oracle::matmul(test::doubles(a.slice(0, row, row + 1)),
                               test::doubles(b.slice(1, column, column + columns).contiguous()), 1,
                               static_cast<std::size_t>(columns), static_cast<std::size_t>(k));
      const std::string wrong =
          test::difference(out.slice(0, row, row + 1).slice(1, column, column + columns).contiguous(),
                           expected, slack + 4e-7 * static_cast<double>(k));
      if (!wrong.empty()) return concat("row ", row, ", from column ", column, ": ", wrong);
    }
  }
  return "";
}

std::string check_matmul(const Tensor& out, const Tensor& a, const Tensor& b,
                         const ops::PackedMatrix& packed) {
  // What the product works with: b as stored, a as rounded. With codes, a has one scale for at most 128
  // inputs, and a code is off by half a step at most.
  const std::int64_t k = a.size(1);
  if (packed.is_quantized()) {
    const Tensor seen =
        ops::dequantize(ops::quantize(b, packed.format(), /*transposed=*/true)).transpose(0, 1);
    return check_matmul(out, a, seen, rounding_slack(k, 0.5 / 127));
  }
  const bool rounded = packed.format().type == ops::WeightFormat::Type::bf16;
  const Tensor seen = rounded ? b.to(DType::bf16).to(DType::f32) : b;
  return check_matmul(out, a, seen, rounded ? rounding_slack(k, 0x1p-9) : 0);
}

}  // namespace adlib::bench
