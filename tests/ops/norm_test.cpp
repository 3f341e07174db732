#include <array>
#include <limits>

#include "adlib/ops.h"
#include "support/catch.h"
#include "support/compare.h"
#include "support/devices.h"
#include "support/oracle.h"
#include "support/random.h"
#include "support/values.h"

using namespace adlib;
using namespace adlib::test;

TEST_CASE("layer_norm matches the naive loop on every device", "[ops][layer_norm][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(from_range(float_types));
  const auto [rows, cols] = GENERATE(table<int, int>({{1, 1}, {3, 31}, {2, 768}, {5, 1601}}));
  CAPTURE(device, dtype, rows, cols);
  const Tensor x = random_tensor({rows, cols}, dtype, 1, 3).to(device);
  const Tensor gamma = random_tensor({cols}, dtype, 2).to(device),
               beta = random_tensor({cols}, dtype, 3).to(device);
  CHECK(difference(ops::layer_norm(x, gamma, beta, 1e-5f),
                   oracle::layer_norm(doubles(x), doubles(gamma), doubles(beta), 1e-5f), 2e-6) == "");
  CHECK(difference(ops::layer_norm(x, gamma, Tensor(), 1e-5f),
                   oracle::layer_norm(doubles(x), doubles(gamma), {}, 1e-5f), 2e-6) == "");
}

TEST_CASE("rms_norm matches the naive loop on every device", "[ops][rms_norm][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(from_range(float_types));
  const auto [rows, cols] = GENERATE(table<int, int>({{1, 1}, {3, 31}, {2, 768}, {5, 1601}}));
  CAPTURE(device, dtype, rows, cols);
  const Tensor x = random_tensor({rows, cols}, dtype, 1, 3).to(device),
               gamma = random_tensor({cols}, dtype, 2).to(device);
  CHECK(difference(ops::rms_norm(x, gamma, 1e-6f), oracle::rms_norm(doubles(x), doubles(gamma), 1e-6f),
                   2e-6) == "");
}

TEST_CASE("layer_norm keeps its digits when the mean dwarfs the deviation", "[ops][layer_norm][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  Tensor x = random_tensor({2, 512});
  for (float& value : x.data<float>()) value += 4096;  // E[x²] - E[x]² in float would be noise here
  const Tensor gamma = Tensor::from({1.0f}, {1}).expand({512}), beta = Tensor::zeros({512});
  const Tensor y = ops::layer_norm(x.to(device), gamma.to(device), beta.to(device), 1e-5f);
  CHECK(difference(y, oracle::layer_norm(doubles(x), doubles(gamma), doubles(beta), 1e-5f), 1e-3) == "");
}

TEST_CASE("norms depend on eps, spread NaN over one row only, and read views",
          "[ops][layer_norm][rms_norm][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  Tensor x = random_tensor({3, 16}, DType::f32, 1, 1e-3f);
  const Tensor gamma = random_tensor({16}, DType::f32, 2), beta = random_tensor({16}, DType::f32, 3);
  const Tensor g = gamma.to(device), b = beta.to(device);
  CHECK_FALSE(
      same_bits(ops::layer_norm(x.to(device), g, b, 1e-5f), ops::layer_norm(x.to(device), g, b, 1e-6f)));
  CHECK_FALSE(same_bits(ops::rms_norm(x.to(device), g, 1e-5f), ops::rms_norm(x.to(device), g, 1e-6f)));
  x.data<float>()[16 + 3] = std::numeric_limits<float>::quiet_NaN();
  const auto layer = doubles(ops::layer_norm(x.to(device), g, b, 1e-5f));
  const auto rms = doubles(ops::rms_norm(x.to(device), g, 1e-5f));
  for (std::size_t i = 0; i < 48; ++i) {
    CHECK(std::isnan(layer[i]) == (i / 16 == 1));
    CHECK(std::isnan(rms[i]) == (i / 16 == 1));
  }
  const Tensor wide = random_tensor({4, 40}).to(device);
  const Tensor view = wide.slice(1, 5, 21);
  CHECK(same_bits(ops::layer_norm(view, g, b, 1e-5f), ops::layer_norm(view.contiguous(), g, b, 1e-5f)));
  CHECK(same_bits(ops::rms_norm(view, g, 1e-5f), ops::rms_norm(view.contiguous(), g, 1e-5f)));
}

TEST_CASE("a row's norm has the same bits wherever the row stands", "[ops][layer_norm][rms_norm][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(from_range(float_types));
  const Tensor x = random_tensor({9, 77}, dtype).to(device);  // odd: rows begin at every alignment
  const Tensor gamma = random_tensor({77}, dtype, 2).to(device),
               beta = random_tensor({77}, dtype, 3).to(device);
  const Tensor layer = ops::layer_norm(x, gamma, beta, 1e-5f), rms = ops::rms_norm(x, gamma, 1e-5f);
  for (std::int64_t r = 0; r < 9; ++r) {
    const Tensor row = x.slice(0, r, r + 1).clone();
    CHECK(same_bits(ops::layer_norm(row, gamma, beta, 1e-5f), layer.slice(0, r, r + 1)));
    CHECK(same_bits(ops::rms_norm(row, gamma, 1e-5f), rms.slice(0, r, r + 1)));
  }
}
