// adlib/core/sampling.h: the arithmetic from scores to a token, on plain numbers. generate/sampler.h uses it
// for one sequence, kernels/sample.h for the rows of a batch.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

#include "adlib/core/random.h"
#include "adlib/core/sample_row.h"

namespace adlib {

namespace logits {

/// The score of a token that must not come next.
inline constexpr float forbidden = -std::numeric_limits<float>::infinity();

/// The first id whose score is NaN or +infinity; the size when there is none.
inline std::size_t first_not_finite(std::span<const float> scores) {
  constexpr float highest = std::numeric_limits<float>::max();
  const auto found =
      std::find_if(scores.begin(), scores.end(), [](float score) { return !(score <= highest); });
  return static_cast<std::size_t>(found - scores.begin());
}

/// Divides positive and multiplies negative scores of every token of the history, once each (Keskar et al.
/// 2019).
inline void repetition_penalty(std::span<float> scores, std::span<const std::int32_t> ids, float penalty) {
  std::vector<std::int32_t> seen(ids.begin(), ids.end());
  std::sort(seen.begin(), seen.end());
  seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
  for (const std::int32_t id : seen) {
    float& score = scores[static_cast<std::size_t>(id)];
    score = score < 0 ? score * penalty : score / penalty;
  }
}

/// scores[id] -= presence + frequency · count, over the tokens generated so far; the prompt does not count.
inline void presence_and_frequency_penalty(std::span<float> scores, std::span<const std::int32_t> generated,
                                           float presence, float frequency) {
  std::vector<std::int32_t> sorted(generated.begin(), generated.end());
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t begin = 0; begin < sorted.size();) {
    std::size_t end = begin;
    while (end < sorted.size() && sorted[end] == sorted[begin]) ++end;
    scores[static_cast<std::size_t>(sorted[begin])] -= presence + frequency * static_cast<float>(end - begin);
    begin = end;
  }
}

/// Both, where they ask for anything. `ids`: prompt and text.
inline void penalise(std::span<float> scores, std::span<const std::int32_t> ids, std::size_t prompt_length,
                     float repetition, float presence, float frequency) {
  if (repetition != 1) repetition_penalty(scores, ids, repetition);
  if (presence != 0 || frequency != 0)
    presence_and_frequency_penalty(scores, ids.subspan(prompt_length), presence, frequency);
}

}  // namespace logits

/// A token that may be drawn, and how likely relative to the best one, which has weight 1.
struct Candidate {
  std::int32_t id = 0;
  double weight = 0;
};

namespace sampling {

/// The highest of the scores, which hold no NaN; forbidden for none.
inline float highest(std::span<const float> scores) {
  constexpr std::size_t lanes = 16;  // independent maxima, which compilers keep in vector registers
  std::array<float, lanes> best;
  best.fill(logits::forbidden);
  std::size_t i = 0;
  for (; i + lanes <= scores.size(); i += lanes) {
    for (std::size_t lane = 0; lane < lanes; ++lane)
      best[lane] = scores[i + lane] > best[lane] ? scores[i + lane] : best[lane];
  }
  for (; i < scores.size(); ++i) best[0] = std::max(best[0], scores[i]);
  return *std::max_element(best.begin(), best.end());
}

/// The id of the highest score, the lowest id among equals; nothing when every token is forbidden.
inline std::optional<std::int32_t> argmax(std::span<const float> scores) {
  const float best = highest(scores);
  if (best == logits::forbidden) return std::nullopt;
  return static_cast<std::int32_t>(std::find(scores.begin(), scores.end(), best) - scores.begin());
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

/// How likely a token is relative to the best one, and the sum of it over all tokens.
class Weights {
 public:
  /// `scores` hold no NaN and must outlive this. Where all are forbidden, tokens have no weight to ask for.
  Weights(std::span<const float> scores, float temperature)
      : scores_(scores), best_(std::min(highest(scores), most)), temperature_(temperature) {}

  /// forbidden where all of them are.
  float best() const { return best_; }
  /// The logarithm of a token's weight. Subtracting first keeps small temperatures finite.
  float log_weight(std::size_t id) const { return (std::min(scores_[id], most) - best_) / temperature_; }
  /// Of all tokens, from the lowest id up.
  double total() const {
    double sum = 0;
    for (std::size_t id = 0; id < scores_.size(); ++id) sum += static_cast<double>(std::exp(log_weight(id)));
    return sum;
  }

 private:
  // A penalty may overflow a score to infinity: it counts as the highest number, so that differences stay
  // numbers.
  static constexpr float most = std::numeric_limits<float>::max();
  std::span<const float> scores_;
  float best_, temperature_;
};

/// Keeps the smallest set of likeliest tokens that together have at least probability p of `total` (Holtzman
/// et al. 2020); the lower id among equals. Sorts a growing head of the list, never all of a vocabulary for a
/// few tokens.
inline void top_p(std::vector<Candidate>& candidates, float p, double total) {
  const auto likelier = [](const Candidate& a, const Candidate& b) {
    return a.weight != b.weight ? a.weight > b.weight : a.id < b.id;
  };
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

/// The tokens that may be drawn, in order of id, with weight exp((score - best) / temperature): temperature,
/// top_k (the tokens whose score is at least the k-th highest: ties stay, as in Hugging Face), top_p, min_p
/// in this order. Empty when every token is forbidden.
inline std::vector<Candidate> candidates(std::span<const float> scores, const SampleRow& row) {
  std::vector<Candidate> out;
  const Weights weights(scores, row.temperature);
  if (weights.best() == logits::forbidden) return out;
  const auto size = static_cast<double>(scores.size());
  const auto p = static_cast<double>(row.top_p);
  const bool all = row.top_k <= 0 || static_cast<double>(row.top_k) >= size;
  const float lowest = all ? logits::forbidden : kth_highest(scores, static_cast<std::size_t>(row.top_k));
  double total = 0;
  float least = logits::forbidden;  // of the logarithms of weights
  if (all && p < 1) {
    // Tokens less likely than this have together less than half of what top_p leaves out, so none is kept.
    total = weights.total();
    least = static_cast<float>(std::log((1 - p) / 2 * total / size));
  }
  for (std::size_t id = 0; id < scores.size(); ++id) {
    if (scores[id] < lowest || scores[id] == logits::forbidden) continue;
    const float log_weight = weights.log_weight(id);
    if (log_weight < least) continue;
    const auto weight = static_cast<double>(std::exp(log_weight));
    if (weight > 0) out.push_back({static_cast<std::int32_t>(id), weight});
  }
  if (!all)
    total = std::accumulate(out.begin(), out.end(), 0.0,
                            [](double sum, const Candidate& candidate) { return sum + candidate.weight; });
  if (p < 1) top_p(out, row.top_p, total);
  if (row.min_p > 0) min_p(out, row.min_p);
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

/// A draw among the tokens for which accepts(id) holds, which is only asked of those drawn: a token that is
/// refused leaves its probability to the others. When it refuses all that top_k, top_p and min_p let through,
/// and where row.do_sample is 0, the best of the rest is taken. Nothing when every token is forbidden.
/// `scores` are overwritten.
template <class Accepts>
std::optional<std::int32_t> take(std::span<float> scores, const SampleRow& row, Accepts&& accepts) {
  if (row.do_sample != 0) {
    std::vector<Candidate> drawable = candidates(scores, row);
    double uniform = Philox(row.seed, row.stream).uniform(row.index);
    while (!drawable.empty()) {
      const std::size_t drawn = draw(drawable, uniform);
      if (accepts(drawable[drawn].id)) return drawable[drawn].id;
      scores[static_cast<std::size_t>(drawable[drawn].id)] = logits::forbidden;
      drawable.erase(drawable.begin() + static_cast<std::ptrdiff_t>(drawn));
    }
  }
  for (;;) {
    const std::optional<std::int32_t> best = argmax(scores);
    if (!best || accepts(*best)) return best;
    scores[static_cast<std::size_t>(*best)] = logits::forbidden;
  }
}

/// The next token by all of the above, or `none` or `not_finite`. `history`: prompt and text. `scores` are
/// overwritten.
inline std::int32_t choose(std::span<float> scores, std::span<const std::int32_t> history,
                           const SampleRow& row) {
  if (logits::first_not_finite(scores) < scores.size()) return not_finite;
  logits::penalise(scores, history, static_cast<std::size_t>(row.prompt_length), row.repetition_penalty,
                   row.presence_penalty, row.frequency_penalty);
  return take(scores, row, [](std::int32_t) { return true; }).value_or(none);
}

}  // namespace sampling
}  // namespace adlib
