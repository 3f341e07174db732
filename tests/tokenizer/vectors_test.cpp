// Third-party reference results in ../shared/vectors.
#include <nlohmann/json.hpp>
#include <sstream>

#include "adlib/tokenizer/sentencepiece.h"
#include "adlib/tokenizer/tokenizer.h"
#include "adlib/tokenizer/utf8_stream.h"
#include "support/catch.h"
#include "support/files.h"

using namespace adlib;
using namespace adlib::test;
using Json = nlohmann::json;

namespace {

std::vector<std::string> split(const std::string& text, const std::string& separator) {
  std::vector<std::string> out;
  std::size_t at = 0;
  for (std::size_t hit; (hit = text.find(separator, at)) != std::string::npos; at = hit + separator.size()) {
    out.push_back(text.substr(at, hit - at));
  }
  out.push_back(text.substr(at));
  return out;
}

/// The real GPT-2 vocabulary as tokenizer.json and as vocab.json + merges.txt.
std::vector<std::shared_ptr<const Tokenizer>> gpt2_tokenizers(const std::filesystem::path& vectors) {
  TempDir dir;
  std::filesystem::copy_file(vectors / "vocab.json", dir / "vocab.json");
  std::filesystem::copy_file(vectors / "merges.txt", dir / "merges.txt");
  return {Tokenizer::from_directory(vectors), Tokenizer::from_directory(dir.path())};
}

}  // namespace

TEST_CASE("the real GPT-2 vocabulary gives the ids of llama.cpp's 47 texts", "[tokenizer][golden]") {
  const auto vectors = shared_dir() / "vectors/gpt2-tokenizer";
  if (!have(vectors)) return;
  const auto texts = split(read_text(vectors / "llama_cpp.inp"), "\n__ggml_vocab_test__\n");
  const auto lines = split(read_text(vectors / "llama_cpp.out"), "\n");
  REQUIRE(texts.size() == 47);  // the last is empty
  REQUIRE(lines.size() == 47);
  for (const auto& tokenizer : gpt2_tokenizers(vectors)) {
    CHECK(tokenizer->kind() == "byte_bpe");
    CHECK(tokenizer->vocab_size() == 50257);
    CHECK(tokenizer->eos_id() == 50256);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      std::vector<TokenId> expected;
      std::istringstream in(lines[i]);
      for (TokenId id; in >> id;) expected.push_back(id);
      INFO("text " << i << ": " << texts[i]);
      CHECK(tokenizer->encode(texts[i]) == expected);
      CHECK(tokenizer->decode(expected) == texts[i]);
    }
  }
}

TEST_CASE("the real GPT-2 vocabulary gives the ids of gpt-tokenizer's r50k_base samples",
          "[tokenizer][golden]") {
  const auto vectors = shared_dir() / "vectors/gpt2-tokenizer";
  if (!have(vectors)) return;
  const auto tokenizers = gpt2_tokenizers(vectors);
  std::size_t samples = 0;
  for (const std::string& plan : split(read_text(vectors / "gpt_tokenizer_plans.txt"), "EncodingName: ")) {
    if (!plan.starts_with("r50k_base\n")) continue;
    const std::size_t begin = plan.find("Sample: ") + 8;
    const std::size_t end = plan.rfind("\nEncoded: ");
    REQUIRE(end != std::string::npos);
    const std::string text = plan.substr(begin, end - begin);
    const auto expected = Json::parse(plan.substr(end + 10)).get<std::vector<TokenId>>();
    INFO("sample: " << text);
    for (const auto& tokenizer : tokenizers) {
      CHECK(tokenizer->encode(text) == expected);
      CHECK(tokenizer->decode(expected) == text);
    }
    ++samples;
  }
  CHECK(samples > 10);
}

TEST_CASE("SentencePiece models give the library's ids, pieces and texts", "[tokenizer][golden]") {
  const auto vectors = shared_dir() / "vectors/sentencepiece";
  if (!have(vectors)) return;
  const std::string name =
      GENERATE("chinese_vocab", "test_model", "test_sentencepiece_bpe", "t5_tokenizer_base");
  const auto tokenizer = sentencepiece_from_bytes(read_text(vectors / (name + ".model")), name);
  const Json golden = Json::parse(read_text(vectors / (name + ".json")));
  CHECK(tokenizer->kind() == "sentencepiece");
  CHECK(tokenizer->vocab_size() == golden.at("vocab_size").get<std::int64_t>());
  CHECK(tokenizer->bos_id().value_or(-1) == golden.at("bos").get<TokenId>());
  CHECK(tokenizer->eos_id().value_or(-1) == golden.at("eos").get<TokenId>());
  REQUIRE(golden.at("cases").size() == 300);
  for (const Json& c : golden.at("cases")) {
    const auto text = c.at("text").get<std::string>();
    INFO(name << ": " << c.at("text").dump());
    const auto ids = tokenizer->encode(text);
    CHECK(ids == c.at("ids").get<std::vector<TokenId>>());
    CHECK(tokenizer->decode(ids, false) == c.at("decoded").get<std::string>());
    const auto pieces = c.at("pieces").get<std::vector<std::string>>();
    for (std::size_t i = 0; i < ids.size(); ++i) {
      // The recorded piece of an unknown id is the text itself.
      if (ids[i] != golden.at("unk").get<TokenId>()) CHECK(tokenizer->id_to_token(ids[i]) == pieces[i]);
    }
    IncrementalDecoder decoder(*tokenizer, false);
    std::string streamed;
    for (const TokenId id : ids) streamed += decoder.push(id);
    CHECK(streamed + decoder.finish() == c.at("decoded").get<std::string>());
  }
}
