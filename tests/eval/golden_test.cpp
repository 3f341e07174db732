// What sacrebleu and rouge_score say of 154 pairs of texts; tests/data/eval/make_goldens.py made them up.
#include <string>
#include <vector>

#include "adlib/eval/bleu.h"
#include "adlib/eval/chrf.h"
#include "adlib/eval/rouge.h"
#include "adlib/io/json.h"
#include "support/catch.h"
#include "support/files.h"

namespace adlib {
namespace {

using eval::Language;
using eval::Tokens;
using io::Json;

struct Golden {
  Json json;
  Language language;
  std::vector<std::string> texts, references;
  std::vector<Tokens> text_tokens, reference_tokens;  // of BLEU
};

Golden golden(Language language) {
  Golden out;
  out.json = io::read_json(test::data_dir() / "eval/measures.json").at(std::string(to_string(language)));
  out.language = language;
  out.texts = out.json.at("texts").get<std::vector<std::string>>();
  out.references = out.json.at("references").get<std::vector<std::string>>();
  for (const std::string& text : out.texts) out.text_tokens.push_back(eval::bleu_tokens(text, language));
  for (const std::string& text : out.references) {
    out.reference_tokens.push_back(eval::bleu_tokens(text, language));
  }
  return out;
}

Golden either() { return golden(GENERATE(Language::en, Language::zh)); }

// Sums of the same integers, divided and multiplied in another order at most.
Approx exactly(double value) { return Approx(value).epsilon(1e-12).margin(1e-12); }

void check(const eval::RougeScore& score, const Json& expected) {
  CHECK(score.precision == exactly(expected[0].get<double>()));
  CHECK(score.recall == exactly(expected[1].get<double>()));
  CHECK(score.f == exactly(expected[2].get<double>()));
}
void check_rouge(const Tokens& text, const Tokens& reference, const Json& expected) {
  check(eval::rouge_n(text, reference, 1), expected.at("rouge1"));
  check(eval::rouge_n(text, reference, 2), expected.at("rouge2"));
  check(eval::rouge_l(text, reference), expected.at("rougeL"));
}

TEST_CASE("BLEU's tokens are those of sacrebleu's 13a and zh", "[eval][golden]") {
  const Golden g = either();
  REQUIRE(g.texts.size() >= 70);
  for (std::size_t i = 0; i < g.texts.size(); ++i) {
    INFO(g.texts[i]);
    CHECK(g.text_tokens[i] == g.json.at("bleu_tokens")[i].get<Tokens>());
  }
}

TEST_CASE("BLEU-4 of corpora and sentences is sacrebleu's", "[eval][bleu][golden]") {
  const Golden g = either();
  const eval::Bleu corpus = eval::corpus_bleu(g.text_tokens, g.reference_tokens);
  CHECK(corpus.score == exactly(g.json.at("bleu").get<double>()));
  CHECK(corpus.brevity_penalty == exactly(g.json.at("brevity_penalty").get<double>()));
  for (std::size_t n = 0; n < 4; ++n) {
    CHECK(corpus.precisions[n] == exactly(g.json.at("precisions")[n].get<double>()));
  }
  for (std::size_t i = 0; i < g.texts.size(); ++i) {
    INFO(g.texts[i] << " | " << g.references[i]);
    CHECK(eval::sentence_bleu(g.text_tokens[i], {&g.reference_tokens[i], 1}) ==
          exactly(g.json.at("sentence_bleu")[i].get<double>()));
  }
  for (std::size_t i = 0; i < g.json.at("nearest_of_three").size(); ++i) {
    const std::span<const Tokens> three(&g.reference_tokens[3 * i], 3);
    INFO(i);
    CHECK(eval::sentence_bleu(g.text_tokens[3 * i], three) ==
          exactly(g.json.at("nearest_of_three")[i].get<double>()));
  }
}

TEST_CASE("self-BLEU-4 is the mean of sacrebleu's sentence BLEU against all others", "[eval][bleu][golden]") {
  const Golden g = either();
  const std::span<const Tokens> some(g.text_tokens.data(), g.json.at("self_bleu_texts").get<std::size_t>());
  CHECK(eval::self_bleu(some) == exactly(g.json.at("self_bleu").get<double>()));
}

TEST_CASE("chrF and chrF++ are sacrebleu's", "[eval][chrf][golden]") {
  const Golden g = either();
  const eval::ChrfOptions plus_plus{.word_order = 2};
  CHECK(eval::corpus_chrf(g.texts, g.references) == exactly(g.json.at("chrf").get<double>()));
  CHECK(eval::corpus_chrf(g.texts, g.references, plus_plus) == exactly(g.json.at("chrf++").get<double>()));
  for (std::size_t i = 0; i < g.texts.size(); ++i) {
    INFO(g.texts[i] << " | " << g.references[i]);
    const std::span<const std::string> text(&g.texts[i], 1), reference(&g.references[i], 1);
    CHECK(eval::corpus_chrf(text, reference) == exactly(g.json.at("sentence_chrf")[i].get<double>()));
    CHECK(eval::corpus_chrf(text, reference, plus_plus) ==
          exactly(g.json.at("sentence_chrf++")[i].get<double>()));
  }
}

TEST_CASE("ROUGE-1, ROUGE-2 and ROUGE-L of English are rouge_score's", "[eval][rouge][golden]") {
  const Golden g = golden(Language::en);
  for (std::size_t i = 0; i < g.texts.size(); ++i) {
    INFO(g.texts[i] << " | " << g.references[i]);
    check_rouge(eval::rouge_tokens(g.texts[i]), eval::rouge_tokens(g.references[i]), g.json.at("rouge")[i]);
  }
}

TEST_CASE("ROUGE by character and of given words is rouge_score's", "[eval][rouge][golden]") {
  const Golden g = either();
  for (std::size_t i = 0; i < g.texts.size(); ++i) {
    INFO(g.texts[i] << " | " << g.references[i]);
    check_rouge(eval::characters(g.texts[i]), eval::characters(g.references[i]),
                g.json.at("rouge_characters")[i]);
    const Json& words = g.json.at("words")[i];
    check_rouge(words[0].get<Tokens>(), words[1].get<Tokens>(), g.json.at("rouge_words")[i]);
  }
}

}  // namespace
}  // namespace adlib
