#include "added_tokens.h"

#include <algorithm>

#include "unicode.h"
#include "utf8.h"

namespace adlib::tok {
namespace {

/// The character before text[at] is a word character. Bytes that are not UTF-8 are no word.
bool word_before(std::string_view text, std::size_t at) {
  if (at == 0) return false;
  std::size_t start = at - 1;
  while (start > 0 && at - start < 4 && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) --start;
  const Utf8Char c = decode_utf8(text.substr(0, at), start);
  return c.status == Utf8Status::valid && start + c.size == at && is_word(c.code);
}

bool word_at(std::string_view text, std::size_t at) {
  if (at == text.size()) return false;
  const Utf8Char c = decode_utf8(text, at);
  return c.status == Utf8Status::valid && is_word(c.code);
}

std::size_t skip_spaces_back(std::string_view text, std::size_t at, std::size_t lowest) {
  while (at > lowest) {
    const std::size_t start = previous_char(text, at);
    const Utf8Char c = decode_utf8(text.substr(0, at), start);
    if (c.status != Utf8Status::valid || start + c.size != at || !is_space(c.code) || start < lowest) break;
    at = start;
  }
  return at;
}

std::size_t skip_spaces(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    const Utf8Char c = decode_utf8(text, at);
    if (c.status != Utf8Status::valid || !is_space(c.code)) break;
    at += c.size;
  }
  return at;
}

}  // namespace

void AddedTokens::Index::add(std::string_view key, std::size_t token, const std::string& where) {
  trie.add(key, static_cast<std::int32_t>(token), where + ": added_tokens");
  first[static_cast<unsigned char>(key.front())] = true;
}

AddedTokens::AddedTokens(std::vector<AddedToken> tokens, const Normalize& normalize,
                         const std::string& where) {
  for (AddedToken& token : tokens) {
    if (token.content.empty()) continue;
    const auto [it, is_new] = by_content_.try_emplace(token.content, tokens_.size());
    if (is_new) {
      tokens_.push_back(std::move(token));
    } else {
      by_id_.erase(tokens_[it->second].id);
      tokens_[it->second] = std::move(token);
    }
    by_id_[tokens_[it->second].id] = it->second;
  }
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    AddedToken& token = tokens_[i];
    token.text = token.normalized && normalize ? normalize(token.content) : token.content;
    if (!token.text.empty()) (token.normalized ? normalized_ : raw_).add(token.text, i, where);
  }
}

const AddedToken* AddedTokens::by_id(TokenId id) const {
  const auto it = by_id_.find(id);
  return it == by_id_.end() ? nullptr : &tokens_[it->second];
}

const AddedToken* AddedTokens::by_content(std::string_view content) const {
  const auto it = by_content_.find(std::string(content));
  return it == by_content_.end() ? nullptr : &tokens_[it->second];
}

void AddedTokens::split(std::string_view text, bool normalized,
                        const std::function<void(std::string_view)>& piece,
                        const std::function<void(TokenId)>& token) const {
  const auto& [trie, first] = normalized ? normalized_ : raw_;
  std::size_t done = 0;  // everything before is handed out
  for (std::size_t at = trie.empty() ? text.size() : 0; at < text.size();) {
    if (!first[static_cast<unsigned char>(text[at])]) {
      ++at;
      continue;
    }
    std::int32_t found = -1;
    std::size_t end = at;
    Trie::Node node = Trie::kRoot;
    for (std::size_t i = at; i < text.size(); ++i) {
      node = trie.child(node, text[i]);
      if (node == Trie::kNone) break;
      if (trie.value(node) < 0) continue;
      found = trie.value(node);
      end = i + 1;
    }
    if (found < 0) {
      ++at;
      continue;
    }
    const AddedToken& added = tokens_[static_cast<std::size_t>(found)];
    std::size_t begin = at;
    at = end;
    if (added.single_word && (word_before(text, begin) || word_at(text, end))) continue;
    if (added.lstrip) begin = skip_spaces_back(text, begin, done);
    if (added.rstrip) end = skip_spaces(text, end);
    if (begin > done) piece(text.substr(done, begin - done));
    token(added.id);
    done = std::max(done, end);  // rstrip of the token before may have reached into this one
  }
  if (done < text.size()) piece(text.substr(done));
}

}  // namespace adlib::tok
