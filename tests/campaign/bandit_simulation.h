// tests/campaign/bandit_simulation.h: shops whose click rates are known, to see what a policy costs.
#pragma once

#include <array>
#include <cmath>
#include <map>
#include <vector>

#include "adlib/core/random.h"
#include "copywriter/measure/bandit.h"
#include "copywriter/measure/statistics.h"

namespace adlib::test {

/// Users of two kinds, one as likely as the other, who are shown one of three variants in batches; after each
/// batch the policy learns from all that was shown.
struct SimulatedShop {
  std::array<std::array<double, 3>, 2> click_rates{};  // by kind of user, by variant
  int batches = 40, batch = 100;
};

/// The clicks that the policy lost in expectation against the best variant for each user.
inline double regret_of(copywriter::Policy policy, const SimulatedShop& shop, std::uint64_t seed) {
  using namespace copywriter;
  const std::vector<std::size_t> all{0, 1, 2};
  const Philox random(seed);
  Bandit bandit(policy, 3, 2);
  std::vector<Trial> trials;
  double regret = 0;
  std::uint64_t draws = 0;
  for (int batch = 0; batch < shop.batches; ++batch) {
    bandit.learn(trials);
    std::array<std::vector<double>, 2> probabilities;
    for (std::size_t kind = 0; kind < 2; ++kind) {
      const std::array features{1.0, kind == 0 ? 0.0 : 1.0};
      probabilities[kind] = bandit.probabilities(all, features);
    }
    for (int i = 0; i < shop.batch; ++i) {
      const std::size_t kind = random.uniform(draws++) < 0.5 ? 0 : 1;
      const std::size_t arm = draw(probabilities[kind], random.uniform(draws++));
      const auto& rates = shop.click_rates[kind];
      trials.push_back({arm, {1.0, static_cast<double>(kind)}, random.uniform(draws++) < rates[arm]});
      regret += *std::max_element(rates.begin(), rates.end()) - rates[arm];
    }
  }
  return regret;
}

/// The mean over seeds and its normal 95% interval.
inline copywriter::Estimate mean_of(const std::vector<double>& values) {
  double sum = 0, squares = 0;
  const auto n = static_cast<double>(values.size());
  for (const double value : values) sum += value;
  for (const double value : values) squares += (value - sum / n) * (value - sum / n);
  const double half = 1.96 * std::sqrt(squares / (n - 1) / n);
  return {sum / n, sum / n - half, sum / n + half};
}

inline copywriter::Estimate mean_regret(copywriter::Policy policy, const SimulatedShop& shop, int seeds) {
  std::vector<double> values;
  for (int seed = 0; seed < seeds; ++seed)
    values.push_back(regret_of(policy, shop, static_cast<std::uint64_t>(seed)));
  return mean_of(values);
}

}  // namespace adlib::test
