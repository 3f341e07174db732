// distinct-n, repetition, and cutting to one length.
#include <string>
#include <vector>

#include "adlib/eval/diversity.h"
#include "support/catch.h"
#include "support/error_of.h"

namespace adlib {
namespace {

using eval::Tokens;

TEST_CASE("distinct-n counts n-grams over all texts and not across their ends", "[eval]") {
  const std::vector<Tokens> texts = {{"a", "b", "a"}, {"a", "b"}, {"c"}, {}};
  const eval::Distinct one = eval::distinct_ngrams(texts, 1), two = eval::distinct_ngrams(texts, 2);
  CHECK(one.distinct == 3);
  CHECK(one.total == 6);
  CHECK(one.ratio() == 0.5);
  CHECK(two.distinct == 2);  // ab, ba
  CHECK(two.total == 3);
  CHECK(eval::distinct_ngrams(texts, 3).ratio() == 1);
  CHECK(eval::distinct_ngrams(texts, 4).ratio() == 0);
  CHECK(eval::distinct_ngrams({}, 1).ratio() == 0);
}

TEST_CASE("distinct-n does not depend on the order of texts, and falls when one comes twice", "[eval]") {
  std::vector<Tokens> texts = {{"a", "b", "c"}, {"c", "d"}, {"a", "a", "b"}};
  const std::vector<Tokens> reversed(texts.rbegin(), texts.rend());
  const double before = eval::distinct_ngrams(texts, 2).ratio();
  CHECK(before == eval::distinct_ngrams(reversed, 2).ratio());
  texts.push_back(texts[0]);
  CHECK(eval::distinct_ngrams(texts, 2).ratio() < before);
}

TEST_CASE("repeated 4-grams: the share of texts, and how much of each", "[eval]") {
  const std::vector<Tokens> texts = {
      {"a", "b", "c", "d", "a", "b", "c", "d"},  // 5 4-grams, abcd twice
      {"a", "b", "c", "d", "e"},
      {"a", "a", "a", "a", "a", "a"},  // 3, all the same
      {"a", "b", "c"},
  };
  const eval::Repetition four = eval::repeated_ngrams(texts);
  CHECK(four.texts == 0.5);
  CHECK(four.rate == Approx((1.0 / 5 + 2.0 / 3) / 4));
  CHECK(eval::repeated_ngrams(texts, 1).texts == 0.5);
  CHECK(eval::repeated_ngrams({}).texts == 0);
  // The same text again in another place repeats nothing inside a text.
  const std::vector<Tokens> twice = {{"a", "b", "c", "d"}, {"a", "b", "c", "d"}};
  CHECK(eval::repeated_ngrams(twice).rate == 0);
}

TEST_CASE("texts are cut to a number of characters without whitespace", "[eval]") {
  const std::vector<std::string> texts = {"好 茶，", "ab c", "de"};
  CHECK(eval::count_characters(texts) == 8);
  const auto cut = [&](std::int64_t characters) { return eval::cut_to_characters(texts, characters); };
  CHECK(cut(8) == texts);
  CHECK(cut(100) == texts);
  CHECK(cut(2) == std::vector<std::string>{"好 茶"});
  CHECK(cut(5) == std::vector<std::string>{"好 茶，", "ab"});
  CHECK(cut(0).empty());
  for (std::int64_t n = 0; n <= 8; ++n) CHECK(eval::count_characters(cut(n)) == n);
}

TEST_CASE("n-grams of no token are refused", "[eval]") {
  CHECK(test::error_of([] { eval::distinct_ngrams({}, 0); }) ==
        "invalid_argument: distinct_ngrams: n is 0, expected at least 1");
  CHECK_THAT(test::error_of([] { eval::repeated_ngrams({}, -1); }), ContainsSubstring("n is -1"));
}

}  // namespace
}  // namespace adlib
