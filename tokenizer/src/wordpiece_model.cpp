#include "wordpiece_model.h"

#include "adlib/core/error.h"

namespace adlib::tok {

WordPieceModel::WordPieceModel(Vocabulary vocabulary, WordPieceOptions options, std::string_view where)
    : Model(std::move(vocabulary)), options_(std::move(options)) {
  const auto unk = this->vocabulary().find(options_.unk_token);
  if (!unk)
    fail(ErrorCode::bad_format, where, ": unk_token '", options_.unk_token, "' is not in the vocabulary");
  unk_ = *unk;
  for (TokenId id = 0; id < this->vocabulary().size(); ++id) {
    const std::string* token = this->vocabulary().token(id);
    if (token != nullptr && !token->empty()) trie_.add(*token, id, where);
  }
  continuing_ = trie_.walk(options_.continuing_subword_prefix);
}

void WordPieceModel::encode(std::string_view piece, Scratch& scratch, std::vector<TokenId>& out) const {
  if (piece.empty()) return;
  const std::uint64_t hash = PieceCache::hash(piece);
  const bool cached = piece.size() <= PieceCache::kMaxBytes;
  if (cached && scratch.cache.find(piece, hash, out)) return;
  std::size_t characters = 0;
  for (const char c : piece) characters += (static_cast<unsigned char>(c) & 0xC0) != 0x80;

  auto& ids = scratch.ids;
  ids.clear();
  bool covered = characters <= options_.max_input_chars_per_word;
  for (std::size_t at = 0; covered && at < piece.size();) {
    TokenId id = -1;
    std::size_t end = at;
    Trie::Node node = at == 0 ? Trie::kRoot : continuing_;
    for (std::size_t i = at; i < piece.size() && node != Trie::kNone; ++i) {
      node = trie_.child(node, piece[i]);
      const TokenId found = node == Trie::kNone ? -1 : trie_.value(node);
      if (found < 0) continue;
      id = found;
      end = i + 1;
    }
    covered = id >= 0;
    if (covered) ids.push_back(id);
    at = end;
  }
  if (!covered) ids.assign(1, unk_);
  out.insert(out.end(), ids.begin(), ids.end());
  if (cached) scratch.cache.put(piece, hash, ids.data(), ids.size());
}

}  // namespace adlib::tok
