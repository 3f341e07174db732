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
#include "adlib/generate/config.h"

namespace adlib::logits {

/// The score of a token that must not come next.
inline constexpr float forbidden = -std::numeric_limits<float>::infinity();

/// What stands before the token to be chosen: the prompt and the text so far, end to end.
struct History {
  std::span<const TokenId> ids;
  std::size_t prompt_length = 0;

  std::span<const TokenId> generated() const { return ids.subspan(prompt_length); }
};

/// Throws Error(bad_format) naming the first NaN or +infinity: such a model has damaged weights, or overflows
/// in f16.
inline void check_finite(std::span<const float> scores) {
  constexpr float highest = std::numeric_limits<float>::max();
  for (std::size_t id = 0; id < scores.size(); ++id) {
    if (scores[id] <= highest) continue;
    fail(ErrorCode::bad_format, "generate: the model produced ", std::isnan(scores[id]) ? "NaN" : "infinity",
         " as the score of token ", id, " (vocabulary of ", scores.size(),
         "); its weights are damaged, or overflow in their type: check them with `adlib inspect` or load as "
         "f32");
  }
}

/// scores[id] += bias. A bias of -infinity forbids the token.
inline void logit_bias(std::span<float> scores, const std::map<TokenId, float>& bias) {
  for (const auto& [id, value] : bias) scores[static_cast<std::size_t>(id)] += value;
}

/// Divides positive and multiplies negative scores of every token of the history, once each (Keskar et al.
/// 2019).
inline void repetition_penalty(std::span<float> scores, std::span<const TokenId> ids, float penalty) {
  std::vector<TokenId> seen(ids.begin(), ids.end());
  std::sort(seen.begin(), seen.end());
  seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
  for (const TokenId id : seen) {
    float& score = scores[static_cast<std::size_t>(id)];
    score = score < 0 ? score * penalty : score / penalty;
  }
}

/// scores[id] -= presence + frequency · count, over the tokens generated so far; the prompt does not count.
inline void presence_and_frequency_penalty(std::span<float> scores, std::span<const TokenId> generated,
                                           float presence, float frequency) {
  std::vector<TokenId> sorted(generated.begin(), generated.end());
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t begin = 0; begin < sorted.size();) {
    std::size_t end = begin;
    while (end < sorted.size() && sorted[end] == sorted[begin]) ++end;
    scores[static_cast<std::size_t>(sorted[begin])] -= presence + frequency * static_cast<float>(end - begin);
    begin = end;
  }
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
  if (config.repetition_penalty != 1) repetition_penalty(scores, history.ids, config.repetition_penalty);
  if (config.presence_penalty != 0 || config.frequency_penalty != 0) {
    presence_and_frequency_penalty(scores, history.generated(), config.presence_penalty,
                                   config.frequency_penalty);
  }
  if (config.no_repeat_ngram_size > 0) {
    no_repeat_ngram(scores, history.ids, static_cast<std::size_t>(config.no_repeat_ngram_size));
  }
  bad_words(scores, history.ids, config.bad_words_ids, config.eos_token_id);
  if (static_cast<std::int64_t>(history.generated().size()) < config.min_new_tokens) {
    suppress_eos(scores, config.eos_token_id);
  }
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
