// copywriter/prepare/shop.h: what a shop's customers are like together, to tell what one of them is like.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "copywriter/prepare/history.h"

namespace adlib::copywriter {

constexpr std::int64_t kDay = 86400;

/// The dated purchases of a customer.
struct Purchases {
  std::int64_t products = 0;  ///< with the undated ones
  std::int64_t reduced = 0;   ///< of them
  std::int64_t priced = 0;    ///< of them, those whose price is known; "reduced" is about these
  std::int64_t orders = 0;    ///< UTC days with a purchase
  std::int64_t first = 0;     ///< Unix seconds, of the dated ones
  std::int64_t last = 0;
  std::map<std::int32_t, std::pair<std::int64_t, std::int64_t>> spent;  ///< by currency: 1/10000, how many
  bool dated() const { return orders > 0; }
  /// Between the first and the last order, days.
  double span_days() const { return static_cast<double>(last / kDay - first / kDay); }
  /// The currency in which most was bought; the lower number of two.
  std::optional<std::int32_t> currency() const;
};
Purchases purchases_of(const History& history);

/// A Beta distribution of shares, by its mean and its strength a + b.
struct BetaPrior {
  double mean = 0;
  double strength = 1;
};

/// The prior of many counts "k of n" by the method of moments: with m the share of all, N the number of
/// counts and S = Σ n (k/n - m)², the correlation inside of a count is ρ = (S / (m (1 - m)) - (N - 1)) / (Σn
/// - Σn² / Σn - (N - 1)) (Kleinman 1973, weights n), and the strength 1/ρ - 1, held between 1 and 999.
class BetaPriorEstimate {
 public:
  void add(std::int64_t k, std::int64_t n);
  /// Nothing where all were k or none was.
  std::optional<BetaPrior> prior() const;

 private:
  double counts_ = 0, k_ = 0, n_ = 0, n2_ = 0, k2_over_n_ = 0;
};

/// What is known of all customers; add() each, then finish().
class Shop {
 public:
  void add(const Purchases& purchases);
  void finish();

  /// From 1 to 5: 1 + the number of fifths of the buyers who are below. Later is better for recency.
  int recency_score(std::int64_t last) const { return score(last_, last); }
  int frequency_score(std::int64_t orders) const { return score(orders_, orders); }
  int monetary_score(std::int32_t currency, std::int64_t spent) const;

  /// Days between two orders of a customer, the mean over the shop; kDefaultInterval below kFewestIntervals.
  double interval_days() const { return interval_; }
  static constexpr double kDefaultInterval = 30;
  static constexpr std::int64_t kFewestIntervals = 20;
  const std::optional<BetaPrior>& promotion() const { return promotion_; }

 private:
  static int score(const std::vector<std::int64_t>& sorted, std::int64_t value);

  std::vector<std::int64_t> last_, orders_;
  std::map<std::int32_t, std::vector<std::int64_t>> spent_;
  double interval_sum_ = 0, interval_ = kDefaultInterval;
  std::int64_t intervals_ = 0;
  BetaPriorEstimate promotion_estimate_;
  std::optional<BetaPrior> promotion_;
};

}  // namespace adlib::copywriter
