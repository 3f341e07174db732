// Ids and texts against Hugging Face tokenizers; tests/data/tokenizer/make_goldens.py says how they were
// made.
#include <cstring>
#include <nlohmann/json.hpp>

#include "adlib/tokenizer/tokenizer.h"
#include "adlib/tokenizer/utf8_stream.h"
#include "support/catch.h"
#include "support/files.h"

using namespace adlib;
using namespace adlib::test;
using Json = nlohmann::json;

namespace {

std::vector<Json> read_json_lines(const std::filesystem::path& path) {
  std::vector<Json> out;
  std::ifstream in(path, std::ios::binary);
  for (std::string line; std::getline(in, line);) out.push_back(Json::parse(line));
  return out;
}

std::uint64_t fnv1a(const std::vector<TokenId>& ids, const std::string& text) {
  std::uint64_t h = 0xCBF29CE484222325u;
  const auto add = [&h](unsigned char byte) { h = (h ^ byte) * 0x100000001B3u; };
  for (const TokenId id : ids) {
    for (int shift = 0; shift < 32; shift += 8) add(static_cast<unsigned char>(id >> shift));
  }
  for (const char c : text) add(static_cast<unsigned char>(c));
  return h;
}

std::string stream(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
  IncrementalDecoder decoder(tokenizer);
  std::string out;
  for (const TokenId id : ids) out += decoder.push(id);
  return out + decoder.finish();
}

}  // namespace

TEST_CASE("tokenizer.json files give the ids and texts of Hugging Face tokenizers on 10,000 texts each",
          "[tokenizer][golden]") {
  const std::string variant =
      GENERATE("gpt2", "gpt2_added", "llama3", "qwen2", "o200k", "deepseek", "clip", "bert_lower",
               "bert_cased", "llama2", "unigram", "unigram_bytes", "mixed", "words");
  const auto dir = data_dir() / "tokenizer" / variant;
  const auto tokenizer = Tokenizer::from_directory(dir);
  const auto texts = read_json_lines(data_dir() / "tokenizer" / "texts.jsonl");
  const auto cases = read_json_lines(dir / "cases.jsonl");
  const std::string hashes = read_text(dir / "hashes.bin");
  REQUIRE(texts.size() == 10000);
  REQUIRE(cases.size() == 300);
  REQUIRE(hashes.size() == 8 * texts.size());

  INFO("variant " << variant);
  std::size_t wrong = 0;
  std::string first_wrong;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto text = texts[i].get<std::string>();
    const auto ids = tokenizer->encode(text);
    const auto decoded = tokenizer->decode(ids);
    if (i < cases.size()) {
      INFO("text " << i << ": " << texts[i].dump());
      CHECK(ids == cases[i][0].get<std::vector<TokenId>>());
      const auto full = tokenizer->encode_with_special(text);
      CHECK(full == cases[i][1].get<std::vector<TokenId>>());
      CHECK(decoded == cases[i][2].get<std::string>());
      CHECK(tokenizer->decode(full, false) == cases[i][3].get<std::string>());
      CHECK(stream(*tokenizer, ids) == decoded);
    }
    std::uint64_t expected = 0;
    std::memcpy(&expected, hashes.data() + 8 * i, 8);
    if (fnv1a(ids, decoded) != expected && ++wrong == 1) first_wrong = Json({i, text, ids, decoded}).dump();
  }
  INFO("first: " << first_wrong);
  CHECK(wrong == 0);
}
