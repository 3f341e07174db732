// copywriter/measure/logistic.h: how a rate depends on features, with what is not known of it yet.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "copywriter/measure/statistics.h"

namespace adlib::copywriter {

/// Bayesian logistic regression P(1 | x) = σ(w·x), w ~ N(prior mean, I / precision), by Laplace's
/// approximation at the mode, which Newton's method finds: N(mode, (precision I + Σ p(1-p) x xᵀ)⁻¹). What
/// Chapelle and Li 2011, "An empirical evaluation of Thompson sampling", draw from, with the whole
/// covariance.
class LogisticPosterior {
 public:
  /// Without data: the prior. `prior_mean` has one number a feature.
  LogisticPosterior(std::vector<double> prior_mean, double precision);
  /// Replaces what was learned before. `rows` hold the features, one example after the other. Throws
  /// Error(invalid_argument) when the numbers of rows and outcomes do not fit.
  void learn(std::span<const double> rows, std::span<const unsigned char> outcomes);
  /// w·x as it is known.
  Normal score(std::span<const double> features) const;
  /// σ(w·x) at the mode.
  double rate(std::span<const double> features) const;
  std::span<const double> mode() const { return mode_; }

 private:
  double log_posterior(std::span<const double> weights, std::span<const double> rows,
                       std::span<const unsigned char> outcomes) const;

  std::vector<double> prior_mean_, mode_;
  std::vector<double> factor_;  // L of the posterior's precision L Lᵀ, row-major (d, d)
  double precision_;
};

}  // namespace adlib::copywriter
