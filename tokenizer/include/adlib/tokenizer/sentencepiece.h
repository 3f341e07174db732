// adlib/tokenizer/sentencepiece.h: SentencePiece models behind the Tokenizer interface.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "adlib/tokenizer/tokenizer.h"

namespace adlib {

/// The tokenizer of a serialised SentencePiece model (the bytes of a `tokenizer.model`; unigram, BPE, word or
/// char), without the files that may stand beside it. `name` begins the messages of errors. encode() gives
/// the ids that the SentencePiece library itself gives; encode_with_special() puts BOS in front where the
/// model has one. Throws Error(bad_format) for bytes that are no such model.
std::shared_ptr<const Tokenizer> sentencepiece_from_bytes(std::string_view model,
                                                          const std::string& name = "tokenizer.model");

}  // namespace adlib
