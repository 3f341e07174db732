// WordPiece, Unigram and Llama-2's BPE on any text, SentencePiece on any text and on any model file: ids are
// of the vocabulary, the same each time, and decode; a damaged model is refused or usable. The first byte
// picks.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "adlib/core/error.h"
#include "adlib/tokenizer/sentencepiece.h"
#include "adlib/tokenizer/tokenizer_json.h"

using namespace adlib;
using Json = nlohmann::json;

namespace {

void expect(bool condition) {
  if (!condition) std::abort();
}

std::shared_ptr<const Tokenizer> wordpiece() {
  const Json vocab = {{"[UNK]", 0}, {"[CLS]", 1}, {"a", 2}, {"##a", 3}, {"ab", 4},
                      {"##ab", 5},  {"中", 6},    {"!", 7}, {"e", 8}};
  return tokenizer_from_json(
      Json{{"normalizer", {{"type", "BertNormalizer"}}},
           {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
           {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}},
           {"added_tokens", Json::array({{{"id", 1}, {"content", "[CLS]"}, {"special", true}}})},
           {"model", {{"type", "WordPiece"}, {"vocab", vocab}, {"unk_token", "[UNK]"}}}}
          .dump());
}

std::string byte_token(int b) {
  static constexpr char digits[] = "0123456789ABCDEF";
  return {'<', '0', 'x', digits[b >> 4], digits[b & 15], '>'};
}

Json llama_decoder() {
  return Json::parse(R"({"type": "Sequence", "decoders": [
    {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
    {"type": "Strip", "content": " ", "start": 1, "stop": 0}]})");
}

Json llama_normalizer() {
  return Json::parse(R"({"type": "Sequence", "normalizers": [
    {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]})");
}

std::shared_ptr<const Tokenizer> llama2() {
  Json vocab = {{"<unk>", 0}};
  for (int b = 0; b < 256; ++b) vocab[byte_token(b)] = vocab.size();
  for (const char* token : {"▁", "a", "b", "aa", "▁a", "aaaa"}) vocab[token] = vocab.size();
  return tokenizer_from_json(Json{{"normalizer", llama_normalizer()},
                                  {"decoder", llama_decoder()},
                                  {"model",
                                   {{"type", "BPE"},
                                    {"vocab", vocab},
                                    {"merges", {"a a", "▁ a", "aa aa"}},
                                    {"unk_token", "<unk>"},
                                    {"byte_fallback", true}}}}
                                 .dump());
}

std::shared_ptr<const Tokenizer> unigram() {
  Json vocab = Json::array({{"<unk>", 0.0}});
  for (int b = 0; b < 256; ++b) vocab.push_back({byte_token(b), -9.0});
  for (const char* token : {"▁", "a", "b", "aa", "▁a", "aba", "中"}) vocab.push_back({token, -2.0});
  return tokenizer_from_json(
      Json{{"normalizer", llama_normalizer()},
           {"decoder", llama_decoder()},
           {"model", {{"type", "Unigram"}, {"vocab", vocab}, {"unk_id", 0}, {"byte_fallback", true}}}}
          .dump());
}

/// A serialised SentencePiece model: pieces with scores and types, in the wire format of protocol buffers.
std::string sentencepiece_model(bool bpe) {
  const auto field = [](int number, const std::string& bytes) {
    return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(bytes.size())} + bytes;
  };
  std::string out;
  float score = 0;
  const auto add = [&](const std::string& piece, int type) {
    std::string message = field(1, piece) + "\x15";
    message.append(reinterpret_cast<const char*>(&score), 4);
    message += {'\x18', static_cast<char>(type)};
    out += field(1, message);
    score -= 1;
  };
  add("<unk>", 2);
  add("<s>", 3);
  add("</s>", 3);
  for (const char* piece : {"▁", "a", "b", "aa", "ab", "▁a", "中"}) add(piece, 1);
  return out + field(2, std::string{'\x18', static_cast<char>(bpe ? 2 : 1)});  // trainer_spec.model_type
}

/// `exact`: valid UTF-8 text comes back byte for byte.
void use(const Tokenizer& tokenizer, std::string_view text, bool exact) {
  const std::vector<TokenId> ids = tokenizer.encode(text);
  for (const TokenId id : ids) {
    expect(id >= 0 && id < tokenizer.vocab_size());
    expect(tokenizer.token_to_id(tokenizer.id_to_token(id)) == id);
  }
  expect(tokenizer.encode(text) == ids);
  const std::string decoded = tokenizer.decode(ids, false);
  if (!exact || text.find("\xe2\x96\x81") != std::string_view::npos) return;  // "▁" decodes to a space
  const std::string again = tokenizer.decode(tokenizer.encode(decoded), false);
  expect(again == decoded);  // the first pass replaces what is not UTF-8; from then on nothing changes
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  static const std::shared_ptr<const Tokenizer> subjects[] = {
      wordpiece(), llama2(), unigram(), sentencepiece_from_bytes(sentencepiece_model(false)),
      sentencepiece_from_bytes(sentencepiece_model(true))};
  const unsigned choice = data[0] % 6;
  if (choice < 5) {
    use(*subjects[choice], text, choice == 1 || choice == 2);
    return 0;
  }
  try {
    const auto tokenizer = sentencepiece_from_bytes(text, "fuzz.model");
    for (const std::string_view sample : {"Hello 中文 \xff ½ ﬁ", "", "   ", "aaaaaaaa"}) {
      tokenizer->decode(tokenizer->encode(sample), false);
    }
  } catch (const Error& e) {
    expect(std::string_view(e.what()).find("SentencePiece") != std::string_view::npos ||
           std::string_view(e.what()).find("fuzz.model") != std::string_view::npos);
  }
  return 0;
}
