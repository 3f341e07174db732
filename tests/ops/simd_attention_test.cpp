// The inner loops of attention at every SIMD level that this processor has, called directly, against double.
#include <cmath>
#include <cstring>
#include <iostream>
#include <limits>
#include <vector>

#include "adlib/core/dtype.h"
#include "kernels/cpu/isa.h"
#include "kernels/cpu/simd/attention.h"
#include "kernels/cpu/simd/gemm_f32.h"
#include "support/catch.h"
#include "support/random.h"
#include "support/values.h"

using namespace adlib;
using kernels::cpu::Isa;
using kernels::simd::Attention;
using kernels::simd::OnlineSoftmax;
using kernels::simd::Stored;
using test::infinity;
using test::not_a_number;

namespace {

constexpr std::int64_t block = 64;

struct Level {
  Isa isa;
  const Attention* attention;
  const kernels::simd::GemmF32* gemm;  // null: the baseline's, which is not public
  double exp_ulps;
};

std::vector<Level> levels() {
  std::vector<Level> out{{Isa::baseline, &kernels::simd::attention_baseline, nullptr, 1.6}};
#if defined(__x86_64__)
  for (const Level& level :
       {Level{Isa::avx2, &kernels::simd::attention_avx2, &kernels::simd::gemm_f32_avx2, 1.1},
        Level{Isa::avx512, &kernels::simd::attention_avx512, &kernels::simd::gemm_f32_avx512, 1.1}}) {
    if (level.isa <= kernels::cpu::detected_isa()) {
      out.push_back(level);
    } else {
      std::cout << "SKIPPED: this processor has no " << to_string(level.isa) << "\n";
    }
  }
#endif
  return out;
}

std::vector<float> random_values(std::int64_t n, std::uint32_t seed, float scale = 1) {
  const Tensor x = test::random_tensor({n}, DType::f32, seed, scale);
  const auto span = x.data<float>();
  return {span.begin(), span.end()};
}

// One row's state and operands.
struct RowState {
  std::vector<float> scores = std::vector<float>(block);
  std::vector<float> out;
  float max = -infinity, sum = 0;
  std::int32_t visible = block;

  void run(const Attention& attention, float scale, const float* key_scales = nullptr,
           const float* value_scales = nullptr) {
    const auto columns = static_cast<std::int64_t>(out.size());
    attention.softmax({.scores = scores.data(),
                       .visible = &visible,
                       .max = &max,
                       .sum = &sum,
                       .out = out.data(),
                       .out_row = columns,
                       .columns = columns,
                       .scale = scale,
                       .key_scales = key_scales,
                       .value_scales = value_scales,
                       .m = 1});
  }
};

}  // namespace

TEST_CASE("the softmax's exponentials keep their bound and its sums follow", "[ops][simd]") {
  for (const Level& level : levels()) {
    CAPTURE(to_string(level.isa));
    double worst = 0;
    // Score 0 is the maximum 0; the others run down to where exp underflows.
    for (int step = 0; step < 4000; ++step) {
      RowState row;
      double want_sum = 1;
      for (std::int64_t j = 1; j < block; ++j) {
        const float x = -static_cast<float>(step * (block - 1) + j) * (105.0f / (4000 * 63));
        row.scores[static_cast<std::size_t>(j)] = x;
        want_sum += std::exp(static_cast<double>(x));
      }
      const std::vector<float> x = row.scores;
      row.run(*level.attention, 1);
      REQUIRE(row.max == 0);
      REQUIRE(std::abs(row.sum - want_sum) <= 1e-6 * want_sum);
      REQUIRE(row.scores[0] == 1);
      for (std::size_t j = 1; j < block; ++j) {
        const double want = std::exp(static_cast<double>(x[j]));
        const float near = static_cast<float>(want);
        const double ulp = static_cast<double>(std::nextafter(near, infinity)) - near;
        if (x[j] > -103.9f) worst = std::max(worst, std::abs(row.scores[j] - want) / ulp);
      }
    }
    INFO(worst << " ulp");
    CHECK(worst < level.exp_ulps);
    CHECK(worst > 0.5);  // the measurement measures something
  }
}

TEST_CASE("the online softmax over blocks matches one over all scores", "[ops][simd]") {
  for (const Level& level : levels()) {
    for (const std::int32_t last : {1, 2, 15, 16, 17, 33, 63, 64}) {
      for (const bool scaled : {false, true}) {
        CAPTURE(to_string(level.isa), last, scaled);
        RowState row;
        row.out.assign(48, 0.0f);
        const auto scales = random_values(2 * 3 * block, 9);
        double sum = 0, weighted = 0;
        std::vector<double> all, values;
        for (int b = 0; b < 3; ++b) {
          row.scores = random_values(block, static_cast<std::uint32_t>(b), 20);
          row.visible = b == 2 ? last : block;
          const float* key_scales = scales.data() + b * 2 * block;
          const float* value_scales = key_scales + block;
          for (std::int32_t j = 0; j < row.visible; ++j) {
            all.push_back(0.25 * static_cast<double>(row.scores[static_cast<std::size_t>(j)]) *
                          (scaled ? static_cast<double>(key_scales[j]) : 1));
            values.push_back(scaled ? static_cast<double>(value_scales[j]) : 1);
          }
          row.run(*level.attention, 0.25f, scaled ? key_scales : nullptr, scaled ? value_scales : nullptr);
          for (std::int64_t j = row.visible; j < block; ++j)
            REQUIRE(row.scores[static_cast<std::size_t>(j)] == 0);
          for (float& out : row.out) {  // every value is 1
            double added = 0;
            for (const float weight : row.scores) added += static_cast<double>(weight);
            out += static_cast<float>(added);
          }
        }
        double max = -1e30;
        for (const double score : all) max = std::max(max, score);
        for (std::size_t j = 0; j < all.size(); ++j) {
          sum += std::exp(all[j] - max);
          weighted += std::exp(all[j] - max) * values[j];
        }
        CHECK(std::abs(row.max - max) <= 1e-6 * std::abs(max));
        CHECK(std::abs(row.sum - sum) <= 4e-6 * sum);
        for (const float out : row.out) CHECK(std::abs(out - weighted) <= 4e-6 * sum);
      }
    }
  }
}

TEST_CASE("hidden scores are never read, and NaN in sight is never lost", "[ops][simd]") {
  for (const Level& level : levels()) {
    for (const float poison : {not_a_number, infinity, -infinity}) {
      for (std::int32_t visible = 0; visible < block; ++visible) {
        CAPTURE(to_string(level.isa), poison, visible);
        RowState row;
        row.scores = random_values(block, 3);
        row.visible = visible;
        std::vector<float> scales(block, 1.0f);
        for (std::size_t j = static_cast<std::size_t>(visible); j < block; ++j)
          row.scores[j] = scales[j] = poison;
        RowState scaled = row;
        row.run(*level.attention, 1);
        scaled.run(*level.attention, 1, scales.data(), scales.data());
        REQUIRE(std::isfinite(row.sum));
        REQUIRE((visible == 0) == (row.sum == 0));
        REQUIRE((visible == 0) == (row.max == -infinity));
        REQUIRE(scaled.sum == row.sum);
        REQUIRE(scaled.scores == row.scores);
      }
    }
    RowState hidden;  // by a mask, inside what the row sees
    hidden.scores.assign(block, -infinity);
    std::vector<float> scales(block, not_a_number);
    hidden.run(*level.attention, 1, nullptr, scales.data());
    CHECK(hidden.sum == 0);
    CHECK(hidden.scores == std::vector<float>(block, 0.0f));
    for (const std::size_t place : {0u, 17u, 63u}) {
      for (const float others : {-infinity, 0.5f}) {
        RowState row;
        row.scores.assign(block, others);
        row.scores[place] = not_a_number;
        row.run(*level.attention, 1);
        CHECK(std::isnan(row.sum));
      }
    }
  }
}

TEST_CASE("the softmax's gradient matches double, and hidden keys are 0 whatever stood there",
          "[ops][simd]") {
  constexpr std::int64_t rows = 5;
  const float lse[rows] = {3, -2, 0.5f, 40, 1}, delta[rows] = {0.25f, -1, 0, 0.5f, 2};
  for (const Level& level : levels()) {
    for (const std::int64_t visible : {1, 7, 16, 33, 62, 64}) {
      for (const bool sloped : {false, true}) {
        CAPTURE(to_string(level.isa), visible, sloped);
        std::vector<float> weights = random_values(rows * block, 1, 5),
                           gradients = random_values(rows * block, 2),
                           slopes = random_values(rows * block, 3);
        std::vector<double> want_weights(rows * block, 0.0), want_gradients(rows * block, 0.0);
        for (std::int64_t i = 0; i < rows * block; ++i) {
          const std::int64_t row = i / block;
          const auto at = static_cast<std::size_t>(i);
          if (i % block >= visible + row) {
            weights[at] = gradients[at] = slopes[at] = i % 2 == 0 ? not_a_number : infinity;
            continue;
          }
          want_weights[at] =
              std::exp(0.3f * static_cast<double>(weights[at]) - static_cast<double>(lse[row]));
          want_gradients[at] = want_weights[at] *
                               (static_cast<double>(gradients[at]) - static_cast<double>(delta[row])) *
                               (sloped ? static_cast<double>(slopes[at]) : 1);
        }
        std::vector<float> last_weights(weights.end() - block, weights.end()),
            last_gradients(gradients.end() - block, gradients.end());
        level.attention->softmax_backward({.weights = weights.data(),
                                           .gradients = gradients.data(),
                                           .slopes = sloped ? slopes.data() : nullptr,
                                           .lse = lse,
                                           .delta = delta,
                                           .scale = 0.3f,
                                           .m = rows,
                                           .visible = visible});
        for (std::size_t i = 0; i < weights.size(); ++i) {
          REQUIRE(std::abs(weights[i] - want_weights[i]) <= 2e-6 * want_weights[i]);
          REQUIRE(std::abs(gradients[i] - want_gradients[i]) <= 4e-6 * want_weights[i]);
        }
        // A row alone has the bits that it has in company.
        level.attention->softmax_backward({.weights = last_weights.data(),
                                           .gradients = last_gradients.data(),
                                           .slopes = sloped ? slopes.data() + (rows - 1) * block : nullptr,
                                           .lse = lse + rows - 1,
                                           .delta = delta + rows - 1,
                                           .scale = 0.3f,
                                           .m = 1,
                                           .visible = visible + rows - 1});
        CHECK(std::equal(last_weights.begin(), last_weights.end(), weights.end() - block));
        CHECK(std::equal(last_gradients.begin(), last_gradients.end(), gradients.end() - block));
      }
    }
  }
}

TEST_CASE("a row of the softmax has the same bits alone as in company", "[ops][simd]") {
  for (const Level& level : levels()) {
    const std::int64_t rows = 5, columns = 32;
    std::vector<float> scores = random_values(rows * block, 1, 9), out = random_values(rows * columns, 2);
    std::vector<float> max = random_values(rows, 3), sum(rows, 1.5f);
    const std::int32_t visible[] = {64, 1, 0, 40, 64};
    std::vector<RowState> alone(rows);
    for (std::int64_t r = 0; r < rows; ++r) {
      RowState& row = alone[static_cast<std::size_t>(r)];
      row.scores.assign(scores.begin() + r * block, scores.begin() + (r + 1) * block);
      row.out.assign(out.begin() + r * columns, out.begin() + (r + 1) * columns);
      row.max = max[static_cast<std::size_t>(r)], row.sum = 1.5f, row.visible = visible[r];
      row.run(*level.attention, 0.3f);
    }
    level.attention->softmax({.scores = scores.data(),
                              .visible = visible,
                              .max = max.data(),
                              .sum = sum.data(),
                              .out = out.data(),
                              .out_row = columns,
                              .columns = columns,
                              .scale = 0.3f,
                              .key_scales = nullptr,
                              .value_scales = nullptr,
                              .m = rows});
    for (std::int64_t r = 0; r < rows; ++r) {
      const RowState& row = alone[static_cast<std::size_t>(r)];
      CHECK(std::equal(row.scores.begin(), row.scores.end(), scores.begin() + r * block));
      CHECK(std::equal(row.out.begin(), row.out.end(), out.begin() + r * columns));
      CHECK(max[static_cast<std::size_t>(r)] == row.max);
      CHECK(sum[static_cast<std::size_t>(r)] == row.sum);
    }
  }
}

TEST_CASE("widening is exact for every value of the narrow types", "[ops][simd]") {
  for (const Level& level : levels()) {
    CAPTURE(to_string(level.isa));
    std::vector<std::uint16_t> bits(65536 + 1);
    for (std::size_t i = 0; i < bits.size(); ++i) bits[i] = static_cast<std::uint16_t>(i);
    std::vector<float> out(bits.size() + 1, 42.0f);
    const auto same = [](float a, float b) {
      return std::isnan(a) ? std::isnan(b) : std::memcmp(&a, &b, 4) == 0;
    };
    level.attention->widen[static_cast<int>(Stored::f16)](out.data(), bits.data(), 65537);
    for (std::size_t i = 0; i < bits.size(); ++i) {
      REQUIRE(same(out[i], static_cast<float>(float16::from_bits(bits[i]))));
    }
    level.attention->widen[static_cast<int>(Stored::bf16)](out.data(), bits.data(), 65537);
    for (std::size_t i = 0; i < bits.size(); ++i) {
      REQUIRE(same(out[i], static_cast<float>(bfloat16::from_bits(bits[i]))));
    }
    for (int n = 0; n < 40; ++n) {
      std::vector<std::int8_t> codes(static_cast<std::size_t>(n));
      for (int i = 0; i < n; ++i) codes[static_cast<std::size_t>(i)] = static_cast<std::int8_t>(i * 7 - 128);
      std::fill(out.begin(), out.end(), 42.0f);
      level.attention->widen[static_cast<int>(Stored::i8)](out.data(), codes.data(), n);
      for (int i = 0; i < n; ++i)
        REQUIRE(out[static_cast<std::size_t>(i)] == codes[static_cast<std::size_t>(i)]);
      REQUIRE(out[static_cast<std::size_t>(n)] == 42.0f);  // nothing written past the end
    }
  }
}

TEST_CASE("a row times a stored panel has the bits of the tile times the widened panel", "[ops][simd]") {
  for (const Level& level : levels()) {
    if (level.gemm == nullptr) continue;  // held at the baseline by the tests of ragged attention
    const std::int64_t width = level.gemm->columns;
    for (const std::int64_t k : {0, 1, 2, 31, 64}) {
      for (const std::int64_t columns : {width, 2 * width, 3 * width, 128 / width * width + width}) {
        const std::int64_t panel_row = columns + 3;
        const std::vector<float> a = random_values(k + 1, 1),
                                 source = random_values(k * panel_row + columns + 1, 2);
        for (const Stored stored : {Stored::f32, Stored::f16, Stored::bf16, Stored::i8}) {
          CAPTURE(to_string(level.isa), k, columns, static_cast<int>(stored));
          std::vector<char> bytes(source.size() * 4);
          for (std::size_t i = 0; i < source.size(); ++i) {
            const float x = source[i];
            const float16 half(x);
            const bfloat16 brain(x);
            const auto code = static_cast<std::int8_t>(x * 127);
            if (stored == Stored::f32) std::memcpy(&bytes[4 * i], &x, 4);
            if (stored == Stored::f16) std::memcpy(&bytes[2 * i], &half, 2);
            if (stored == Stored::bf16) std::memcpy(&bytes[2 * i], &brain, 2);
            if (stored == Stored::i8) std::memcpy(&bytes[i], &code, 1);
          }
          std::vector<float> widened(source.size());
          level.attention->widen[static_cast<int>(stored)](widened.data(), bytes.data(),
                                                           static_cast<std::int64_t>(source.size()));
          for (const bool add : {false, true}) {
            std::vector<float> want(static_cast<std::size_t>(columns + 1), 0.75f), got = want;
            for (std::int64_t c = 0; c < columns; c += width) {
              level.gemm->tile({.sums = want.data() + c,
                                .sums_row = columns,
                                .a = a.data(),
                                .a_row = k,
                                .a_k = 1,
                                .panel = widened.data() + c,
                                .panel_row = panel_row,
                                .m = 1,
                                .k = k,
                                .add = add});
            }
            level.attention->row[static_cast<int>(stored)]({.sums = got.data(),
                                                            .a = a.data(),
                                                            .panel = bytes.data(),
                                                            .panel_row = panel_row,
                                                            .k = k,
                                                            .columns = columns,
                                                            .add = add,
                                                            .ahead = bytes.data()});
            REQUIRE(got == want);
          }
        }
      }
    }
  }
}

TEST_CASE("one NaN or infinity anywhere is found", "[ops][simd]") {
  for (const Level& level : levels()) {
    for (std::int64_t n = 0; n <= 40; ++n) {
      std::vector<float> x = random_values(n + 1, 1, 3e38f);
      x[static_cast<std::size_t>(n)] = not_a_number;  // past the end
      CAPTURE(to_string(level.isa), n);
      REQUIRE(level.attention->all_finite(x.data(), n));
      for (std::int64_t i = 0; i < n; ++i) {
        for (const float bad : {not_a_number, infinity, -infinity}) {
          const float before = x[static_cast<std::size_t>(i)];
          x[static_cast<std::size_t>(i)] = bad;
          REQUIRE_FALSE(level.attention->all_finite(x.data(), n));
          x[static_cast<std::size_t>(i)] = before;
        }
      }
    }
  }
}
