#include "vocabulary.h"

#include "adlib/core/error.h"

namespace adlib::tok {

TokenId checked_id(std::int64_t id, std::string_view token, std::string_view where) {
  if (id < 0 || id > kHighestId) {
    fail(ErrorCode::bad_format, where, ": token '", token, "' has id ", id, ", expected 0 to ", kHighestId);
  }
  return static_cast<TokenId>(id);
}

void Vocabulary::add(std::string token, TokenId id, std::string_view where) {
  const auto index = static_cast<std::size_t>(checked_id(id, token, where));
  if (index >= tokens_.size()) tokens_.resize(index + 1, nullptr);
  if (tokens_[index] != nullptr) {
    fail(ErrorCode::bad_format, where, ": id ", id, " belongs to two tokens, '", *tokens_[index], "' and '",
         token, "'");
  }
  const std::string& stored = storage_.emplace_back(std::move(token));
  if (!ids_.emplace(stored, id).second) {
    fail(ErrorCode::bad_format, where, ": token '", stored, "' stands in the vocabulary twice");
  }
  tokens_[index] = &stored;
}

}  // namespace adlib::tok
