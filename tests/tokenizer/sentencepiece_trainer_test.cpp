#include "adlib/tokenizer/sentencepiece_trainer.h"

#include <algorithm>

#include "adlib/core/parallel.h"
#include "adlib/tokenizer/sentencepiece.h"
#include "support/catch.h"
#include "support/error_of.h"
#include "support/files.h"
#include "tokenizer/hostile_text.h"

using namespace adlib;
using namespace adlib::test;

namespace {

const std::vector<std::string> kTexts = {"<title>夏季连衣裙（新款）<text>面料柔软，￥199！",
                                         "a dress, a shirt and 2 hats",
                                         "第一行\n第二行\n  缩进",
                                         "tab\there",
                                         "一 ▁ 二",
                                         std::string("nul\0here", 8),
                                         std::string(10000, 'z') + "end"};

std::string trained_bytes(const SentencePieceOptions& options,
                          const std::vector<std::string>& texts = kTexts) {
  std::size_t at = 0;
  return train_sentencepiece(
      [&](std::string& text) {
        if (at == texts.size()) return false;
        text = texts[at++];
        return true;
      },
      options);
}

SentencePieceOptions options_of(SentencePieceOptions::Model model) {
  return {.model = model, .vocab_size = 318, .tags = {"<title>", "<text>", "a,\"b\"", "¶"}};
}

}  // namespace

TEST_CASE("A trained model keeps every valid text byte for byte", "[tokenizer][sentencepiece]") {
  const auto model = GENERATE(SentencePieceOptions::Model::bpe, SentencePieceOptions::Model::unigram);
  const auto options = options_of(model);
  const auto tokenizer = sentencepiece_from_bytes(trained_bytes(options));
  CHECK(tokenizer->vocab_size() == options.vocab_size);
  HostileText text(options.tags, 1);
  for (int i = 0; i < 2000; ++i) {
    const std::string sample = text.next();
    INFO(sample);
    REQUIRE(tokenizer->decode(tokenizer->encode(sample), false) == sample);
    const auto ids = tokenizer->encode_text(sample);
    REQUIRE(tokenizer->decode(ids, true) == sample);
    for (const std::string& tag : options.tags) {
      REQUIRE(std::find(ids.begin(), ids.end(), *tokenizer->token_to_id(tag)) == ids.end());
    }
    REQUIRE(std::find(ids.begin(), ids.end(), 1) == ids.end());  // <unk>
  }
  for (const std::string& sample : kTexts)
    CHECK(tokenizer->decode(tokenizer->encode(sample), false) == sample);
}

TEST_CASE("A vocabulary begins with the special tokens, the tags and the newline",
          "[tokenizer][sentencepiece]") {
  const auto options = options_of(SentencePieceOptions::Model::bpe);
  const auto tokenizer = sentencepiece_from_bytes(trained_bytes(options));
  std::vector<std::string> expected = {"<pad>", "<unk>", "<s>", "</s>"};
  expected.insert(expected.end(), options.tags.begin(), options.tags.end());
  expected.push_back("\n");
  for (std::size_t i = 0; i < expected.size(); ++i)
    CHECK(tokenizer->id_to_token(static_cast<TokenId>(i)) == expected[i]);
  CHECK(tokenizer->token_to_id("▁").has_value());
  CHECK(tokenizer->token_to_id("（").has_value());
  CHECK(tokenizer->token_to_id("<0xFF>").has_value());
  CHECK(tokenizer->bos_id() == 2);
  CHECK(tokenizer->eos_id() == 3);
  CHECK(tokenizer->encode("<title>¶\n").size() == 3);
  CHECK(tokenizer->encode("199").size() == 3);        // digit by digit
  CHECK(tokenizer->encode_text("\n\n").size() == 2);  // white space is text, not a tag
}

TEST_CASE("Training gives the same bytes on one thread and on several",
          "[tokenizer][sentencepiece][threads]") {
  const auto options =
      options_of(GENERATE(SentencePieceOptions::Model::bpe, SentencePieceOptions::Model::unigram));
  set_num_threads(1);
  const std::string one = trained_bytes(options);
  set_num_threads(4);
  CHECK((trained_bytes(options) == one));
  set_num_threads(0);
}

TEST_CASE("Text without a space still has a piece for one", "[tokenizer][sentencepiece]") {
  const auto tokenizer = sentencepiece_from_bytes(trained_bytes({.vocab_size = 265}, {"一二三"}));
  CHECK(tokenizer->token_to_id("▁").has_value());
  CHECK(tokenizer->decode(tokenizer->encode(" 一 "), false) == " 一 ");
}

TEST_CASE("The written directory loads, and only where no other tokenizer stands",
          "[tokenizer][sentencepiece]") {
  const TempDir dir;
  auto options = options_of(SentencePieceOptions::Model::bpe);
  options.add_bos = GENERATE(false, true);
  write_sentencepiece_files(dir / "new", trained_bytes(options), options);
  const auto tokenizer = Tokenizer::from_directory(dir / "new");
  CHECK(tokenizer->kind() == "sentencepiece");
  CHECK((tokenizer->encode_with_special("a").front() == 2) == options.add_bos);
  CHECK(tokenizer->is_special(0));
  CHECK_FALSE(tokenizer->is_special(4));
  CHECK(tokenizer->encode("</s>") == std::vector<TokenId>{3});  // as transformers does
  const auto as_text = tokenizer->encode_text("</s>");
  CHECK(std::find(as_text.begin(), as_text.end(), 3) == as_text.end());
  CHECK(tokenizer->decode(as_text) == "</s>");
  write_text(dir / "new/tokenizer.json", "{}");
  CHECK(error_of([&] { write_sentencepiece_files(dir / "new", "", options); }).find("move it away first") !=
        std::string::npos);
}

TEST_CASE("What no vocabulary can be made of is refused", "[tokenizer][sentencepiece]") {
  const auto refused = [](const SentencePieceOptions& options,
                          const std::vector<std::string>& texts = kTexts) {
    return error_of([&] { trained_bytes(options, texts); });
  };
  CHECK(refused({.vocab_size = 270}).find("a vocabulary of 270 is too small") != std::string::npos);
  CHECK(refused({.vocab_size = 5000}).find("a vocabulary of 5000 is more than the text gives: at most ") !=
        std::string::npos);
  CHECK(refused({.character_coverage = 0.5}).find("expected from 0.98 to 1") != std::string::npos);
  CHECK(refused({}, {}).find("there is no text") != std::string::npos);
  CHECK(refused({}, {"ok", "\xFF"}).find("text 2 is not valid UTF-8") != std::string::npos);
  for (const char* tag : {"", "a b", "▁x", "\n", "<s>", "<unk>", "<0x41>", "\xFF", "a\u3000"}) {
    CHECK(refused({.tags = {tag}}).find("train_sentencepiece: the tag") != std::string::npos);
  }
  CHECK(refused({.tags = {"<a>", "<a>"}}).find("is there twice") != std::string::npos);
}
