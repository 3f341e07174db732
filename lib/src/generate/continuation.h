// One continuation of a prompt under way: its tokens, its random numbers, its text.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <numeric>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "adlib/generate/constraint.h"
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
        text_(std::move(primed)) {
    if (!config.constraint) return;
    constrained_.emplace(*config.constraint);
    primed_ = text_;
  }

  bool active() const { return active_; }
  /// Prompt and continuation.
  std::span<const TokenId> ids() const { return ids_; }
  std::int64_t generated() const { return std::ssize(ids_) - static_cast<std::int64_t>(prompt_length_); }
  /// New text that is certain. Of a constrained one all at once, at its end.
  std::string_view take_text() {
    if (!constrained_) return text_.take();
    return active_ || std::exchange(taken_, true) ? std::string_view() : completion_.text;
  }

  /// Whether ops::sample can choose the next token, where the scores are; and by which row, whose ids are
  /// ids().
  bool is_sampled() const {
    return !constrained_ && config_->top_logprobs < 0 && !watches() &&
           logits::only_penalties({ids_, prompt_length_}, *config_);
  }
  SampleRow sample_row() const { return sampler_.row({ids_, prompt_length_}); }
  /// Goes on with the token that ops::sample chose; sampling::none: there is none.
  void advance(TokenId chosen) {
    if (chosen == sampling::none) return finish(FinishReason::length);
    ids_.push_back(chosen);
    settle();
  }
  /// Chooses the next token from the model's scores (V), which are overwritten; under a constraint it may
  /// take the latest ones back instead, when nothing can follow them. Throws Error(bad_format) for scores
  /// that are no numbers.
  void advance(std::span<float> scores) {
    std::vector<float> own;  // the model's, before anything changes them
    if (config_->top_logprobs >= 0 || watches()) own.assign(scores.begin(), scores.end());
    const std::optional<TokenId> id = choose(scores);
    if (!id) {
      if (!stuck_ || !go_back()) finish(FinishReason::length);
      return;
    }
    ids_.push_back(*id);
    if (watches()) {
      const sampling::Weights weights(own, 1);
      logprobs_.push_back(weights.log_weight(static_cast<std::size_t>(*id)) -
                          static_cast<float>(std::log(weights.total())));
    }
    if (config_->top_logprobs >= 0) {
      logits::log_softmax(own);
      completion_.logprobs.push_back(logprob_of(own, *id, config_->top_logprobs));
    }
    settle();
  }
  void finish(FinishReason reason) {
    active_ = false;
    text_.finish();
    completion_.finish_reason = text_.stopped() ? FinishReason::stop : reason;
    if (!constrained_) {
      completion_.text = text_.text();
      return;
    }
    if (text_.stopped()) {  // what stands before the stop string, alone
      constrained_.emplace(*config_->constraint);
      constrained_->push(text_.text());
    }
    completion_.text = constrained_->finish();
  }
  Completion take_completion() {
    completion_.ids.assign(ids_.begin() + static_cast<std::ptrdiff_t>(prompt_length_), ids_.end());
    return std::move(completion_);
  }

 private:
  /// So many tokens are tried before a place counts as a dead end.
  static constexpr int most_refused = 4096;

  // What follows from the newest token.
  void settle() {
    if (is_end(ids_.back())) return finish(FinishReason::eos);
    if (text_.push(ids_.back())) return finish(FinishReason::stop);
    if (constrained_) ends_.push_back(constrained_->text().size());
    if (watches() && has_strayed()) return finish(FinishReason::unlikely);
    if (generated() == config_->max_new_tokens) finish(FinishReason::length);
  }
  bool watches() const { return std::isfinite(config_->logprob_threshold); }
  bool is_end(TokenId id) const {
    const auto& eos = config_->eos_token_id;
    return std::find(eos.begin(), eos.end(), id) != eos.end();
  }
  // Whether the latest tokens are too unlikely together.
  bool has_strayed() const {
    const auto window = static_cast<std::size_t>(config_->logprob_window);
    if (logprobs_.size() < window) return false;
    const float sum =
        std::accumulate(logprobs_.end() - static_cast<std::ptrdiff_t>(window), logprobs_.end(), 0.0f);
    return sum < config_->logprob_threshold * static_cast<float>(window);
  }
  bool is_dead_end(std::size_t length, TokenId id) const {
    const auto found = dead_ends_.find(length);
    return found != dead_ends_.end() &&
           std::find(found->second.begin(), found->second.end(), id) != found->second.end();
  }
  // The next token; nothing when there is no room for one or, and then stuck_ is set, none is allowed.
  std::optional<TokenId> choose(std::span<float> scores) {
    const logits::History history{ids_, prompt_length_};
    if (!constrained_) return sampler_(scores, history);
    using Verdict = ConstrainedText::Verdict;
    int refused = 0;
    bool full = false;
    stuck_ = false;
    const std::optional<TokenId> id = sampler_(scores, history, [&](TokenId candidate) {
      Verdict verdict = Verdict::forbidden;
      if (is_dead_end(ids_.size(), candidate) || is_dead_end(anywhere, candidate)) {
        // From here the text has come to nothing before.
      } else if (is_end(candidate)) {
        if (constrained_->may_end()) verdict = Verdict::accepted;
      } else if (!text_.textless(candidate)) {
        verdict = constrained_->push(text_.peek(candidate));
      }
      full = verdict == Verdict::full;
      stuck_ = verdict == Verdict::forbidden && ++refused == most_refused;
      return full || stuck_ || verdict == Verdict::accepted;
    });
    stuck_ = stuck_ || (!id && !full);
    return full || stuck_ ? std::nullopt : id;
  }
  // Takes back the tokens since the text could last end, at least one, and never takes this way again. False
  // when there are none, or when as many have been taken back as there may be.
  bool go_back() {
    if (ends_.empty()) return false;
    std::size_t kept = ends_.size() - 1;
    while (kept > 0 && ends_[kept - 1] > constrained_->last_place()) --kept;
    taken_back_ += static_cast<std::int64_t>(ends_.size() - kept);
    if (taken_back_ > config_->max_new_tokens) return false;
    const std::size_t length = prompt_length_ + kept;
    // Bytes of which no character has come (of a script, say, that is not allowed) lead nowhere in all of the
    // text.
    const bool textless = ends_.back() == (kept > 0 ? ends_[kept - 1] : 0);
    dead_ends_[textless ? anywhere : length].push_back(ids_[length]);
    dead_ends_.erase(dead_ends_.upper_bound(length), dead_ends_.end());
    ids_.resize(length);
    ends_.resize(kept);
    if (!logprobs_.empty()) logprobs_.resize(kept);
    if (!completion_.logprobs.empty()) completion_.logprobs.resize(kept);
    text_ = *primed_;
    constrained_.emplace(*config_->constraint);
    for (std::size_t i = prompt_length_; i < length; ++i) {
      constrained_->push(text_.peek(ids_[i]));
      text_.push(ids_[i]);
    }
    return true;
  }

  const GenerationConfig* config_;
  std::vector<TokenId> ids_;
  std::size_t prompt_length_;
  Sampler sampler_;
  TextStream text_;
  std::vector<float> logprobs_;  // of the generated tokens, where a threshold asks for them
  std::optional<ConstrainedText> constrained_;
  // Of a constrained continuation:
  std::optional<TextStream> primed_;  // before the first token
  std::vector<std::size_t> ends_;     // of the text, by token
  // Tokens not to take, by how many ids stand before them, of which a prompt has at least one.
  static constexpr std::size_t anywhere = 0;
  std::map<std::size_t, std::vector<TokenId>> dead_ends_;
  std::int64_t taken_back_ = 0;  // tokens
  bool stuck_ = false;
  bool taken_ = false;  // the text
  Completion completion_;
  bool active_ = true;
};

}  // namespace adlib::generate
