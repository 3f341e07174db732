#include <array>
#include <cmath>
#include <vector>

#include "adlib/ops.h"
#include "support/catch.h"
#include "support/compare.h"
#include "support/devices.h"
#include "support/random.h"

using namespace adlib;
using namespace adlib::test;

namespace {

struct Tables {
  Tensor cos, sin;
};

Tables tables(std::int64_t positions, std::int64_t pairs) {
  Tables out{Tensor::empty({positions, pairs}), Tensor::empty({positions, pairs})};
  for (std::int64_t p = 0; p < positions; ++p) {
    for (std::int64_t i = 0; i < pairs; ++i) {
      const double angle =
          static_cast<double>(p) * std::pow(1e4, -static_cast<double>(i) / static_cast<double>(pairs));
      const auto at = static_cast<std::size_t>(p * pairs + i);
      out.cos.data<float>()[at] = static_cast<float>(std::cos(angle));
      out.sin.data<float>()[at] = static_cast<float>(std::sin(angle));
    }
  }
  return out;
}

}  // namespace

TEST_CASE("rope rotates each pair as a complex number on every device", "[ops][rope][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(DType::f32, DType::f16, DType::bf16);
  const auto layout = GENERATE(ops::RopeLayout::halves, ops::RopeLayout::interleaved);
  const auto [dim, rotary] = GENERATE(table<int, int>({{8, 8}, {10, 6}, {2, 2}, {5, 0}, {128, 128}}));
  CAPTURE(device, dtype, static_cast<int>(layout), dim, rotary);
  const std::int64_t rows = 5, heads = 3;
  const std::size_t pairs = static_cast<std::size_t>(rotary) / 2, width = static_cast<std::size_t>(dim);
  const auto [cos, sin] = tables(50, rotary / 2);
  const Tensor x = random_tensor({rows, heads, dim}, dtype).to(device), positions = random_ids({rows}, 0, 50);

  auto expected = doubles(x);
  for (std::size_t row = 0; row < 15; ++row) {
    const auto position = static_cast<std::size_t>(positions.data<std::int32_t>()[row / 3]);
    for (std::size_t i = 0; i < pairs; ++i) {
      const double c = cos.data<float>()[position * pairs + i], s = sin.data<float>()[position * pairs + i];
      const bool halves = layout == ops::RopeLayout::halves;
      double& a = expected[row * width + (halves ? i : 2 * i)];
      double& b = expected[row * width + (halves ? i + pairs : 2 * i + 1)];
      const double turned = a * c - b * s;
      b = b * c + a * s;
      a = turned;
    }
  }
  const Tensor y = ops::rope(x, positions.to(device), cos.to(device), sin.to(device), layout);
  CHECK(difference(y, expected, 2e-7) == "");
}

TEST_CASE("rope reads a slice of a fused projection where it lies", "[ops][rope][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto [cos, sin] = tables(9, 4);
  const Tensor c = cos.to(device), s = sin.to(device), fused = random_tensor({4, 6, 8}).to(device);
  const Tensor positions = random_ids({4}, 0, 9).to(device), heads = fused.slice(1, 2, 5);
  CHECK(same_bits(ops::rope(heads, positions, c, s), ops::rope(heads.contiguous(), positions, c, s)));
  CHECK(same_bits(ops::rope(heads.transpose(0, 1).contiguous().transpose(0, 1), positions, c, s),
                  ops::rope(heads, positions, c, s)));
}

TEST_CASE("scores of rotated queries and keys depend on their distance only", "[ops][rope]") {
  const Tables t = tables(60, 8);
  const Tensor q = random_tensor({1, 1, 16}, DType::f32, 1), k = random_tensor({1, 1, 16}, DType::f32, 2);
  const auto score = [&](std::int32_t i, std::int32_t j) {
    const Tensor rotated_q = ops::rope(q, Tensor::from({i}, {1}), t.cos, t.sin);
    const Tensor rotated_k = ops::rope(k, Tensor::from({j}, {1}), t.cos, t.sin);
    return ops::matmul(rotated_q.view({1, 16}), rotated_k.view({1, 16}), {.transpose_b = true}).item<float>();
  };
  CHECK(score(3, 10) == Approx(score(52, 59)).margin(2e-5));
  CHECK(score(3, 10) != Approx(score(3, 11)).margin(1e-3));
}
