// tokenizer/src/wordpiece_model.h: greedy longest match, as BERT does it.
#pragma once

#include <string>

#include "model.h"
#include "trie.h"

namespace adlib::tok {

struct WordPieceOptions {
  std::string unk_token = "[UNK]";
  std::string continuing_subword_prefix = "##";
  std::size_t max_input_chars_per_word = 100;
};

/// A word becomes the longest token that begins it, then the longest "##…" that follows, and so on; a word
/// that cannot be covered, or has too many characters, becomes unk.
class WordPieceModel : public Model {
 public:
  /// Throws Error(bad_format) if unk_token is not in the vocabulary.
  WordPieceModel(Vocabulary vocabulary, WordPieceOptions options, std::string_view where);
  void encode(std::string_view piece, Scratch& scratch, std::vector<TokenId>& out) const override;
  std::optional<TokenId> unknown() const override { return unk_; }

 private:
  WordPieceOptions options_;
  TokenId unk_;
  Trie trie_;
  Trie::Node continuing_ = Trie::kNone;  // where the prefix leads: every continuing token is below
};

}  // namespace adlib::tok
