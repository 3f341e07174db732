// tests/generate/chi_square.h: do counts follow probabilities?
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

namespace adlib::test {

/// Pearson's statistic of `counts` against `probabilities` divided by the value that one true sample in
/// 10,000 exceeds (Wilson and Hilferty's approximation): below 1 the counts follow them. Cells that expect
/// fewer than 5 are joined. Infinite when something that has probability 0 was counted.
inline double chi_square_ratio(std::span<const std::int64_t> counts, std::span<const double> probabilities) {
  double total = 0;
  for (const std::int64_t count : counts) total += static_cast<double>(count);
  double statistic = 0;
  int cells = 0;
  double rest_count = 0;
  double rest_expected = 0;
  const auto add = [&](double count, double expected) {
    statistic += (count - expected) * (count - expected) / expected;
    ++cells;
  };
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const auto count = static_cast<double>(counts[i]);
    const double expected = probabilities[i] * total;
    if (expected == 0 && count > 0) return std::numeric_limits<double>::infinity();
    if (expected >= 5) {
      add(count, expected);
    } else {
      rest_count += count;
      rest_expected += expected;
    }
  }
  if (rest_expected >= 5) add(rest_count, rest_expected);
  const double freedom = cells - 1;
  if (freedom < 1) return statistic;
  const double spread = 2 / (9 * freedom);
  const double limit = freedom * std::pow(1 - spread + 3.719 * std::sqrt(spread), 3);
  return statistic / limit;
}

}  // namespace adlib::test
