#include "adlib/nn/mlp.h"

#include "nn/oracle.h"
#include "support/catch.h"
#include "support/devices.h"

using namespace adlib;
using namespace adlib::test;
using nn::Linear;

TEST_CASE("the plain mlp is down(activation(up(x))) plus the residual", "[nn][mlp][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const Tensor up = random_tensor({12, 40}, 1, 0.3).to(device),
               up_bias = random_tensor({40}, 2, 0.3).to(device);
  const Tensor down = random_tensor({40, 12}, 3, 0.3).to(device),
               down_bias = random_tensor({12}, 4, 0.3).to(device);
  const Weights weights = Weights::from(
      {{"up.weight", up}, {"up.bias", up_bias}, {"down.weight", down}, {"down.bias", down_bias}});
  const nn::Mlp mlp(Linear(weights.scope("up"), 12, 40, Linear::Layout::in_out, true),
                    Linear(weights.scope("down"), 40, 12, Linear::Layout::in_out, true),
                    ops::Activation::gelu_tanh);
  const Tensor x = random_tensor({5, 12}, 5).to(device), residual = random_tensor({5, 12}, 6).to(device);
  const Matrix inner = map(linear(to_matrix(x), up, up_bias, false), gelu_tanh);
  CHECK(relative_error(mlp(x, residual), add(linear(inner, down, down_bias, false), to_matrix(residual))) <
        2e-6);
  CHECK_FALSE(mlp.gate().has_value());
}

TEST_CASE("the gated mlp is down(silu(gate(x)) * up(x)) plus the residual", "[nn][mlp][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const Tensor gate = random_tensor({40, 12}, 1, 0.3).to(device),
               up = random_tensor({40, 12}, 2, 0.3).to(device),
               down = random_tensor({12, 40}, 3, 0.3).to(device);
  const Weights weights = Weights::from({{"gate.weight", gate}, {"up.weight", up}, {"down.weight", down}});
  const nn::Mlp mlp(Linear(weights.scope("gate"), 12, 40, Linear::Layout::out_in, false),
                    Linear(weights.scope("up"), 12, 40, Linear::Layout::out_in, false),
                    Linear(weights.scope("down"), 40, 12, Linear::Layout::out_in, false));
  const Tensor x = random_tensor({5, 12}, 5).to(device), residual = random_tensor({5, 12}, 6).to(device);
  Matrix inner = map(linear(to_matrix(x), gate, {}, true), silu);
  const Matrix raised = linear(to_matrix(x), up, {}, true);
  for (std::size_t i = 0; i < inner.values.size(); ++i) inner.values[i] *= raised.values[i];
  CHECK(relative_error(mlp(x, residual), add(linear(inner, down, {}, true), to_matrix(residual))) < 2e-6);
  CHECK(mlp.gate().has_value());
}
