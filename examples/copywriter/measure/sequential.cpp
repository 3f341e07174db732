#include "copywriter/measure/sequential.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "adlib/core/error.h"

namespace adlib::copywriter {
namespace {

constexpr double kWidest = 3.0;  // of log r: a ratio of 20
constexpr int kPoints = 121;     // any prior makes the test valid; this one finds small and large effects
constexpr std::array kScales{0.1, 0.3, 1.0};
constexpr double kFarthest = 12;  // where looking for the end of an interval stops

double term(double log_ratio, double p) { return std::log1p(p * std::expm1(log_ratio)); }

}  // namespace

RateRatioTest::RateRatioTest() : mixture_(kPoints) {
  double sum = 0;
  std::vector<double> weights(kPoints);
  for (int i = 0; i < kPoints; ++i) {
    const auto at = static_cast<std::size_t>(i);
    mixture_[at].log_ratio = kWidest * (2.0 * i / (kPoints - 1) - 1);
    for (const double scale : kScales) {
      const double z = mixture_[at].log_ratio / scale;
      weights[at] += std::exp(-z * z / 2) / scale;
    }
    sum += weights[at];
  }
  for (std::size_t i = 0; i < mixture_.size(); ++i) mixture_[i].log_weight = std::log(weights[i] / sum);
}

void RateRatioTest::add(bool got_copy, double p) {
  require(p > 0 && p < 1, "rate ratio: the probability of getting copy is ", p,
          ", expected one between 0 and 1");
  Group& group = groups_[p];
  if (group.terms.empty()) {
    for (const Point& point : mixture_) group.terms.push_back(term(point.log_ratio, p));
  }
  ++group.count;
  ++conversions_;
  got_copy_ += got_copy ? 1 : 0;
}

double RateRatioTest::log_mixture() const {
  std::vector<double> logs;
  for (std::size_t i = 0; i < mixture_.size(); ++i) {
    double value = mixture_[i].log_weight + static_cast<double>(got_copy_) * mixture_[i].log_ratio;
    for (const auto& [p, group] : groups_) value -= static_cast<double>(group.count) * group.terms[i];
    logs.push_back(value);
  }
  const double most = *std::max_element(logs.begin(), logs.end());
  double sum = 0;
  for (const double value : logs) sum += std::exp(value - most);
  return most + std::log(sum);
}

double RateRatioTest::log_likelihood(double log_ratio) const {
  double value = static_cast<double>(got_copy_) * log_ratio;
  for (const auto& [p, group] : groups_) value -= static_cast<double>(group.count) * term(log_ratio, p);
  return value;
}

double RateRatioTest::p_value() const { return std::min(1.0, std::exp(-log_evidence())); }

RateRatioTest::Range RateRatioTest::ratio(double confidence) const {
  const double bound = log_mixture() + std::log(1 - confidence);  // of the log likelihood
  const auto refuted = [&](double log_ratio) { return log_likelihood(log_ratio) <= bound; };
  // The likelihood is concave in log r, and its top is never refuted: no mixture exceeds it.
  double low = -kFarthest, high = kFarthest;
  for (int i = 0; i < 200; ++i) {
    const double a = low + (high - low) / 3, b = high - (high - low) / 3;
    (log_likelihood(a) < log_likelihood(b) ? low : high) = log_likelihood(a) < log_likelihood(b) ? a : b;
  }
  const double top = (low + high) / 2;
  const auto edge = [&](double outside) {
    double inside = top;
    for (int i = 0; i < 100; ++i) {
      const double middle = (inside + outside) / 2;
      (refuted(middle) ? outside : inside) = middle;
    }
    return std::exp(inside);
  };
  return {refuted(-kFarthest) ? edge(-kFarthest) : 0,
          refuted(kFarthest) ? edge(kFarthest) : std::numeric_limits<double>::infinity()};
}

}  // namespace adlib::copywriter
