// tokenizer/src/unigram_model.h: the segmentation of highest probability under a unigram model.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "model.h"
#include "trie.h"

namespace adlib::tok {

struct UnigramOptions {
  std::optional<TokenId> unk_id;
  bool byte_fallback = false;
};

/// Viterbi over all segmentations, as in SentencePiece's unigram_model.cc and Hugging Face's port: a
/// character without a token costs 10 more than the least likely token, and neighbouring unknown characters
/// are one unknown.
class UnigramModel : public Model {
 public:
  /// `scores[id]`: log probability. Throws Error(bad_format) for scores that are not finite.
  UnigramModel(Vocabulary vocabulary, std::vector<double> scores, const UnigramOptions& options,
               std::string_view where);
  void encode(std::string_view piece, Scratch& scratch, std::vector<TokenId>& out) const override;
  std::optional<TokenId> unknown() const override { return options_.unk_id; }

 private:
  std::vector<double> scores_;
  UnigramOptions options_;
  double unk_score_ = 0;
  Trie trie_;
  std::array<TokenId, 256> fallback_ids_{};
};

}  // namespace adlib::tok
