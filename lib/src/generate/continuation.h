// One continuation of a prompt under way: its tokens, its random numbers, its text.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "adlib/generate/generator.h"
#include "adlib/generate/sampler.h"
#include "generate/text_stream.h"

namespace adlib::generate {

/// The natural log-probability of `chosen` and of the `count` best ids, of the model's own distribution.
inline TokenLogprob logprob_of(std::span<const float> log_probs, TokenId chosen, std::int64_t count) {
  TokenLogprob out{chosen, log_probs[static_cast<std::size_t>(chosen)], {}};
  std::vector<TokenId> ids(log_probs.size());
  if (count == 0) return out;
  std::iota(ids.begin(), ids.end(), 0);
  const auto score = [&](TokenId id) { return log_probs[static_cast<std::size_t>(id)]; };
  const auto end = ids.begin() + std::min(count, std::ssize(ids));
  std::partial_sort(ids.begin(), end, ids.end(),
                    [&](TokenId a, TokenId b) { return score(a) != score(b) ? score(a) > score(b) : a < b; });
  for (auto id = ids.begin(); id != end; ++id) out.top.emplace_back(*id, score(*id));
  return out;
}

class Continuation {
 public:
  /// `config` and what `primed` refers to must outlive this. `stream`: which of several of one prompt this
  /// is.
  Continuation(const GenerationConfig& config, std::span<const TokenId> prompt, std::uint64_t stream,
               TextStream primed)
      : config_(&config),
        ids_(prompt.begin(), prompt.end()),
        prompt_length_(prompt.size()),
        sampler_(config, stream),
        text_(std::move(primed)) {}

  bool active() const { return active_; }
  /// Prompt and continuation.
  std::span<const TokenId> ids() const { return ids_; }
  std::int64_t generated() const { return std::ssize(ids_) - static_cast<std::int64_t>(prompt_length_); }
  TextStream& text() { return text_; }

  /// Chooses the next token from the model's scores (V), which are overwritten. Throws Error(bad_format) for
  /// scores that are no numbers.
  void advance(std::span<float> scores) {
    std::vector<float> log_probs;
    if (config_->top_logprobs >= 0) log_probs.assign(scores.begin(), scores.end());
    const std::optional<TokenId> id = sampler_(scores, {ids_, prompt_length_});
    if (!id) return finish(FinishReason::length);
    ids_.push_back(*id);
    if (!log_probs.empty()) {
      logits::log_softmax(log_probs);
      completion_.logprobs.push_back(logprob_of(log_probs, *id, config_->top_logprobs));
    }
    const auto& eos = config_->eos_token_id;
    if (std::find(eos.begin(), eos.end(), *id) != eos.end()) return finish(FinishReason::eos);
    if (text_.push(*id)) return finish(FinishReason::stop);
    if (generated() == config_->max_new_tokens) finish(FinishReason::length);
  }
  void finish(FinishReason reason) {
    active_ = false;
    text_.finish();
    completion_.finish_reason = text_.stopped() ? FinishReason::stop : reason;
  }
  Completion take_completion() {
    completion_.text = text_.text();
    completion_.ids.assign(ids_.begin() + static_cast<std::ptrdiff_t>(prompt_length_), ids_.end());
    return std::move(completion_);
  }

 private:
  const GenerationConfig* config_;
  std::vector<TokenId> ids_;
  std::size_t prompt_length_;
  Sampler sampler_;
  TextStream text_;
  Completion completion_;
  bool active_ = true;
};

}  // namespace adlib::generate
