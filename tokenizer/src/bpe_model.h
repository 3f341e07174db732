// tokenizer/src/bpe_model.h: byte-pair encoding, over bytes (GPT-2, Llama 3, Qwen2) or characters (Llama 2).
#pragma once

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "model.h"

namespace adlib::tok {

struct BpeOptions {
  bool byte_level = false;     ///< pieces are raw bytes, the vocabulary is written in byte_alphabet()
  bool byte_fallback = false;  ///< a character that is not in the vocabulary becomes <0x..> tokens
  bool fuse_unk = false;       ///< neighbouring unknown characters become one unk
  bool ignore_merges = false;  ///< a piece that is a token becomes that token, whatever the merges say
  std::optional<std::string> unk_token;
  std::string continuing_subword_prefix;
  std::string end_of_word_suffix;
};

class BpeModel : public Model {
 public:
  using Merges = std::vector<std::pair<std::string, std::string>>;
  /// `merges` in order of rank. Throws Error(bad_format) for a merge of tokens that are not in the
  /// vocabulary.
  BpeModel(Vocabulary vocabulary, const Merges& merges, const BpeOptions& options, std::string_view where);

  void encode(std::string_view piece, Scratch& scratch, std::vector<TokenId>& out) const override;
  std::optional<TokenId> unknown() const override { return options_.byte_level ? std::nullopt : unk_; }

 private:
  struct Merge {
    std::uint64_t pair;  // left id << 32 | right id
    std::uint32_t rank;
    TokenId id;
  };
  static constexpr std::uint32_t kNoRank = 0xFFFFFFFF;
  static constexpr std::uint64_t kEmpty = ~std::uint64_t{0};

  static std::uint64_t pair_of(TokenId left, TokenId right) {
    return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
  }
  std::size_t slot_of(std::uint64_t pair) const {
    pair ^= pair >> 32;
    pair *= 0x9E3779B97F4A7C15u;
    return static_cast<std::size_t>(pair >> shift_);
  }
  /// The merge of two ids, or an entry whose rank is kNoRank.
  const Merge& merge(TokenId left, TokenId right) const {
    const std::uint64_t pair = pair_of(left, right);
    std::size_t at = slot_of(pair);
    while (table_[at].pair != pair && table_[at].pair != kEmpty) at = (at + 1) & (table_.size() - 1);
    return table_[at];
  }
  void build_table(const Merges& merges, std::string_view where);
  void build_byte_ids(std::string_view where);
  void add_symbols_of_bytes(std::string_view piece, std::vector<TokenId>& ids) const;
  void add_symbols_of_characters(std::string_view piece, std::vector<TokenId>& ids) const;
  void merge_short(Scratch& scratch) const;
  void merge_long(Scratch& scratch) const;

  BpeOptions options_;
  std::optional<TokenId> unk_;
  std::vector<Merge> table_;  // open addressing, at most half full
  unsigned shift_ = 0;
  // By byte, first by whether the byte continues a word, then by whether it ends one; -1: not in the
  // vocabulary.
  std::array<std::array<std::array<TokenId, 256>, 2>, 2> byte_ids_{};
  std::array<TokenId, 256> fallback_ids_{};                // <0x00> … <0xFF>
  std::unordered_map<std::string, TokenId> whole_pieces_;  // raw bytes, for ignore_merges
};

}  // namespace adlib::tok
