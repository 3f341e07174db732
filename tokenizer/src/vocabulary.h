// tokenizer/src/vocabulary.h: tokens by id and ids by token.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "adlib/tokenizer/tokenizer.h"

namespace adlib::tok {

/// Ids above this are refused: tables are sized by the highest id, and a lying file must not exhaust memory.
inline constexpr TokenId kHighestId = (1 << 22) - 1;

/// Id of a vocabulary file, checked: Error(bad_format) unless 0 <= id <= kHighestId.
TokenId checked_id(std::int64_t id, std::string_view token, std::string_view where);

enum class Duplicates { refused, later_wins };

/// A model's vocabulary. Ids may have holes; an id has one token.
class Vocabulary {
 public:
  /// Throws Error(bad_format) if the id is taken, or the token is there already and duplicates are refused.
  void add(std::string token, TokenId id, std::string_view where,
           Duplicates duplicates = Duplicates::refused);
  std::optional<TokenId> find(std::string_view token) const {
    const auto it = ids_.find(token);
    return it == ids_.end() ? std::nullopt : std::optional<TokenId>(it->second);
  }
  /// The token of `id`; nullptr for a hole or an id out of range.
  const std::string* token(TokenId id) const {
    return id >= 0 && static_cast<std::size_t>(id) < tokens_.size() ? tokens_[static_cast<std::size_t>(id)]
                                                                    : nullptr;
  }
  /// One more than the highest id.
  TokenId size() const { return static_cast<TokenId>(tokens_.size()); }

 private:
  std::deque<std::string> storage_;
  std::vector<const std::string*> tokens_;  // by id
  std::unordered_map<std::string_view, TokenId> ids_;
};

}  // namespace adlib::tok
