// adlib/generate/config.h: how to continue a prompt. Names, meanings and defaults are those of Hugging Face's
// GenerationConfig, except that max_new_tokens has one. docs/generation.md tells the order in which they act.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adlib/tokenizer/tokenizer.h"

namespace adlib {

class Constraint;

struct GenerationConfig {
  std::int64_t max_new_tokens = 64;
  std::int64_t min_new_tokens = 0;  ///< end-of-text is suppressed before
  bool do_sample = false;           ///< false: the highest score wins (greedy or beams)
  float temperature = 1.0f;         ///< > 0, divides the scores
  std::int64_t top_k = 50;          ///< keep the k highest; 0 keeps all
  float top_p = 1.0f;               ///< keep the smallest set with at least this probability
  float min_p = 0.0f;               ///< keep tokens with at least min_p times the highest probability
  float repetition_penalty =
      1.0f;                       ///< divides positive and multiplies negative scores of tokens already there
  float presence_penalty = 0.0f;  ///< subtracted once for a token already generated (OpenAI)
  float frequency_penalty = 0.0f;         ///< subtracted for each time a token was generated (OpenAI)
  std::int64_t no_repeat_ngram_size = 0;  ///< no n-gram of prompt and text occurs twice
  std::vector<std::vector<TokenId>> bad_words_ids;  ///< token sequences never generated
  std::map<TokenId, float> logit_bias;              ///< added to the scores (OpenAI)
  std::int64_t num_beams = 1;
  float length_penalty = 1.0f;  ///< beams: sum of log-probabilities / length^penalty
  enum class EarlyStopping { no, yes, never } early_stopping = EarlyStopping::no;
  std::int64_t num_return_sequences = 1;  ///< at most num_beams when beams search without sampling
  std::vector<TokenId> eos_token_id;      ///< any of them ends a text; empty: the model directory's
  std::vector<std::string> stop_strings;  ///< a text ends before the first of them, wherever tokens part
  std::shared_ptr<const Constraint> constraint = {};  ///< what the text must obey (generate/constraint.h)
  std::uint64_t seed = 0;
  std::int64_t top_logprobs = -1;  ///< < 0: none; 0: of the chosen token; n: and of the n best
  /// A text is given up (FinishReason::unlikely) where logprob_window tokens in a row have a mean natural
  /// log-probability, of the model's own distribution, below this: small models stray into nonsense there.
  float logprob_threshold = -std::numeric_limits<float>::infinity();
  std::int64_t logprob_window = 6;
  enum class TooLong {
    error,
    keep_end,
    keep_begin
  } too_long = TooLong::error;  ///< prompt + max_new_tokens > context
};

/// Throws Error(invalid_argument) naming the fields that contradict each other or are out of range.
void validate(const GenerationConfig& config);

/// `base` with the fields that `generation_config.json` sets; a field that would change the result and is not
/// supported is refused by name. Without that file, eos_token_id comes from config.json.
GenerationConfig read_generation_config(const std::filesystem::path& dir, GenerationConfig base = {});
/// The text of a generation_config.json for transformers.
std::string generation_config_to_json(const GenerationConfig& config);
/// The configuration of such a text; what it does not name has its default. Throws Error(bad_format) "where:
/// …".
GenerationConfig generation_config_from_json(std::string_view json, const std::string& where);

}  // namespace adlib
