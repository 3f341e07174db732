#include <array>
#include <limits>
#include <vector>

#include "adlib/ops.h"
#include "support/catch.h"
#include "support/compare.h"
#include "support/devices.h"
#include "support/oracle.h"
#include "support/random.h"
#include "support/values.h"

using namespace adlib;
using namespace adlib::test;

namespace {

// An error bound for a sum of k products of magnitude 1 in float.
double sum_slack(std::int64_t k) { return 4e-7 * static_cast<double>(k); }

Tensor transposed_copy(const Tensor& x) { return x.transpose(-2, -1).contiguous(); }

}  // namespace

TEST_CASE("matmul matches the naive loop on every device, whatever the layout of b",
          "[ops][matmul][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(from_range(float_types));
  const auto [m, n, k] = GENERATE(table<int, int, int>({{1, 1, 1},
                                                        {1, 8, 256},
                                                        {3, 5, 7},
                                                        {4, 9, 257},
                                                        {5, 12, 300},
                                                        {2, 131, 513},
                                                        {130, 17, 64},
                                                        {131, 1, 3}}));
  CAPTURE(device, dtype, m, n, k);
  const Tensor a = random_tensor({m, k}, dtype, 1).to(device), b = random_tensor({k, n}, dtype, 2).to(device);
  const auto expected = oracle::matmul(doubles(a), doubles(b), static_cast<std::size_t>(m),
                                       static_cast<std::size_t>(n), static_cast<std::size_t>(k));
  const Tensor product = ops::matmul(a, b);
  CHECK(product.shape() == Shape{m, n});
  CHECK(product.dtype() == dtype);
  CHECK(difference(product, expected, sum_slack(k)) == "");
  // The layout of b is not a matter of order: the bits agree.
  const Tensor b_rows = transposed_copy(b);
  CHECK(same_bits(ops::matmul(a, b_rows, {.transpose_b = true}), product));
  CHECK(same_bits(ops::matmul(a, b_rows.transpose(0, 1)), product));
  CHECK(same_bits(ops::matmul(transposed_copy(a).transpose(0, 1), b), product));
}

TEST_CASE("a row of a product has the same bits however many rows there are", "[ops][matmul][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(from_range(float_types));
  const auto transpose_b = GENERATE(false, true);
  CAPTURE(device, dtype, transpose_b);
  const int k = 301, n = 37, most = 64;
  const Tensor a = random_tensor({most, k}, dtype, 3).to(device);
  const Tensor b = random_tensor(transpose_b ? Shape{n, k} : Shape{k, n}, dtype, 4).to(device);
  const ops::MatmulOptions options{.transpose_b = transpose_b,
                                   .bias = random_tensor({n}, dtype, 5).to(device),
                                   .activation = ops::Activation::gelu_tanh};
  std::vector<Tensor> rows;
  for (int i = 0; i < most; ++i) rows.push_back(ops::matmul(a.slice(0, i, i + 1), b, options));
  const Tensor one_by_one = ops::concatenate(rows, 0);
  for (int m = 1; m <= most; m += is_emulated(device) ? 9 : 1) {
    CAPTURE(m);
    REQUIRE(same_bits(ops::matmul(a.slice(0, 0, m), b, options), one_by_one.slice(0, 0, m)));
    REQUIRE(
        same_bits(ops::matmul(a.slice(0, most - m, most), b, options), one_by_one.slice(0, most - m, most)));
  }
}

TEST_CASE("a column of a product has the same bits wherever it stands", "[ops][matmul][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const Tensor a = random_tensor({3, 300}, DType::f32, 1).to(device),
               b = random_tensor({300, 140}, DType::f32, 2).to(device);
  const Tensor whole = ops::matmul(a, b);
  for (const std::int64_t first : {1, 7, 100, 139}) {
    CHECK(same_bits(ops::matmul(a, b.slice(1, first, 140)), whole.slice(1, first, 140)));
  }
}

TEST_CASE("matmul adds the bias, activates, multiplies, adds the residual, in this order",
          "[ops][matmul][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(from_range(float_types));
  const auto activation = GENERATE(ops::Activation::none, ops::Activation::gelu_tanh,
                                   ops::Activation::gelu_erf, ops::Activation::silu, ops::Activation::relu);
  const std::size_t m = 5, n = 19, k = 33;
  const Tensor a = random_tensor({5, 33}, dtype, 1).to(device),
               b = random_tensor({33, 19}, dtype, 2).to(device);
  const Tensor bias = random_tensor({19}, dtype, 3).to(device),
               multiplier = random_tensor({5, 19}, dtype, 5).to(device),
               residual = random_tensor({5, 19}, dtype, 4).to(device);
  auto expected = oracle::matmul(doubles(a), doubles(b), m, n, k);
  const auto bias_values = doubles(bias), factors = doubles(multiplier), residual_values = doubles(residual);
  for (std::size_t i = 0; i < m * n; ++i) {
    const double activated = oracle::activate(expected[i] + bias_values[i % n], activation);
    expected[i] = activated * factors[i] + residual_values[i];
  }
  const ops::MatmulOptions options{
      .bias = bias, .activation = activation, .multiplier = multiplier, .residual = residual};
  const Tensor result = ops::matmul(a, b, options);
  CHECK(difference(result, expected, 2e-5) == "");
  // The residual stream is updated in place.
  Tensor stream = residual.clone();
  ops::MatmulOptions in_place = options;
  in_place.residual = stream;
  ops::matmul_into(stream, a, b, in_place);
  CHECK(same_bits(stream, result));
}

TEST_CASE("matmul broadcasts leading dimensions and reads views where they lie", "[ops][matmul][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const Tensor a = random_tensor({3, 1, 4, 5}, DType::f32, 1).to(device);
  const Tensor b = random_tensor({2, 5, 6}, DType::f32, 2).to(device);
  const Tensor product = ops::matmul(a, b);
  REQUIRE(product.shape() == Shape{3, 2, 4, 6});
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 2; ++j) {
      CHECK(same_bits(product.select(0, i).select(0, j),
                      ops::matmul(a.select(0, i).select(0, 0), b.select(0, j))));
    }
  }
  // (B, T, C) by one matrix is a single tall product.
  const Tensor x = random_tensor({2, 3, 5}, DType::f32, 3).to(device);
  CHECK(same_bits(ops::matmul(x, b.select(0, 0)).select(0, 1), ops::matmul(x.select(0, 1), b.select(0, 0))));
  // A slice of columns, as of a fused projection.
  const Tensor wide = random_tensor({4, 12}, DType::f32, 4).to(device);
  CHECK(same_bits(ops::matmul(wide.slice(1, 3, 8), b.select(0, 0)),
                  ops::matmul(wide.slice(1, 3, 8).contiguous(), b.select(0, 0))));
}

TEST_CASE("every layout of a and b gives the same bits", "[ops][matmul][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(from_range(float_types));
  const auto [m, k, n] =
      GENERATE(table<int, int, int>({{1, 1, 1}, {5, 300, 33}, {61, 257, 130}, {13, 31, 7}}));
  CAPTURE(device, dtype, m, k, n);
  const Tensor a = random_tensor({m, k}, dtype, 1).to(device), b = random_tensor({k, n}, dtype, 2).to(device);
  // Stored (k, m) and (n, k), with gaps between their rows: gradients of a product read them so.
  const Tensor a_columns = ops::concatenate(std::vector{a.transpose(0, 1), a.transpose(0, 1)}, 1);
  const Tensor a_view = a_columns.slice(1, 0, m).transpose(0, 1);
  const Tensor b_view = b.transpose(0, 1).contiguous().transpose(0, 1);
  const Tensor product = ops::matmul(a, b);
  CHECK(same_bits(ops::matmul(a_view, b), product));
  CHECK(same_bits(ops::matmul(a, b_view), product));
  CHECK(same_bits(ops::matmul(a_view, b_view), product));
}

TEST_CASE("the gradient of a tall weight is that of its rows", "[ops][matmul][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(from_range(float_types));
  const std::int64_t tokens = 3, m = 4100, n = 5;  // more rows than are copied at a time
  const Tensor a = random_tensor({tokens, m}, dtype, 1).to(device),
               b = random_tensor({tokens, n}, dtype, 2).to(device),
               multiplier = random_tensor({m, n}, DType::f32, 3).to(device),
               residual = random_tensor({m, n}, DType::f32, 4).to(device);
  Tensor whole = Tensor::empty({m, n}, DType::f32, device);
  ops::matmul_into(whole, a.transpose(0, 1), b, {.multiplier = multiplier, .residual = residual});
  for (const std::int64_t first : {0, 4000}) {
    Tensor rows = Tensor::empty({100, n}, DType::f32, device);
    ops::matmul_into(rows, a.slice(1, first, first + 100).transpose(0, 1), b,
                     {.multiplier = multiplier.slice(0, first, first + 100),
                      .residual = residual.slice(0, first, first + 100)});
    CHECK(same_bits(rows, whole.slice(0, first, first + 100)));
  }
}

TEST_CASE("what lies beside a view does not enter its product", "[ops][matmul][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(from_range(float_types));
  const std::int64_t k = 259;  // odd: pairs of columns would reach over the edge
  Tensor nan = Tensor::empty({30, 5}, DType::f32);
  for (float& x : nan.data<float>()) x = std::numeric_limits<float>::quiet_NaN();
  const Tensor x = random_tensor({30, k}, dtype, 1).to(device),
               b = random_tensor({k, 9}, dtype, 2).to(device);
  const Tensor wide = ops::concatenate(std::vector{x, nan.to(dtype).to(device)}, 1);
  CHECK(same_bits(ops::matmul(wide.slice(1, 0, k), b), ops::matmul(x, b)));
}

TEST_CASE("products of 16-bit operands can be kept in f32", "[ops][matmul][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(DType::f16, DType::bf16);
  const auto [m, k, n] =
      GENERATE(table<int, int, int>({{1, 1, 1}, {5, 300, 33}, {61, 257, 130}, {40, 512, 64}}));
  CAPTURE(device, dtype, m, k, n);
  const Tensor a = random_tensor({m, k}, dtype, 1).to(device), b = random_tensor({k, n}, dtype, 2).to(device);
  Tensor out = Tensor::empty({m, n}, DType::f32, device);
  ops::matmul_into(out, a, b);
  const auto expected = oracle::matmul(doubles(a), doubles(b), static_cast<std::size_t>(m),
                                       static_cast<std::size_t>(n), static_cast<std::size_t>(k));
  CHECK(difference(out, expected, sum_slack(k)) == "");
  // Only the rounding differs from the product in the operands' dtype.
  CHECK(same_bits(out.to(dtype), ops::matmul(a, b)));

  Tensor other = Tensor::empty({m, n}, DType::f32, device);
  ops::matmul_into(other, a, transposed_copy(b), {.transpose_b = true});  // logits
  CHECK(same_bits(other, out));
  ops::matmul_into(other, transposed_copy(a).transpose(0, 1), b);  // the gradient of a weight
  CHECK(same_bits(other, out));
  for (int i = 0; i < m; i += 7) {
    Tensor row = Tensor::empty({1, n}, DType::f32, device);
    ops::matmul_into(row, a.slice(0, i, i + 1), b);
    REQUIRE(same_bits(row, out.slice(0, i, i + 1)));
  }

  // Micro-batches accumulate without rounding to 16 bits in between.
  const Tensor before = random_tensor({m, n}, DType::f32, 3).to(device);
  Tensor sum = before.clone();
  ops::matmul_into(sum, transposed_copy(a).transpose(0, 1), b, {.residual = sum});
  CHECK(same_bits(sum, ops::add(out, before)));

  const Tensor bias = random_tensor({n}, DType::f32, 4).to(device);
  ops::matmul_into(other, a, b, {.bias = bias, .activation = ops::Activation::relu});
  CHECK(same_bits(other, ops::activate(ops::add(out, bias), ops::Activation::relu)));
}

TEST_CASE("an empty sum is zero and an empty product is empty", "[ops][matmul][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const Tensor none = Tensor::empty({2, 0}, DType::f32, device), bias = random_tensor({3}).to(device);
  const Tensor product = ops::matmul(none, Tensor::empty({0, 3}, DType::f32, device), {.bias = bias});
  CHECK(same_bits(product.select(0, 1), bias));
  CHECK(ops::matmul(Tensor::empty({0, 4}, DType::f32, device), Tensor::zeros({4, 3}, DType::f32, device))
            .shape() == Shape{0, 3});
}

TEST_CASE("NaN and infinity reach only the results that sum them", "[ops][matmul][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  Tensor a = random_tensor({5, 9}), b = random_tensor({9, 10}, DType::f32, 2);
  a.data<float>()[2 * 9 + 4] = std::numeric_limits<float>::quiet_NaN();
  b.data<float>()[3 * 10 + 7] = std::numeric_limits<float>::infinity();
  const auto values = doubles(ops::matmul(a.to(device), b.to(device)));
  for (std::size_t i = 0; i < 5; ++i) {
    for (std::size_t j = 0; j < 10; ++j) {
      CAPTURE(i, j);
      CHECK(std::isnan(values[i * 10 + j]) == (i == 2));
      CHECK(std::isinf(values[i * 10 + j]) == (i != 2 && j == 7));
    }
  }
}

TEST_CASE("a packed matrix gives the bits of the tensor it was made from, and gives it back",
          "[ops][matmul][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(from_range(float_types));
  const auto transpose_b = GENERATE(false, true);
  const auto [k, n] =
      GENERATE(table<int, int>({{1, 1}, {257, 31}, {300, 33}, {513, 200}, {64, 128}, {0, 5}}));
  CAPTURE(device, dtype, transpose_b, k, n);
  // A view with gaps between its rows.
  const Shape stored = transpose_b ? Shape{n, k + 2} : Shape{k, n + 2};
  const Tensor b = random_tensor(stored, dtype, 4).to(device).slice(1, 1, (transpose_b ? k : n) + 1);
  const ops::PackedMatrix packed(b, transpose_b);
  CHECK((packed.rows() == k && packed.columns() == n && packed.format() == ops::WeightFormat{}));
  CHECK(same_bits(packed.unpack(), b.contiguous()));
  for (const int m : {1, 2, 13, 130}) {
    if (is_emulated(device) && m > 13) continue;
    const Tensor a = random_tensor({m, k}, dtype, 3).to(device);
    ops::MatmulOptions options{.bias = random_tensor({n}, dtype, 5).to(device),
                               .activation = ops::Activation::silu,
                               .multiplier = random_tensor({m, n}, dtype, 7).to(device),
                               .residual = random_tensor({m, n}, dtype, 6).to(device)};
    const Tensor product = ops::matmul(a, packed, options);
    options.transpose_b = transpose_b;
    REQUIRE(same_bits(product, ops::matmul(a, b, options)));
  }
}

TEST_CASE("products with a packed matrix name both shapes when they do not fit", "[ops][matmul]") {
  const ops::PackedMatrix packed(random_tensor({4, 6}));
  CHECK_THROWS_WITH(ops::matmul(random_tensor({2, 5}), packed),
                    "matmul: a is (2, 5) f32 on cpu, b is packed (4, 6); 5 columns of a meet 4 rows of b");
  CHECK_THROWS_WITH(ops::matmul(random_tensor({2, 4}), packed, {.transpose_b = true}),
                    ContainsSubstring("transpose_b"));
  CHECK_THROWS_WITH(ops::PackedMatrix(random_tensor({2, 3, 4})), ContainsSubstring("PackedMatrix: b"));
  CHECK_THROWS_AS(ops::PackedMatrix().unpack(), Error);
  const Tensor batch = random_tensor({2, 3, 4});
  CHECK(ops::matmul(batch, packed).shape() == Shape{2, 3, 6});
}
