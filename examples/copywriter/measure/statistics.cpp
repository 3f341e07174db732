#include "copywriter/measure/statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "adlib/core/error.h"

namespace adlib::copywriter {
namespace {

constexpr int kNodes = 16;

struct Node {
  double at = 0, weight = 0;  // on [-1, 1]
};

// The roots of the Legendre polynomial P_16 by Newton's method, and their weights 2 / ((1 - x²) P'(x)²).
std::array<Node, kNodes> gauss_legendre() {
  std::array<Node, kNodes> nodes;
  for (int i = 0; i < kNodes; ++i) {
    double x = std::cos(std::numbers::pi * (i + 0.75) / (kNodes + 0.5)), slope = 1;
    for (int step = 0; step < 20; ++step) {
      double before = 1, now = x;
      for (int n = 2; n <= kNodes; ++n) {
        const double next = ((2 * n - 1) * x * now - (n - 1) * before) / n;
        before = now;
        now = next;
      }
      slope = kNodes * (x * now - before) / (x * x - 1);
      x -= now / slope;
    }
    nodes[static_cast<std::size_t>(i)] = {x, 2 / ((1 - x * x) * slope * slope)};
  }
  return nodes;
}

// Where any of the densities or distribution functions turns: between two such points all are smooth.
template <class Distribution>
std::vector<double> turning_points(std::span<const Distribution> all) {
  std::vector<double> points;
  for (const Distribution& one : all) {
    for (const double deviations : Distribution::turns) {
      for (const double side : {-1.0, 1.0}) {
        const double at = one.mean() + side * deviations * one.deviation();
        points.push_back(std::clamp(at, Distribution::lowest, Distribution::highest));
      }
    }
  }
  std::sort(points.begin(), points.end());
  points.erase(std::unique(points.begin(), points.end()), points.end());
  return points;
}

template <class Distribution>
std::vector<double> best_of(std::span<const Distribution> all) {
  static const std::array<Node, kNodes> nodes = gauss_legendre();
  std::vector<double> best(all.size(), 0.0), below(all.size());
  if (all.size() == 1) return {1.0};
  const std::vector<double> points = turning_points(all);
  for (std::size_t i = 0; i + 1 < points.size(); ++i) {
    const double half = (points[i + 1] - points[i]) / 2, middle = (points[i + 1] + points[i]) / 2;
    for (const Node& node : nodes) {
      const double x = middle + half * node.at;
      for (std::size_t k = 0; k < all.size(); ++k) below[k] = all[k].cdf(x);
      for (std::size_t k = 0; k < all.size(); ++k) {
        double value = half * node.weight * all[k].density(x);
        for (std::size_t j = 0; j < all.size(); ++j) value *= j == k ? 1 : below[j];
        best[k] += value;
      }
    }
  }
  double sum = 0;
  for (const double one : best) sum += one;
  for (double& one : best) one /= sum;
  return best;
}

double beta_fraction(double a, double b, double x) {
  // Lentz's method. It needs about √max(a, b) steps.
  constexpr double tiny = 1e-300;
  double c = 1, d = 1 - (a + b) * x / (a + 1);
  d = 1 / (std::abs(d) < tiny ? tiny : d);
  double value = d;
  const auto step = [&](double coefficient) {
    d = 1 + coefficient * d;
    d = 1 / (std::abs(d) < tiny ? tiny : d);
    c = 1 + coefficient / c;
    if (std::abs(c) < tiny) c = tiny;
    value *= d * c;
    return d * c;
  };
  for (int m = 1; m < 100'000; ++m) {
    step(m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)));
    const double change = step(-(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)));
    if (std::abs(change - 1) < 1e-15) break;
  }
  return value;
}

double log_beta(double a, double b) { return std::lgamma(a) + std::lgamma(b) - std::lgamma(a + b); }

}  // namespace

double normal_cdf(double x) { return std::erfc(-x / std::numbers::sqrt2) / 2; }

double normal_quantile(double probability) {
  require(probability > 0 && probability < 1, "normal_quantile: the probability is ", probability,
          ", expected one between 0 and 1");
  double low = -39, high = 39;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (normal_cdf(middle) < probability ? low : high) = middle;
  }
  return (low + high) / 2;
}

Estimate wilson(const Count& count, double confidence) {
  require(count.successes >= 0 && count.successes <= count.trials, "wilson: ", count.successes,
          " successes of ", count.trials, " trials");
  if (count.trials == 0) return {0, 0, 1};
  const double z = normal_quantile((1 + confidence) / 2), n = static_cast<double>(count.trials);
  const double p = count.rate(), scale = 1 + z * z / n;
  const double middle = (p + z * z / (2 * n)) / scale;
  const double half = z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / scale;
  return {p, count.successes == 0 ? 0 : middle - half, count.successes == count.trials ? 1 : middle + half};
}

Estimate newcombe(const Count& a, const Count& b, double confidence) {
  const Estimate of_a = wilson(a, confidence), of_b = wilson(b, confidence);
  const double difference = of_a.value - of_b.value;
  return {difference, difference - std::hypot(of_a.value - of_a.low, of_b.high - of_b.value),
          difference + std::hypot(of_a.high - of_a.value, of_b.value - of_b.low)};
}

double Beta::deviation() const { return std::sqrt(a * b / (a + b + 1)) / (a + b); }

double Beta::density(double x) const {
  if (x <= 0 || x >= 1) return 0;
  return std::exp((a - 1) * std::log(x) + (b - 1) * std::log1p(-x) - log_beta(a, b));
}

double Beta::cdf(double x) const {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const double front = std::exp(a * std::log(x) + b * std::log1p(-x) - log_beta(a, b));
  if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(a, b, x) / a;
  return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double Normal::density(double x) const {
  const double at = (x - center) / spread;
  return std::exp(-at * at / 2) / (spread * std::sqrt(2 * std::numbers::pi));
}

std::vector<double> probability_best(std::span<const Beta> rates) { return best_of(rates); }
std::vector<double> probability_best(std::span<const Normal> scores) { return best_of(scores); }

}  // namespace adlib::copywriter
