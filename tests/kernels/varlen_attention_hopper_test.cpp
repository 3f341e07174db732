#include "kernels/cuda/varlen_attention_hopper.h"

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "kernels/cuda/host/emulator.h"
#include "kernels/operands.h"
#include "support/catch.h"

namespace adlib::kernels::cuda {
namespace {

using test::WithSchedule;

struct Shape {
  std::vector<std::int64_t> offsets;
  std::int64_t heads = 2, kv_heads = 1, head_dim = 64, value_dim = 64;
  bool causal = true;
  float softcap = 0;
};

// 16-byte aligned operands in one row of q, k, v, as a decoder block has them.
template <class T>
struct Operands {
  explicit Operands(const Shape& shape)
      : rows(shape.offsets.back()),
        width(shape.heads * shape.head_dim + shape.kv_heads * (shape.head_dim + shape.value_dim)) {
    std::mt19937 random(5);
    std::normal_distribution<float> normal;
    memory.resize(static_cast<std::size_t>(rows * width) + 8);
    for (T& x : memory) x = T(normal(random));
    qkv = memory.data();
    while (reinterpret_cast<std::uintptr_t>(qkv) % 16 != 0) ++qkv;
    out.assign(static_cast<std::size_t>(rows * shape.heads * shape.value_dim) + 16, T(std::nanf("")));
    lse.assign(static_cast<std::size_t>(rows * shape.heads) + 4, std::nanf(""));
    const T *k = qkv + shape.heads * shape.head_dim, *v = k + shape.kv_heads * shape.head_dim;
    args = {.out = {out.data(), shape.heads * shape.value_dim, shape.value_dim},
            .q = {qkv, width, shape.head_dim},
            .k = {k, width, shape.head_dim},
            .v = {v, width, shape.value_dim},
            .lse = lse.data(),
            .heads = shape.heads,
            .kv_heads = shape.kv_heads,
            .head_dim = shape.head_dim,
            .value_dim = shape.value_dim,
            .scale = 1 / std::sqrt(static_cast<float>(shape.head_dim)),
            .softcap = shape.softcap,
            .causal = shape.causal};
  }

  std::int64_t rows, width;
  std::vector<T> memory, out;
  T* qkv;
  std::vector<float> lse;
  VarlenAttentionArgs<T> args;
};

// The greatest distance from softmax(q k) v in double, as a share of what rounding the weights and the result
// allows.
template <class T>
double distance(const Operands<T>& x, const Shape& shape) {
  const auto& a = x.args;
  double worst = 0;
  const double unit = std::is_same_v<T, bfloat16> ? 0x1p-8 : 0x1p-11;
  for (std::size_t s = 1; s < shape.offsets.size(); ++s) {
    for (std::int64_t i = shape.offsets[s - 1]; i < shape.offsets[s]; ++i) {
      for (std::int64_t h = 0; h < a.heads; ++h) {
        const std::int64_t kv = h / (a.heads / a.kv_heads);
        std::vector<double> weights;
        double sum = 0;
        for (std::int64_t j = shape.offsets[s - 1]; j < (a.causal ? i + 1 : shape.offsets[s]); ++j) {
          double score = 0;
          for (std::int64_t d = 0; d < a.head_dim; ++d)
            score += static_cast<double>(static_cast<float>(a.q.at(i, h)[d])) *
                     static_cast<double>(static_cast<float>(a.k.at(j, kv)[d]));
          score *= a.scale;
          if (a.softcap > 0) score = a.softcap * std::tanh(score / a.softcap);
          weights.push_back(std::exp(score));
          sum += weights.back();
        }
        worst = std::max(worst,
                         std::abs(x.lse[static_cast<std::size_t>(i * a.heads + h)] - std::log(sum)) / 1e-4);
        for (std::int64_t d = 0; d < a.value_dim; ++d) {
          double expected = 0, size = 0;
          for (std::size_t j = 0; j < weights.size(); ++j) {
            const double value =
                static_cast<float>(a.v.at(shape.offsets[s - 1] + static_cast<std::int64_t>(j), kv)[d]);
            expected += weights[j] / sum * value;
            size += weights[j] / sum * std::abs(value);
          }
          const double got = static_cast<float>(a.out.at(i, h)[d]),
                       error = std::abs(got - expected) / (2 * unit * size + 1e-5);
          worst = std::isnan(error) ? 1e9 : std::max(worst, error);
        }
      }
    }
  }
  // Nothing behind the end is touched.
  for (std::size_t e = x.out.size() - 16; e < x.out.size(); ++e)
    if (!std::isnan(static_cast<float>(x.out[e]))) worst = 1e9;
  return worst;
}

}  // namespace

TEMPLATE_TEST_CASE("the Hopper kernel's attention is softmax(q k) v", "[kernels][varlen_attention]", float16,
                   bfloat16) {
  const auto arrival = GENERATE(host::Arrival::eager, host::Arrival::lazy);
  const Shape shape = GENERATE(
      Shape{.offsets = {0, 1, 1, 34}, .kv_heads = 2}, Shape{.offsets = {0, 127, 256, 385}, .heads = 1},
      Shape{.offsets = {0, 300}, .heads = 4, .kv_heads = 2, .head_dim = 40, .value_dim = 24},
      Shape{.offsets = {0, 129}, .head_dim = 128, .value_dim = 128, .softcap = 2},
      Shape{.offsets = {0, 65, 330}, .heads = 1, .head_dim = 80, .value_dim = 128, .causal = false});
  const WithSchedule schedule({3, arrival});
  Operands<TestType> x(shape);
  REQUIRE(varlen_attention_hopper_takes(x.args));
  CudaContext context;
  varlen_attention_hopper(context, shape.offsets, x.args);
  CHECK(distance(x, shape) <= 1);
}

TEST_CASE("the Hopper kernel keeps infinity within its document", "[kernels][varlen_attention]") {
  const Shape shape{.offsets = {0, 70, 150}, .heads = 1};
  Operands<bfloat16> x(shape);
  auto* first_value = x.qkv + 70 * x.width + x.width - 64;
  for (int d = 0; d < 64; ++d) first_value[d] = bfloat16(std::numeric_limits<float>::infinity());
  CudaContext context;
  varlen_attention_hopper(context, shape.offsets, x.args);
  for (std::size_t e = 0; e < 70 * 64; ++e) REQUIRE(std::isfinite(static_cast<float>(x.out[e])));
  CHECK(!std::isfinite(static_cast<float>(x.out[70 * 64])));
}

TEST_CASE("rows whose scores are all -inf give zeros by the Hopper kernel", "[kernels][varlen_attention]") {
  const Shape shape{.offsets = {0, 140}, .heads = 1};
  Operands<float16> x(shape);
  for (std::int64_t r = 0; r < 140; ++r) {
    x.qkv[r * x.width] = float16(1.0f);
    if (r < 135) x.qkv[r * x.width + 64] = float16(-std::numeric_limits<float>::infinity());
  }
  CudaContext context;
  varlen_attention_hopper(context, shape.offsets, x.args);
  for (std::size_t r = 0; r < 140; ++r) {
    CHECK(std::isinf(x.lse[r]) == (r < 135));
    for (std::size_t c = 0; c < 64; ++c) {
      const auto got = static_cast<float>(x.out[r * 64 + c]);
      if (r < 135) REQUIRE(got == 0);
      REQUIRE(std::isfinite(got));
    }
  }
}

TEST_CASE("varlen_attention takes the Hopper kernel on its devices alone, where the operands allow it",
          "[kernels][varlen_attention]") {
  const Shape shape{.offsets = {0, 70, 200}, .heads = 1};
  CudaContext context;
  const auto on = [&](int capability, bool aligned) {
    const test::WithCapability with(capability);
    Operands<bfloat16> x(shape);
    if (!aligned) x.args.k.data += 1;
    varlen_attention(context, shape.offsets, x.args);
    return x.lse;
  };
  const auto differ = [](const std::vector<float>& a, const std::vector<float>& b) {
    int count = 0;
    for (std::size_t i = 0; i < 200; ++i) count += a[i] != b[i] ? 1 : 0;
    return count;
  };
  Operands<bfloat16> x(shape);
  varlen_attention_hopper(context, shape.offsets, x.args);
  CHECK(differ(on(90, true), x.lse) == 0);
  // Its sums are in another order.
  CHECK(differ(on(80, true), x.lse) > 0);
  CHECK(differ(on(100, true), on(80, true)) == 0);
  CHECK(differ(on(90, false), on(80, false)) == 0);
}

TEST_CASE("the Hopper kernel leaves operands that TMA cannot read to the others",
          "[kernels][varlen_attention]") {
  Operands<bfloat16> x(Shape{.offsets = {0, 8}});
  CHECK(varlen_attention_hopper_takes(x.args));
  const auto takes = [&](auto change) {
    auto args = x.args;
    change(args);
    return varlen_attention_hopper_takes(args);
  };
  CHECK_FALSE(takes([](auto& a) { a.q.data += 1; }));
  CHECK_FALSE(takes([](auto& a) { a.k.row += 4; }));
  CHECK_FALSE(takes([](auto& a) { a.head_dim = 36; }));
  CHECK_FALSE(takes([](auto& a) { a.head_dim = 136; }));
  CHECK_FALSE(takes([](auto& a) { a.scale = -1; }));
}

}  // namespace adlib::kernels::cuda
