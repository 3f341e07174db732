// adlib/generate/logits_processors.h: what changes the model's scores before a token is chosen. Each
// processor is a function that edits the scores (V) of one sequence in place, with the meaning that Hugging
// Face's class of the same name has; presence and frequency penalty are OpenAI's.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "adlib/core/error.h"
#include "adlib/core/sampling.h"
#include "adlib/generate/config.h"

namespace adlib::logits {

/// What stands before the token to be chosen: the prompt and the text so far, end to end.
struct History {
  std::span<const TokenId> ids;
  std::size_t prompt_length = 0;

  std::span<const TokenId> generated() const { return ids.subspan(prompt_length); }
};

/// Throws Error(bad_format) naming the first NaN or +infinity: such a model has damaged weights, or overflows
/// in f16.
inline void check_finite(std::span<const float> scores) {
  const std::size_t id = first_not_finite(scores);
  if (id == scores.size()) return;
  fail(ErrorCode::bad_format, "generate: the model produced ", std::isnan(scores[id]) ? "NaN" : "infinity",
       " as the score of token ", id, " (vocabulary of ", scores.size(),
       "); its weights are damaged, or overflow in their type: check them with `adlib inspect` or load as "
       "f32");
}

/// scores[id] += bias. A bias of -infinity forbids the token.
inline void logit_bias(std::span<float> scores, const std::map<TokenId, float>& bias) {
  for (const auto& [id, value] : bias) scores[static_cast<std::size_t>(id)] += value;
}

/// Forbids each token that would complete an n-gram which the history already holds.
inline void no_repeat_ngram(std::span<float> scores, std::span<const TokenId> ids, std::size_t n) {
  if (ids.size() < n) return;
  const auto prefix = ids.last(n - 1);
  for (std::size_t begin = 0; begin + n <= ids.size(); ++begin) {
    if (std::equal(prefix.begin(), prefix.end(), ids.begin() + static_cast<std::ptrdiff_t>(begin))) {
      scores[static_cast<std::size_t>(ids[begin + n - 1])] = forbidden;
    }
  }
}

/// Forbids the last token of each bad word whose other tokens end the history. As in Hugging Face, a bad word
/// that is nothing but an end-of-text token is left out: a text must be able to end.
inline void bad_words(std::span<float> scores, std::span<const TokenId> ids,
                      const std::vector<std::vector<TokenId>>& words, std::span<const TokenId> eos) {
  for (const std::vector<TokenId>& word : words) {
    const bool ends_text = word.size() == 1 && std::find(eos.begin(), eos.end(), word[0]) != eos.end();
    if (ends_text || word.size() - 1 > ids.size()) continue;
    const auto tail = ids.last(word.size() - 1);
    if (std::equal(tail.begin(), tail.end(), word.begin()))
      scores[static_cast<std::size_t>(word.back())] = forbidden;
  }
}

/// Forbids every end-of-text token.
inline void suppress_eos(std::span<float> scores, std::span<const TokenId> eos) {
  for (const TokenId id : eos) scores[static_cast<std::size_t>(id)] = forbidden;
}

/// Every processor that the configuration asks for, in Hugging Face's order. Used by greedy, sampling and
/// beam search; temperature and truncation come after it, in sampling only (sampler.h). Ids in `config` and
/// `history` must be inside the vocabulary.
inline void process(std::span<float> scores, const History& history, const GenerationConfig& config) {
  logit_bias(scores, config.logit_bias);
  penalise(scores, history.ids, history.prompt_length, config.repetition_penalty, config.presence_penalty,
           config.frequency_penalty);
  if (config.no_repeat_ngram_size > 0) {
    no_repeat_ngram(scores, history.ids, static_cast<std::size_t>(config.no_repeat_ngram_size));
  }
  bad_words(scores, history.ids, config.bad_words_ids, config.eos_token_id);
  if (static_cast<std::int64_t>(history.generated().size()) < config.min_new_tokens) {
    suppress_eos(scores, config.eos_token_id);
  }
}

/// Whether process() changes the next token's scores by the penalties of a SampleRow alone.
inline bool only_penalties(const History& history, const GenerationConfig& config) {
  return config.logit_bias.empty() && config.no_repeat_ngram_size <= 0 && config.bad_words_ids.empty() &&
         static_cast<std::int64_t>(history.generated().size()) >= config.min_new_tokens;
}

/// scores -> log-probabilities: score - log(sum(exp(scores))), summed in double from the lowest id up. Scores
/// that are all forbidden stay so.
inline void log_softmax(std::span<float> scores) {
  const float best = *std::max_element(scores.begin(), scores.end());
  if (best == forbidden) return;
  double sum = 0;
  for (const float score : scores) sum += std::exp(score - best);
  const double log_sum = std::log(sum);
  for (float& score : scores) {
    score = static_cast<float>(static_cast<double>(score) - static_cast<double>(best) - log_sum);
  }
}

}  // namespace adlib::logits
