// copywriter/corpus/random.h: draws that are the same on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "adlib/core/error.h"
#include "copywriter/shop/hash.h"

namespace adlib::copywriter::corpus {

/// SplitMix64 (Steele, Lea & Flood 2014). Standard distributions differ between libraries; these do not.
/// Compilers evaluate operands and arguments in orders of their own: no expression may hold two draws whose
/// order matters.
class Random {
 public:
  /// The stream of one example, so that any example can be made alone.
  Random(std::uint64_t seed, std::uint64_t example) : state_(seed * 0x9E3779B97F4A7C15u ^ mixed(example)) {}

  std::uint64_t next() { return mixed(state_ += 0x9E3779B97F4A7C15u); }
  /// Uniform in [0, count), but for a bias below count / 2^64. Throws Error(invalid_argument) for 0.
  std::size_t below(std::size_t count) {
    require(count > 0, "corpus: there is nothing to draw from");
    return static_cast<std::size_t>(next() % count);
  }
  /// Uniform in [low, high], both included.
  std::int64_t between(std::int64_t low, std::int64_t high) {
    require(low <= high, "corpus: there is no number from ", low, " to ", high);
    return low + static_cast<std::int64_t>(below(static_cast<std::size_t>(high - low + 1)));
  }
  /// Uniform in [0, 1).
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  bool chance(double probability) { return unit() < probability; }

  template <class T>
  const T& pick(const std::vector<T>& items) {
    return items[below(items.size())];
  }
  /// The index of a weight, drawn in proportion; some weight must be above 0.
  std::size_t weighted(const std::vector<double>& weights) {
    double total = 0;
    for (const double weight : weights) total += weight;
    double left = unit() * total;
    std::size_t last = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      if (weights[i] <= 0) continue;
      last = i;
      if ((left -= weights[i]) < 0) return i;
    }
    return last;
  }
  /// The first `count` of a random order, or all when there are fewer.
  template <class T>
  std::vector<T> sample(std::vector<T> items, std::size_t count) {
    for (std::size_t i = 0; i < items.size() && i < count; ++i) {
      std::swap(items[i], items[i + below(items.size() - i)]);
    }
    if (items.size() > count) items.resize(count);
    return items;
  }

 private:
  std::uint64_t state_;
};

}  // namespace adlib::copywriter::corpus
