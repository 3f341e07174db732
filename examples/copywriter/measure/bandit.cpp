#include "copywriter/measure/bandit.h"

#include <array>
#include <cmath>
#include <utility>

#include "adlib/core/error.h"

namespace adlib::copywriter {
namespace {

constexpr std::array<std::pair<std::string_view, Policy>, 3> kNames{{
    {"uniform", Policy::uniform},
    {"thompson", Policy::thompson},
    {"contextual", Policy::contextual},
}};
constexpr double kPrecision = 1;  // of a weight: an odds ratio of e is nothing unusual

}  // namespace

Policy parse_policy(std::string_view name) {
  for (const auto& [known, policy] : kNames) {
    if (known == name) return policy;
  }
  fail(ErrorCode::invalid_argument, "the policy is '", name, "', expected uniform, thompson or contextual");
}

const char* to_string(Policy policy) noexcept {
  for (const auto& [known, value] : kNames) {
    if (value == policy) return known.data();
  }
  return "";
}

Bandit::Bandit(Policy policy, std::size_t arms, std::size_t features) : policy_(policy), rates_(arms) {
  require(features >= 1, "bandit: there is no feature, expected at least the constant 1");
  if (policy == Policy::contextual) models_.assign(arms, {std::vector<double>(features), kPrecision});
}

void Bandit::learn(std::span<const Trial> trials) {
  rates_.assign(rates_.size(), {});
  double clicks = 1, shown = 2;
  for (const Trial& trial : trials) {
    (trial.clicked ? rates_[trial.arm].a : rates_[trial.arm].b) += 1;
    clicks += trial.clicked ? 1 : 0;
    ++shown;
  }
  for (std::size_t arm = 0; arm < models_.size(); ++arm) {
    std::vector<double> rows;
    std::vector<unsigned char> outcomes;
    for (const Trial& trial : trials) {
      if (trial.arm != arm) continue;
      rows.insert(rows.end(), trial.features.begin(), trial.features.end());
      outcomes.push_back(trial.clicked ? 1 : 0);
    }
    std::vector<double> prior(models_[arm].mode().size());
    prior[0] = std::log(clicks / (shown - clicks));
    models_[arm] = LogisticPosterior(std::move(prior), kPrecision);
    models_[arm].learn(rows, outcomes);
  }
}

std::vector<double> Bandit::probabilities(std::span<const std::size_t> available,
                                          std::span<const double> features) const {
  const double alike = 1.0 / static_cast<double>(available.size());
  std::vector<double> result(available.size(), alike);
  if (policy_ == Policy::uniform || available.size() < 2) return result;
  std::vector<double> best;
  if (policy_ == Policy::thompson) {
    std::vector<Beta> rates;
    for (const std::size_t arm : available) rates.push_back(rates_[arm]);
    best = probability_best(std::span<const Beta>(rates));
  } else {
    std::vector<Normal> scores;
    for (const std::size_t arm : available) scores.push_back(models_[arm].score(features));
    best = probability_best(std::span<const Normal>(scores));
  }
  for (std::size_t i = 0; i < best.size(); ++i)
    result[i] = (1 - kExploration) * best[i] + kExploration * alike;
  return result;
}

double Bandit::rate(std::size_t arm, std::span<const double> features) const {
  return policy_ == Policy::contextual ? models_[arm].rate(features) : rates_[arm].mean();
}

std::size_t draw(std::span<const double> probabilities, double unit) {
  for (std::size_t i = 0; i + 1 < probabilities.size(); ++i) {
    if ((unit -= probabilities[i]) < 0) return i;
  }
  return probabilities.size() - 1;
}

}  // namespace adlib::copywriter
