#include <cmath>

#include "adlib/core/random.h"
#include "generate/tiny.h"
#include "lib/src/io/text.h"
#include "support/catch.h"
#include "support/values.h"

namespace adlib {
namespace {

using test::Ids;
using test::infinity;

/// Draws options, sensible and not, from one stream of bits.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}
  double uniform() { return random_.uniform(next_++); }
  bool chance(double p) { return uniform() < p; }
  std::int64_t integer(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(uniform() * static_cast<double>(high - low + 1));
  }
  template <class T>
  T one_of(std::initializer_list<T> values) {
    return values.begin()[integer(0, std::ssize(values) - 1)];
  }

 private:
  Philox random_;
  std::uint64_t next_ = 0;
};

GenerationConfig random_config(Dice& dice) {
  GenerationConfig c;
  c.max_new_tokens = dice.integer(1, 12);
  if (dice.chance(0.03)) c.max_new_tokens = dice.one_of<std::int64_t>({0, -1, 128, std::int64_t{1} << 40});
  if (dice.chance(0.2)) c.min_new_tokens = dice.integer(0, 13);
  c.do_sample = dice.chance(0.6);
  if (dice.chance(0.5)) c.temperature = dice.one_of({0.0f, 1e-30f, 0.3f, 1.5f, 1e20f, -1.0f, NAN});
  if (dice.chance(0.5)) c.top_k = dice.one_of<std::int64_t>({0, 1, 3, 299, 300, 1 << 30, -1});
  if (dice.chance(0.5)) c.top_p = dice.one_of({1e-20f, 0.5f, 0.99f, 1.0f, 0.0f, 1.1f});
  if (dice.chance(0.3)) c.min_p = dice.one_of({0.0f, 0.01f, 1.0f, -0.1f});
  if (dice.chance(0.3)) c.repetition_penalty = dice.one_of({1e-30f, 0.5f, 1.3f, 1e30f, 0.0f});
  if (dice.chance(0.3)) c.presence_penalty = dice.one_of({-2.0f, 2.0f, 3e38f, infinity});
  if (dice.chance(0.3)) c.frequency_penalty = dice.one_of({-2.0f, 2.0f, -3e38f});
  if (dice.chance(0.3)) c.no_repeat_ngram_size = dice.integer(0, 4);
  if (dice.chance(0.2)) c.num_beams = dice.integer(1, 5);
  if (dice.chance(0.3)) c.length_penalty = dice.one_of({-1e30f, -1.0f, 0.0f, 2.0f, 1e30f});
  if (dice.chance(0.3)) c.early_stopping = static_cast<GenerationConfig::EarlyStopping>(dice.integer(0, 2));
  if (dice.chance(0.3)) c.num_return_sequences = dice.integer(1, 4);
  for (std::int64_t n = dice.integer(-3, 3); n > 0; --n)
    c.eos_token_id.push_back(static_cast<TokenId>(dice.integer(0, 299)));
  for (std::int64_t n = dice.integer(-3, 3); n > 0; --n)
    c.stop_strings.push_back(dice.one_of<std::string>({"a", "b", "aB", "一", "\xEF\xBF\xBD", "\n"}));
  for (std::int64_t n = dice.integer(-3, 3); n > 0; --n) {
    c.logit_bias[static_cast<TokenId>(dice.integer(0, 299))] = dice.one_of({-infinity, -3e38f, 3e38f, 2.0f});
  }
  if (dice.chance(0.1)) {
    for (TokenId id = static_cast<TokenId>(dice.integer(0, 4)); id < 300; ++id)
      c.bad_words_ids.push_back({id});
  }
  if (dice.chance(0.3)) c.top_logprobs = dice.one_of<std::int64_t>({-1, 0, 5, 1000});
  c.too_long = static_cast<GenerationConfig::TooLong>(dice.integer(0, 2));
  c.seed = static_cast<std::uint64_t>(dice.integer(0, 1 << 20));
  return c;
}

TEST_CASE("any configuration gives a sound result or a named refusal", "[generate]") {
  const Generator generator = test::tiny_generator();
  int results = 0;
  int refusals = 0;
  for (std::uint64_t seed = 0; seed < 1200; ++seed) {
    Dice dice(seed);
    const GenerationConfig config = random_config(dice);
    Ids prompt;
    for (std::int64_t n = dice.chance(0.05) ? dice.integer(100, 140) : dice.integer(0, 12); n > 0; --n) {
      prompt.push_back(static_cast<TokenId>(dice.integer(0, 299)));
    }
    INFO("seed " << seed);
    try {
      std::string streamed;
      const Result result = generator.generate(prompt, config, [&](std::string_view piece) {
        CHECK(io::is_utf8(piece));
        streamed += piece;
        return true;
      });
      ++results;
      CHECK(streamed == result.text());
      CHECK(std::ssize(result.completions) <= config.num_return_sequences);
      for (const Completion& completion : result.completions) {
        CHECK(io::is_utf8(completion.text));
        CHECK(std::ssize(completion.ids) <= config.max_new_tokens);
        for (const std::string& stop : config.stop_strings)
          CHECK(completion.text.find(stop) == std::string::npos);
        for (const TokenId id : completion.ids) CHECK((id >= 0 && id < 300));
      }
      if (seed % 5 == 0) CHECK(test::same(result, generator.generate(prompt, config)));
    } catch (const Error& error) {
      ++refusals;
      CHECK(error.code() == ErrorCode::invalid_argument);
      CHECK_THAT(error.what(), ContainsSubstring("generate: "));
    }
  }
  CHECK(results > 200);
  CHECK(refusals > 200);
}

}  // namespace
}  // namespace adlib
