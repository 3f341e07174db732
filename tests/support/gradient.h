// tests/support/gradient.h: gradients by central differences of a naive forward pass in double.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace adlib::test {

/// Σ weights · values: the loss whose gradient by `values` is `weights`.
inline double weighted_sum(std::span<const double> weights, std::span<const double> values) {
  double sum = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) sum += weights[i] * values[i];
  return sum;
}

/// d Σ dy · forward(x) / dx, element by element: (f(x + h) - f(x - h)) / 2h. With h near the cube root of
/// double's precision the error is some 1e-10 of the values that are summed.
template <class Forward>
std::vector<double> central_differences(std::vector<double> x, std::span<const double> dy,
                                        Forward&& forward) {
  std::vector<double> gradient(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double at = x[i], h = 1e-5 * std::max(1.0, std::fabs(at));
    x[i] = at + h;
    const double above = weighted_sum(dy, forward(x));
    x[i] = at - h;
    const double below = weighted_sum(dy, forward(x));
    x[i] = at;
    gradient[i] = (above - below) / (2 * h);
  }
  return gradient;
}

/// ‖a - b‖ / ‖b‖; 0 where both are 0.
inline double relative_error(std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size()) return INFINITY;
  double distance = 0, norm = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    distance += (a[i] - b[i]) * (a[i] - b[i]);
    norm += b[i] * b[i];
  }
  return distance == 0 ? 0 : std::sqrt(distance / norm);
}

}  // namespace adlib::test
