// adlib/tokenizer/tokenizer.h: text to token ids and back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace adlib {

using TokenId = std::int32_t;

/// Turns text into ids and ids into text. Const after construction: threads may share one.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// The ids of `text`, without the tokens that a model expects around it. Special tokens written out in the
  /// text
  /// ("<|endoftext|>") become their ids, as in Hugging Face. Bytes that are not UTF-8 are kept where the
  /// tokenizer is byte-level. Throws Error(unsupported) naming the tokenizer.json feature that it does not
  /// honour, at load.
  virtual std::vector<TokenId> encode(std::string_view text) const = 0;
  /// The ids of `text` as data: nothing in it becomes a special or added token or a user-defined symbol,
  /// however it is spelled. What comes from customers goes in here, so that a field can never pass for a tag.
  /// decode() gives back the same text as with encode(). (Hugging Face: split_special_tokens; llama.cpp:
  /// parse_special = false.)
  virtual std::vector<TokenId> encode_text(std::string_view text) const { return encode(text); }
  /// encode() with what the tokenizer's post-processor puts around a text: BOS, [CLS] … [SEP].
  virtual std::vector<TokenId> encode_with_special(std::string_view text) const { return encode(text); }
  /// The text of `ids`; special tokens are left out unless asked for. Throws Error(invalid_argument) for an
  /// id that is not in the vocabulary. Byte-level tokenizers give back exactly the bytes that were encoded.
  virtual std::string decode(std::span<const TokenId> ids, bool skip_special = true) const = 0;

  /// One more than the highest id.
  virtual std::int64_t vocab_size() const = 0;
  /// The id of a token as it stands in the vocabulary file ("Ġthe", "▁the", "<s>").
  virtual std::optional<TokenId> token_to_id(std::string_view token) const = 0;
  /// The token as it stands in the vocabulary file; empty for an id that is a hole. Throws for an id out of
  /// range.
  virtual std::string id_to_token(TokenId id) const = 0;
  virtual bool is_special(TokenId id) const = 0;
  virtual std::optional<TokenId> bos_id() const = 0;
  virtual std::optional<TokenId> eos_id() const = 0;
  /// "byte_bpe", "bpe" (over characters, as Llama 2), "unigram", "wordpiece" or "sentencepiece", for `adlib
  /// inspect`.
  virtual std::string_view kind() const = 0;
  /// 32 hexadecimal digits of the files that from_directory() read: equal files, equal digits. A cache of ids
  /// is kept under it. Empty for a tokenizer that came from elsewhere.
  const std::string& fingerprint() const { return fingerprint_; }

  /// Reads the tokenizer of a Hugging Face directory: `tokenizer.json`, else `vocab.json` + `merges.txt`,
  /// else `tokenizer.model`, else `vocab.txt`; `tokenizer_config.json` and `special_tokens_map.json` are
  /// honoured beside them. Throws Error(not_found) saying which files were looked for.
  static std::shared_ptr<const Tokenizer> from_directory(const std::filesystem::path& dir);

 private:
  std::string fingerprint_;
};

}  // namespace adlib
