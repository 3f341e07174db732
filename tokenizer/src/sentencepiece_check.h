// tokenizer/src/sentencepiece_check.h: what the SentencePiece library trusts a model file about.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace adlib::tok {

/// What a model says that the library has no function for.
struct SentencePieceTraits {
  std::vector<std::string> user_defined;  ///< pieces that are cut out of every text
  /// Byte tokens, no normalisation, no white space added or taken away: a text of valid UTF-8 comes back, but
  /// for a "▁" written out, which the library takes for a space.
  bool exact = false;
};

/// Throws Error(bad_format) unless `model` is a serialised ModelProto whose pieces and normalisation rules
/// the library can use without printing, aborting or reading outside its tables: it checks less than that
/// itself.
SentencePieceTraits check_sentencepiece_model(std::string_view model, const std::string& where);

}  // namespace adlib::tok
