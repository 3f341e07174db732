// tokenizer/src/added_tokens.h: tokens that are cut out of a text before the model sees it.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "adlib/tokenizer/tokenizer.h"
#include "trie.h"

namespace adlib::tok {

/// As in the "added_tokens" of tokenizer.json.
struct AddedToken {
  TokenId id = 0;
  std::string content;
  bool special = false;      ///< left out of decoded text
  bool normalized = false;   ///< looked for in the normalised text rather than the raw one
  bool single_word = false;  ///< not when a word character stands beside it
  bool lstrip = false;       ///< takes the white space before it along
  bool rstrip = false;       ///< takes the white space behind it along
  std::string text = {};  ///< what it decodes to: the content, normalised if `normalized`; set by AddedTokens
};

class AddedTokens {
 public:
  using Normalize = std::function<std::string(std::string_view)>;
  /// `normalize` may be empty; `where` names the file in errors. Later tokens of the same content replace
  /// earlier ones.
  AddedTokens(std::vector<AddedToken> tokens, const Normalize& normalize, const std::string& where);

  const AddedToken* by_id(TokenId id) const;
  const AddedToken* by_content(std::string_view content) const;
  const std::vector<AddedToken>& all() const { return tokens_; }

  /// Cuts `text` at the tokens (those that are `normalized` or those that are not): calls piece(view) for
  /// what stands between, in order, and token(id). The longest token wins where several begin.
  void split(std::string_view text, bool normalized, const std::function<void(std::string_view)>& piece,
             const std::function<void(TokenId)>& token) const;

 private:
  /// Tokens, as indices of tokens_, and the bytes that begin one.
  struct Index {
    Trie trie;
    std::array<bool, 256> first{};
    void add(std::string_view key, std::size_t token, const std::string& where);
  };

  std::vector<AddedToken> tokens_;
  std::unordered_map<TokenId, std::size_t> by_id_;
  std::unordered_map<std::string, std::size_t> by_content_;
  Index raw_;
  Index normalized_;
};

}  // namespace adlib::tok
