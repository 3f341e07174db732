// adlib/tokenizer/tokenizer_json.h: a tokenizer from the text of a tokenizer.json.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "adlib/tokenizer/tokenizer.h"

namespace adlib {

/// The tokenizer that `text`, the content of a tokenizer.json, describes; `name` begins the messages of
/// errors. Throws Error(bad_format) if it is malformed and Error(unsupported) naming any part that is not
/// honoured. A file does not say which tokens begin and end a text: bos_id() and eos_id() are empty.
std::shared_ptr<const Tokenizer> tokenizer_from_json(std::string_view text,
                                                     const std::string& name = "tokenizer.json");

}  // namespace adlib
