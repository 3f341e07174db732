#include "adlib/nn/block.h"
#include "nn/oracle.h"
#include "support/catch.h"
#include "support/devices.h"

using namespace adlib;
using namespace adlib::test;

TEST_CASE("either norm matches the naive loop, with the epsilon that it was given", "[nn][norm][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const auto [rows, width] = GENERATE(table<int, int>({{1, 2}, {5, 31}, {3, 96}, {2, 1025}}));
  const double eps = GENERATE(1e-5, 1e-6, 0.1);
  CAPTURE(rows, width, eps);
  // Small inputs, so that the epsilon shows.
  const Tensor x = random_tensor({rows, width}, 1, 0.01, 0.02).to(device);
  const Tensor gain = random_tensor({width}, 2, 0.2, 1.0).to(device);
  const Tensor offset = random_tensor({width}, 3, 0.1).to(device);
  const Weights weights = Weights::from({{"weight", gain}, {"bias", offset}});
  const auto e = static_cast<float>(eps);
  CHECK(relative_error(nn::Norm(nn::Norm::Kind::layer, weights, width, e)(x),
                       layer_norm(to_matrix(x), gain, offset, static_cast<double>(e))) < 5e-6);
  CHECK(relative_error(nn::Norm(nn::Norm::Kind::rms, weights, width, e)(x),
                       rms_norm(to_matrix(x), gain, static_cast<double>(e))) < 5e-6);
}

TEST_CASE("a layer norm needs its bias, an RMS norm takes none", "[nn][norm]") {
  const Weights only_gain = Weights::from({{"weight", random_tensor({4}, 1)}});
  CHECK_THROWS_WITH(nn::Norm(nn::Norm::Kind::layer, only_gain, 4, 1e-5f), ContainsSubstring("bias"));
  std::map<std::string, Tensor> tensors;
  nn::Norm(nn::Norm::Kind::rms, only_gain, 4, 1e-5f).collect(tensors, "norm");
  CHECK(tensors.size() == 1);
  CHECK(tensors.count("norm.weight") == 1);
}
