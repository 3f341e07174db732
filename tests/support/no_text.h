// tests/support/no_text.h: a tokenizer for models of which only ids matter.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "adlib/tokenizer/tokenizer.h"

namespace adlib::test {

/// Ids without spelling, as many as asked for: for goldens of ids, and for random weights.
class NoText final : public Tokenizer {
 public:
  explicit NoText(std::int64_t size) : size_(size) {}
  std::vector<TokenId> encode(std::string_view) const override { return {}; }
  std::string decode(std::span<const TokenId> ids, bool) const override {
    return std::string(ids.size(), 'x');
  }
  std::int64_t vocab_size() const override { return size_; }
  std::optional<TokenId> token_to_id(std::string_view) const override { return std::nullopt; }
  std::string id_to_token(TokenId) const override { return "x"; }
  bool is_special(TokenId) const override { return false; }
  std::optional<TokenId> bos_id() const override { return std::nullopt; }
  std::optional<TokenId> eos_id() const override { return std::nullopt; }
  std::string_view kind() const override { return "none"; }

 private:
  std::int64_t size_;
};

}  // namespace adlib::test
