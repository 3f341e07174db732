// What is checked and made ready before a model runs: the configuration and the prompts.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "adlib/generate/config.h"
#include "adlib/models/decoder.h"
#include "adlib/tokenizer/tokenizer.h"

namespace adlib::generate {

/// Throws Error(bad_format) "where: …" when the tokenizer has ids that the model does not.
void check_vocabularies(const Tokenizer& tokenizer, const DecoderConfig& model, std::string_view where);

/// `config`, valid, with the end-of-text tokens of `defaults` if it names none, and with every id in the
/// vocabulary.
GenerationConfig complete(GenerationConfig config, const GenerationConfig& defaults,
                          const DecoderConfig& model);

/// The ids of a prompt after the special tokens that the tokenizer puts in front; those behind it are left
/// out. An empty prompt is the BOS token.
std::vector<TokenId> encode_prompt(const Tokenizer& tokenizer, std::string_view prompt);

/// `ids` cut as too_long says, so that prompt and continuation fit the context. A BOS token at the front
/// stays.
std::vector<TokenId> fit_prompt(std::span<const TokenId> ids, const GenerationConfig& config,
                                const DecoderConfig& model, const Tokenizer& tokenizer);

}  // namespace adlib::generate
