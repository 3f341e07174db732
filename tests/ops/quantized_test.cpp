// Quantised weights: codes, scales, and products against the same codes multiplied in double precision.
#include <algorithm>
#include <cmath>
#include <limits>

#include "adlib/core/parallel.h"
#include "adlib/ops.h"
#include "kernels/cpu/isa.h"
#include "support/catch.h"
#include "support/compare.h"
#include "support/oracle.h"
#include "support/random.h"

using namespace adlib;
using namespace adlib::test;
using ops::WeightFormat;

namespace {

const std::vector<std::string> quantized_formats = {"int8",    "int8:32", "int8:64", "int8:128",
                                                    "int4:32", "int4:64", "int4:128"};

std::int64_t group_of(const WeightFormat& format, std::int64_t k) {
  return format.group > 0 ? format.group : k;
}

// scales · codes in double, (N, K).
std::vector<double> numbers_of(const ops::QuantizedMatrix& w) {
  const std::vector<double> codes = doubles(w.codes), scales = doubles(w.scales);
  const auto n = static_cast<std::size_t>(w.outputs()), k = static_cast<std::size_t>(w.inputs);
  const auto group = static_cast<std::size_t>(group_of(w.format, w.inputs));
  const std::size_t groups = (k + group - 1) / group, row = codes.size() / std::max<std::size_t>(n, 1);
  std::vector<double> out;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < k; ++j) {
      double code = 0;
      if (w.format.type == WeightFormat::Type::i8) {
        code = codes[i * row + j];
      } else {
        const auto byte = static_cast<int>(codes[i * row + j / 2]);
        code = (j % 2 == 0 ? byte % 16 : byte / 16) - 8;
      }
      out.push_back(code * scales[i * groups + j / group]);
    }
  }
  return out;
}

// What the contract says a row becomes: int8 codes in groups, here as numbers. The arithmetic that chooses
// the codes is in float: they are part of the definition, not of the error.
std::vector<double> rounded_rows(const Tensor& a, std::int64_t group) {
  const Tensor floats = a.to(DType::f32).contiguous();
  const auto values = floats.data<float>();
  const auto k = static_cast<std::size_t>(a.size(1)), width = static_cast<std::size_t>(group);
  std::vector<double> out;
  for (std::size_t begin = 0; begin < values.size(); begin += k) {
    for (std::size_t first = 0; first < k; first += width) {
      const std::size_t end = std::min(k, first + width);
      float largest = 0;
      for (std::size_t i = first; i < end; ++i) largest = std::max(largest, std::fabs(values[begin + i]));
      const float inverse = largest < 1e-30f ? 0.0f : 127.0f / largest;
      for (std::size_t i = first; i < end; ++i) {
        out.push_back(std::nearbyint(values[begin + i] * inverse) * static_cast<double>(largest / 127.0f));
      }
    }
  }
  return out;
}

std::vector<double> transposed(const std::vector<double>& w, std::size_t rows, std::size_t columns) {
  std::vector<double> out(w.size());
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < columns; ++j) out[j * rows + i] = w[i * columns + j];
  }
  return out;
}

}  // namespace

TEST_CASE("weight formats are written as they are parsed", "[ops][quantize]") {
  for (const char* text : {"same", "bf16", "int8", "int8:32", "int8:128", "int4:32", "int4:64"}) {
    CHECK(to_string(WeightFormat::parse(text)) == text);
  }
  CHECK(to_string(WeightFormat::parse("int4")) == "int4:32");
  for (const char* text : {"", "int", "int8:", "int8:16", "int8:032x", "int4:0", "bf16:32", "int8:-64"}) {
    CAPTURE(text);
    CHECK_THROWS_WITH(WeightFormat::parse(text), ContainsSubstring("is not one of same, bf16, int8"));
  }
}

TEST_CASE("quantised weights are within half a step of the numbers", "[ops][quantize]") {
  const auto text = GENERATE(from_range(quantized_formats));
  const auto [n, k] = GENERATE(table<int, int>({{1, 1}, {3, 31}, {5, 64}, {33, 257}, {2, 768}}));
  const bool transposes = GENERATE(false, true);
  CAPTURE(text, n, k, transposes);
  const WeightFormat format = WeightFormat::parse(text);
  const Tensor w = random_tensor({n, k}, DType::f32, 3);
  const ops::QuantizedMatrix q =
      ops::quantize(transposes ? w.transpose(0, 1).contiguous() : w, format, transposes);
  REQUIRE((q.outputs() == n && q.inputs == k));
  const std::vector<double> numbers = numbers_of(q), truth = doubles(w), scales = doubles(q.scales);
  const std::int64_t group = group_of(format, k), groups = (k + group - 1) / group;
  double error = 0, total = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const std::size_t row = i / static_cast<std::size_t>(k), column = i % static_cast<std::size_t>(k);
    const double step =
        std::fabs(scales[row * static_cast<std::size_t>(groups) + column / static_cast<std::size_t>(group)]);
    // int4 may clip the largest; int8 never does.
    if (format.type == WeightFormat::Type::i8) REQUIRE(std::fabs(numbers[i] - truth[i]) <= step * 0.5001);
    error += (numbers[i] - truth[i]) * (numbers[i] - truth[i]);
    total += truth[i] * truth[i];
  }
  CHECK(std::sqrt(error / total) < (format.type == WeightFormat::Type::i8 ? 0.006 : 0.09));
  CHECK(doubles(ops::dequantize(q)) == numbers);
  // Packed and unpacked again, the codes are the same.
  const ops::PackedMatrix packed(q);
  CHECK(packed.is_quantized());
  CHECK(same_bits(packed.quantized().codes, q.codes));
  CHECK(same_bits(packed.quantized().scales, q.scales));
}

TEST_CASE("weights of any magnitude are quantised as well as those near 1", "[ops][quantize]") {
  const auto text = GENERATE(from_range(quantized_formats));
  const float magnitude = GENERATE(1e-44f, 1e-38f, 1e-28f, 1e20f, 1e30f, 3e38f);
  CAPTURE(text, magnitude);
  Tensor w = random_tensor({3, 100}, DType::f32, 5, magnitude);
  w.data<float>()[7] = 0;
  const ops::QuantizedMatrix q = ops::quantize(w, WeightFormat::parse(text));
  const std::vector<double> got = numbers_of(q), want = doubles(w);
  CHECK(got[7] == 0);
  double error = 0, total = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    const double x = want[i] / static_cast<double>(magnitude);
    const double off = got[i] / static_cast<double>(magnitude) - x;
    error += off * off;
    total += x * x;
  }
  // What is too small for a scale is 0, and not whatever its codes would say.
  const bool vanishes = magnitude < (q.format.type == WeightFormat::Type::i8 ? 3e-37f : 1e-30f);
  const double most = vanishes ? 1 : q.format.type == WeightFormat::Type::i8 ? 0.006 : 0.09;
  CHECK(std::sqrt(error / total) <= most);
}

TEST_CASE("products with quantised weights agree with the same codes multiplied in double",
          "[ops][quantize][matmul]") {
  const auto text = GENERATE(from_range(quantized_formats));
  const auto dtype = GENERATE(DType::f32, DType::bf16);
  const auto [m, k, n] = GENERATE(table<int, int, int>(
      {{1, 1, 1}, {1, 768, 65}, {2, 31, 33}, {7, 65, 8}, {13, 257, 40}, {65, 300, 130}}));
  CAPTURE(text, dtype, m, k, n);
  const WeightFormat format = WeightFormat::parse(text);
  const Tensor a = random_tensor({m, k}, dtype, 1, 3.0f);
  const ops::QuantizedMatrix q = ops::quantize(random_tensor({n, k}, DType::f32, 2), format);
  const ops::PackedMatrix packed(q);
  const std::vector<double> rows = rounded_rows(a, format.group > 0 ? format.group : 128);
  const auto expected = oracle::matmul(rows, transposed(numbers_of(q), n, k), m, n, k);
  CHECK(difference(ops::matmul(a, packed), expected, 1e-6 * k) == "");

  const Tensor bias = random_tensor({n}, dtype, 5), residual = random_tensor({m, n}, dtype, 6);
  const Tensor finished =
      ops::matmul(a, packed, {.bias = bias, .activation = ops::Activation::relu, .residual = residual});
  const std::vector<double> bias_values = doubles(bias), residual_values = doubles(residual);
  std::vector<double> wanted = expected;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    wanted[i] = std::max(0.0, wanted[i] + bias_values[i % static_cast<std::size_t>(n)]) + residual_values[i];
  }
  CHECK(difference(finished, wanted, 1e-6 * k) == "");
}

TEST_CASE("a row of a product has the bits of the product of that row alone", "[ops][matmul][threads]") {
  const auto text =
      GENERATE(from_range(std::vector<std::string>{"same", "bf16", "int8", "int8:64", "int4:32"}));
  const auto dtype = GENERATE(DType::f32, DType::bf16);
  CAPTURE(text, dtype);
  const std::int64_t k = 700, n = 259;
  const ops::PackedMatrix packed(random_tensor({k, n}, dtype, 2), false, WeightFormat::parse(text));
  const Tensor a = random_tensor({64, k}, dtype, 1);
  std::vector<Tensor> alone;
  for (int i = 0; i < 64; ++i) alone.push_back(ops::matmul(a.slice(0, i, i + 1), packed));
  for (const int threads : {1, 2}) {
    set_num_threads(threads);
    for (int m = 1; m <= 64; ++m) {
      const Tensor product = ops::matmul(a.slice(0, 0, m), packed);
      for (int i = 0; i < m; ++i) {
        if (!same_bits(product.slice(0, i, i + 1), alone[static_cast<std::size_t>(i)])) {
          FAIL("row " << i << " of " << m << " on " << threads << " threads");
        }
      }
    }
  }
  set_num_threads(0);
}

TEST_CASE("NaN and infinity in quantised products reach the rows and columns that hold them",
          "[ops][quantize][matmul]") {
  const auto text = GENERATE(from_range(quantized_formats));
  const WeightFormat format = WeightFormat::parse(text);
  CAPTURE(text);
  Tensor a = random_tensor({5, 200}), w = random_tensor({10, 200}, DType::f32, 2);
  a.data<float>()[2 * 200 + 190] = std::numeric_limits<float>::quiet_NaN();
  a.data<float>()[3 * 200 + 3] = -std::numeric_limits<float>::infinity();
  w.data<float>()[7 * 200 + 100] = std::numeric_limits<float>::infinity();
  // Rows of denormals and of zeros are zeros.
  std::fill_n(a.data<float>().data() + 200, 200, 1e-41f);
  const auto values = doubles(ops::matmul(a, ops::PackedMatrix(ops::quantize(w, format))));
  for (std::size_t i = 0; i < 5; ++i) {
    for (std::size_t j = 0; j < 10; ++j) {
      CAPTURE(i, j);
      CHECK(std::isnan(values[i * 10 + j]) == (i == 2 || i == 3 || j == 7));
      if (i == 1 && j != 7) CHECK(values[i * 10 + j] == 0.0);
    }
  }
}

TEST_CASE("bf16 weights under f32 rows err no more than bf16 itself", "[ops][matmul]") {
  const auto [m, k, n] = GENERATE(table<int, int, int>({{1, 1, 1}, {3, 31, 33}, {14, 513, 70}}));
  const bool transpose_b = GENERATE(false, true);
  CAPTURE(m, k, n, transpose_b);
  const Tensor a = random_tensor({m, k}, DType::f32, 1), b = random_tensor({k, n}, DType::f32, 2);
  const ops::PackedMatrix packed(transpose_b ? b.transpose(0, 1).contiguous() : b, transpose_b,
                                 WeightFormat::parse("bf16"));
  const Tensor rounded_b = b.to(DType::bf16);
  CHECK(same_bits(packed.unpack(), transpose_b ? rounded_b.transpose(0, 1).contiguous() : rounded_b));
  // Levels without products of bf16 keep a as it is.
  const bool rounds_a = kernels::cpu::isa() == kernels::cpu::Isa::bf16;
  const Tensor rows = rounds_a ? a.to(DType::bf16) : a;
  const auto expected = oracle::matmul(doubles(rows), doubles(rounded_b), m, n, k);
  CHECK(difference(ops::matmul(a, packed), expected, 4e-7 * k) == "");
}

TEST_CASE("rows of a packed table are those of the table", "[ops][embedding]") {
  const auto text =
      GENERATE(from_range(std::vector<std::string>{"same", "bf16", "int8", "int8:32", "int4:64"}));
  CAPTURE(text);
  const Tensor table = random_tensor({50, 71});
  const Tensor ids = Tensor::from<std::int32_t>({0, 49, 7, 7, 33}, {5});
  const WeightFormat format = WeightFormat::parse(text);
  const ops::PackedMatrix packed(table, /*transpose_b=*/true, format);
  Tensor plain = table;
  if (format.type == WeightFormat::Type::bf16) plain = table.to(DType::bf16).to(DType::f32);
  if (packed.is_quantized()) plain = ops::dequantize(ops::quantize(table, format));
  CHECK(same_bits(ops::embedding(packed, ids, DType::f32), ops::embedding(plain, ids)));
  CHECK_THROWS_WITH(ops::embedding(packed, Tensor::from<std::int32_t>({50}, {1}), DType::f32),
                    "embedding: id 50 at position 0 is outside [0, 50)");
}

TEST_CASE("quantisation names what it cannot do", "[ops][quantize]") {
  const Tensor w = random_tensor({4, 64});
  CHECK_THROWS_WITH(ops::quantize(w, WeightFormat::parse("bf16")), ContainsSubstring("none of int8, int8:G"));
  CHECK_THROWS_WITH(ops::quantize(w, {WeightFormat::Type::i4, 0}), ContainsSubstring("none of int8, int8:G"));
  CHECK_THROWS_WITH(ops::quantize(random_tensor({2, 3, 4}), WeightFormat::parse("int8")),
                    ContainsSubstring("expected (N, K)"));
  const ops::PackedMatrix packed(w, true, WeightFormat::parse("int8"));
  CHECK_THROWS_WITH(packed.unpack(), ContainsSubstring("its numbers are gone"));
  CHECK_THROWS_WITH(ops::PackedMatrix(w).quantized(), ContainsSubstring("quantized() of a matrix of same"));
  ops::QuantizedMatrix q = ops::quantize(w, WeightFormat::parse("int8:32"));
  q.scales = q.scales.slice(1, 0, 1);
  CHECK_THROWS_WITH(ops::PackedMatrix(q), ContainsSubstring("scales has shape"));
  CHECK_THROWS_WITH(ops::matmul(random_tensor({2, 64}, DType::bf16), ops::PackedMatrix(w, true)),
                    ContainsSubstring("b is packed as f32"));
}
