// Every hand-written kernel that this processor can run, called directly, against plain formulas in double.
#include <cmath>
#include <cstring>
#include <iostream>
#include <limits>
#include <vector>

#include "kernels/cpu/isa.h"
#include "kernels/cpu/simd/gemm_f32.h"
#include "kernels/cpu/simd/math.h"
#include "support/catch.h"
#include "support/random.h"

using namespace adlib;
using kernels::cpu::Isa;

namespace {

struct Level {
  Isa isa;
  const kernels::simd::GemmF32* gemm;  // null for the baseline
  const kernels::simd::Math* math;
  double exp_ulps = 1.1, silu_ulps = 4, gelu_error = 0x1p-22;  // the bounds of kernels/cpu/simd/math.h
};

// The levels that the processor has; those that it lacks are printed.
std::vector<Level> levels() {
  std::vector<Level> out{{Isa::baseline, nullptr, &kernels::simd::math_baseline, 1.6, 4, 0x1p-22}};
#if defined(__x86_64__)
  for (const Level& level :
       {Level{Isa::avx2, &kernels::simd::gemm_f32_avx2, &kernels::simd::math_avx2},
        Level{Isa::avx512, &kernels::simd::gemm_f32_avx512, &kernels::simd::math_avx512}}) {
    if (level.isa <= kernels::cpu::detected_isa()) {
      out.push_back(level);
    } else {
      std::cout << "SKIPPED: this processor has no " << to_string(level.isa) << "\n";
    }
  }
#endif
  return out;
}

std::vector<float> values(std::int64_t n, std::uint32_t seed) {
  const Tensor x = test::random_tensor({n}, DType::f32, seed);
  const auto span = x.data<float>();
  return {span.begin(), span.end()};
}

// Distance in units of the last place of `want` rounded to float.
double ulps(float got, double want) {
  if (std::isnan(want) || std::isnan(got)) return std::isnan(want) && std::isnan(got) ? 0 : 1e9;
  if (static_cast<float>(want) == got) return 0;
  if (std::isinf(got) || std::abs(want) > std::numeric_limits<float>::max()) return 1e9;
  const float near = std::abs(static_cast<float>(want));
  return std::abs(got - want) / (static_cast<double>(std::nextafter(near, INFINITY)) - near);
}

// Floats of every sign, exponent and a spread of fractions.
template <class F>
void for_each_float(std::uint32_t step, F f) {
  std::vector<float> block;
  for (std::uint64_t bits = 0; bits < (std::uint64_t{1} << 32); bits += step) {
    const auto word = static_cast<std::uint32_t>(bits);
    float x;
    std::memcpy(&x, &word, sizeof x);
    block.push_back(x);
    if (block.size() == 4099) {
      f(block);
      block.clear();
    }
  }
  f(block);
}

}  // namespace

TEST_CASE("GEMM tiles sum each element over k in order, alone as in company", "[ops][simd]") {
  for (const Level& level : levels()) {
    if (level.gemm == nullptr) continue;
    const auto [rows, columns, tile] = *level.gemm;
    // a by rows, then stored transposed.
    for (const auto& [k, transposed] : std::vector<std::pair<std::int64_t, bool>>{
             {0, false}, {1, false}, {2, true}, {31, false}, {31, true}, {256, false}}) {
      const std::int64_t a_row = transposed ? 1 : k + 3, a_k = transposed ? rows + 2 : 1;
      const std::int64_t panel_row = columns + (k % 2) * 7, sums_row = columns + 5;
      const std::vector<float> a = values(rows * (k + 3) + k * (rows + 2), 1);
      const std::vector<float> panel = values(k * panel_row + 1, 2);
      const float* const panel_begin = panel.data() + 1;  // one float off any alignment
      for (std::int64_t m = 1; m <= rows; ++m) {
        std::vector<float> sums(static_cast<std::size_t>(m * sums_row), 7.0f);
        kernels::simd::TileF32 t{.sums = sums.data(),
                                 .sums_row = sums_row,
                                 .a = a.data(),
                                 .a_row = a_row,
                                 .a_k = a_k,
                                 .panel = panel_begin,
                                 .panel_row = panel_row,
                                 .m = m,
                                 .k = k,
                                 .add = true};
        tile(t);
        for (std::int64_t i = 0; i < m; ++i) {
          std::vector<float> alone(static_cast<std::size_t>(columns), 7.0f);
          t.sums = alone.data(), t.a = a.data() + i * a_row, t.m = 1;
          tile(t);
          for (std::int64_t j = 0; j < columns; ++j) {
            float want = 0;
            for (std::int64_t p = 0; p < k; ++p) {
              want = std::fma(a[static_cast<std::size_t>(i * a_row + p * a_k)],
                              panel_begin[p * panel_row + j], want);
            }
            const float got = sums[static_cast<std::size_t>(i * sums_row + j)];
            REQUIRE(got == 7.0f + want);
            REQUIRE(got == alone[static_cast<std::size_t>(j)]);
          }
          for (std::int64_t j = columns; j < sums_row; ++j) {
            // nothing written past the tile
            REQUIRE(sums[static_cast<std::size_t>(i * sums_row + j)] == 7.0f);
          }
        }
      }
    }
  }
}

TEST_CASE("exp keeps its bound over all floats", "[ops][simd]") {
  for (const Level& level : levels()) {
    double worst = 0;
    for_each_float(997, [&](const std::vector<float>& x) {
      std::vector<float> y = x;
      level.math->exp(y.data(), static_cast<std::int64_t>(y.size()));
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double want = std::exp(static_cast<double>(x[i]));
        if (want > std::numeric_limits<float>::max()) {
          REQUIRE((std::isinf(y[i]) || y[i] > 3.40e38f));
        } else {
          worst = std::max(worst, ulps(y[i], want));
        }
      }
    });
    INFO(to_string(level.isa) << ": " << worst << " ulp");
    CHECK(worst < level.exp_ulps);
    float special[] = {INFINITY, -INFINITY, NAN, 0.0f, -0.0f, 89.0f, -104.0f, 1e30f, -1e30f};
    level.math->exp(special, 9);
    CHECK(special[0] == INFINITY);
    CHECK(special[1] == 0.0f);
    CHECK(std::isnan(special[2]));
    CHECK((special[3] == 1.0f && special[4] == 1.0f));
    CHECK((special[5] == INFINITY && special[6] == 0.0f && special[7] == INFINITY && special[8] == 0.0f));
  }
}

TEST_CASE("the vectorised error function keeps its bound in gelu", "[ops][simd]") {
  for (const Level& level : levels()) {
    double worst = 0;
    for_each_float(1999, [&](const std::vector<float>& x) {
      std::vector<float> y = x;
      level.math->gelu_erf(y.data(), static_cast<std::int64_t>(x.size()));
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double v = x[i];
        if (!std::isfinite(x[i]) || std::abs(v) < 1e-37) continue;  // half of x is no float
        worst = std::max(worst, std::abs(y[i] - 0.5 * v * std::erfc(-v / std::sqrt(2.0))) / std::abs(v));
      }
    });
    INFO(to_string(level.isa) << ": " << worst);
    CHECK(worst < 0x1p-23);
    float special[] = {INFINITY, -INFINITY, NAN, 0.0f, -0.0f, 1e30f, -1e30f};
    level.math->gelu_erf(special, 7);
    CHECK(special[0] == INFINITY);
    CHECK((special[1] == 0.0f && special[3] == 0.0f && special[4] == 0.0f && special[6] == 0.0f));
    CHECK(std::isnan(special[2]));
    CHECK(special[5] == 1e30f);
  }
}

TEST_CASE("slopes of activations keep their bound over all floats", "[ops][simd]") {
  const double pi = 3.14159265358979323846;
  const auto logistic_slope = [](double x, double u, double du) {  // of x / (1 + e^-u)
    const double s = 1 / (1 + std::exp(-u));
    return s == 0 || s == 1 ? s : s + x * s / (1 + std::exp(u)) * du;
  };
  for (const Level& level : levels()) {
    double tanh_error = 0, erf_error = 0, silu_error = 0;
    for_each_float(1999, [&](const std::vector<float>& x) {
      const auto n = static_cast<std::int64_t>(x.size());
      const std::vector<float> ones(x.size(), 1.0f);
      std::vector<float> by_tanh(x.size()), by_erf(x.size()), silu(x.size());
      level.math->gelu_tanh_backward(by_tanh.data(), ones.data(), x.data(), n);
      level.math->gelu_erf_backward(by_erf.data(), ones.data(), x.data(), n);
      level.math->silu_backward(silu.data(), ones.data(), x.data(), n);
      for (std::size_t i = 0; i < x.size(); ++i) {
        if (std::isnan(x[i])) {
          REQUIRE((std::isnan(by_tanh[i]) && std::isnan(by_erf[i]) && std::isnan(silu[i])));
          continue;
        }
        const double v = std::max(-1e4, std::min(1e4, static_cast<double>(x[i])));  // 0 or 1 further out
        const double u = 2 * std::sqrt(2 / pi) * (v + 0.044715 * v * v * v);
        const double du = 2 * std::sqrt(2 / pi) * (1 + 3 * 0.044715 * v * v);
        tanh_error = std::max(tanh_error, std::abs(by_tanh[i] - logistic_slope(v, u, du)));
        const double normal =
            0.5 * std::erfc(-v / std::sqrt(2.0)) + v * std::exp(-v * v / 2) / std::sqrt(2 * pi);
        erf_error = std::max(erf_error, std::abs(by_erf[i] - normal));
        silu_error = std::max(silu_error, std::abs(silu[i] - logistic_slope(v, v, 1)));
      }
    });
    INFO(to_string(level.isa) << ": gelu_tanh " << tanh_error << ", gelu_erf " << erf_error << ", silu "
                              << silu_error);
    CHECK(tanh_error < 0x1p-21);
    CHECK(erf_error < 0x1p-21);
    CHECK(silu_error < 0x1p-21);
  }
}

TEST_CASE("sums of exponentials are right for every length and touch nothing else", "[ops][simd]") {
  for (const Level& level : levels()) {
    for (std::int64_t n = 0; n <= 70; ++n) {
      const std::vector<float> x = values(n, static_cast<std::uint32_t>(n));
      std::vector<float> y(static_cast<std::size_t>(n) + 1, 42.0f), separately = x;
      const float sum = level.math->exp_and_sum(y.data(), x.data(), 0.5f, n);
      for (float& value : separately) value -= 0.5f;
      level.math->exp(separately.data(), n);
      double want = 0;
      for (std::int64_t i = 0; i < n; ++i) {
        REQUIRE(y[static_cast<std::size_t>(i)] == separately[static_cast<std::size_t>(i)]);
        want += separately[static_cast<std::size_t>(i)];
      }
      REQUIRE(y.back() == 42.0f);
      REQUIRE(std::abs(sum - want) <= 1e-6 * want);
    }
  }
}

TEST_CASE("vectorised gelu and silu keep their bounds and do not depend on position", "[ops][simd]") {
  for (const Level& level : levels()) {
    double gelu_error = 0, silu_error = 0;
    for_each_float(1999, [&](const std::vector<float>& x) {
      std::vector<float> gelu = x, silu = x;
      level.math->gelu_tanh(gelu.data(), static_cast<std::int64_t>(x.size()));
      level.math->silu(silu.data(), static_cast<std::int64_t>(x.size()));
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double v = x[i];
        // Further out x³ overflows; nearer to 0 half of x is no float.
        if (!std::isfinite(x[i]) || std::abs(v) > 1e12 || std::abs(v) < 1e-37) continue;
        const double u = std::sqrt(2 / 3.14159265358979323846) * (v + 0.044715 * v * v * v);
        if (v != 0)
          gelu_error = std::max(gelu_error, std::abs(gelu[i] - v / (1 + std::exp(-2 * u))) / std::abs(v));
        const double want = v / (1 + std::exp(-v));
        if (std::abs(want) > 1e-36) silu_error = std::max(silu_error, ulps(silu[i], want));
      }
    });
    INFO(to_string(level.isa) << ": gelu " << gelu_error << ", silu " << silu_error << " ulp");
    CHECK(gelu_error < level.gelu_error);
    CHECK(silu_error < level.silu_ulps);

    for (std::int64_t n = 1; n <= 40; ++n) {
      const std::vector<float> x = values(n, static_cast<std::uint32_t>(n));
      std::vector<float> y = x;
      y.push_back(42.0f);
      level.math->gelu_tanh(y.data(), n);
      REQUIRE(y.back() == 42.0f);
      for (std::int64_t i = 0; i < n; ++i) {
        float alone = x[static_cast<std::size_t>(i)];
        level.math->gelu_tanh(&alone, 1);
        REQUIRE(alone == y[static_cast<std::size_t>(i)]);
      }
    }
  }
}
