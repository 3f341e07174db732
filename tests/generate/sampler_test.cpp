#include "adlib/generate/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "generate/chi_square.h"
#include "generate/tiny.h"
#include "support/catch.h"
#include "support/values.h"

namespace adlib {
namespace {

using test::chi_square_ratio;
using test::Ids;
using test::infinity;
constexpr std::int64_t draws = 10'000;

std::vector<float> random_scores(std::uint64_t seed, std::size_t vocab) {
  const Philox random(seed);
  std::vector<float> scores;
  for (std::size_t i = 0; i < vocab; ++i) scores.push_back(static_cast<float>(2 * random.normal(i)));
  return scores;
}

GenerationConfig sampled(std::int64_t top_k = 0) {
  GenerationConfig config;
  config.do_sample = true;
  config.top_k = top_k;
  return config;
}

/// The exact distribution, by sorting everything and no shortcut.
std::vector<double> naive_probabilities(const std::vector<float>& scores, const GenerationConfig& config) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  std::vector<double> p(scores.size());
  const auto normalise = [&] {
    const double total = std::accumulate(p.begin(), p.end(), 0.0);
    for (double& x : p) x /= total;
  };
  for (std::size_t i = 0; i < p.size(); ++i) {
    p[i] =
        std::exp(static_cast<double>(scores[i] - scores[order[0]]) / static_cast<double>(config.temperature));
  }
  const auto k = static_cast<std::size_t>(config.top_k);
  if (k > 0 && k < p.size()) {
    for (std::size_t i = 0; i < p.size(); ++i) {
      if (scores[i] < scores[order[k - 1]]) p[i] = 0;
    }
  }
  normalise();
  double above = 0;
  for (const std::size_t i : order) {
    const double mine = p[i];
    if (above >= static_cast<double>(config.top_p)) p[i] = 0;
    above += mine;
  }
  for (double& x : p) {
    if (x < static_cast<double>(config.min_p) * p[order[0]]) x = 0;
  }
  normalise();
  return p;
}

std::vector<GenerationConfig> sampling_configs() {
  std::vector<GenerationConfig> configs(7, sampled());
  configs[1].temperature = 0.5f;
  configs[2].temperature = 2.5f;
  configs[3].top_k = 17;
  configs[4].top_p = 0.8f;
  configs[5].min_p = 0.05f;
  configs[6].temperature = 1.3f;
  configs[6].top_k = 40;
  configs[6].top_p = 0.9f;
  configs[6].min_p = 0.02f;
  return configs;
}

TEST_CASE("candidates equal the naive distribution", "[generate][sampler]") {
  for (const std::size_t vocab : {1u, 2u, 63u, 64u, 65u, 500u, 5000u}) {
    const std::vector<float> scores = random_scores(vocab, vocab);
    for (const GenerationConfig& config : sampling_configs()) {
      const std::vector<double> expected = naive_probabilities(scores, config);
      const std::vector<Candidate> candidates = sampling::candidates(scores, config);
      double total = 0;
      for (const Candidate& candidate : candidates) total += candidate.weight;
      std::vector<double> got(vocab, 0);
      for (const Candidate& candidate : candidates)
        got[static_cast<std::size_t>(candidate.id)] = candidate.weight / total;
      double worst = 0;
      for (std::size_t i = 0; i < vocab; ++i) worst = std::max(worst, std::abs(got[i] - expected[i]));
      CHECK(worst < 1e-6);
      CHECK(std::is_sorted(candidates.begin(), candidates.end(),
                           [](const Candidate& a, const Candidate& b) { return a.id < b.id; }));
    }
  }
}

TEST_CASE("10,000 draws follow the exact distribution whatever index varies", "[generate][sampler]") {
  const std::vector<float> scores = random_scores(99, 200);
  for (GenerationConfig config : sampling_configs()) {
    const std::vector<double> exact = naive_probabilities(scores, config);
    for (const int varied : {0, 1, 2}) {  // seed, stream, number of generated tokens
      std::vector<std::int64_t> counts(scores.size(), 0);
      Ids ids;
      for (std::int64_t i = 0; i < draws; ++i) {
        config.seed = varied == 0 ? static_cast<std::uint64_t>(i) : 7;
        const Sampler sampler(config, varied == 1 ? static_cast<std::uint64_t>(i) : 0);
        if (varied == 2) ids.push_back(0);
        std::vector<float> copy = scores;
        ++counts[static_cast<std::size_t>(sampler(copy, {ids, 0}).value())];
      }
      CAPTURE(varied, config.temperature, config.top_k, config.top_p, config.min_p);
      CHECK(chi_square_ratio(counts, exact) < 1);
      GenerationConfig other = config;
      other.temperature *= 1.4f;  // the test must be able to tell
      CHECK(chi_square_ratio(counts, naive_probabilities(scores, other)) > 1);
    }
  }
}

TEST_CASE("kth_highest equals sorting", "[generate][sampler]") {
  for (const std::size_t vocab : {1u, 7u, 100u, 3000u}) {
    std::vector<float> scores = random_scores(vocab, vocab);
    for (float& score : scores) score = std::round(score * 4) / 4;  // many ties
    std::vector<float> sorted = scores;
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    for (std::size_t k = 1; k <= vocab; k = k * 3 + 1)
      CHECK(sampling::kth_highest(scores, k) == sorted[k - 1]);
    CHECK(sampling::kth_highest(scores, vocab) == sorted.back());
  }
}

TEST_CASE("the weights of all tokens are summed in the order of their ids", "[generate][sampler]") {
  for (const std::size_t vocab : {1u, 5u, 16u, 1003u}) {
    const std::vector<float> scores = random_scores(vocab, vocab);
    const float best = *std::max_element(scores.begin(), scores.end());
    double sum = 0;
    for (const float score : scores) sum += static_cast<double>(std::exp((score - best) / 0.7f));
    CHECK(sampling::Weights(scores, 0.7f).total() == sum);
  }
}

TEST_CASE("equal scores: greedy takes the lowest id, top_k keeps them all", "[generate][sampler]") {
  const std::vector<float> scores = {1, 3, 2, 3, 3, 0};
  CHECK(sampling::argmax(scores) == TokenId{1});
  const auto kept = sampling::candidates(scores, sampled(2));
  REQUIRE(kept.size() == 3);
  CHECK(kept[0].id == 1);
  CHECK(kept[2].id == 4);
  GenerationConfig nucleus = sampled();
  nucleus.top_p = 0.25f;  // one of three equals is enough: the lowest id
  REQUIRE(sampling::candidates(scores, nucleus).size() == 1);
  CHECK(sampling::candidates(scores, nucleus)[0].id == 1);
}

TEST_CASE("nothing is drawn when every token is forbidden", "[generate][sampler]") {
  for (const bool sample : {false, true}) {
    for (const std::int64_t k : {0, 1, 50}) {
      GenerationConfig config = sampled(k);
      config.do_sample = sample;
      config.top_p = 0.9f;
      std::vector<float> scores(100, -infinity);
      CHECK_FALSE(Sampler(config, 0)(scores, {}).has_value());
    }
  }
}

TEST_CASE("forbidden tokens are never drawn and extreme numbers stay defined", "[generate][sampler]") {
  for (const float temperature : {1e-38f, 1e-3f, 1.0f, 1e30f}) {
    GenerationConfig config = sampled();
    config.temperature = temperature;
    config.logit_bias = {{2, -infinity}, {3, std::numeric_limits<float>::max()}};
    config.repetition_penalty = 1e-3f;  // overflows token 3 to infinity
    const Ids ids = {3};
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
      config.seed = seed;
      std::vector<float> scores = {0, 1, 1000, 5};
      CHECK(Sampler(config, 0)(scores, {ids, 1}) == TokenId{3});
    }
  }
  GenerationConfig cold = sampled();
  cold.temperature = 1e-3f;
  const std::vector<Candidate> underflowed = sampling::candidates(std::vector<float>{0, 1, 0}, cold);
  for (double uniform : {0.0, std::nextafter(1.0, 0.0)}) {
    CHECK(underflowed.at(sampling::draw(underflowed, uniform)).id == 1);
  }
}

TEST_CASE("a draw falls into shares and leaves its place there", "[generate][sampler]") {
  const std::vector<Candidate> shares = {{4, 1}, {5, 3}};
  for (const auto& [from, index, left] :
       {std::tuple{0.0, 0u, 0.0}, {0.125, 0u, 0.5}, {0.25, 1u, 0.0}, {0.625, 1u, 0.5}}) {
    double uniform = from;
    CHECK(sampling::draw(shares, uniform) == index);
    CHECK(uniform == left);
  }
  double last = std::nextafter(1.0, 0.0);
  CHECK(sampling::draw(shares, last) == 1);
  CHECK((last < 1 && last > 0.99));
}

TEST_CASE("a token that is refused leaves its probability to the others", "[generate][sampler]") {
  GenerationConfig config = sampled();
  config.temperature = 1, config.top_k = 0;
  const std::vector<float> logits = {std::log(4.f), std::log(3.f), std::log(2.f), std::log(1.f)};
  std::map<TokenId, int> seen;
  constexpr int rounds = 20000;
  for (int i = 0; i < rounds; ++i) {
    config.seed = static_cast<std::uint64_t>(i);
    std::vector<float> scores = logits;
    const Ids ids = {3};
    seen[*Sampler(config, 0)(scores, {ids, 1}, [](TokenId id) { return id != 0 && id != 2; })] += 1;
  }
  CHECK(seen.size() == 2);
  CHECK(std::abs(seen[1] - 0.75 * rounds) < 4 * std::sqrt(rounds * 0.75 * 0.25));
  config.top_k = 1;  // lets only token 0 through: then the best of the rest
  std::vector<float> scores = logits;
  const Ids ids = {3};
  CHECK(Sampler(config, 0)(scores, {ids, 1}, [](TokenId id) { return id > 1; }) == TokenId{2});
}

TEST_CASE("a draw depends on seed, stream and token index, and on nothing else", "[generate][sampler]") {
  const std::vector<float> scores = random_scores(1, 1000);
  const auto text = [&](std::uint64_t seed, std::uint64_t stream) {
    GenerationConfig config = sampled();
    config.seed = seed;
    Ids ids;
    for (int i = 0; i < 20; ++i) {
      std::vector<float> copy = scores;
      ids.push_back(Sampler(config, stream)(copy, {ids, 0}).value());
    }
    return ids;
  };
  CHECK(text(1, 0) == text(1, 0));
  CHECK(text(1, 0) != text(2, 0));
  CHECK(text(1, 0) != text(1, 1));
  CHECK(text(1, 1) != text(2, 0));
}

}  // namespace
}  // namespace adlib
