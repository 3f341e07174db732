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

TEST_CASE("activations match their formulas on every device", "[ops][activation][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(from_range(float_types));
  const auto activation = GENERATE(from_range(activations));
  const auto n = GENERATE(1, 255, 256, 1000);
  CAPTURE(device, dtype, static_cast<int>(activation), n);
  const Tensor x = random_tensor({n}, dtype, 1, 6).to(device);
  auto expected = doubles(x);
  for (double& value : expected) value = oracle::activate(value, activation);
  CHECK(difference(ops::activate(x, activation), expected, 1e-6) == "");
}

TEST_CASE("tanh and erf GELU are told apart", "[ops][activation]") {
  const Tensor x = Tensor::from({-2.0f, 2.0f}, {2});
  CHECK(doubles(ops::activate(x, ops::Activation::gelu_tanh))[1] == Approx(1.954597694).epsilon(1e-6));
  CHECK(doubles(ops::activate(x, ops::Activation::gelu_erf))[1] == Approx(1.954499736).epsilon(1e-6));
}

TEST_CASE("activations settle at the ends of the range and keep NaN", "[ops][activation][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto activation = GENERATE(ops::Activation::gelu_tanh, ops::Activation::gelu_erf,
                                   ops::Activation::silu, ops::Activation::relu);
  const Tensor x = Tensor::from({-1e4f, 1e4f, 0.0f, std::numeric_limits<float>::quiet_NaN()}, {4}).to(device);
  const auto y = doubles(ops::activate(x, activation));
  CHECK(y[0] == 0);
  CHECK(y[1] == 1e4);
  CHECK(y[2] == 0);
  CHECK(std::isnan(y[3]));
}

TEST_CASE("swiglu matches silu(gate) * up, also from the halves of one projection", "[ops][swiglu][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(from_range(float_types));
  const Tensor fused = random_tensor({2, 3, 22}, dtype, 1, 4).to(device);
  const Tensor gate = fused.slice(-1, 0, 11), up = fused.slice(-1, 11, 22);
  const auto gates = doubles(gate), ups = doubles(up);
  std::vector<double> expected;
  for (std::size_t i = 0; i < gates.size(); ++i) {
    expected.push_back(oracle::activate(gates[i], ops::Activation::silu) * ups[i]);
  }
  const Tensor y = ops::swiglu(gate, up);
  CHECK(difference(y, expected, 2e-6) == "");
  CHECK(same_bits(ops::swiglu(gate.contiguous(), up.contiguous()), y));
  CHECK(same_bits(ops::swiglu(gate.transpose(0, 1), up.transpose(0, 1)).transpose(0, 1), y));
}
