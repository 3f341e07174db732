// sample on CUDA, run by the emulator, against the CPU's and against a loop in double that sorts everything.
#include "kernels/sample.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "generate/chi_square.h"
#include "kernels/operands.h"
#include "support/catch.h"
#include "support/sampled_token.h"

namespace adlib::kernels {
namespace {

using namespace adlib::test;
using cuda::host::Arrival;
constexpr float inf = std::numeric_limits<float>::infinity();

struct Batch {
  std::int64_t vocabulary = 0;
  std::vector<SampleRow> rows;
  std::vector<std::int32_t> history;
};

template <class Context, class T>
std::vector<std::int32_t> run_sample(const Batch& batch, const std::vector<T>& scores,
                                     std::int64_t shift = 0) {
  Context context;
  const auto n = static_cast<std::int64_t>(batch.rows.size());
  Guarded<T> in(scores, shift);
  Guarded<std::int32_t> out(n);
  sample<T>(context, out.data(), in.data(), batch.rows.data(), batch.history.data(), n, batch.vocabulary);
  CHECK((in.intact() && out.intact() && same_bits(in.values(), scores)));
  return out.values();
}

SampleRow sampled(std::int32_t top_k = 0, float top_p = 1, float min_p = 0, float temperature = 1) {
  SampleRow row;
  row.do_sample = 1;
  row.top_k = top_k, row.top_p = top_p, row.min_p = min_p, row.temperature = temperature;
  return row;
}

/// Greedy, and every way to sample, with seeds of their own.
std::vector<SampleRow> ways(std::int32_t vocabulary, std::uint64_t seed) {
  std::vector<SampleRow> rows = {{},
                                 sampled(),
                                 sampled(1),
                                 sampled(50),
                                 sampled(vocabulary - 1),
                                 sampled(vocabulary),
                                 sampled(0, 1e-6f),
                                 sampled(0, 0.5f),
                                 sampled(0, 0.99999f),
                                 sampled(0, 1, 0.05f),
                                 sampled(0, 1, 1),
                                 sampled(40, 0.9f, 0.02f, 0.7f),
                                 sampled(700, 0.95f, 0, 1.5f),
                                 sampled(0, 0.9f, 0, 8),
                                 sampled(0, 1, 0, 1e-3f),
                                 sampled(0, 0.5f, 0, 1e30f)};
  for (std::size_t i = 0; i < rows.size(); ++i)
    rows[i].seed = seed, rows[i].stream = i, rows[i].index = 3 * i;
  return rows;
}

template <class T>
std::vector<double> row_of(const std::vector<T>& scores, const Batch& batch, std::size_t r) {
  const auto first = scores.begin() + static_cast<std::ptrdiff_t>(r) * batch.vocabulary;
  return doubles_of(std::vector<T>(first, first + batch.vocabulary));
}

/// The device's tokens, which are the loop's and, where the CPU does not take top_p's share of a sum to five
/// digits, the CPU's.
template <class T>
std::vector<std::int32_t> check_batch(const Batch& batch, const std::vector<T>& scores,
                                      std::int64_t shift = 0) {
  const auto tokens = run_sample<CudaContext>(batch, scores, shift);
  const auto cpu = run_sample<CpuContext>(batch, scores);
  for (std::size_t r = 0; r < tokens.size(); ++r) {
    CAPTURE(batch.vocabulary, r, shift);
    if (batch.rows[r].top_k > 0 || batch.rows[r].top_p == 1) CHECK(tokens[r] == cpu[r]);
    CHECK(tokens[r] == oracle::sampled_token(row_of(scores, batch, r), batch.rows[r], batch.history));
  }
  return tokens;
}

}  // namespace

TEMPLATE_TEST_CASE("sample on CUDA takes the tokens of the naive loop", "[kernels]", float, float16,
                   bfloat16) {
  std::uint64_t seed = 1;
  for (const std::int32_t vocabulary : {1, 2, 31, 33, 1000, 4099}) {
    const std::int32_t only = std::is_same_v<TestType, float16> ? 33 : 1000;  // of half types
    if (!std::is_same_v<TestType, float> && vocabulary != only) continue;
    const WithSchedule schedule({seed, seed % 2 == 0 ? Arrival::eager : Arrival::lazy});
    Batch batch{vocabulary, ways(vocabulary, ++seed), {}};
    const auto n = static_cast<std::int64_t>(batch.rows.size());
    check_batch(batch, normal_values<TestType>(n * vocabulary, static_cast<unsigned>(vocabulary), 3, -20),
                static_cast<std::int64_t>(seed) % 5);
  }
}

TEST_CASE("sample on CUDA does not sort a vocabulary, and finds every edge in it", "[kernels]") {
  // A nucleus within the first guess, one far beyond it, a top_k beyond any guess, all tokens.
  Batch batch{50257, {sampled(50, 0.9f, 0, 0.8f), sampled(0, 0.95f, 0, 3), sampled(3000), sampled()}, {}};
  for (std::size_t r = 0; r < batch.rows.size(); ++r) batch.rows[r].seed = 10 + r;
  check_batch(batch, normal_values<float>(4 * 50257, 5, 3, -30), 1);
  batch.rows = {sampled(50, 0.9f)};
  check_batch(batch, normal_values<bfloat16>(50257, 6, 3, -30), 3);
}

TEST_CASE("sample on CUDA keeps rows in temporary memory that shared memory does not hold", "[kernels]") {
  Batch batch{58001, {sampled(50, 0.9f), {}}, {}};
  check_batch(batch, normal_values<float>(2 * 58001, 7, 3), 2);
}

TEST_CASE("sample on CUDA: equal scores stay at top_k's edge, the lower ids at top_p's", "[kernels]") {
  // Every score is one of four, so that both edges fall among thousands of equals.
  constexpr std::int32_t vocabulary = 9000;
  std::vector<float> row(vocabulary);
  for (std::int32_t i = 0; i < vocabulary; ++i)
    row[static_cast<std::size_t>(i)] = static_cast<float>(i * 7 % 4);
  Batch batch{vocabulary, {}, {}};
  std::vector<float> scores;
  for (std::uint64_t i = 0; i < 4; ++i) {
    batch.rows.push_back(i < 2 ? sampled(static_cast<std::int32_t>(2000 + 2250 * i)) : sampled(0, 0.5f));
    batch.rows.back().seed = i;
    if (i == 3) batch.rows.back().temperature = 1e30f;  // all are equal
    scores.insert(scores.end(), row.begin(), row.end());
  }
  check_batch(batch, scores);
  // Two of four equals, and zeros of both signs are equals.
  batch = {12, {sampled(2), sampled(0, 0.5f), {}}, {}};
  scores.assign(36, -3);
  for (std::size_t r = 0; r < 36; r += 12)
    scores[r + 1] = -0.0f, scores[r + 2] = scores[r + 9] = scores[r + 10] = 0;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    for (SampleRow& each : batch.rows) each.seed = seed;
    const auto tokens = check_batch(batch, scores);
    CHECK((tokens[0] >= 1 && (tokens[1] == 1 || tokens[1] == 2 || tokens[1] == 9) && tokens[2] == 1));
  }
}

TEST_CASE("sample on CUDA marks rows without a token and rows that are no numbers", "[kernels]") {
  constexpr std::int32_t vocabulary = 3001;
  for (const SampleRow& way : {SampleRow(), sampled(), sampled(50), sampled(0, 0.9f)}) {
    Batch batch{vocabulary, std::vector<SampleRow>(6, way), {}};
    std::vector<float> scores(6 * vocabulary, -inf);
    const auto at = [&](int r, int id) -> float& {
      return scores[static_cast<std::size_t>(r * vocabulary + id)];
    };
    at(1, 3000) = -1e30f;  // one that is allowed
    at(2, 2999) = std::nanf("");
    at(3, 0) = inf;
    at(4, 7) = inf, at(4, 8) = std::nanf("");
    at(5, 17) = std::numeric_limits<float>::lowest();
    at(5, 18) = std::numeric_limits<float>::max();
    const std::vector<std::int32_t> expected = {
        sampling::none, 3000, sampling::not_finite, sampling::not_finite, sampling::not_finite, 18};
    CHECK(check_batch(batch, scores) == expected);
  }
  CHECK(run_sample<CudaContext>({5, {}, {}}, std::vector<float>{}).empty());
}

TEST_CASE("sample on CUDA penalises prompt and text as the CPU does", "[kernels]") {
  // Ids around the ends of the stretches that are counted at once, many of them often.
  constexpr std::int32_t vocabulary = 9001;
  const std::vector<std::int32_t> ids = {0, 4095, 4096, 4097, 8191, 8192, 9000, 17};
  Batch batch{vocabulary, {}, {5}};  // an id that is nobody's
  for (int i = 0; i < 1500; ++i) batch.history.push_back(ids[static_cast<std::size_t>(i * i % 11 % 8)]);
  std::vector<float> scores;
  for (std::uint64_t i = 0; i < 7; ++i) {
    SampleRow row = i % 2 == 0 ? SampleRow() : sampled(3);
    row.history = 1 + static_cast<std::int64_t>(i), row.history_length = 1400;
    row.prompt_length = i < 5 ? 1300 : 0;
    row.seed = i;
    if (i != 1) row.repetition_penalty = i == 2 ? 0.5f : 1.7f;
    if (i != 0) row.presence_penalty = 0.5f, row.frequency_penalty = i == 3 ? -0.01f : 0.03f;
    if (i == 4) row.history_length = 0, row.prompt_length = 0;
    batch.rows.push_back(row);
    std::vector<float> mine = normal_values<float>(vocabulary, static_cast<unsigned>(i), 1);
    // Without penalties, one of the history would win.
    for (const std::int32_t id : ids) mine[static_cast<std::size_t>(id)] += i == 6 ? -3.0f : 4.0f;
    scores.insert(scores.end(), mine.begin(), mine.end());
  }
  check_batch(batch, scores, 3);
  // A score that a penalty overflows is the highest number.
  SampleRow row = sampled();
  row.history_length = 1, row.repetition_penalty = 1e-3f, row.temperature = 1e-38f;
  batch = {4, {row}, {3}};
  CHECK(run_sample<CudaContext, float>(batch, {0, 1, 1000, std::numeric_limits<float>::max()})[0] == 3);
}

TEST_CASE("sample follows the exact distribution, and on CUDA the same draws", "[kernels]") {
  const std::vector<float> row = {0.5f, -1, 2, 0, 1.5f, -3, 1, -inf, 0.25f, 2};
  for (SampleRow way : {sampled(), sampled(4), sampled(0, 0.8f), sampled(0, 1, 0.2f, 1.5f)}) {
    constexpr std::int64_t draws = 10'000, on_device = 12;
    Batch batch{10, {}, {}};
    std::vector<float> scores;
    for (std::int64_t i = 0; i < draws; ++i) {
      way.index = static_cast<std::uint64_t>(i);
      batch.rows.push_back(way);
      scores.insert(scores.end(), row.begin(), row.end());
    }
    const auto tokens = run_sample<CpuContext>(batch, scores);
    // What may be drawn, and with which probability, from the definition.
    std::vector<double> p;
    for (const float x : row) p.push_back(std::exp(static_cast<double>((x - 2) / way.temperature)));
    std::vector<double> sorted = p;
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    double least = way.top_k > 0 ? sorted[3] : static_cast<double>(way.min_p);
    const double enough = 0.8 * std::accumulate(p.begin(), p.end(), 0.0);
    double above = 0, total = 0;
    for (std::size_t i = 0; way.top_p < 1 && above < enough; ++i) above += sorted[i], least = sorted[i];
    for (double& x : p) total += x = x < least ? 0 : x;
    for (double& x : p) x /= total;
    std::vector<std::int64_t> counts(row.size());
    for (const std::int32_t token : tokens) ++counts[static_cast<std::size_t>(token)];
    CAPTURE(way.top_k, way.top_p, way.min_p);
    CHECK(chi_square_ratio(counts, p) < 1);
    std::rotate(p.begin(), p.begin() + 1, p.end());  // the test must be able to tell
    CHECK(chi_square_ratio(counts, p) > 1);
    batch.rows.resize(on_device);
    scores.resize(on_device * row.size());
    CHECK(run_sample<CudaContext>(batch, scores) ==
          std::vector<std::int32_t>(tokens.begin(), tokens.begin() + on_device));
  }
}

}  // namespace adlib::kernels
