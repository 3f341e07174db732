#include "adlib/tokenizer/utf8_stream.h"

#include "adlib/core/error.h"
#include "json_builder.h"
#include "support/catch.h"
#include "support/files.h"

using namespace adlib;
using namespace adlib::test;

TEST_CASE("text cut at any byte streams out whole characters at a time", "[tokenizer]") {
  const std::string text = "aé中😀\n";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    Utf8Stream stream;
    const std::string first = stream.push(text.substr(0, cut));
    CHECK(Utf8Stream().push(first) == first);  // whole: nothing of it would wait
    CHECK(first + stream.push(text.substr(cut)) == text);
    CHECK(stream.finish().empty());
  }
  Utf8Stream bytewise;
  std::string joined;
  for (const char c : text) joined += bytewise.push(std::string_view(&c, 1));
  CHECK(joined == text);
}

TEST_CASE("bytes that are not UTF-8 become U+FFFD, or stay when asked for", "[tokenizer]") {
  Utf8Stream stream;
  CHECK(stream.push("a\xff\xe4\xb8") == "a\uFFFD");
  CHECK(stream.finish() == "\uFFFD");
  CHECK(stream.push("\xe4\xb8"
                    "b\xf0\x90\x80") == "\uFFFDb");
  CHECK(stream.push("\x80") == "\U00010000");
  CHECK(stream.push("\xed\xa0\x80\xc0\xaf\xf5") == "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD");

  Utf8Stream raw(Utf8Stream::Invalid::keep);
  CHECK(raw.push("a\xff\xe4\xb8") == "a\xff");
  CHECK(raw.finish() == "\xe4\xb8");
  CHECK(raw.finish().empty());
}

TEST_CASE("the incremental decoder waits for whole characters and leaves special tokens out", "[tokenizer]") {
  nlohmann::json json = byte_level_json();
  json["added_tokens"] = nlohmann::json::array({added_token(300, "<end>", {{"special", true}})});
  const auto tokenizer = load(json);
  IncrementalDecoder decoder(*tokenizer);
  CHECK(decoder.push('a') == "a");
  CHECK(decoder.push(0xe4) == "");
  CHECK(decoder.push(300) == "");
  CHECK(decoder.push(0xb8) == "");
  CHECK(decoder.push(0xad) == "中");
  CHECK(decoder.push(0xff) == "\uFFFD");
  CHECK(decoder.push(0xe4) == "");
  CHECK(decoder.finish() == "\uFFFD");
  CHECK_THROWS_AS(decoder.push(299), Error);

  IncrementalDecoder all(*tokenizer, false);
  CHECK(all.push(300) == "<end>");
}

TEST_CASE("the incremental decoder puts a word's space where decode does", "[tokenizer]") {
  const auto [variant, text] =
      GENERATE(table<std::string, std::string>({{"llama2", "Hello  world 中文 \u4dfe\U0001F9FF end"},
                                                {"bert_lower", "don't the comfortable 中文, ok."},
                                                {"unigram", "the   comfortable jacket"},
                                                {"words", "the comfortable jacket"}}));
  const auto tokenizer = Tokenizer::from_directory(data_dir() / "tokenizer" / variant);
  const auto ids = tokenizer->encode_with_special(text);
  IncrementalDecoder decoder(*tokenizer);
  std::string streamed;
  for (const TokenId id : ids) {
    const std::string piece = decoder.push(id);
    CHECK(Utf8Stream().push(piece) == piece);
    streamed += piece;
  }
  CHECK(streamed + decoder.finish() == tokenizer->decode(ids));
}
