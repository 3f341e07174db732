// What training does besides gradients: dropout, the norm of gradients, AdamW.
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "adlib/core/random.h"
#include "adlib/ops.h"
#include "support/catch.h"
#include "support/compare.h"
#include "support/devices.h"
#include "support/random.h"
#include "support/values.h"

using namespace adlib;
using namespace adlib::test;

namespace {

// Elements without a zero, so that what is 0 has fallen.
Tensor ones_and_more(const Shape& shape, DType dtype, std::uint32_t seed) {
  Tensor x = random_tensor(shape, DType::f32, seed);
  for (float& value : x.data<float>()) value += 2;
  return x.to(dtype);
}

double fallen(const Tensor& y) {
  double zeros = 0;
  const auto values = doubles(y);
  for (const double value : values) zeros += value == 0;
  return zeros / static_cast<double>(values.size());
}

}  // namespace

TEST_CASE("dropout follows the words of Philox, whatever the size and place", "[ops][dropout][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(from_range(float_types));
  const auto n = GENERATE(1, 3, 4, 15, 33, 255, 257, 1000, 40000);
  const std::uint64_t seed = 0x0123456789abcdef, stream = 0xfedcba9876543210;
  const float p = 0.1f;
  CAPTURE(device, dtype, n);
  const Tensor x = ones_and_more({n}, dtype, 1), residual = random_tensor({n}, dtype, 2);
  const Philox philox(seed, stream);
  const auto values = doubles(x), added = doubles(residual);
  std::vector<double> expected, expected_sum;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool falls = philox.block(i / 4)[i % 4] < std::llround(p * 0x1p32);
    expected.push_back(falls ? 0 : values[i] / (1 - static_cast<double>(p)));
    expected_sum.push_back(expected.back() + added[i]);
  }
  const Tensor y = ops::dropout(x.to(device), p, seed, stream);
  CHECK(difference(y, expected) == "");
  const auto got = doubles(y);
  for (std::size_t i = 0; i < got.size(); ++i) REQUIRE((got[i] == 0) == (expected[i] == 0));
  CHECK(difference(ops::dropout(x.to(device), p, seed, stream, residual.to(device)), expected_sum, 5e-7) ==
        "");
}

TEST_CASE("dropout drops its share, scales exactly and keeps streams apart", "[ops][dropout][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const std::int64_t n = 200'000;
  const Tensor x = ones_and_more({n}, DType::f32, 1).to(device);
  for (const float p : {0.1f, 0.5f, 0.9f}) {
    // Five standard deviations of a binomial share.
    const double deviation = std::sqrt(p * (1 - p) / static_cast<double>(n));
    CHECK(std::fabs(fallen(ops::dropout(x, p, 1, 2)) - p) < 5 * deviation);
  }
  const Tensor half = ops::dropout(x, 0.5f, 1, 2);
  CHECK(same_bits(ops::dropout(x, 0.5f, 1, 2), half));
  // Powers of two: dropping from dy is the same linear map, exactly.
  const Tensor scale = Tensor::from({2.0f}, {1}).to(device);
  CHECK(same_bits(ops::dropout(ops::multiply(x, scale), 0.5f, 1, 2), ops::multiply(half, scale)));
  const auto values = doubles(x), kept = doubles(half);
  for (std::size_t i = 0; i < values.size(); ++i) REQUIRE((kept[i] == 0 || kept[i] == 2 * values[i]));

  // Independent masks: two agree to drop a quarter.
  for (const auto& [seed, stream] : {std::pair{1, 3}, {2, 2}}) {
    const auto other =
        doubles(ops::dropout(x, 0.5f, static_cast<std::uint64_t>(seed), static_cast<std::uint64_t>(stream)));
    double both = 0;
    for (std::size_t i = 0; i < kept.size(); ++i) both += kept[i] == 0 && other[i] == 0;
    CHECK(std::fabs(both / static_cast<double>(n) - 0.25) < 5 * std::sqrt(0.1875 / static_cast<double>(n)));
  }
}

TEST_CASE("dropout with p = 0 changes nothing, and drops NaN like numbers", "[ops][dropout][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(from_range(float_types));
  const Tensor x = random_tensor({7, 33}, dtype, 1).to(device),
               residual = random_tensor({7, 33}, dtype, 2).to(device);
  CHECK(same_bits(ops::dropout(x, 0, 1, 2), x));
  CHECK(same_bits(ops::dropout(x, 0, 1, 2, residual), ops::add(x, residual)));
  const Tensor gaps = random_tensor({33, 7}, dtype, 1).to(device).transpose(0, 1);
  CHECK(same_bits(ops::dropout(gaps, 0.2f, 1, 2), ops::dropout(gaps.contiguous(), 0.2f, 1, 2)));
  Tensor nan = Tensor::empty({1000});
  for (float& value : nan.data<float>()) value = std::numeric_limits<float>::quiet_NaN();
  const double zeros = fallen(ops::dropout(nan.to(dtype).to(device), 0.5f, 1, 2));
  CHECK((zeros > 0.4 && zeros < 0.6));
  CHECK(ops::dropout(Tensor::empty({0, 3}), 0.5f, 1, 2).numel() == 0);
}

TEST_CASE("squared_norm sums squares in double", "[ops][squared_norm][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(from_range(float_types));
  const auto n = GENERATE(0, 1, 5, 31, 33, 1000, 16384, 16385, 50001);
  CAPTURE(device, dtype, n);
  const Tensor x = random_tensor({n}, dtype, 1, 30).to(device);
  long double expected = 0;
  for (const double value : doubles(x)) expected += static_cast<long double>(value) * value;
  const double got = ops::squared_norm(x);
  CHECK(std::fabs(got - static_cast<double>(expected)) <= 1e-14 * static_cast<double>(expected));
  if (n > 2) {
    Tensor y = x.to(Device::cpu).to(DType::f32).clone();
    y.data<float>()[2] = std::numeric_limits<float>::infinity();
    CHECK(std::isinf(ops::squared_norm(y)));
    y.data<float>()[1] = std::numeric_limits<float>::quiet_NaN();
    CHECK(std::isnan(ops::squared_norm(y)));
  }
  // Squares that float could not hold.
  CHECK(ops::squared_norm(Tensor::from({1e30f, 1e30f}, {2})) == Approx(2e60).epsilon(1e-7));
}

TEST_CASE("adamw_step follows Loshchilov and Hutter for many steps", "[ops][adamw_step][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto narrow = GENERATE(DType::bf16, DType::f16);
  const auto n = GENERATE(1, 7, 17, 1025);
  CAPTURE(device, narrow, n);
  ops::AdamwOptions options{
      .learning_rate = 0.05, .beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-4, .weight_decay = 0.3};
  Tensor w = random_tensor({n}).to(device), m = Tensor::zeros({n}, DType::f32, device), v = m.clone(),
         rounded = Tensor::zeros({n}, narrow, device), none;
  Tensor w2 = w.clone(), m2 = m.clone(), v2 = v.clone();
  auto weights = doubles(w);
  std::vector<double> first(weights.size()), second(weights.size());
  for (int step = 1; step <= 8; ++step) {
    options.step = step;
    options.gradient_scale = 1.0 / step;
    const Tensor gradient = random_tensor({n}, DType::f32, 10 + static_cast<std::uint32_t>(step), 3);
    ops::adamw_step(w, m, v, rounded, gradient.to(device), options);
    ops::adamw_step(w2, m2, v2, none, gradient.to(device), options);
    const auto gradients = doubles(gradient);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const double g = gradients[i] / step;
      first[i] = options.beta1 * first[i] + (1 - options.beta1) * g;
      second[i] = options.beta2 * second[i] + (1 - options.beta2) * g * g;
      const double m_hat = first[i] / (1 - std::pow(options.beta1, step));
      const double v_hat = second[i] / (1 - std::pow(options.beta2, step));
      weights[i] *= 1 - options.learning_rate * options.weight_decay;
      weights[i] -= options.learning_rate * m_hat / (std::sqrt(v_hat) + options.epsilon);
    }
    CHECK(difference(w, weights, 2e-7 * step) == "");
    CHECK(difference(m, first, 1e-6) == "");
    CHECK(difference(v, second, 1e-6) == "");
    CHECK(same_bits(rounded, w.to(narrow)));
    CHECK(same_bits(w2, w));
  }
}

TEST_CASE("adamw_step lets NaN through and leaves alone what has neither gradient nor decay",
          "[ops][adamw_step]") {
  Tensor w = random_tensor({40}), m = Tensor::zeros({40}), v = Tensor::zeros({40}), none;
  const Tensor before = w.clone();
  Tensor gradient = Tensor::zeros({40});
  gradient.data<float>()[39] = std::numeric_limits<float>::quiet_NaN();
  ops::adamw_step(w, m, v, none, gradient, {});
  CHECK(same_bits(w.slice(0, 0, 39), before.slice(0, 0, 39)));
  CHECK(std::isnan(w.data<float>()[39]));
}
