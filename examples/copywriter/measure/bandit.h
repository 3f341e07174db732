// copywriter/measure/bandit.h: which variant a user gets, learned from who clicked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "copywriter/measure/logistic.h"
#include "copywriter/measure/statistics.h"

namespace adlib::copywriter {

enum class Policy {
  uniform,     ///< every variant alike
  thompson,    ///< by the chance that its click rate is the highest (Thompson 1933)
  contextual,  ///< the same, for users with these features
};
/// Throws Error(invalid_argument) that lists the names there are.
Policy parse_policy(std::string_view name);
const char* to_string(Policy policy) noexcept;

/// A variant that was shown, to a user with these features, and whether it was clicked.
struct Trial {
  std::size_t arm = 0;
  std::vector<double> features;  ///< the first is 1
  bool clicked = false;
};

/// The share of every draw that is spread over all variants alike, so that no propensity falls below
/// kExploration / arms and what-if estimates stay bounded.
inline constexpr double kExploration = 0.05;

/// Thompson sampling over `arms` variants; the probabilities are computed, not drawn. Clicks have the prior
/// Beta(1, 1) for `thompson`; for `contextual` a logistic regression for each arm, whose weights have the
/// prior N(0, 1) around a bias of the rate over all arms.
class Bandit {
 public:
  Bandit(Policy policy, std::size_t arms, std::size_t features);
  /// Replaces what was learned before.
  void learn(std::span<const Trial> trials);
  /// For each of `available` arms the probability of drawing it for this user; they sum to 1.
  std::vector<double> probabilities(std::span<const std::size_t> available,
                                    std::span<const double> features) const;
  /// The click rate that is expected of an arm.
  double rate(std::size_t arm, std::span<const double> features) const;

 private:
  Policy policy_;
  std::vector<Beta> rates_;
  std::vector<LogisticPosterior> models_;
};

/// The index in which `unit`, of [0, 1), falls when probabilities are laid end to end.
std::size_t draw(std::span<const double> probabilities, double unit);

}  // namespace adlib::copywriter
