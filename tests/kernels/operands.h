// tests/kernels/operands.h: operands of a kernel under test: random, guarded, compared with doubles.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "kernels/cuda/launch.h"
#include "support/compare.h"

namespace adlib::test {

/// Runs the emulator by a schedule while it lives, then by the one before.
class WithSchedule {
 public:
  explicit WithSchedule(kernels::cuda::host::Schedule wanted) : before_(kernels::cuda::host::schedule()) {
    kernels::cuda::host::schedule() = wanted;
  }
  ~WithSchedule() { kernels::cuda::host::schedule() = before_; }
  WithSchedule(const WithSchedule&) = delete;
  WithSchedule& operator=(const WithSchedule&) = delete;

 private:
  kernels::cuda::host::Schedule before_;
};

/// Makes the emulated device one of another compute capability while it lives.
class WithCapability {
 public:
  explicit WithCapability(int wanted) : before_(kernels::cuda::host::capability()) {
    kernels::cuda::host::capability() = wanted;
  }
  ~WithCapability() { kernels::cuda::host::capability() = before_; }
  WithCapability(const WithCapability&) = delete;
  WithCapability& operator=(const WithCapability&) = delete;

 private:
  int before_;
};

/// Memory of n elements that begins `shift` elements behind a multiple of 256 bytes, with a guard of 64
/// elements on each side. All of it is NaN at first.
template <class T>
class Guarded {
 public:
  explicit Guarded(std::int64_t n, std::int64_t shift = 0) : n_(n), begin_(guard + shift) {
    bytes_.assign(static_cast<std::size_t>(begin_ + n + guard) * sizeof(T) + 256, 0xff);
    aligned_ = bytes_.data() + (256 - reinterpret_cast<std::uintptr_t>(bytes_.data()) % 256);
  }
  Guarded(const std::vector<T>& values, std::int64_t shift = 0)
      : Guarded(static_cast<std::int64_t>(values.size()), shift) {
    if (!values.empty()) std::memcpy(data(), values.data(), values.size() * sizeof(T));
  }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  T* data() { return reinterpret_cast<T*>(aligned_) + begin_; }
  std::vector<T> values() { return {data(), data() + n_}; }
  /// Nobody wrote outside.
  bool intact() {
    const auto* first = reinterpret_cast<const std::uint8_t*>(data());
    const std::uint8_t* last = first + static_cast<std::size_t>(n_) * sizeof(T);
    bool all = true;
    for (const std::uint8_t* p = bytes_.data(); p < first; ++p) all = all && *p == 0xff;
    for (const std::uint8_t* p = last; p < bytes_.data() + bytes_.size(); ++p) all = all && *p == 0xff;
    return all;
  }

 private:
  static constexpr std::int64_t guard = 256 / static_cast<std::int64_t>(sizeof(T));
  std::int64_t n_, begin_;
  std::vector<std::uint8_t> bytes_;
  std::uint8_t* aligned_;
};

/// Normal numbers, the same on every library; rounded to T.
template <class T>
std::vector<T> normal_values(std::int64_t n, unsigned seed, double scale = 1, double mean = 0) {
  std::mt19937 bits(seed);
  std::vector<T> out;
  out.reserve(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) {
    const double u = (bits() + 1.0) * 0x1p-32, v = bits() * 0x1p-32;
    out.push_back(
        T(static_cast<float>(mean + scale * std::sqrt(-2 * std::log(u)) * std::cos(6.283185307179586 * v))));
  }
  return out;
}

template <class T>
std::vector<double> doubles_of(const std::vector<T>& values) {
  std::vector<double> out;
  for (const T& x : values) out.push_back(static_cast<double>(static_cast<float>(x)));
  return out;
}

/// "" if every element of `actual` is within its bound of `expected`, else the worst offender in words. The
/// bound is that of difference() in support/compare.h.
template <class T>
std::string difference(const std::vector<T>& actual, const std::vector<double>& expected, double slack = 0) {
  if (actual.size() != expected.size()) return concat(actual.size(), " elements, expected ", expected.size());
  std::string worst;
  double worst_ratio = 1;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const double got = static_cast<double>(static_cast<float>(actual[i])), want = expected[i];
    if ((std::isnan(got) && std::isnan(want)) || got == want) continue;
    const double nearest = static_cast<double>(static_cast<float>(T(static_cast<float>(want))));
    const double bound = 2 * std::fabs(nearest - want) + 2 * ulp(dtype_of<T>, want) + slack;
    const double ratio = std::fabs(got - want) / bound;
    if (ratio <= worst_ratio) continue;
    worst_ratio = ratio;  // a NaN ratio also comes here, and stays
    worst = concat("element ", i, " is ", got, ", expected ", want, " within ", bound);
    if (std::isnan(ratio)) break;
  }
  return worst;
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

}  // namespace adlib::test
