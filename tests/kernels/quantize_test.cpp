// quantize and dequantize on CUDA, run by the emulator, against the CPU's, bit for bit.
#include "kernels/quantize.h"

#include <limits>

#include "kernels/operands.h"
#include "support/catch.h"

namespace adlib::kernels {
namespace {

using namespace adlib::test;

struct Quantized {
  std::vector<std::uint8_t> codes;
  std::vector<bfloat16> scales;
};

template <class T, class Context>
Quantized run(Context context, const std::vector<T>& w, std::int64_t stride, bool transpose,
              const QuantizeShape& shape) {
  Guarded<std::uint8_t> codes(shape.n * quantize_row_bytes(shape));
  Guarded<bfloat16> scales(shape.n * quantize_groups(shape));
  quantize(context, codes.data(), scales.data(), w.data(), stride, transpose, shape);
  CHECK((codes.intact() && scales.intact()));
  return {codes.values(), scales.values()};
}

}  // namespace

TEMPLATE_TEST_CASE("quantize on CUDA has the CPU's scales and codes", "[kernels][quantize]", float, float16,
                   bfloat16) {
  using T = TestType;
  const int bits = GENERATE(8, 4);
  const bool transpose = GENERATE(false, true);
  struct Extent {
    std::int64_t n, k, group;
  };
  const auto e = GENERATE(values<Extent>(
      {{1, 1, 1}, {9, 31, 5}, {2, 64, 32}, {9, 129, 64}, {7, 300, 128}, {5, 300, 300}, {33, 33, 32}}));
  const std::int64_t n = e.n, k = e.k, group = e.group;
  CAPTURE(bits, transpose, n, k, group);
  const QuantizeShape shape{.n = n, .k = k, .group = group, .bits = bits};
  const std::int64_t stride = (transpose ? n : k) + 2;
  std::vector<T> w = normal_values<T>((transpose ? k : n) * stride, static_cast<unsigned>(k + group), 0.1);
  const auto at = [&](std::int64_t i, std::int64_t j) -> T& {
    return w[static_cast<std::size_t>(transpose ? j * stride + i : i * stride + j)];
  };
  if (n > 4) {  // groups of zeros, of numbers too small, with an infinity, with a NaN, with ties
    for (std::int64_t j = 0; j < k; ++j) at(0, j) = T(0.0f), at(1, j) = T(1e-39f);
    at(2, k / 2) = T(std::numeric_limits<float>::infinity());
    at(3, k - 1) = T(std::nanf(""));
    for (std::int64_t j = 0; j < k; ++j) at(4, j) = T(static_cast<float>(j % 255 - 127) * 0.5f);
  }
  const Quantized expected = run(CpuContext{}, w, stride, transpose, shape);
  const Quantized out = run(CudaContext{}, w, stride, transpose, shape);
  CHECK(same_bits(out.codes, expected.codes));
  CHECK(same_bits(out.scales, expected.scales));

  CpuContext cpu;
  CudaContext cuda;
  std::vector<T> exact(static_cast<std::size_t>(n * k));
  dequantize(cpu, exact.data(), expected.codes.data(), expected.scales.data(), shape);
  Guarded<T> back(n * k);
  dequantize(cuda, back.data(), expected.codes.data(), expected.scales.data(), shape);
  CHECK(back.intact());
  const std::vector<T> values = back.values();
  std::int64_t different = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {  // NaN has many bits
    const float x = static_cast<float>(values[i]), y = static_cast<float>(exact[i]);
    different += !(x == y || (std::isnan(x) && std::isnan(y)));
  }
  CHECK(different == 0);
}

}  // namespace adlib::kernels
