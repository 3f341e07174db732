// The text of one continuation as its tokens come: whole UTF-8, with stop strings found wherever tokens part.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "adlib/tokenizer/tokenizer.h"
#include "adlib/tokenizer/utf8_stream.h"

namespace adlib::generate {

/// Copyable, so that beams can part. The tokenizer and the stop strings must outlive it.
class TextStream {
 public:
  /// The prompt's tokens go through the decoder first: a continuation's first space, or the rest of a
  /// character that the prompt's last token began, is text of the continuation.
  TextStream(const Tokenizer& tokenizer, std::span<const TokenId> prompt,
             const std::vector<std::string>& stop_strings);

  /// The text that a token would complete, and whether it is one without text: special, or of padding.
  std::string peek(TokenId id) const;
  bool textless(TokenId id) const;
  /// Adds a token. True when the text now holds a stop string: it is cut before the first, and complete.
  bool push(TokenId id);
  /// The text ends here: releases what was held back.
  void finish();
  bool stopped() const { return stopped_; }
  /// The text so far, cut before a stop string.
  const std::string& text() const { return text_; }
  /// What is certain to be text and was not taken before: whole characters, no beginning of a stop string.
  std::string_view take();

 private:
  bool append(std::string_view piece);
  std::size_t held_back() const;

  const Tokenizer* tokenizer_;
  const std::vector<std::string>* stop_strings_;
  IncrementalDecoder decoder_;
  std::string text_;
  std::size_t taken_ = 0;
  bool stopped_ = false;
  bool finished_ = false;
};

}  // namespace adlib::generate
