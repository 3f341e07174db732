// adlib/generate/sampler.h: from scores to a token. The sampler is a function of (scores, history, seed,
// stream): it keeps nothing from token to token, so that a text can be stopped, resumed or batched and stays
// the same.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "adlib/core/random.h"
#include "adlib/generate/logits_processors.h"

namespace adlib {

/// A token that may be drawn, and how likely relative to the best one, which has weight 1.
struct Candidate {
  TokenId id = 0;
  double weight = 0;
};

namespace sampling {

/// The id of the highest score, the lowest id among equals; nothing when every token is forbidden.
inline std::optional<TokenId> argmax(std::span<const float> scores) {
  const auto best = std::max_element(scores.begin(), scores.end());
  if (best == scores.end() || *best == logits::forbidden) return std::nullopt;
  return static_cast<TokenId>(best - scores.begin());
}

/// The k-th highest of the scores, k in [1, V]. One pass: most scores lose against the threshold and are not
/// kept.
inline float kth_highest(std::span<const float> scores, std::size_t k) {
  std::vector<float> kept;
  kept.reserve(4 * k);
  float threshold = -std::numeric_limits<float>::infinity();
  const auto cut = [&] {
    std::nth_element(kept.begin(), kept.begin() + static_cast<std::ptrdiff_t>(k - 1), kept.end(),
                     std::greater<>());
    kept.resize(k);
    threshold = kept.back();
  };
  for (const float score : scores) {
    if (kept.size() >= k && score <= threshold) continue;
    kept.push_back(score);
    if (kept.size() == 4 * k) cut();
  }
  cut();
  return threshold;
}

/// temperature, then top_k: the tokens whose score is at least the k-th highest (ties stay, as in Hugging
/// Face), with weight exp((score - best) / temperature), in order of id. Subtracting first keeps small
/// temperatures finite.
inline std::vector<Candidate> top_k(std::span<const float> scores, std::int64_t k, float temperature) {
  std::vector<Candidate> candidates;
  const bool all = k <= 0 || static_cast<std::size_t>(k) >= scores.size();
  const float lowest = all ? logits::forbidden : kth_highest(scores, static_cast<std::size_t>(k));
  // A penalty may overflow a score to infinity: it counts as the highest number, so that differences stay
  // numbers.
  constexpr float highest = std::numeric_limits<float>::max();
  const float best = std::min(*std::max_element(scores.begin(), scores.end()), highest);
  for (std::size_t id = 0; id < scores.size(); ++id) {
    if (scores[id] < lowest || scores[id] == logits::forbidden) continue;
    const float distance = (std::min(scores[id], highest) - best) / temperature;
    const auto weight = static_cast<double>(std::exp(distance));
    if (weight > 0) candidates.push_back({static_cast<TokenId>(id), weight});
  }
  return candidates;
}

/// Keeps the smallest set of likeliest tokens that together have at least probability p (Holtzman et al.
/// 2020); the lower id among equals. Sorts a growing head of the list, never all of a vocabulary for a few
/// tokens.
inline void top_p(std::vector<Candidate>& candidates, float p) {
  if (p >= 1) return;
  const auto likelier = [](const Candidate& a, const Candidate& b) {
    return a.weight != b.weight ? a.weight > b.weight : a.id < b.id;
  };
  double total = 0;
  for (const Candidate& candidate : candidates) total += candidate.weight;
  const double enough = static_cast<double>(p) * total;
  double above = 0;  // the weight of all candidates before `kept`
  std::size_t kept = 0;
  std::size_t sorted = 0;
  for (std::size_t grow = 64; kept < candidates.size() && above < enough; ++kept) {
    if (kept == sorted) {
      const auto begin = candidates.begin() + static_cast<std::ptrdiff_t>(sorted);
      sorted = std::min(sorted + grow, candidates.size());
      const auto end = candidates.begin() + static_cast<std::ptrdiff_t>(sorted);
      std::partial_sort(begin, end, candidates.end(), likelier);
      grow *= 4;
    }
    above += candidates[kept].weight;
  }
  candidates.resize(kept);
  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate& a, const Candidate& b) { return a.id < b.id; });
}

/// Keeps the tokens at least min_p times as likely as the likeliest (Nguyen et al. 2024).
inline void min_p(std::vector<Candidate>& candidates, float p) {
  std::erase_if(candidates,
                [&](const Candidate& candidate) { return candidate.weight < static_cast<double>(p); });
}

/// The tokens that may be drawn, in order of id: temperature, top_k, top_p, min_p in this order. Empty when
/// every token is forbidden.
inline std::vector<Candidate> candidates(std::span<const float> scores, const GenerationConfig& config) {
  std::vector<Candidate> out = top_k(scores, config.top_k, config.temperature);
  top_p(out, config.top_p);
  if (config.min_p > 0) min_p(out, config.min_p);
  return out;
}

/// The index of the candidate in whose share of the total weight `uniform`, in [0, 1), falls; `uniform`
/// becomes the place inside this share, again uniform in [0, 1). Every candidate has weight.
inline std::size_t draw(std::span<const Candidate> candidates, double& uniform) {
  double total = 0;
  for (const Candidate& candidate : candidates) total += candidate.weight;
  double left = uniform * total;
  std::size_t i = 0;
  for (const Candidate& candidate : candidates.first(candidates.size() - 1)) {
    if (left < candidate.weight) break;
    left -= candidate.weight;
    ++i;
  }
  uniform = std::clamp(left / candidates[i].weight, 0.0, 1 - 0x1p-53);
  return i;
}

}  // namespace sampling

/// Chooses the next token of one sequence. Its random numbers are Philox words of (seed, stream, index of the
/// token), so that a text depends only on prompt, configuration, seed and stream. `config` must outlive the
/// sampler.
class Sampler {
 public:
  /// `stream`: which of several continuations of one prompt this is.
  Sampler(const GenerationConfig& config, std::uint64_t stream)
      : config_(&config), random_(config.seed, stream) {}

  /// scores (V) are the model's and are overwritten. Nothing when every token is forbidden. Throws
  /// Error(bad_format) for scores that are NaN or +infinity.
  std::optional<TokenId> operator()(std::span<float> scores, const logits::History& history) const {
    return (*this)(scores, history, [](TokenId) { return true; });
  }
  /// The same among the tokens for which accepts(TokenId) holds, which is only asked of those drawn: a token
  /// that is refused leaves its probability to the others. When it refuses all that top_k, top_p and min_p
  /// let through, the best of the rest is taken.
  template <class Accepts>
  std::optional<TokenId> operator()(std::span<float> scores, const logits::History& history,
                                    Accepts&& accepts) const {
    logits::check_finite(scores);
    logits::process(scores, history, *config_);
    if (config_->do_sample) {
      std::vector<Candidate> candidates = sampling::candidates(scores, *config_);
      double uniform = random_.uniform(history.generated().size());
      while (!candidates.empty()) {
        const std::size_t drawn = sampling::draw(candidates, uniform);
        if (accepts(candidates[drawn].id)) return candidates[drawn].id;
        scores[static_cast<std::size_t>(candidates[drawn].id)] = logits::forbidden;
        candidates.erase(candidates.begin() + static_cast<std::ptrdiff_t>(drawn));
      }
    }
    for (;;) {
      const std::optional<TokenId> best = sampling::argmax(scores);
      if (!best || accepts(*best)) return best;
      scores[static_cast<std::size_t>(*best)] = logits::forbidden;
    }
  }

 private:
  const GenerationConfig* config_;
  Philox random_;
};

}  // namespace adlib
