#include "adlib/nn/rope.h"

#include "adlib/io/json.h"
#include "nn/oracle.h"
#include "support/catch.h"
#include "support/devices.h"
#include "support/files.h"

using namespace adlib;
using namespace adlib::test;
using nn::RopeConfig;

namespace {

RopeConfig config_of(const io::Json& json) {
  RopeConfig config;
  const std::string type = json.at("rope_type");
  config.rotary_dim = json.at("head_dim");
  config.theta = json.at("rope_theta");
  if (type == "linear") config.scaling = RopeConfig::Scaling::linear;
  if (type == "llama3") config.scaling = RopeConfig::Scaling::llama3;
  if (type == "yarn") config.scaling = RopeConfig::Scaling::yarn;
  config.factor = json.value("factor", config.factor);
  config.original_context = json.value("original_max_position_embeddings", config.original_context);
  config.low_freq_factor = json.value("low_freq_factor", config.low_freq_factor);
  config.high_freq_factor = json.value("high_freq_factor", config.high_freq_factor);
  config.beta_fast = json.value("beta_fast", config.beta_fast);
  config.beta_slow = json.value("beta_slow", config.beta_slow);
  config.attention_factor = json.value("attention_factor", config.attention_factor);
  config.truncate = json.value("truncate", config.truncate);
  return config;
}

const std::filesystem::path golden = data_dir() / "models" / "rope.json";

}  // namespace

TEST_CASE("frequencies are transformers' for every kind of scaling", "[nn][rope][golden]") {
  const io::Json cases = io::read_json(golden);
  REQUIRE(cases.size() >= 11);
  for (const io::Json& one : cases) {
    CAPTURE(one.at("rope_type").get<std::string>(), one.at("head_dim").get<int>());
    const std::vector<double> frequencies = nn::rope_frequencies(config_of(one));
    const auto wanted = one.at("frequencies").get<std::vector<double>>();
    REQUIRE(frequencies.size() == wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      CAPTURE(i);
      CHECK(frequencies[i] == Approx(wanted[i]).epsilon(1e-12));
    }
  }
}

TEST_CASE("rotation multiplies by yarn's gain and turns by position times frequency",
          "[nn][rope][golden][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const io::Json cases = io::read_json(golden);
  for (const io::Json& one : cases) {
    const RopeConfig config = config_of(one);
    CAPTURE(one.at("rope_type").get<std::string>(), config.rotary_dim);
    const auto frequencies = one.at("frequencies").get<std::vector<double>>();
    const double gain = one.at("gain");
    const std::int64_t half = config.rotary_dim / 2;
    const nn::Rope rope(config, 300, device);
    const Tensor x = random_tensor({4, 2, config.rotary_dim}, 1).to(device);
    const std::vector<std::int32_t> positions{0, 1, 17, 299};
    const Tensor y = rope(x, Tensor::from(std::span<const std::int32_t>(positions), {4}).to(device));

    Matrix expected = to_matrix(x.view({8, config.rotary_dim}));
    for (std::int64_t row = 0; row < 8; ++row) {
      for (std::int64_t i = 0; i < half; ++i) {
        const double angle =
            positions[static_cast<std::size_t>(row / 2)] * frequencies[static_cast<std::size_t>(i)];
        const double a = expected.at(row, i), b = expected.at(row, i + half);
        expected.at(row, i) = gain * (a * std::cos(angle) - b * std::sin(angle));
        expected.at(row, i + half) = gain * (b * std::cos(angle) + a * std::sin(angle));
      }
    }
    CHECK(relative_error(y.contiguous(), expected) < 1e-6);
  }
}

TEST_CASE("scores depend on the distance of positions only", "[nn][rope][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const nn::Rope rope({.rotary_dim = 32}, 4096, device);
  const Tensor q = random_tensor({1, 1, 32}, 1).to(device), k = random_tensor({1, 1, 32}, 2).to(device);
  const auto score = [&](std::int32_t at_q, std::int32_t at_k) {
    const Matrix a = to_matrix(rope(q, Tensor::from({at_q}, {1}).to(device))),
                 b = to_matrix(rope(k, Tensor::from({at_k}, {1}).to(device)));
    double sum = 0;
    for (std::int64_t i = 0; i < 32; ++i) sum += a.at(0, i) * b.at(0, i);
    return sum;
  };
  CHECK(score(7, 3) == Approx(score(4000, 3996)).margin(1e-4));
  CHECK(std::abs(score(7, 3) - score(7, 4)) > 1e-2);
}
