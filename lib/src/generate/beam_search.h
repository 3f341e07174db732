// Beam search with the meaning of Hugging Face transformers 5: length_penalty, early_stopping,
// num_return_sequences.
#pragma once

#include <span>
#include <vector>

#include "adlib/generate/generator.h"
#include "generate/text_stream.h"

namespace adlib::generate {

/// The num_return_sequences best texts, best first. `config` must be valid, with its eos_token_id filled in;
/// `primed` has the prompt behind it. `prefilled`, if given, is called once after the prompt has been read.
std::vector<Completion> beam_search(const Decoder& decoder, std::span<const TokenId> prompt,
                                    const GenerationConfig& config, const TextStream& primed,
                                    const std::function<void()>& prefilled);

}  // namespace adlib::generate
