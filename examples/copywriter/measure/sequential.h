// copywriter/measure/sequential.h: a comparison with the held-out control that may be looked at any time.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

namespace adlib::copywriter {

/// Tests whether users who get copy convert as often as users who were held out, from those who converted.
/// Each was given copy with a known probability p. If copy changes nothing, the next to convert is of that
/// group with probability p whatever came before; if it multiplies the rate of conversion by r, with
/// probability r p / (1 - p + r p). The likelihood ratio of a mixture over r against r = 1 is a martingale
/// under the null, so that it ever exceeds 1/α has probability at most α (Ville 1939, Robbins 1970): for as
/// many looks as one likes, without a normal approximation. Lindon and Malek 2022, "Anytime-valid inference
/// for multinomial count data", use it for counts of conversions.
class RateRatioTest {
 public:
  RateRatioTest();
  /// A user who converted, for the first time; `got_copy` had the probability `p`, in (0, 1). Throws
  /// Error(invalid_argument) for another p.
  void add(bool got_copy, double p);
  std::int64_t conversions() const { return conversions_; }
  /// The evidence against r = 1: 20 is significant at 5%.
  double log_evidence() const { return log_mixture() - log_likelihood(0); }
  /// Valid at any time: 1 / the evidence, at most 1.
  double p_value() const;
  /// The confidence sequence of r: all ratios that are not refuted. `high` is infinite, or `low` 0, while the
  /// data do not bound it.
  struct Range {
    double low = 0, high = 0;
  };
  Range ratio(double confidence = 0.95) const;

 private:
  double log_mixture() const;
  double log_likelihood(double log_ratio) const;

  struct Point {
    double log_ratio = 0, log_weight = 0;
  };
  struct Group {  // of users with one probability of getting copy
    std::int64_t count = 0;
    std::vector<double> terms;  // log(1 - p + r p) at each point of the mixture
  };
  std::vector<Point> mixture_;
  std::map<double, Group> groups_;
  std::int64_t conversions_ = 0, got_copy_ = 0;
};

}  // namespace adlib::copywriter
