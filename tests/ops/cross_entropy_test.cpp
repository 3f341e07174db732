#include <limits>
#include <vector>

#include "adlib/ops.h"
#include "support/catch.h"
#include "support/compare.h"
#include "support/devices.h"
#include "support/oracle.h"
#include "support/random.h"

using namespace adlib;
using namespace adlib::test;

TEST_CASE("cross_entropy matches the naive loop and skips ignored rows", "[ops][cross_entropy][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(DType::f32, DType::f16, DType::bf16);
  const auto [rows, cols] = GENERATE(table<int, int>({{1, 1}, {4, 31}, {3, 50257}}));
  CAPTURE(device, dtype, rows, cols);
  const Tensor logits = random_tensor({rows, cols}, dtype, 1, 8).to(device);
  Tensor targets = random_ids({rows}, 0, cols, 2);
  if (rows > 2) targets.data<std::int32_t>()[1] = -100;
  const auto n = static_cast<std::size_t>(cols);
  const auto log_p = oracle::softmax(doubles(logits), n, true);
  std::vector<double> expected;
  for (const std::int32_t target : targets.data<std::int32_t>()) {
    expected.push_back(target < 0 ? 0 : -log_p[expected.size() * n + static_cast<std::size_t>(target)]);
  }
  const Tensor loss = ops::cross_entropy(logits, targets.to(device));
  CHECK(loss.dtype() == DType::f32);
  CHECK(difference(loss, expected, 1e-5) == "");
}

TEST_CASE("cross_entropy of an impossible target is infinite and of NaN is NaN",
          "[ops][cross_entropy][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const float infinity = std::numeric_limits<float>::infinity();
  const Tensor logits =
      Tensor::from({0.0f, -infinity, 1.0f, std::numeric_limits<float>::quiet_NaN()}, {2, 2}).to(device);
  const auto loss = doubles(ops::cross_entropy(logits, Tensor::from({1, 0}, {2}).to(device)));
  CHECK(loss[0] == infinity);
  CHECK(std::isnan(loss[1]));
}
