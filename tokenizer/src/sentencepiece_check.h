// tokenizer/src/sentencepiece_check.h: what the SentencePiece library trusts a model file about.
#pragma once

#include <string>
#include <string_view>

namespace adlib::tok {

/// Throws Error(bad_format) unless `model` is a serialised ModelProto whose pieces and normalisation rules
/// the library can use without printing, aborting or reading outside its tables: it checks less than that
/// itself.
void check_sentencepiece_model(std::string_view model, const std::string& where);

}  // namespace adlib::tok
