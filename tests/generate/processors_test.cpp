#include <cmath>
#include <limits>
#include <set>

#include "adlib/generate/logits_processors.h"
#include "adlib/generate/sampler.h"
#include "generate/tiny.h"
#include "support/catch.h"
#include "support/error_of.h"
#include "support/values.h"

namespace adlib {
namespace {

using test::error_of;
using test::Ids;
using test::infinity;

std::vector<float> numbers(const io::Json& list) {
  std::vector<float> out;
  for (const io::Json& value : list) out.push_back(value.is_null() ? -infinity : value.get<float>());
  return out;
}

/// Random scores and a history of few distinct ids, so that everything repeats.
struct Random {
  std::vector<float> scores;
  Ids ids;
};
Random random_case(std::uint64_t seed, std::size_t vocab, std::size_t length) {
  const Philox random(seed);
  Random out;
  for (std::size_t i = 0; i < vocab; ++i) out.scores.push_back(static_cast<float>(3 * random.normal(i)));
  for (std::size_t i = 0; i < length; ++i) {
    out.ids.push_back(static_cast<TokenId>(random.uniform(1000 + i) *
                                           static_cast<double>(std::min<std::size_t>(vocab, 5))));
  }
  return out;
}

TEST_CASE("repetition penalty divides positive and multiplies negative scores once",
          "[generate][processors]") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    auto [scores, ids] = random_case(seed, 30, seed);
    std::vector<float> expected = scores;
    for (const TokenId id : std::set<TokenId>(ids.begin(), ids.end())) {
      float& score = expected[static_cast<std::size_t>(id)];
      score = score < 0 ? score * 1.7f : score / 1.7f;
    }
    logits::repetition_penalty(scores, ids, 1.7f);
    CHECK(scores == expected);
  }
}

TEST_CASE("presence counts once and frequency each time, of generated tokens only",
          "[generate][processors]") {
  std::vector<float> scores = {1, 2, 3, 4};
  const Ids ids = {3, 3, 0, 2, 2, 2};
  GenerationConfig config;
  config.presence_penalty = 0.5f;
  config.frequency_penalty = 0.25f;
  logits::process(scores, {ids, 2}, config);
  CHECK(scores == std::vector<float>{1 - 0.75f, 2, 3 - 1.25f, 4});
}

TEST_CASE("no n-gram may occur twice, by the naive rule", "[generate][processors]") {
  for (std::size_t n = 1; n <= 5; ++n) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      auto [scores, ids] = random_case(seed, 8, 3 * seed % 25);
      std::vector<float> expected = scores;
      for (std::size_t next = 0; next < scores.size(); ++next) {
        Ids longer = ids;
        longer.push_back(static_cast<TokenId>(next));
        if (longer.size() < n) continue;
        const Ids last(longer.end() - static_cast<std::ptrdiff_t>(n), longer.end());
        if (std::search(ids.begin(), ids.end(), last.begin(), last.end()) != ids.end())
          expected[next] = -infinity;
      }
      logits::no_repeat_ngram(scores, ids, n);
      CHECK(scores == expected);
    }
  }
}

TEST_CASE("bad words are never completed, even right at the start", "[generate][processors]") {
  const std::vector<std::vector<TokenId>> words = {{0}, {1, 2}, {3, 1, 4}, {5}};
  const auto forbidden_after = [&](const Ids& ids) {
    std::vector<float> scores(8, 0.0f);
    logits::bad_words(scores, ids, words, Ids{5});
    Ids out;
    for (std::size_t id = 0; id < scores.size(); ++id) {
      if (scores[id] == -infinity) out.push_back(static_cast<TokenId>(id));
    }
    return out;
  };
  CHECK(forbidden_after({}) == Ids{0});
  CHECK(forbidden_after({1}) == Ids{0, 2});
  CHECK(forbidden_after({3, 1}) == Ids{0, 2, 4});
  CHECK(forbidden_after({3, 2}) == Ids{0});
}

TEST_CASE("end-of-text stays forbidden until min_new_tokens", "[generate][processors]") {
  GenerationConfig config;
  config.min_new_tokens = 2;
  config.eos_token_id = {1, 3};
  const Ids ids = {0, 0, 0, 0};
  for (const std::size_t prompt : {4u, 3u, 2u}) {
    std::vector<float> scores = {0, 1, 2, 3};
    logits::process(scores, {ids, prompt}, config);
    const bool suppressed = ids.size() - prompt < 2;
    CHECK(scores ==
          (suppressed ? std::vector<float>{0, -infinity, 2, -infinity} : std::vector<float>{0, 1, 2, 3}));
  }
}

TEST_CASE("a score that is NaN or infinite names its token", "[generate][processors]") {
  std::vector<float> scores(10, -infinity);
  CHECK_NOTHROW(logits::check_finite(scores));
  scores[7] = std::nanf("");
  CHECK_THAT(error_of([&] { logits::check_finite(scores); }),
             ContainsSubstring("bad_format: generate: the model produced NaN as the score of token 7"));
  scores[7] = infinity;
  CHECK_THAT(error_of([&] { logits::check_finite(scores); }),
             ContainsSubstring("infinity as the score of token 7"));
}

TEST_CASE("log_softmax is the logarithm of the softmax, also far from zero", "[generate][processors]") {
  for (const float shift : {0.0f, 1000.0f, -1e30f}) {
    std::vector<float> scores = {1 + shift, 2 + shift, -infinity, 4 + shift};
    double sum = 0;
    for (const float score : scores)
      sum += std::exp(static_cast<double>(score) - static_cast<double>(scores[3]));
    std::vector<float> out = scores;
    logits::log_softmax(out);
    for (std::size_t i : {0u, 1u, 3u}) {
      const double expected = static_cast<double>(scores[i]) - static_cast<double>(scores[3]) - std::log(sum);
      CHECK(static_cast<double>(out[i]) == Approx(expected).margin(1e-6));
    }
    CHECK(out[2] == -infinity);
  }
  std::vector<float> none(4, -infinity);
  logits::log_softmax(none);
  CHECK(none == std::vector<float>(4, -infinity));
}

TEST_CASE("processed scores equal transformers'", "[generate][processors][golden]") {
  const io::Json golden = io::read_json(test::generate_data() / "processors.json");
  REQUIRE(golden.at("cases").size() == 26);
  for (const io::Json& c : golden.at("cases")) {
    INFO(c.at("options").dump());
    std::vector<float> scores = numbers(c.at("scores"));
    const std::vector<float> original = scores;
    const std::vector<float> expected = numbers(c.at("processed"));
    const auto ids = c.at("ids").get<Ids>();
    logits::process(scores, {ids, c.at("prompt_length").get<std::size_t>()},
                    test::config_of(c.at("options")));
    REQUIRE(scores.size() == expected.size());
    for (std::size_t id = 0; id < scores.size(); ++id) {
      if (std::isinf(expected[id]))
        CHECK(scores[id] == expected[id]);
      else
        CHECK(scores[id] == Approx(expected[id]).epsilon(1e-6));
    }
  }
}

TEST_CASE("probabilities after truncation equal transformers'", "[generate][sampler][golden]") {
  const io::Json golden = io::read_json(test::generate_data() / "distributions.json");
  REQUIRE(golden.at("cases").size() == 24);
  for (const io::Json& c : golden.at("cases")) {
    INFO(c.at("options").dump());
    std::vector<float> scores = numbers(c.at("scores"));
    const auto ids = c.at("ids").get<Ids>();
    const GenerationConfig config = test::config_of(c.at("options"));
    logits::process(scores, {ids, c.at("prompt_length").get<std::size_t>()}, config);
    std::vector<double> probabilities(scores.size(), 0);
    double total = 0;
    for (const Candidate& candidate : sampling::candidates(scores, config)) total += candidate.weight;
    for (const Candidate& candidate : sampling::candidates(scores, config)) {
      probabilities[static_cast<std::size_t>(candidate.id)] = candidate.weight / total;
    }
    for (std::size_t id = 0; id < scores.size(); ++id) {
      const double expected = c.at("probabilities")[id].get<double>();
      CHECK((probabilities[id] == 0) == (expected == 0));
      CHECK(probabilities[id] == Approx(expected).epsilon(2e-6));
    }
  }
}

}  // namespace
}  // namespace adlib
