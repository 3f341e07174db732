#include <array>
#include <cmath>
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

constexpr double slack =
    4e-6;  // softmax averages values of magnitude 1: float errors of the scores carry over

struct Inputs {
  Tensor q, k, v;
};

Inputs inputs(const oracle::Attention& a, DType dtype, Device device) {
  const auto n = [](std::size_t x) { return static_cast<std::int64_t>(x); };
  return {random_tensor({n(a.batch), n(a.heads), n(a.rows), n(a.head_dim)}, dtype, 1, 2).to(device),
          random_tensor({n(a.batch), n(a.kv_heads), n(a.keys), n(a.head_dim)}, dtype, 2, 2).to(device),
          random_tensor({n(a.batch), n(a.kv_heads), n(a.keys), n(a.value_dim)}, dtype, 3).to(device)};
}

}  // namespace

TEST_CASE("attention matches the full matrix of scores on every device", "[ops][attention][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(from_range(float_types));
  oracle::Attention a = GENERATE(values<oracle::Attention>({
      {.batch = 1, .heads = 1, .kv_heads = 1, .rows = 1, .keys = 1, .head_dim = 1, .value_dim = 1},
      {.batch = 2, .heads = 3, .kv_heads = 3, .rows = 5, .keys = 7, .head_dim = 8, .value_dim = 8},
      {.batch = 1,
       .heads = 4,
       .kv_heads = 2,
       .rows = 66,
       .keys = 66,
       .head_dim = 80,
       .value_dim = 80,
       .causal = true},
      {.batch = 1,
       .heads = 6,
       .kv_heads = 1,
       .rows = 3,
       .keys = 131,
       .head_dim = 17,
       .value_dim = 33,
       .causal = true,
       .past = 128},
      {.batch = 2,
       .heads = 2,
       .kv_heads = 2,
       .rows = 9,
       .keys = 129,
       .head_dim = 64,
       .value_dim = 5,
       .softcap = 1.5},
      {.batch = 1,
       .heads = 2,
       .kv_heads = 1,
       .rows = 4,
       .keys = 65,
       .head_dim = 32,
       .value_dim = 36,
       .causal = true,
       .past = -2},
  }));
  CAPTURE(device, dtype, a.rows, a.keys, a.head_dim, a.value_dim);
  a.scale = 1 / std::sqrt(static_cast<double>(a.head_dim));
  const auto [q, k, v] = inputs(a, dtype, device);
  const Tensor out =
      ops::attention(q, k, v, {.causal = a.causal, .past = a.past, .softcap = static_cast<float>(a.softcap)});
  CHECK(out.shape() == q.shape().with(3, v.size(3)));
  CHECK(difference(out, oracle::attention(doubles(q), doubles(k), doubles(v), a, oracle::no_mask), slack) ==
        "");
}

TEST_CASE("attention adds masks of every broadcast shape", "[ops][attention][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const oracle::Attention a{.batch = 2,
                            .heads = 4,
                            .kv_heads = 2,
                            .rows = 5,
                            .keys = 70,
                            .head_dim = 12,
                            .value_dim = 8,
                            .scale = 0.3,
                            .softcap = 2};
  const auto shape =
      GENERATE(values<Shape>({{5, 70}, {1, 70}, {5, 1}, {4, 1, 70}, {2, 1, 5, 70}, {2, 4, 5, 70}, {}}));
  const auto boolean = GENERATE(false, true);
  CAPTURE(device, shape, boolean);
  const auto [q, k, v] = inputs(a, DType::f32, device);
  Tensor mask = random_tensor(shape, DType::f32, 9);
  for (float& x : mask.data<float>()) x = boolean ? static_cast<float>(x < 0.2f) : x < -0.6f ? -infinity : x;
  if (boolean) mask = mask.to(DType::boolean);
  const auto grid = doubles(mask.expand({2, 4, 5, 70}));
  const auto added = [&](std::size_t b, std::size_t h, std::size_t i, std::size_t j) {
    const double x = grid[((b * 4 + h) * 5 + i) * 70 + j];
    return !boolean ? x : x != 0 ? 0.0 : -static_cast<double>(infinity);
  };
  const Tensor out = ops::attention(q, k, v, {.scale = 0.3f, .softcap = 2, .mask = mask.to(device)});
  CHECK(difference(out, oracle::attention(doubles(q), doubles(k), doubles(v), a, added), slack) == "");
}

TEST_CASE("a row has the same bits prefilled, chunked and decoded", "[ops][attention][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(from_range(float_types));
  const oracle::Attention a{
      .heads = 4, .kv_heads = 2, .rows = 150, .keys = 150, .head_dim = 20, .value_dim = 20};
  const auto [q, k, v] = inputs(a, dtype, device);
  const Tensor whole = ops::attention(q, k, v, {.causal = true});

  SECTION("one row at a time, with only the keys so far in memory") {
    for (std::int64_t t = 0; t < 150; ++t) {
      CAPTURE(t);
      const Tensor row = ops::attention(q.slice(2, t, t + 1), k.slice(2, 0, t + 1), v.slice(2, 0, t + 1),
                                        {.causal = true, .past = t});
      REQUIRE(same_bits(row, whole.slice(2, t, t + 1)));
    }
  }
  SECTION("in chunks that do not line up with the blocks of keys") {
    for (const std::int64_t chunk : {7, 50, 63, 64, 65, 149}) {
      for (std::int64_t t = 0; t < 150; t += chunk) {
        const std::int64_t end = std::min<std::int64_t>(t + chunk, 150);
        const Tensor rows = ops::attention(q.slice(2, t, end), k, v, {.causal = true, .past = t});
        REQUIRE(same_bits(rows, whole.slice(2, t, end)));
      }
    }
  }
}

TEST_CASE("a query that sees no key gives zeros", "[ops][attention][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const oracle::Attention a{.heads = 2, .kv_heads = 1, .rows = 3, .keys = 70, .head_dim = 8, .value_dim = 8};
  const auto [q, k, v] = inputs(a, DType::f32, device);
  const Tensor zeros = Tensor::zeros({1, 2, 3, 8});
  CHECK(same_bits(ops::attention(q, k, v, {.mask = Tensor::zeros({3, 70}, DType::boolean, device)}), zeros));
  CHECK(same_bits(ops::attention(q, k, v, {.mask = Tensor::from({-infinity}, {1, 1}).to(device)}), zeros));
  CHECK(same_bits(ops::attention(q, k, v, {.causal = true, .past = -3}), zeros));
  CHECK(same_bits(ops::attention(q, k.slice(2, 0, 0), v.slice(2, 0, 0)), zeros));
}

TEST_CASE("what hidden keys and values hold does not matter", "[ops][attention][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const float poison = GENERATE(std::numeric_limits<float>::quiet_NaN(), infinity, -infinity, 3e38f);
  const bool boolean = GENERATE(false, true);
  const std::int64_t keys = 130;
  const oracle::Attention a{.heads = 2, .kv_heads = 2, .rows = 3, .keys = 130, .head_dim = 8, .value_dim = 8};
  const Inputs in = inputs(a, DType::f32, Device::cpu);
  const Tensor &q = in.q, &k = in.k, &v = in.v;
  // Every third key is hidden; so is the whole second block of 64.
  Tensor mask = Tensor::zeros({1, keys});
  Tensor bad_k = k.clone(), bad_v = v.clone();
  for (std::int64_t j = 0; j < keys; ++j) {
    if (j % 3 != 1 && !(j >= 64 && j < 128)) continue;
    mask.data<float>()[static_cast<std::size_t>(j)] = -infinity;
    for (std::int64_t h = 0; h < 2; ++h) {
      for (std::int64_t d = 0; d < 8; ++d) {
        bad_k.data<float>()[static_cast<std::size_t>((h * keys + j) * 8 + d)] = poison;
        bad_v.data<float>()[static_cast<std::size_t>((h * keys + j) * 8 + d)] = poison;
      }
    }
  }
  if (boolean) {
    const Tensor hidden = mask.to(DType::boolean);
    mask = Tensor::zeros({1, keys}, DType::boolean);
    for (std::size_t j = 0; j < 130; ++j) mask.data<bool>()[j] = !hidden.data<bool>()[j];
  }
  const auto run = [&](const Tensor& keys_in, const Tensor& values_in) {
    return ops::attention(q.to(device), keys_in.to(device), values_in.to(device),
                          {.softcap = 3, .mask = mask.to(device)});
  };
  CHECK(same_bits(run(bad_k, bad_v), run(k, v)));
  // The causal edge hides as well: later keys may be uninitialised memory of a cache.
  const auto causal = [&](const Tensor& keys_in) {
    return ops::attention(q.to(device), keys_in.to(device), keys_in.to(device), {.causal = true, .past = -1});
  };
  Tensor future = k.clone();
  for (std::int64_t h = 0; h < 2; ++h) {
    for (std::int64_t i = 2 * 8; i < keys * 8; ++i) {
      future.data<float>()[static_cast<std::size_t>(h * keys * 8 + i)] = poison;
    }
  }
  CHECK(same_bits(causal(future), causal(k)));
}

TEST_CASE("attention returns the logarithm of each row's sum", "[ops][attention][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const oracle::Attention a{.batch = 2,
                            .heads = 4,
                            .kv_heads = 2,
                            .rows = 5,
                            .keys = 70,
                            .head_dim = 12,
                            .value_dim = 3,
                            .scale = 0.7,
                            .causal = true,
                            .past = -1};
  const auto [q, k, v] = inputs(a, DType::f32, device);
  Tensor lse;
  const Tensor out = ops::attention(q, k, v, {.scale = 0.7f, .causal = true, .past = -1, .lse = &lse});
  CHECK(same_bits(out, ops::attention(q, k, v, {.scale = 0.7f, .causal = true, .past = -1})));
  REQUIRE(lse.shape() == Shape{2, 4, 5});
  const std::vector<double> got = doubles(lse), qs = doubles(q), ks = doubles(k);
  for (std::size_t row = 0; row < got.size(); ++row) {
    const std::size_t kv = row / 20 * 2 + row / 5 % 4 / 2;
    double sum = 0;
    for (std::size_t j = 0; j < row % 5; ++j) {
      double score = 0;
      for (std::size_t d = 0; d < 12; ++d) score += qs[row * 12 + d] * ks[(kv * 70 + j) * 12 + d];
      sum += std::exp(0.7 * score);
    }
    CAPTURE(row);
    if (row % 5 == 0) {
      CHECK(got[row] == -infinity);
    } else {
      CHECK(got[row] == Approx(std::log(sum)).epsilon(1e-6).margin(2e-6));
    }
  }
}

TEST_CASE("a NaN that a query does see is not swallowed", "[ops][attention][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const oracle::Attention a{.rows = 2, .keys = 3, .head_dim = 4, .value_dim = 4};
  auto [q, k, v] = inputs(a, DType::f32, Device::cpu);
  q.data<float>()[0] = std::numeric_limits<float>::quiet_NaN();  // row 0 only
  const auto values = doubles(ops::attention(q.to(device), k.to(device), v.to(device)));
  CHECK(std::isnan(values[0]));
  CHECK(std::isfinite(values[4]));
}

TEST_CASE("scores of any size do not overflow", "[ops][attention][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const float scale = GENERATE(1e-30f, 1e4f, 1e30f);
  const oracle::Attention a{.rows = 4, .keys = 100, .head_dim = 4, .value_dim = 4, .scale = scale};
  const auto [q, k, v] = inputs(a, DType::f32, device);
  const Tensor out = ops::attention(q, k, v, {.scale = scale});
  CHECK(difference(out, oracle::attention(doubles(q), doubles(k), doubles(v), a, oracle::no_mask), 2e-2) ==
        "");
}
