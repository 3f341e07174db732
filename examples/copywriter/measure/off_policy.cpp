#include "copywriter/measure/off_policy.h"

#include <cmath>
#include <unordered_map>

#include "adlib/core/error.h"

namespace adlib::copywriter {
namespace {

// The mean of parts and its interval from their deviations, those of one user summed.
Estimate mean_with_interval(std::span<const LoggedDraw> log, std::span<const double> parts, double center,
                            double scale) {
  std::unordered_map<std::int64_t, double> of_user;
  for (std::size_t i = 0; i < log.size(); ++i) of_user[log[i].user] += parts[i];
  double squares = 0;
  for (const auto& [user, sum] : of_user) squares += sum * sum;
  const auto users = static_cast<double>(of_user.size());
  if (users > 1) squares *= users / (users - 1);
  const double half = normal_quantile((1 + kConfidence) / 2) * std::sqrt(squares) / scale;
  return {center, center - half, center + half};
}

}  // namespace

OffPolicy evaluate_off_policy(std::span<const LoggedDraw> log) {
  require(!log.empty(), "off-policy: the log is empty");
  const auto n = static_cast<double>(log.size());
  double weights = 0, squares = 0, weighted = 0, doubly = 0;
  std::vector<double> weight(log.size()), robust(log.size());
  for (std::size_t i = 0; i < log.size(); ++i) {
    const LoggedDraw& one = log[i];
    require(one.propensity > 0 && one.propensity <= 1, "off-policy: the propensity is ", one.propensity,
            ", expected one above 0 and up to 1");
    require(one.arm < one.target.size() && (one.model.empty() || one.model.size() == one.target.size()),
            "off-policy: arm ", one.arm, " of ", one.target.size(), ", ", one.model.size(), " expectations");
    weight[i] = one.target[one.arm] / one.propensity;
    robust[i] = weight[i] * one.reward;
    if (!one.model.empty()) {
      robust[i] -= weight[i] * one.model[one.arm];
      for (std::size_t arm = 0; arm < one.target.size(); ++arm) robust[i] += one.target[arm] * one.model[arm];
    }
    weights += weight[i];
    squares += weight[i] * weight[i];
    weighted += weight[i] * one.reward;
    doubly += robust[i];
  }
  const auto deviations = [&](const auto& part) {
    std::vector<double> parts(log.size());
    for (std::size_t i = 0; i < log.size(); ++i) parts[i] = part(i);
    return parts;
  };
  OffPolicy result;
  const double ips = weighted / n, snips = weights > 0 ? weighted / weights : 0, dr = doubly / n;
  result.ips = mean_with_interval(
      log, deviations([&](std::size_t i) { return weight[i] * log[i].reward - ips; }), ips, n);
  result.snips =
      mean_with_interval(log, deviations([&](std::size_t i) { return weight[i] * (log[i].reward - snips); }),
                         snips, weights > 0 ? weights : 1);
  result.dr = mean_with_interval(log, deviations([&](std::size_t i) { return robust[i] - dr; }), dr, n);
  result.effective = squares > 0 ? weights * weights / squares : 0;
  return result;
}

}  // namespace adlib::copywriter
