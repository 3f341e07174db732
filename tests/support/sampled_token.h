// tests/support/sampled_token.h: the token that a row of scores should give.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include "adlib/core/random.h"
#include "adlib/core/sample_row.h"

namespace adlib::test::oracle {

/// A row's token with everything in double and in order.
inline std::int32_t sampled_token(std::vector<double> scores, const SampleRow& row,
                                  std::span<const std::int32_t> history) {
  const auto at = [](std::int32_t id) { return static_cast<std::size_t>(id); };
  for (const double score : scores) {
    if (!(score < std::numeric_limits<double>::infinity())) return sampling::not_finite;
  }
  std::vector<int> seen(scores.size()), generated(scores.size());
  for (std::int32_t i = 0; i < row.history_length; ++i) {
    const std::int32_t id = history[static_cast<std::size_t>(row.history + i)];
    seen[at(id)] = 1;
    generated[at(id)] += i >= row.prompt_length ? 1 : 0;
  }
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const double penalty = static_cast<double>(row.repetition_penalty);
    if (seen[i] != 0) scores[i] = scores[i] < 0 ? scores[i] * penalty : scores[i] / penalty;
    if (generated[i] != 0) {
      scores[i] -= static_cast<double>(row.presence_penalty) +
                   static_cast<double>(row.frequency_penalty) * generated[i];
    }
  }
  std::vector<std::int32_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int32_t a, std::int32_t b) { return scores[at(a)] > scores[at(b)]; });
  const double best = scores[at(order[0])];
  if (best == -std::numeric_limits<double>::infinity()) return sampling::none;
  if (row.do_sample == 0) return order[0];
  std::vector<float> weights(scores.size());
  double total = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const auto k = static_cast<std::size_t>(row.top_k);
    if (k > 0 && k < scores.size() && scores[i] < scores[at(order[k - 1])]) continue;
    weights[i] = static_cast<float>(std::exp((scores[i] - best) / static_cast<double>(row.temperature)));
    total += static_cast<double>(weights[i]);
  }
  // By weight: scores that float's exp does not tell apart are equals.
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int32_t a, std::int32_t b) { return weights[at(a)] > weights[at(b)]; });
  double above = 0;
  const double enough = static_cast<double>(row.top_p) * total;
  for (const std::int32_t id : order) {
    const float weight = weights[at(id)];
    if ((row.top_p < 1 && above >= enough) || weight < row.min_p) weights[at(id)] = 0;
    above += static_cast<double>(weight);
  }
  double left =
      Philox(row.seed, row.stream).uniform(row.index) * std::accumulate(weights.begin(), weights.end(), 0.0);
  std::int32_t last = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] == 0) continue;
    last = static_cast<std::int32_t>(i);
    if (left < static_cast<double>(weights[i])) break;
    left -= static_cast<double>(weights[i]);
  }
  return last;
}

}  // namespace adlib::test::oracle
