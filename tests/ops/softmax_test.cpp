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

TEST_CASE("softmax and log_softmax match the naive loop on every device", "[ops][softmax][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(from_range(float_types));
  const auto [rows, cols] = GENERATE(table<int, int>({{1, 1}, {3, 31}, {2, 1000}, {1, 50257}}));
  const auto scale = GENERATE(1.0f, 30.0f);
  CAPTURE(device, dtype, rows, cols, scale);
  const Tensor x = random_tensor({rows, cols}, dtype, 1, scale).to(device);
  const auto n = static_cast<std::size_t>(cols);
  CHECK(difference(ops::softmax(x), oracle::softmax(doubles(x), n), 1e-6) == "");
  CHECK(difference(ops::log_softmax(x), oracle::softmax(doubles(x), n, true), 4e-6 * scale) == "");
}

TEST_CASE("softmax runs along any dimension", "[ops][softmax][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const Tensor x = random_tensor({3, 4, 5}, DType::f32, 1, 4).to(device);
  for (const int dim : {0, 1, 2}) {
    CAPTURE(dim);
    CHECK(same_bits(ops::softmax(x, dim).transpose(dim, 2), ops::softmax(x.transpose(dim, 2))));
    CHECK(same_bits(ops::softmax(x, dim - 3), ops::softmax(x, dim)));
    CHECK(same_bits(ops::log_softmax(x, dim).transpose(dim, 2), ops::log_softmax(x.transpose(dim, 2))));
  }
}

TEST_CASE("softmax of hidden, huge and broken rows", "[ops][softmax][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto softmax = [&](std::initializer_list<float> row) {
    return doubles(ops::softmax(Tensor::from(row, {static_cast<std::int64_t>(row.size())}).to(device)));
  };
  CHECK(softmax({-infinity, -infinity}) == std::vector<double>{0, 0});
  CHECK(softmax({-infinity, 7, -infinity}) == std::vector<double>{0, 1, 0});
  CHECK(softmax({3e38f, 3e38f, -3e38f}) == std::vector<double>{0.5, 0.5, 0});
  for (const double p : softmax({1, nan, 2})) CHECK(std::isnan(p));
  const Tensor hidden = Tensor::from({-infinity, -infinity}, {2}).to(device);
  CHECK(doubles(ops::log_softmax(hidden)) ==
        std::vector<double>{-static_cast<double>(infinity), -static_cast<double>(infinity)});
}
