// adlib/tokenizer/sentencepiece_trainer.h: SentencePiece models that keep every character of a text.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace adlib {

/// How a vocabulary is learned. Not an option: text is not normalised (full-width punctuation stays), white
/// space is neither added nor taken away, and characters without a piece become bytes, so that any valid
/// UTF-8 comes back byte for byte; "▁" and the newline are always in the vocabulary.
struct SentencePieceOptions {
  enum class Model { bpe, unigram };

  Model model = Model::bpe;
  /// All ids: `<pad>` `<unk>` `<s>` `</s>` as 0 to 3, the tags, the newline, 256 bytes, characters, and what
  /// is learned.
  std::int64_t vocab_size = 8000;
  /// The share of the text's characters that get a piece of their own, from 0.98 to 1; the rarest become
  /// bytes.
  double character_coverage = 1.0;
  bool split_digits = true;  ///< each digit a token of its own
  /// Marks of a prompt such as `<title>`: one id each, from id 4, which encode() finds in a text and
  /// encode_text() never gives. No white space or "▁" in them.
  std::vector<std::string> tags = {};
  bool add_bos = false;  ///< encode_with_special() puts `<s>` in front
};

/// Learns a model from texts and returns the bytes of its `tokenizer.model`: the same for the same texts, on
/// any machine and number of threads. `next` fills in the next text and returns true, or false at the end;
/// the texts are held in memory. Throws Error(invalid_argument) for options or texts of which no such
/// vocabulary can be made, and for a text that is not UTF-8.
std::string train_sentencepiece(const std::function<bool(std::string& text)>& next,
                                const SentencePieceOptions& options);

/// Writes `tokenizer.model`, `tokenizer_config.json` and `special_tokens_map.json` into `dir`, which is
/// created if missing, each file atomically. Tokenizer::from_directory and transformers' AutoTokenizer read
/// it and agree on every text without a written "▁". Throws Error(io); Error(invalid_argument) when a
/// tokenizer.json stands there, which would be read instead.
void write_sentencepiece_files(const std::filesystem::path& dir, std::string_view model,
                               const SentencePieceOptions& options);

}  // namespace adlib
