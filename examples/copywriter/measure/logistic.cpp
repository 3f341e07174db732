#include "copywriter/measure/logistic.h"

#include <cmath>
#include <numeric>

#include "adlib/core/error.h"

namespace adlib::copywriter {
namespace {

constexpr int kMostSteps = 50;

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

double sigmoid(double x) { return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x)); }

// Cholesky's factor of a positive definite matrix (d, d), in place; above the diagonal nothing is read.
void factorise(std::vector<double>& matrix, std::size_t d) {
  for (std::size_t i = 0; i < d; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = matrix[i * d + j];
      for (std::size_t k = 0; k < j; ++k) sum -= matrix[i * d + k] * matrix[j * d + k];
      matrix[i * d + j] = i == j ? std::sqrt(sum) : sum / matrix[j * d + j];
    }
  }
}

// L y = b
std::vector<double> solve_lower(const std::vector<double>& factor, std::span<const double> b) {
  std::vector<double> y(b.begin(), b.end());
  const std::size_t d = y.size();
  for (std::size_t i = 0; i < d; ++i) {
    for (std::size_t k = 0; k < i; ++k) y[i] -= factor[i * d + k] * y[k];
    y[i] /= factor[i * d + i];
  }
  return y;
}

// Lᵀ x = y
std::vector<double> solve_upper(const std::vector<double>& factor, std::vector<double> y) {
  const std::size_t d = y.size();
  for (std::size_t i = d; i-- > 0;) {
    for (std::size_t k = i + 1; k < d; ++k) y[i] -= factor[k * d + i] * y[k];
    y[i] /= factor[i * d + i];
  }
  return y;
}

}  // namespace

LogisticPosterior::LogisticPosterior(std::vector<double> prior_mean, double precision)
    : prior_mean_(std::move(prior_mean)),
      mode_(prior_mean_),
      factor_(mode_.size() * mode_.size()),
      precision_(precision) {
  require(precision > 0, "logistic: the precision is ", precision, ", expected one above 0");
  const std::size_t d = mode_.size();
  for (std::size_t i = 0; i < d; ++i) factor_[i * d + i] = std::sqrt(precision);
}

double LogisticPosterior::log_posterior(std::span<const double> weights, std::span<const double> rows,
                                        std::span<const unsigned char> outcomes) const {
  const std::size_t d = weights.size();
  double value = 0;
  for (std::size_t j = 0; j < d; ++j)
    value -= precision_ * (weights[j] - prior_mean_[j]) * (weights[j] - prior_mean_[j]) / 2;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const double score = dot(weights, rows.subspan(i * d, d)), signed_score = outcomes[i] ? score : -score;
    value -= signed_score > 0 ? std::log1p(std::exp(-signed_score))
                              : std::log1p(std::exp(signed_score)) - signed_score;
  }
  return value;
}

void LogisticPosterior::learn(std::span<const double> rows, std::span<const unsigned char> outcomes) {
  const std::size_t d = prior_mean_.size();
  require(rows.size() == outcomes.size() * d, "logistic: ", rows.size(), " numbers for ", outcomes.size(),
          " examples of ", d, " features");
  mode_ = prior_mean_;
  double value = log_posterior(mode_, rows, outcomes);
  for (int step = 0; step < kMostSteps; ++step) {
    std::vector<double> gradient(d), hessian(d * d);
    for (std::size_t j = 0; j < d; ++j) {
      gradient[j] = -precision_ * (mode_[j] - prior_mean_[j]);
      hessian[j * d + j] = precision_;
    }
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      const auto x = rows.subspan(i * d, d);
      const double p = sigmoid(dot(mode_, x));
      for (std::size_t j = 0; j < d; ++j) {
        if (x[j] == 0) continue;
        gradient[j] += ((outcomes[i] ? 1 : 0) - p) * x[j];
        for (std::size_t k = 0; k <= j; ++k) hessian[j * d + k] += p * (1 - p) * x[j] * x[k];
      }
    }
    factorise(hessian, d);
    factor_ = hessian;
    const std::vector<double> move = solve_upper(factor_, solve_lower(factor_, gradient));
    const double promised = dot(gradient, move);
    if (promised < 1e-12) return;
    // Far from the mode Newton's step can be too long.
    for (double length = 1; length > 1e-6; length /= 2) {
      std::vector<double> next = mode_;
      for (std::size_t j = 0; j < d; ++j) next[j] += length * move[j];
      const double better = log_posterior(next, rows, outcomes);
      if (better < value) continue;
      mode_ = std::move(next);
      value = better;
      break;
    }
  }
}

Normal LogisticPosterior::score(std::span<const double> features) const {
  const std::vector<double> y = solve_lower(factor_, features);
  return {dot(mode_, features), std::sqrt(dot(y, y))};
}

double LogisticPosterior::rate(std::span<const double> features) const {
  return sigmoid(dot(mode_, features));
}

}  // namespace adlib::copywriter
