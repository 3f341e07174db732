// examples/adlib/request.h: one line of a JSON Lines input of `adlib generate`.
#pragma once

#include <string>

#include "adlib/generate/config.h"
#include "adlib/generate/generator.h"
#include "adlib/io/json.h"

namespace adlib::cli {

/// A prompt, how to continue it, and the caller's own `id`, which is passed through untouched.
struct Request {
  io::Json id;  ///< null when the line has none
  std::string prompt;
  GenerationConfig config;
};

/// Reads OpenAI's names (max_tokens, stop, n, logprobs, …) and Hugging Face's (max_new_tokens, stop_strings,
/// num_return_sequences, top_logprobs, …); what the line leaves open comes from `base`. As with OpenAI, a
/// temperature of 0 is greedy and another one samples. Throws Error(bad_format) "where: field 'x' …" for an
/// unknown field, a wrong type, or one setting under both of its names.
Request parse_request(const io::Json& object, const std::string& where, const GenerationConfig& base,
                      const Tokenizer& tokenizer);

/// {"id"?, "prompt", "choices": [{"index", "text", "finish_reason", "logprobs"?}], "usage", "seed",
/// "timings"}. `finish_reason` is OpenAI's "stop" or "length".
io::Json response(const Request& request, const Result& result, const Tokenizer& tokenizer);

}  // namespace adlib::cli
