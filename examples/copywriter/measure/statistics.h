// copywriter/measure/statistics.h: intervals for rates, and the chance that one of several is the best.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace adlib::copywriter {

/// A number with the interval that it is likely in. 95% unless said otherwise.
struct Estimate {
  double value = 0, low = 0, high = 0;
};

/// So many successes in so many trials.
struct Count {
  std::int64_t successes = 0, trials = 0;
  double rate() const {
    return trials > 0 ? static_cast<double>(successes) / static_cast<double>(trials) : 0;
  }
};

inline constexpr double kConfidence = 0.95;

double normal_cdf(double x);
/// The x of which normal_cdf(x) is `probability`, within 1e-12. Throws Error(invalid_argument) outside (0,
/// 1).
double normal_quantile(double probability);

/// The score interval of Wilson 1927 (without continuity correction). No trials: 0 to 1. Throws
/// Error(invalid_argument) for successes that are negative or more than the trials.
Estimate wilson(const Count& count, double confidence = kConfidence);
/// rate(a) - rate(b), by the hybrid of two score intervals: method 10 of Newcombe 1998, "Interval estimation
/// for the difference between independent proportions".
Estimate newcombe(const Count& a, const Count& b, double confidence = kConfidence);

/// A rate after so many successes (a) and failures (b), each with what was believed before. a, b ≥ 1 here:
/// the density is finite.
struct Beta {
  double a = 1, b = 1;
  double mean() const { return a / (a + b); }
  double deviation() const;
  double density(double x) const;
  /// The regularised incomplete beta function, by its continued fraction (DLMF 8.17.22).
  double cdf(double x) const;
  static constexpr double lowest = 0, highest = 1;
  /// Deviations from the mean between which the density is smooth; beyond the last there is nothing.
  static constexpr std::array turns{0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 9.0, 14.0, 24.0, 40.0};
};

struct Normal {
  double center = 0, spread = 1;  ///< mean and standard deviation, above 0
  double mean() const { return center; }
  double deviation() const { return spread; }
  double density(double x) const;
  double cdf(double x) const { return normal_cdf((x - center) / spread); }
  static constexpr double lowest = -1e300, highest = 1e300;
  static constexpr std::array turns{0.0, 1.0, 2.5, 4.5, 8.5};
};

/// For each of several independent quantities the probability that it is the largest:
/// ∫ f_i(x) Π_{j≠i} F_j(x) dx, by Gauss-Legendre between points set by every mean and deviation. Absolute
/// error below 1e-6 (measured: below 1e-9 against closed forms); the results sum to 1.
std::vector<double> probability_best(std::span<const Beta> rates);
std::vector<double> probability_best(std::span<const Normal> scores);

}  // namespace adlib::copywriter
