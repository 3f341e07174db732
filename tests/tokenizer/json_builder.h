// tests/tokenizer/json_builder.h: small tokenizer.json files for the tests.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "adlib/tokenizer/byte_bpe.h"
#include "adlib/tokenizer/tokenizer_json.h"

namespace adlib::test {

/// A byte-level BPE: the 256 bytes and the merges "a b", "ab c" and "Ġ a".
inline nlohmann::json byte_level_json() {
  nlohmann::json vocab;
  for (int b = 0; b < 256; ++b) vocab[bytes_to_token(std::string(1, static_cast<char>(b)))] = b;
  for (const char* token : {"ab", "abc", "Ġa"}) vocab[token] = vocab.size();
  return {{"version", "1.0"},
          {"added_tokens", nlohmann::json::array()},
          {"normalizer", nullptr},
          {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}}},
          {"post_processor", nullptr},
          {"decoder", {{"type", "ByteLevel"}}},
          {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", {"a b", "ab c", "Ġ a"}}}}};
}

inline nlohmann::json added_token(int id, const std::string& content,
                                  nlohmann::json flags = nlohmann::json::object()) {
  flags["id"] = id;
  flags["content"] = content;
  return flags;
}

inline std::shared_ptr<const Tokenizer> load(const nlohmann::json& json) {
  return tokenizer_from_json(json.dump());
}

}  // namespace adlib::test
