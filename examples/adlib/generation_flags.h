// examples/adlib/generation_flags.h: GenerationConfig as command-line flags.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "adlib/generate/config.h"

namespace adlib::cli {

/// One flag for each field of GenerationConfig, under its Hugging Face name with dashes. A flag that was not
/// given leaves the model directory's generation_config.json in force.
struct GenerationFlags {
  std::optional<std::int64_t> max_new_tokens, min_new_tokens;
  std::optional<bool> do_sample;
  std::optional<float> temperature, top_p, min_p;
  std::optional<std::int64_t> top_k;
  std::optional<float> repetition_penalty, presence_penalty, frequency_penalty;
  std::optional<std::int64_t> no_repeat_ngram_size;
  std::vector<std::string> bad_words;
  std::vector<std::string> logit_bias;  // "ID:BIAS"
  std::optional<std::int64_t> num_beams;
  std::optional<float> length_penalty;
  std::string early_stopping;
  std::optional<std::int64_t> num_return_sequences;
  std::optional<float> logprob_threshold;
  std::optional<std::int64_t> logprob_window;
  std::vector<TokenId> eos_token_id;
  std::vector<std::string> stop_strings;
  std::optional<std::uint64_t> seed;
  std::optional<std::int64_t> top_logprobs;
  std::string too_long;
};

/// `without_seed` ends the help of --seed. The flag of top_logprobs is left to the command that can report
/// them.
void add_generation_flags(CLI::App& command, GenerationFlags& flags, const std::string& without_seed);

/// What can be wrong with the flags alone, before a model is loaded. Throws UsageError for --no-do-sample
/// beside a flag that shapes sampling, for --temperature 0, and for a --logit-bias that is not ID:BIAS.
void check(const GenerationFlags& flags);

/// `defaults`, the model directory's, with the flags that were given. One of --temperature, --top-k, --top-p,
/// --min-p switches sampling on. Without --seed, a sampling config gets one from the system's entropy; print
/// it, so that the run can be repeated. Throws UsageError where the two together are no valid configuration,
/// Error(bad_format) where the defaults alone are none.
GenerationConfig apply(const GenerationFlags& flags, const GenerationConfig& defaults,
                       const Tokenizer& tokenizer);

}  // namespace adlib::cli
