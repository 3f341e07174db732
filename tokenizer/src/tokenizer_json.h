// tokenizer/src/tokenizer_json.h: building a pipeline from the parts of a tokenizer.json.
#pragma once

#include <vector>

#include "json_reader.h"
#include "pipeline.h"

namespace adlib::tok {

// Each takes the value of the field of that name, which may be null, and throws Error(unsupported) naming a
// type or field that is not honoured, Error(bad_format) for what is malformed.
Normalizer read_normalizer(const Json& json, const std::string& where);
Pretokenizer read_pretokenizer(const Json& json, const std::string& where);
/// Adds the decoder's steps, and byte_level_decoder, to `parts`.
void read_decoder(const Json& json, const std::string& where, PipelineParts& parts);
Template read_post_processor(const Json& json, const std::string& where);

/// A whole file; `where` names it in errors.
PipelineParts read_tokenizer_json(const Json& json, const std::string& where);

}  // namespace adlib::tok
