// Byte-exactness, invalid UTF-8, sizes, threads, and the older vocabulary files.
#include "adlib/tokenizer/tokenizer.h"

#include <random>
#include <thread>

#include "adlib/core/error.h"
#include "json_builder.h"
#include "support/catch.h"
#include "support/files.h"

using namespace adlib;
using namespace adlib::test;
using Ids = std::vector<TokenId>;

namespace {

std::string random_bytes(std::mt19937& random, std::size_t size) {
  static const std::vector<std::string> parts = {"abc",      " a", "中文", "\xff\xfe", "\xe4\xb8",
                                                 "\xf0\x9f", "\n", "'s",   "😀"};
  std::string out;
  while (out.size() < size) {
    if (random() % 2) {
      out += parts[random() % parts.size()];
    } else {
      out += static_cast<char>(random());
    }
  }
  return out;
}

}  // namespace

TEST_CASE("byte-level BPE gives back exactly the bytes that went in, whatever they are", "[tokenizer]") {
  const auto variant = GENERATE("gpt2", "llama3");
  const auto tokenizer = Tokenizer::from_directory(data_dir() / "tokenizer" / variant);
  std::mt19937 random(3);
  for (int i = 0; i < 2000; ++i) {
    const std::string bytes = random_bytes(random, random() % 60);
    if (tokenizer->decode(tokenizer->encode(bytes), false) != bytes) FAIL("not the same: " << bytes);
  }
  for (int b = 0; b < 256; ++b) {
    const std::string byte(1, static_cast<char>(b));
    CHECK(tokenizer->decode(tokenizer->encode(byte)) == byte);
  }
}

TEST_CASE("a run of invalid bytes is a piece of its own between the valid stretches", "[tokenizer]") {
  const auto tokenizer = load(byte_level_json());
  const auto join = [](Ids a, const Ids& b, const Ids& c) {
    a.insert(a.end(), b.begin(), b.end());
    a.insert(a.end(), c.begin(), c.end());
    return a;
  };
  CHECK(tokenizer->encode("abc\xff\xfe abc") ==
        join(tokenizer->encode("abc"), {0xff, 0xfe}, tokenizer->encode(" abc")));
  CHECK(tokenizer->encode("\xe4\xb8") == Ids{0xe4, 0xb8});
}

TEST_CASE("with NFC the text comes back in NFC and invalid bytes stay", "[tokenizer]") {
  const auto tokenizer = Tokenizer::from_directory(data_dir() / "tokenizer/qwen2");
  CHECK(tokenizer->decode(tokenizer->encode("e\u0301 \u212b \u1100\u1161")) == "\u00e9 \u00c5 \uac00");
  CHECK(tokenizer->decode(tokenizer->encode("e\u0301\xff\xc3"
                                            "e\u0301\xe4\xb8")) == "\u00e9\xff\xc3\u00e9\xe4\xb8");
}

TEST_CASE("a long run of combining marks is normalised in far less than quadratic time", "[tokenizer]") {
  const auto tokenizer = Tokenizer::from_directory(data_dir() / "tokenizer/qwen2");
  std::string marks = "a";
  for (int i = 0; i < 200'000; ++i) marks += i % 2 ? "\u0301" : "\u0323";
  CHECK_FALSE(tokenizer->encode(marks).empty());  // quadratic time would meet the test runner's limit
}

TEST_CASE("10 MB of one letter are encoded in seconds", "[tokenizer]") {
  const auto [variant, letter, size] =
      GENERATE(table<std::string, std::string, std::size_t>({{"gpt2", "a", 10'000'000},
                                                             {"qwen2", " ", 2'000'000},
                                                             {"llama2", "a", 2'000'000},
                                                             {"bert_lower", "a", 10'000'000},
                                                             {"unigram", "a", 10'000'000},
                                                             {"deepseek", "中", 2'000'000}}));
  const auto tokenizer = Tokenizer::from_directory(data_dir() / "tokenizer" / variant);
  std::string text;
  while (text.size() < size) text += letter;
  const auto ids = tokenizer->encode(text);
  INFO(variant);
  CHECK(!ids.empty());
  // Seconds on an idle machine: quadratic time would meet the test runner's limit.
  if (variant != "bert_lower") CHECK((tokenizer->decode(ids) == text));
}

TEST_CASE("the queue for long words merges as the scan for short ones does", "[tokenizer]") {
  const auto tokenizer =
      Tokenizer::from_directory(data_dir() / "tokenizer/llama2");  // no pre-tokenizer: long words
  std::mt19937 random(11);
  const std::string letters = "etaoin shrdlu";
  for (int i = 0; i < 200; ++i) {
    // A word alone, and the same word behind a stretch that no merge joins it to.
    std::string word;
    for (unsigned n = 1 + random() % 80; n > 0; --n) word += letters[random() % letters.size()];
    std::string border;
    for (int k = 0; k < 120; ++k) border += "\u4dfe";  // a byte-fallback character
    Ids alone = tokenizer->encode(border);
    const Ids both = tokenizer->encode(border + word);
    REQUIRE(both.size() > alone.size());
    const Ids tail(both.begin() + static_cast<std::ptrdiff_t>(alone.size()), both.end());
    const Ids short_word = tokenizer->encode("\u4dfe" + word);
    CHECK(tail == Ids(short_word.end() - static_cast<std::ptrdiff_t>(tail.size()), short_word.end()));
  }
}

TEST_CASE("one tokenizer serves many threads with the ids of one", "[tokenizer][threads]") {
  const auto variant = GENERATE("gpt2", "qwen2", "o200k", "bert_lower", "llama2", "unigram");
  const auto tokenizer = Tokenizer::from_directory(data_dir() / "tokenizer" / variant);
  std::vector<std::string> texts;
  std::vector<Ids> expected;
  std::mt19937 random(5);
  for (int i = 0; i < 100; ++i) {
    texts.push_back(random_bytes(random, 40));
    expected.push_back(tokenizer->encode(texts.back()));
  }
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < texts.size(); ++i) {
        const std::size_t k = (i + static_cast<std::size_t>(t) * 13) % texts.size();
        if (tokenizer->encode(texts[k]) != expected[k]) ++wrong;
        tokenizer->decode(expected[k]);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("the tokenizer of a fresh model maps each byte to one id and ends with <|endoftext|>",
          "[tokenizer]") {
  TempDir dir;
  write_byte_level_files(dir / "model");
  const auto tokenizer = Tokenizer::from_directory(dir / "model");
  CHECK(tokenizer->kind() == "byte_bpe");
  CHECK(tokenizer->vocab_size() == 257);
  CHECK(tokenizer->bos_id() == 256);
  CHECK(tokenizer->eos_id() == 256);
  CHECK(tokenizer->is_special(256));
  CHECK(tokenizer->token_to_id("Ġ") == 220);
  CHECK(tokenizer->encode("Hi <|endoftext|>中") == Ids{39, 72, 220, 256, 160, 116, 255});
  CHECK(tokenizer->decode(Ids{39, 72, 256}) == "Hi");
  CHECK(tokenizer->decode(Ids{39, 72, 256}, false) == "Hi<|endoftext|>");
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir / "model"))
    files += entry.is_regular_file();
  CHECK(files == 3);
}

TEST_CASE("ids out of the vocabulary are errors", "[tokenizer]") {
  const auto tokenizer = load(byte_level_json());
  CHECK_THROWS_WITH(tokenizer->decode(Ids{259}), ContainsSubstring("id 259 is not in the vocabulary of 259"));
  CHECK_THROWS_WITH(tokenizer->decode(Ids{-1}), ContainsSubstring("id -1"));
  CHECK_THROWS_AS(tokenizer->id_to_token(259), Error);
  CHECK(tokenizer->id_to_token(257) == "abc");
  CHECK(tokenizer->token_to_id("nothing") == std::nullopt);
}

TEST_CASE("BERT's vocab.txt splits Chinese characters, lowers case and strips accents", "[tokenizer]") {
  TempDir dir;
  write_text(dir / "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n中\n文\ncafe\n##s\n!\nCafés\n");
  const auto tokenizer = Tokenizer::from_directory(dir.path());
  CHECK(tokenizer->kind() == "wordpiece");
  CHECK(tokenizer->encode("中文 CAFÉs! 语") == Ids{5, 6, 7, 8, 9, 1});
  CHECK(tokenizer->encode_with_special("中[MASK]") == Ids{2, 5, 4, 3});
  CHECK(tokenizer->decode(Ids{2, 5, 6, 7, 8, 9, 3}) == "中 文 cafes!");
  CHECK(tokenizer->encode(std::string(101, 'x')) == Ids{1});

  write_text(dir / "tokenizer_config.json", R"({"do_lower_case": false, "tokenize_chinese_chars": false})");
  const auto cased = Tokenizer::from_directory(dir.path());
  CHECK(cased->encode("Cafés 中") == Ids{10, 5});
  CHECK(cased->encode("中文") == Ids{1});

  write_text(dir / "tokenizer_config.json", R"({"do_basic_tokenize": false})");
  CHECK_THROWS_WITH(Tokenizer::from_directory(dir.path()), ContainsSubstring("do_basic_tokenize"));
}

TEST_CASE("the files beside a vocabulary name its special and added tokens", "[tokenizer]") {
  TempDir dir;
  write_byte_level_files(dir.path());
  write_text(dir / "special_tokens_map.json", R"({"eos_token": {"content": "<end>"}, "pad_token": "<pad>"})");
  write_text(dir / "added_tokens.json", R"({"<end>": 257, "<tool>": 258})");
  write_text(dir / "tokenizer_config.json",
             R"({"tokenizer_class": "GPT2Tokenizer", "added_tokens_decoder": {"259": {"content": "<pad>",
                 "lstrip": true, "special": true}}})");
  const auto tokenizer = Tokenizer::from_directory(dir.path());
  CHECK(tokenizer->eos_id() == 257);
  CHECK(tokenizer->bos_id() == 256);
  CHECK(tokenizer->vocab_size() == 260);
  CHECK(tokenizer->is_special(257));
  CHECK_FALSE(tokenizer->is_special(258));
  CHECK(tokenizer->encode("<tool>  <pad><end>") == Ids{258, 259, 257});
}

TEST_CASE("a directory without a tokenizer says what was looked for", "[tokenizer]") {
  TempDir dir;
  CHECK_THROWS_WITH(Tokenizer::from_directory(dir.path()), ContainsSubstring("tokenizer.json") &&
                                                               ContainsSubstring("merges.txt") &&
                                                               ContainsSubstring("vocab.txt"));
}
