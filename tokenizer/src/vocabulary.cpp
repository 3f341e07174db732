#include "vocabulary.h"

#include "adlib/core/error.h"

namespace adlib::tok {

TokenId checked_id(std::int64_t id, std::string_view token, std::string_view where) {
  if (id < 0 || id > kHighestId) {
    fail(ErrorCode::bad_format, where, ": token '", token, "' has id ", id, ", expected 0 to ", kHighestId);
  }
  return static_cast<TokenId>(id);
}

void Vocabulary::add(std::string token, TokenId id, std::string_view where, Duplicates duplicates) {
  const auto index = static_cast<std::size_t>(checked_id(id, token, where));
  if (index >= tokens_.size()) tokens_.resize(index + 1, nullptr);
  if (tokens_[index] != nullptr) {
    fail(ErrorCode::bad_format, where, ": id ", id, " belongs to two tokens, '", *tokens_[index], "' and '",
         token, "'");
  }
  const std::string& stored = storage_.emplace_back(std::move(token));
  const auto [it, is_new] = ids_.try_emplace(stored, id);
  if (!is_new && duplicates == Duplicates::refused) {
    fail(ErrorCode::bad_format, where, ": token '", stored, "' stands in the vocabulary twice");
  }
  it->second = id;
  tokens_[index] = &stored;
}

}  // namespace adlib::tok
