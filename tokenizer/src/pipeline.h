// tokenizer/src/pipeline.h: the tokenizer that a tokenizer.json describes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "added_tokens.h"
#include "decoder.h"
#include "model.h"
#include "normalizer.h"
#include "pretokenizer.h"

namespace adlib::tok {

/// What stands before and behind the ids of one text.
struct Template {
  std::vector<TokenId> before;
  std::vector<TokenId> after;
};

/// All parts of a tokenizer, in the order in which a text meets them.
struct PipelineParts {
  std::string where;  ///< the file, for errors
  std::string_view kind;
  Normalizer normalizer;
  Pretokenizer pretokenizer;
  std::unique_ptr<const Model> model;
  Template around;
  std::vector<DecoderStep> decoder;
  bool byte_level_decoder = false;  ///< the decoder is ByteLevel alone; `decoder` is not used then
  std::vector<AddedToken> added_tokens;
  std::optional<TokenId> bos;
  std::optional<TokenId> eos;
};

/// raw text → added tokens → normalizer → normalised added tokens → pre-tokenizer → model → template.
class PipelineTokenizer : public Tokenizer {
 public:
  explicit PipelineTokenizer(PipelineParts parts);

  std::vector<TokenId> encode(std::string_view text) const override { return encode(text, true); }
  std::vector<TokenId> encode_text(std::string_view text) const override { return encode(text, false); }
  std::vector<TokenId> encode_with_special(std::string_view text) const override;
  std::string decode(std::span<const TokenId> ids, bool skip_special) const override;
  std::int64_t vocab_size() const override;
  std::optional<TokenId> token_to_id(std::string_view token) const override;
  std::string id_to_token(TokenId id) const override;
  bool is_special(TokenId id) const override;
  std::optional<TokenId> bos_id() const override { return parts_.bos; }
  std::optional<TokenId> eos_id() const override { return parts_.eos; }
  std::string_view kind() const override { return parts_.kind; }

 private:
  std::vector<TokenId> encode(std::string_view text, bool split_added) const;
  /// Not for text that somebody wrote: an added or special token, other than the unknown one.
  bool is_tag(TokenId id) const {
    return (is_special(id) || added_.by_id(id) != nullptr) && id != parts_.model->unknown();
  }
  void spell_tags(Scratch& scratch, std::vector<TokenId>& ids) const;
  void encode_piece(std::string_view text, bool starts_text, Scratch& scratch,
                    std::vector<TokenId>& out) const;
  const std::string& require_token(TokenId id) const;

  PipelineParts parts_;
  AddedTokens added_;
  std::int64_t size_ = 0;
  std::vector<bool> special_;       // by id
  std::vector<std::string> bytes_;  // by id: what a byte-level token decodes to
  ScratchPool pool_;
};

}  // namespace adlib::tok
