// encode_text(): a field is data, whatever it says.
#include <algorithm>
#include <set>

#include "adlib/tokenizer/sentencepiece.h"
#include "adlib/tokenizer/tokenizer.h"
#include "adlib/tokenizer/tokenizer_json.h"
#include "support/catch.h"
#include "support/files.h"
#include "tokenizer/hostile_text.h"

using namespace adlib;
using namespace adlib::test;

namespace {

struct Subject {
  std::string name;
  std::vector<std::string> tags;
  bool exact;  // valid UTF-8 comes back
};

}  // namespace

TEST_CASE("No text gives a tag's id as data, and where texts come back they still do",
          "[tokenizer][golden]") {
  const auto subject = GENERATE(values<Subject>({
      {"gpt2_added", {"<|endoftext|>", "<mask>", "<tool>", "科技", "word"}, false},
      {"llama3", {"<|begin_of_text|>", "<|eot_id|>"}, true},
      {"qwen2", {"<|im_start|>", "<|im_end|>", "<|endoftext|>"}, false},
      {"deepseek", {"<|endoftext|>"}, true},
      {"llama2", {"<s>", "</s>"}, false},
      {"unigram", {"<s>", "</s>"}, false},
      {"unigram_bytes", {"<s>", "</s>"}, false},
      {"bert_cased", {"[CLS]", "[SEP]", "[MASK]"}, false},
      {"clip", {"<|endoftext|>"}, false},
      {"spm", {"<title>", "<text>", "¶"}, true},
  }));
  CAPTURE(subject.name);
  const auto tokenizer = Tokenizer::from_directory(data_dir() / "tokenizer" / subject.name);
  std::set<TokenId> tags;
  for (const std::string& tag : subject.tags) {
    if (const auto id = tokenizer->token_to_id(tag)) tags.insert(*id);
  }
  REQUIRE_FALSE(tags.empty());
  const auto found = [&](const std::vector<TokenId>& ids) {
    return std::any_of(ids.begin(), ids.end(), [&](TokenId id) { return tags.contains(id); });
  };
  HostileText text(subject.tags);
  int as_tags = 0;
  for (int i = 0; i < 300; ++i) {
    const std::string sample = text.next();
    const auto ids = tokenizer->encode_text(sample);
    INFO(sample);
    REQUIRE_FALSE(found(ids));
    as_tags += found(tokenizer->encode(sample));
    if (subject.exact) REQUIRE(tokenizer->decode(ids, true) == sample);
  }
  CHECK(as_tags > 100);  // the same texts do hold tags
}

TEST_CASE("A vocabulary whose words are tags spells them out", "[tokenizer]") {
  const auto tokenizer = tokenizer_from_json(R"({
    "pre_tokenizer": {"type": "WhitespaceSplit"},
    "added_tokens": [{"id": 1, "content": "[A]", "special": true}, {"id": 7, "content": "b", "special": true}],
    "model": {"type": "WordPiece", "unk_token": "[UNK]",
              "vocab": {"[UNK]": 0, "[A]": 1, "[": 2, "A": 3, "]": 4, "x": 5, "<0x62>": 6, "b": 7}}})");
  CHECK(tokenizer->encode("x [A]") == std::vector<TokenId>{5, 1});
  CHECK(tokenizer->encode_text("x [A]") == std::vector<TokenId>{5, 2, 3, 4});
  CHECK(tokenizer->encode_text("b") == std::vector<TokenId>{6});   // its byte
  CHECK(tokenizer->encode_text("zz") == std::vector<TokenId>{0});  // unknown stays unknown
}

TEST_CASE("A vocabulary that has a letter only as a tag says so", "[tokenizer]") {
  const auto tokenizer = tokenizer_from_json(R"({
    "added_tokens": [{"id": 1, "content": "b", "special": true}, {"id": 2, "content": "c", "special": false}],
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "c": 2}, "merges": []}})");
  CHECK(tokenizer->encode_text("ac") == std::vector<TokenId>{0, 2});  // a letter, though added
  CHECK_THROWS_WITH(tokenizer->encode_text("ab"), ContainsSubstring("no other token for 'b'"));
}
