// adlib/tokenizer/utf8_stream.h: streaming text that may be cut anywhere, whole characters at a time.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "adlib/tokenizer/tokenizer.h"

namespace adlib {

/// Passes bytes on as soon as they make whole UTF-8 characters. A byte-level token can end inside a
/// character: its first bytes wait for the rest.
class Utf8Stream {
 public:
  /// What becomes of bytes that are not UTF-8.
  enum class Invalid {
    replace,  ///< U+FFFD for each maximal invalid subpart
    keep,     ///< passed on as they are
  };
  explicit Utf8Stream(Invalid invalid = Invalid::replace) : invalid_(invalid) {}

  /// Takes more bytes and gives back what is whole by now; at most 3 bytes stay behind.
  std::string push(std::string_view bytes);
  /// Gives back what waits, which is not whole; the stream is empty then.
  std::string finish();

 private:
  std::string take(bool at_end);

  Invalid invalid_;
  std::string pending_;
};

/// Decodes ids one by one. What push() and finish() give back, joined, is decode() of all ids, with bytes
/// that are not UTF-8 as U+FFFD; each push gives whole characters. Where a token's text depends on its
/// neighbours (the space before a SentencePiece, "##" in WordPiece, bytes of one character), the last tokens
/// are decoded again beside the new one.
class IncrementalDecoder {
 public:
  /// `tokenizer` must outlive the decoder.
  explicit IncrementalDecoder(const Tokenizer& tokenizer, bool skip_special = true);

  /// The text that `id` completes; may be empty. Throws Error(invalid_argument) for an unknown id.
  std::string push(TokenId id);
  /// What still waits. The decoder is as new then.
  std::string finish();

 private:
  std::string decode_waiting() const;

  const Tokenizer* tokenizer_;
  bool skip_special_;
  std::vector<TokenId> anchor_;   ///< the tokens of the first text: only they have none before them
  std::vector<TokenId> context_;  ///< the last tokens whose text is given out
  std::vector<TokenId> waiting_;  ///< those behind them, whose text is not
  int unfinished_ = 0;            ///< how many tokens ago a character began that is not whole
  Utf8Stream stream_;
};

}  // namespace adlib
