#include "generate/beam_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "adlib/generate/logits_processors.h"
#include "generate/runner.h"

namespace adlib::generate {

namespace {

using EarlyStopping = GenerationConfig::EarlyStopping;

/// A text under way.
struct Beam {
  std::vector<TokenId> ids;  // prompt and text
  double score = 0;          // sum of the processed log-probabilities
  std::int64_t slot = 0;     // its sequence in the cache
  TextStream text;
};

/// A text that has ended.
struct Hypothesis {
  std::vector<TokenId> ids;  // without the prompt
  double score = 0;          // sum / length^length_penalty
  FinishReason reason = FinishReason::length;
  std::string text;
};

/// One token more for one beam.
struct Extension {
  std::size_t beam = 0;
  TokenId id = 0;
  double score = 0;
};

class BeamSearch {
 public:
  BeamSearch(const Decoder& decoder, std::span<const TokenId> prompt, const GenerationConfig& config)
      : config_(config),
        prompt_(prompt),
        beams_(static_cast<std::size_t>(config.num_beams)),
        runner_(decoder, config.num_beams, std::ssize(prompt) + config.max_new_tokens) {}

  std::vector<Hypothesis> run(const TextStream& primed, const std::function<void()>& prefilled) {
    running_.push_back({{prompt_.begin(), prompt_.end()}, 0, 0, primed});
    const Runner::Piece piece{0, prompt_};
    Tensor scores = runner_.feed(std::span(&piece, 1));
    if (prefilled) prefilled();
    for (std::int64_t length = 1;; ++length) {
      const std::vector<Extension> best = best_extensions(scores);
      advance(best, length);
      if (running_.empty() || !may_improve(length)) break;
      scores = runner_.feed(next_pieces());
    }
    // When every token is forbidden before enough texts have ended, the last beams end where they are.
    if (std::ssize(finished_) < config_.num_return_sequences) {
      for (Beam& beam : stuck_) finish(std::move(beam), FinishReason::length);
    }
    return std::move(finished_);
  }

 private:
  /// The highest (eos ids + 1, at least 2) · num_beams extensions of all beams: enough that num_beams of them
  /// do not end the text. Ties go to the lower beam, then the lower id. Forbidden ones are left out.
  std::vector<Extension> best_extensions(Tensor& scores) const {
    const std::size_t count = beams_ * std::max<std::size_t>(2, config_.eos_token_id.size() + 1);
    const auto better = [](const Extension& a, const Extension& b) {
      if (a.score != b.score) return a.score > b.score;
      return a.beam != b.beam ? a.beam < b.beam : a.id < b.id;
    };
    std::vector<Extension> best;
    const auto keep_best = [&] {
      if (best.size() <= count) return;
      std::nth_element(best.begin(), best.begin() + static_cast<std::ptrdiff_t>(count), best.end(), better);
      best.resize(count);
    };
    for (std::size_t b = 0; b < running_.size(); ++b) {
      const std::span<float> log_probs = row(scores, b);
      logits::check_finite(log_probs);
      logits::log_softmax(log_probs);
      logits::process(log_probs, {running_[b].ids, prompt_.size()}, config_);
      for (std::size_t id = 0; id < log_probs.size(); ++id) {
        if (log_probs[id] == logits::forbidden) continue;
        best.push_back({b, static_cast<TokenId>(id), running_[b].score + static_cast<double>(log_probs[id])});
      }
      keep_best();
    }
    std::sort(best.begin(), best.end(), better);
    return best;
  }

  /// Why an extension ends its text, if it does.
  std::optional<FinishReason> ends(const Extension& extension, std::int64_t length, TextStream& text) const {
    const auto& eos = config_.eos_token_id;
    if (std::find(eos.begin(), eos.end(), extension.id) != eos.end()) return FinishReason::eos;
    if (text.push(extension.id)) return FinishReason::stop;
    if (length == config_.max_new_tokens) return FinishReason::length;
    return std::nullopt;
  }

  /// Ended texts among the first num_beams extensions become hypotheses, the best others the next beams.
  void advance(const std::vector<Extension>& best, std::int64_t length) {
    std::vector<Beam> next;
    std::vector<std::size_t> parents;
    for (std::size_t rank = 0; rank < best.size() && next.size() < beams_; ++rank) {
      const Beam& parent = running_[best[rank].beam];
      TextStream text = parent.text;
      const std::optional<FinishReason> reason = ends(best[rank], length, text);
      if (reason && rank >= beams_) continue;
      Beam beam{parent.ids, best[rank].score, parent.slot, std::move(text)};
      beam.ids.push_back(best[rank].id);
      if (reason) {
        finish(std::move(beam), *reason);
      } else {
        next.push_back(std::move(beam));
        parents.push_back(best[rank].beam);
      }
    }
    if (best.empty()) stuck_ = std::move(running_);
    if (!next.empty()) move_caches(next, parents);
    running_ = std::move(next);
  }

  void finish(Beam beam, FinishReason reason) {
    std::vector<TokenId> ids(beam.ids.begin() + std::ssize(prompt_), beam.ids.end());
    const double length = std::max(1.0, static_cast<double>(ids.size()));
    const double score = beam.score / std::pow(length, static_cast<double>(config_.length_penalty));
    beam.text.finish();
    // Equal scores: what ended first stays first.
    const auto place = std::find_if(finished_.begin(), finished_.end(),
                                    [&](const Hypothesis& other) { return other.score < score; });
    finished_.insert(place, {std::move(ids), score, reason, beam.text.text()});
    if (finished_.size() > beams_) finished_.pop_back();
  }

  /// Gives each next beam a slot whose cache holds its parent's tokens. A parent's first child stays in its
  /// parent's slot, the others are copied to slots that no child stays in, so that no copy overwrites a
  /// source.
  void move_caches(std::vector<Beam>& next, const std::vector<std::size_t>& parents) {
    std::vector<bool> taken(beams_, false);
    std::vector<std::size_t> to_copy;
    for (std::size_t i = 0; i < next.size(); ++i) {
      const auto slot = static_cast<std::size_t>(running_[parents[i]].slot);
      if (taken[slot]) to_copy.push_back(i);
      taken[slot] = true;
    }
    std::size_t free = 0;
    for (const std::size_t i : to_copy) {
      while (taken[free]) ++free;
      taken[free] = true;
      runner_.copy_sequence(next[i].slot, static_cast<std::int64_t>(free));
      next[i].slot = static_cast<std::int64_t>(free);
    }
  }

  /// Whether the best running beam can still beat the worst of num_beams ended texts, by the estimate that
  /// early_stopping names; with `yes`, num_beams ended texts are enough.
  bool may_improve(std::int64_t length) const {
    if (finished_.size() < beams_) return true;
    if (config_.early_stopping == EarlyStopping::yes) return false;
    const bool longest = config_.early_stopping == EarlyStopping::never && config_.length_penalty > 0;
    const auto assumed = static_cast<double>(longest ? config_.max_new_tokens : length);
    const double reachable =
        running_.front().score / std::pow(assumed, static_cast<double>(config_.length_penalty));
    return reachable > finished_.back().score;
  }

  std::vector<Runner::Piece> next_pieces() const {
    std::vector<Runner::Piece> pieces;
    for (const Beam& beam : running_) pieces.push_back({beam.slot, std::span(beam.ids).last(1)});
    return pieces;
  }

  const GenerationConfig& config_;
  std::span<const TokenId> prompt_;
  std::size_t beams_;
  Runner runner_;
  std::vector<Beam> running_;         // best first
  std::vector<Beam> stuck_;           // the last beams, when every token was forbidden
  std::vector<Hypothesis> finished_;  // best first, at most num_beams
};

}  // namespace

std::vector<Completion> beam_search(const Decoder& decoder, std::span<const TokenId> prompt,
                                    const GenerationConfig& config, const TextStream& primed,
                                    const std::function<void()>& prefilled) {
  std::vector<Completion> completions;
  for (Hypothesis& hypothesis : BeamSearch(decoder, prompt, config).run(primed, prefilled)) {
    if (std::ssize(completions) == config.num_return_sequences) break;
    completions.push_back(
        {std::move(hypothesis.text), std::move(hypothesis.ids), hypothesis.reason, hypothesis.score, {}});
  }
  return completions;
}

}  // namespace adlib::generate
