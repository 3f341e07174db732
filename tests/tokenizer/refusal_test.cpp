// What a tokenizer.json may not say, and files that are not what they claim to be.
#include "adlib/core/error.h"
#include "adlib/tokenizer/sentencepiece.h"
#include "json_builder.h"
#include "support/catch.h"
#include "support/files.h"

using namespace adlib;
using namespace adlib::test;
using Json = nlohmann::json;

namespace {

ErrorCode code_of(const Json& json, std::string& message) {
  try {
    load(json);
  } catch (const Error& e) {
    message = e.what();
    return e.code();
  }
  FAIL("it was loaded: " << json.dump().substr(0, 300));
  return ErrorCode::io;
}

/// The byte-level tokenizer with one part replaced.
Json with(const std::string& pointer, const Json& value) {
  Json json = byte_level_json();
  json[Json::json_pointer(pointer)] = value;
  return json;
}

}  // namespace

TEST_CASE("what is not honoured is refused by name", "[tokenizer]") {
  struct Case {
    const char* pointer;
    Json value;
    const char* named;
  };
  const std::vector<Case> cases = {
      {"/normalizer",
       {{"type", "Precompiled"}, {"precompiled_charsmap", ""}},
       "normalizer: type 'Precompiled'"},
      {"/normalizer", {{"type", "Nmt"}}, "normalizer: type 'Nmt'"},
      {"/normalizer", {{"type", "ByteLevel"}}, "normalizer: type 'ByteLevel'"},
      {"/normalizer", {{"type", "NFC"}, {"form", 1}}, "field 'form'"},
      {"/normalizer",
       {{"type", "Sequence"}, {"normalizers", {{{"type", "NFC"}}, {{"type", "Nmt"}}}}},
       "normalizers[1]"},
      {"/normalizer", {{"type", "Prepend"}, {"prepend", std::string(100, 'x')}}, "normalizer.prepend"},
      {"/pre_tokenizer", {{"type", "UnicodeScripts"}}, "pre_tokenizer: type 'UnicodeScripts'"},
      {"/pre_tokenizer", {{"type", "FixedLength"}, {"length", 5}}, "'FixedLength'"},
      {"/pre_tokenizer",
       {{"type", "Split"}, {"pattern", {{"Regex", "\\h"}}}, {"behavior", "Isolated"}},
       "\\h"},
      {"/pre_tokenizer",
       {{"type", "Split"}, {"pattern", {{"Regex", "a"}}}, {"behavior", "Odd"}},
       "behavior 'Odd'"},
      {"/pre_tokenizer",
       {{"type", "Sequence"}, {"pretokenizers", {{{"type", "ByteLevel"}}, {{"type", "Digits"}}}}},
       "'Digits' after ByteLevel"},
      {"/pre_tokenizer", {{"type", "Metaspace"}, {"prepend_scheme", "last"}}, "prepend_scheme 'last'"},
      {"/post_processor", {{"type", "Odd"}}, "post_processor: type 'Odd'"},
      {"/post_processor",
       {{"type", "TemplateProcessing"},
        {"single", Json::array({{{"Sequence", {{"id", "B"}}}}})},
        {"special_tokens", Json::object()}},
       "one $A"},
      {"/decoder", {{"type", "CTC"}}, "decoder: type 'CTC'"},
      {"/model/dropout", 0.1, "'dropout'"},
      {"/model/type", "WordLevel", "type 'WordLevel'"},
      {"/model/type", "Unigram", "type 'Unigram' behind a ByteLevel"},
      {"/model/odd", 1, "field 'odd'"},
      {"/odd", 1, "field 'odd'"},
      {"/added_tokens", Json::array({added_token(300, "x", {{"odd", true}})}), "field 'odd'"},
      {"/added_tokens", Json::array({added_token(300, std::string(2000, 'x'))}), "2000 bytes"},
  };
  for (const Case& c : cases) {
    std::string message;
    INFO(c.pointer << " = " << c.value.dump().substr(0, 200));
    CHECK(code_of(with(c.pointer, c.value), message) == ErrorCode::unsupported);
    CHECK_THAT(message, ContainsSubstring(c.named) && ContainsSubstring("tokenizer.json"));
  }
}

TEST_CASE("a malformed tokenizer.json is an error that names the place", "[tokenizer]") {
  struct Case {
    const char* pointer;
    Json value;
    const char* named;
  };
  Json two_tokens = byte_level_json()["model"]["vocab"];
  two_tokens["again"] = 5;
  const std::vector<Case> cases = {
      {"/model", 5, "model is number"},
      {"/model/vocab", {"a"}, "model.vocab is array"},
      {"/model/vocab", {{"a", "b"}}, "token 'a'"},
      {"/model/vocab", {{"a", -1}}, "id -1"},
      {"/model/vocab", {{"a", 2000000000}}, "id 2000000000"},
      {"/model/vocab", two_tokens, "id 5 belongs to two tokens"},
      {"/model/merges", {"a b c"}, "merges[0]"},
      {"/model/merges", Json::parse(R"([["a", 1]])"), "merges[0]"},
      {"/model/merges", {"a zz"}, "needs the token 'zz'"},
      {"/model/unk_token", "<unk>", "unk_token '<unk>'"},
      {"/model/byte_fallback", "yes", "'byte_fallback' is string"},
      {"/added_tokens", Json::array({added_token(7, "x")}), "contradicts"},
      {"/added_tokens", Json::array({{{"id", 7}}}), "field 'content' is missing"},
      {"/normalizer", {{"type", "Sequence"}}, "'normalizers' is missing"},
      {"/normalizer", "NFC", "normalizer is string"},
      {"/pre_tokenizer",
       {{"type", "Split"}, {"pattern", {{"Regex", "(a"}}}, {"behavior", "Isolated"}},
       "does not compile"},
      {"/pre_tokenizer", {{"type", "CharDelimiterSplit"}, {"delimiter", "ab"}}, "expected one character"},
      {"/post_processor",
       {{"type", "BertProcessing"}, {"sep", {"a"}}, {"cls", {"a", 1}}},
       "expected [token, id]"},
  };
  for (const Case& c : cases) {
    std::string message;
    INFO(c.pointer << " = " << c.value.dump().substr(0, 200));
    CHECK(code_of(with(c.pointer, c.value), message) == ErrorCode::bad_format);
    CHECK_THAT(message, ContainsSubstring(c.named) && ContainsSubstring("tokenizer.json"));
  }
}

TEST_CASE("Sequences nested without end and steps without number are refused", "[tokenizer]") {
  Json nested = {{"type", "NFC"}};
  for (int i = 0; i < 300; ++i) nested = {{"type", "Sequence"}, {"normalizers", Json::array({nested})}};
  CHECK_THROWS_WITH(load(with("/normalizer", nested)), ContainsSubstring("Sequence inside"));
  Json many = {{"type", "Sequence"}, {"normalizers", Json::array()}};
  for (int i = 0; i < 100; ++i) many["normalizers"].push_back({{"type", "NFC"}});
  CHECK_THROWS_WITH(load(with("/normalizer", many)), ContainsSubstring("steps are not supported"));
}

TEST_CASE("a normalizer that multiplies its text is stopped", "[tokenizer]") {
  Json steps = Json::array();
  for (int i = 0; i < 20; ++i) {
    steps.push_back({{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", std::string(64, 'a')}});
  }
  const auto tokenizer = load(with("/normalizer", {{"type", "Sequence"}, {"normalizers", steps}}));
  CHECK(tokenizer->encode("bcd").size() == 3);
  CHECK_THROWS_WITH(tokenizer->encode("a"), ContainsSubstring("normalizer"));
}

TEST_CASE("every prefix of a tokenizer.json is an error, not a crash", "[tokenizer]") {
  const std::string text = byte_level_json().dump();
  for (std::size_t n = 0; n < text.size(); n += 37) {
    CHECK_THROWS_WITH(tokenizer_from_json(text.substr(0, n), "dir/tokenizer.json"),
                      ContainsSubstring("dir/tokenizer.json: not valid JSON"));
  }
}

TEST_CASE("malformed vocabulary files are errors that name the file", "[tokenizer]") {
  TempDir dir;
  write_byte_level_files(dir.path());
  write_text(dir / "merges.txt", "#version: 0.2\na b c\n");
  CHECK_THROWS_WITH(Tokenizer::from_directory(dir.path()), ContainsSubstring("merges.txt:2"));
  write_text(dir / "merges.txt", "a b\n");
  CHECK_THROWS_WITH(Tokenizer::from_directory(dir.path()), ContainsSubstring("needs the token 'ab'"));
  write_text(dir / "merges.txt", "");
  write_text(dir / "vocab.json", "{\"a\": 0,");
  CHECK_THROWS_WITH(Tokenizer::from_directory(dir.path()), ContainsSubstring("vocab.json: not valid JSON"));
  write_text(dir / "vocab.json", "{\"a\": 1.5}");
  CHECK_THROWS_WITH(Tokenizer::from_directory(dir.path()), ContainsSubstring("expected an integer"));
  write_byte_level_files(dir.path());
  write_text(dir / "tokenizer_config.json", "{\"tokenizer_class\": \"XLMTokenizer\"}");
  CHECK_THROWS_WITH(Tokenizer::from_directory(dir.path()), ContainsSubstring("'XLMTokenizer'"));
  write_text(dir / "tokenizer_config.json", "[]");
  CHECK_THROWS_WITH(Tokenizer::from_directory(dir.path()),
                    ContainsSubstring("tokenizer_config.json is array"));
}

TEST_CASE("bytes that are no SentencePiece model are errors", "[tokenizer]") {
  for (const std::string bytes : {"", "x", "\x0a\x05hello", "{\"a\": 1}", "\x0a\xff\xff\xff\xff\x0f"}) {
    CHECK_THROWS_WITH(sentencepiece_from_bytes(bytes, "dir/tokenizer.model"),
                      ContainsSubstring("dir/tokenizer.model: "));
  }
}

TEST_CASE("a damaged SentencePiece model is an error or a model, never a crash", "[tokenizer][golden]") {
  const auto path = shared_dir() / "vectors/sentencepiece/test_model.model";
  if (!have(path)) return;
  const std::string good = read_text(path);
  int refused = 0;
  const auto try_to_use = [&refused](const std::string& bytes) {
    try {
      const auto tokenizer = sentencepiece_from_bytes(bytes);
      tokenizer->decode(tokenizer->encode("Hello wörld ½"));
    } catch (const Error&) {
      ++refused;
    }
  };
  for (std::size_t i = 0; i < good.size(); i += good.size() / 300) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x55);
    try_to_use(bad);
    try_to_use(good.substr(0, i));
  }
  CHECK(refused > 100);
}
