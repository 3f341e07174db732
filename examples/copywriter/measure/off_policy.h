// copywriter/measure/off_policy.h: what another way of assigning variants would have brought.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "copywriter/measure/statistics.h"

namespace adlib::copywriter {

/// One draw that was made, and what the other way would do in its place.
struct LoggedDraw {
  std::int64_t user = 0;           ///< draws of one user are not independent
  std::size_t arm = 0;             ///< that was drawn
  double propensity = 1;           ///< with which it was drawn, above 0
  double reward = 0;               ///< 1: clicked
  std::vector<double> target;      ///< for each arm the probability of the policy to be judged
  std::vector<double> model = {};  ///< for each arm the reward expected by a model that did not see this draw
};

/// The mean reward of the target policy over the users of the log, with a normal 95% interval whose variance
/// sums the draws of a user first. w = target / propensity of the arm drawn.
struct OffPolicy {
  Estimate ips;    ///< mean of w r (Horvitz and Thompson 1952): unbiased
  Estimate snips;  ///< Σ w r / Σ w (Hájek's ratio; Swaminathan and Joachims 2015): small bias, less variance
  Estimate dr;     ///< mean of Σ_a target(a) q(a) + w (r - q(arm)) (Dudík, Langford and Li 2011): unbiased
  double effective = 0;  ///< (Σ w)² / Σ w²: how many draws of the target policy itself would say as much
};

/// Throws Error(invalid_argument) for an empty log, a propensity outside (0, 1], or lists of the wrong
/// length. Without models DR is IPS.
OffPolicy evaluate_off_policy(std::span<const LoggedDraw> log);

}  // namespace adlib::copywriter
