// BLEU, ROUGE and chrF by hand, and what must hold whatever the texts are.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "adlib/core/random.h"
#include "adlib/eval/bleu.h"
#include "adlib/eval/chrf.h"
#include "adlib/eval/rouge.h"
#include "support/catch.h"
#include "support/error_of.h"

namespace adlib {
namespace {

using eval::Tokens;

// Texts of 4 to 23 tokens from a small vocabulary, so that they share n-grams.
std::vector<Tokens> random_texts(std::size_t count, std::uint64_t seed) {
  const Philox bits(seed);
  std::vector<Tokens> out(count);
  std::uint64_t draw = 0;
  for (Tokens& text : out) {
    text.resize(4 + bits.block(draw++)[0] % 20);
    for (std::string& token : text)
      token = std::string(1, static_cast<char>('a' + bits.block(draw++)[0] % 6));
  }
  return out;
}

std::string joined(const Tokens& tokens) {
  std::string out;
  for (const std::string& token : tokens) out += (out.empty() ? "" : " ") + token;
  return out;
}

std::vector<std::string> joined(const std::vector<Tokens>& texts) {
  std::vector<std::string> out;
  for (const Tokens& text : texts) out.push_back(joined(text));
  return out;
}

TEST_CASE("BLEU of Papineni's example is what the paper counts", "[eval][bleu]") {
  const Tokens candidate = {"the", "the", "the", "the", "the", "the", "the"};
  const std::vector<Tokens> references = {{"the", "cat", "is", "on", "the", "mat"},
                                          {"there", "is", "a", "cat", "on", "the", "mat"}};
  const eval::BleuCounts counts = eval::bleu_counts(candidate, references);
  CHECK(counts.matches == std::array<std::int64_t, 4>{2, 0, 0, 0});
  CHECK(counts.totals == std::array<std::int64_t, 4>{7, 6, 5, 4});
  CHECK(counts.reference_length == 7);
  // Smoothed: 2/7, 1/(2·6), 1/(4·5), 1/(8·4); as long as its reference.
  const double expected = 100 * std::pow(2.0 / 7 / 12 / 20 / 32, 0.25);
  CHECK(eval::bleu(counts).score == Approx(expected).epsilon(1e-14));
}

TEST_CASE("BLEU punishes short texts by exp(1 - r/c) and gives 0 where nothing matches", "[eval][bleu]") {
  const Tokens reference = {"a", "b", "c", "d", "e", "f"};
  const Tokens begin(reference.begin(), reference.begin() + 4);
  const eval::Bleu shorter = eval::bleu(eval::bleu_counts(begin, {&reference, 1}));
  CHECK(shorter.score == Approx(100 * std::exp(1 - 6.0 / 4)).epsilon(1e-14));
  CHECK(shorter.brevity_penalty == Approx(std::exp(-0.5)).epsilon(1e-14));
  CHECK(eval::sentence_bleu({"x", "y"}, {&reference, 1}) == 0);
  CHECK(eval::sentence_bleu({}, {&reference, 1}) == 0);
  const Tokens empty;
  CHECK(eval::sentence_bleu({"x"}, {&empty, 1}) == 0);
  // Three tokens have no 4-gram: 0 by the corpus's rule, 100 by the sentence's.
  const Tokens three = {"a", "b", "c"};
  CHECK(eval::corpus_bleu({&three, 1}, {&three, 1}).score == 0);
  CHECK(eval::sentence_bleu(three, {&three, 1}) == Approx(100).epsilon(1e-14));
}

TEST_CASE("ROUGE by hand: shared n-grams and the longest common subsequence", "[eval][rouge]") {
  const Tokens text = {"police", "kill", "the", "gunman"}, reference = {"police", "killed", "the", "gunman"};
  CHECK(eval::rouge_n(text, reference, 1).f == Approx(0.75));
  CHECK(eval::rouge_n(text, reference, 2).f == Approx(1.0 / 3));
  CHECK(eval::rouge_l(text, reference).f == Approx(0.75));  // Lin 2004, section 3.1
  CHECK(eval::rouge_l({"the", "gunman", "kill", "police"}, reference).f == Approx(0.5));
  const eval::RougeScore longer = eval::rouge_n({"a", "b", "c", "d"}, {"a", "a"}, 1);
  CHECK(longer.precision == Approx(0.25));
  CHECK(longer.recall == Approx(0.5));
  CHECK(longer.f == Approx(1.0 / 3));
  CHECK(eval::rouge_l({}, {}).f == 0);
  CHECK(eval::rouge_n({"a"}, {"a"}, 2).f == 0);
}

TEST_CASE("chrF by hand: two orders, recall counts four times", "[eval][chrf]") {
  const std::vector<std::string> text = {"ab c"}, reference = {"abd"};
  // Order 1: 2 of 3 both ways; order 2: ab of {ab, bc}, of {ab, bd}.
  const double mean = (2.0 / 3 + 0.5) / 2;
  CHECK(eval::corpus_chrf(text, reference, {.char_order = 2}) == Approx(100 * mean).epsilon(1e-14));
  const std::vector<std::string> part = {"ab"};
  // Precision 1, 1; recall 2/3, 1/2; order 3 is not in the text.
  CHECK(eval::corpus_chrf(part, reference, {.char_order = 3}) ==
        Approx(100 * 5 * mean / (4 + mean)).epsilon(1e-14));
}

TEST_CASE("identical texts give 100 and 1, texts without a common token 0", "[eval]") {
  const std::vector<Tokens> texts = random_texts(20, 3);
  const std::vector<std::string> strings = joined(texts);
  CHECK(eval::corpus_bleu(texts, texts).score == Approx(100).epsilon(1e-12));
  CHECK(eval::corpus_chrf(strings, strings) == Approx(100).epsilon(1e-12));
  CHECK(eval::corpus_chrf(strings, strings, {.word_order = 2}) == Approx(100).epsilon(1e-12));
  const eval::Rouge same = eval::mean_rouge(texts, texts);
  for (const double f : {same.rouge_1, same.rouge_2, same.rouge_l}) CHECK(f == Approx(1).epsilon(1e-12));
  const std::vector<Tokens> alike(5, texts[0]);
  CHECK(eval::self_bleu(alike) == Approx(100).epsilon(1e-12));

  const std::vector<Tokens> other(texts.size(), Tokens{"x", "y", "z", "x", "y"});
  CHECK(eval::corpus_bleu(other, texts).score == 0);
  CHECK(eval::corpus_chrf(joined(other), strings) == 0);
  CHECK(eval::mean_rouge(other, texts).rouge_1 == 0);
}

TEST_CASE("the order of the texts changes no corpus measure", "[eval]") {
  std::vector<Tokens> texts = random_texts(30, 1), references = random_texts(30, 2);
  const auto measure = [&] {
    const eval::Rouge rouge = eval::mean_rouge(texts, references);
    return std::vector<double>{eval::corpus_bleu(texts, references).score,
                               eval::corpus_chrf(joined(texts), joined(references)),
                               eval::self_bleu(texts),
                               rouge.rouge_1,
                               rouge.rouge_2,
                               rouge.rouge_l};
  };
  const std::vector<double> before = measure();
  std::rotate(texts.begin(), texts.begin() + 11, texts.end());
  std::rotate(references.begin(), references.begin() + 11, references.end());
  const std::vector<double> after = measure();
  for (std::size_t i = 0; i < before.size(); ++i) {
    INFO(i);
    CHECK(before[i] > 0);
    CHECK(after[i] == Approx(before[i]).epsilon(1e-12));
  }
  std::rotate(references.begin(), references.begin() + 1, references.end());  // other pairs: not the same
  CHECK(eval::corpus_bleu(texts, references).score != before[0]);
}

TEST_CASE("self-BLEU is what it is defined as, also with texts of one length or alone in theirs",
          "[eval][bleu]") {
  std::vector<Tokens> texts = random_texts(12, 7);
  texts.push_back({"a", "b"});
  texts.push_back({});
  texts.push_back(texts[0]);
  double sum = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    std::vector<Tokens> others = texts;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
    sum += eval::sentence_bleu(texts[i], others);
  }
  CHECK(eval::self_bleu(texts) == Approx(sum / static_cast<double>(texts.size())).epsilon(1e-12));
}

TEST_CASE("precision and recall of ROUGE change places with text and reference", "[eval][rouge]") {
  const std::vector<Tokens> a = random_texts(10, 4), b = random_texts(10, 5);
  for (std::size_t i = 0; i < a.size(); ++i) {
    const eval::RougeScore there = eval::rouge_l(a[i], b[i]), back = eval::rouge_l(b[i], a[i]);
    CHECK(there.precision == back.recall);
    CHECK(there.recall == back.precision);
    CHECK(there.f == Approx(back.f).epsilon(1e-14));
  }
}

TEST_CASE("measures of pairs refuse lists that do not fit, by their numbers", "[eval]") {
  const std::vector<Tokens> two(2), three(3);
  const std::vector<std::string> strings(2);
  CHECK(test::error_of([&] { eval::corpus_bleu(two, three); }) ==
        "invalid_argument: bleu: 2 texts and 3 references, expected one for each text");
  CHECK_THAT(test::error_of([&] { eval::mean_rouge(three, two); }), ContainsSubstring("3 texts and 2"));
  CHECK_THAT(test::error_of([&] { eval::corpus_chrf(strings, {}); }), ContainsSubstring("2 texts and 0"));
  CHECK_THAT(test::error_of([&] { eval::corpus_chrf(strings, strings, {.char_order = -1}); }),
             ContainsSubstring("char_order is -1"));
  CHECK_THAT(test::error_of([&] { eval::bleu_counts({}, {}); }), ContainsSubstring("no reference"));
  CHECK_THAT(test::error_of([&] { eval::self_bleu(std::span(two).first(1)); }),
             ContainsSubstring("got 1 texts"));
  CHECK_THAT(test::error_of([&] { eval::rouge_n({}, {}, 0); }), ContainsSubstring("n is 0"));
}

}  // namespace
}  // namespace adlib
