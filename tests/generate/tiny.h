// tests/generate/tiny.h: the random GPT-2 of tests/data/generate with a tokenizer whose tokens are easy to
// tell apart.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "adlib/generate/generator.h"
#include "adlib/io/json.h"
#include "support/files.h"

namespace adlib::test {

using Ids = std::vector<TokenId>;

/// 300 tokens: 0-127 two ASCII letters, 128-199 a Chinese character, 200-299 one byte from 0x80 on, so that
/// text has characters split over tokens and bytes that are no UTF-8 at all.
class TinyTokenizer : public Tokenizer {
 public:
  std::vector<TokenId> encode(std::string_view text) const override {
    std::vector<TokenId> ids;
    for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
    return ids;
  }
  std::string decode(std::span<const TokenId> ids, bool) const override {
    std::string text;
    for (const TokenId id : ids) text += id_to_token(id);
    return text;
  }
  std::int64_t vocab_size() const override { return 300; }
  std::optional<TokenId> token_to_id(std::string_view) const override { return std::nullopt; }
  std::string id_to_token(TokenId id) const override {
    if (id < 0 || id >= 300) fail(ErrorCode::invalid_argument, "no token ", id);
    if (id >= 200) return {static_cast<char>(0x80 + id - 200)};
    if (id < 128) return {static_cast<char>('a' + id % 26), static_cast<char>('A' + id / 26)};
    const int code = 0x4E00 + id;  // three bytes of UTF-8
    return {static_cast<char>(0xE0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 0x3F)),
            static_cast<char>(0x80 | (code & 0x3F))};
  }
  bool is_special(TokenId) const override { return false; }
  std::optional<TokenId> bos_id() const override { return bos; }
  std::optional<TokenId> eos_id() const override { return std::nullopt; }
  std::string_view kind() const override { return "byte_bpe"; }

  std::optional<TokenId> bos;
};

inline std::filesystem::path generate_data() { return data_dir() / "generate"; }

inline std::shared_ptr<const Decoder> tiny_decoder(Device device = Device::cpu) {
  static std::map<std::string, std::shared_ptr<const Decoder>> decoders;
  auto& decoder = decoders[to_string(device)];
  if (!decoder) {
    decoder = std::make_shared<const Decoder>(
        load_decoder(generate_data() / "tiny-gpt2", LoadOptions{.device = device}));
  }
  return decoder;
}
inline Generator tiny_generator(GenerationConfig defaults = {}, std::optional<TokenId> bos = {}) {
  auto tokenizer = std::make_shared<TinyTokenizer>();
  tokenizer->bos = bos;
  return {tiny_decoder(), tokenizer, std::move(defaults)};
}
inline Generator tiny_generator(Device device) {
  return {tiny_decoder(device), std::make_shared<TinyTokenizer>()};
}

/// The options of a golden, read as a generation_config.json is.
inline GenerationConfig config_of(const io::Json& options) {
  const TempDir dir;
  write_text(dir / "generation_config.json", options.dump());
  return read_generation_config(dir.path());
}

inline bool same(const Completion& a, const Completion& b) {
  if (a.text != b.text || a.ids != b.ids || a.finish_reason != b.finish_reason) return false;
  if (a.score != b.score || a.logprobs.size() != b.logprobs.size()) return false;
  for (std::size_t i = 0; i < a.logprobs.size(); ++i) {
    const TokenLogprob &x = a.logprobs[i], &y = b.logprobs[i];
    if (x.id != y.id || x.logprob != y.logprob || x.top != y.top) return false;
  }
  return true;
}
inline bool same(const Result& a, const Result& b) {
  if (a.completions.size() != b.completions.size()) return false;
  for (std::size_t i = 0; i < a.completions.size(); ++i) {
    if (!same(a.completions[i], b.completions[i])) return false;
  }
  return true;
}

inline GenerationConfig sampled(std::uint64_t seed, std::int64_t tokens = 40) {
  GenerationConfig config;
  config.do_sample = true;
  config.seed = seed;
  config.max_new_tokens = tokens;
  return config;
}

}  // namespace adlib::test
