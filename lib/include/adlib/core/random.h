// adlib/core/random.h: counter-based random numbers, the same on every machine and library.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace adlib {

/// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011): a function of (seed,
/// stream, index) without state to carry, so that a draw does not depend on who drew before.
/// std::…_distribution is not used anywhere, since its results differ between standard libraries.
class Philox {
 public:
  using Block = std::array<std::uint32_t, 4>;

  constexpr explicit Philox(std::uint64_t seed, std::uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  /// Four independent words for one index. Kernels on a device call it too.
  constexpr Block block(std::uint64_t index) const {
    Block c = {static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32),
               static_cast<std::uint32_t>(stream_), static_cast<std::uint32_t>(stream_ >> 32)};
    auto key0 = static_cast<std::uint32_t>(seed_);
    auto key1 = static_cast<std::uint32_t>(seed_ >> 32);
    for (int round = 0; round < 10; ++round) {
      const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * c[0];
      const std::uint64_t p1 = std::uint64_t{0xCD9E8D57u} * c[2];
      c = {static_cast<std::uint32_t>(p1 >> 32) ^ c[1] ^ key0, static_cast<std::uint32_t>(p1),
           static_cast<std::uint32_t>(p0 >> 32) ^ c[3] ^ key1, static_cast<std::uint32_t>(p0)};
      key0 += 0x9E3779B9u;
      key1 += 0xBB67AE85u;
    }
    return c;
  }
  /// Uniform in [0, 1), with 53 random bits.
  constexpr double uniform(std::uint64_t index) const {
    const Block b = block(index);
    const std::uint64_t bits = (std::uint64_t{b[0]} << 32 | b[1]) >> 11;
    return static_cast<double>(bits) * 0x1p-53;
  }
  /// Standard normal, by Box and Muller's transform (1958).
  double normal(std::uint64_t index) const {
    const Block b = block(index);
    const double u =
        (static_cast<double>((std::uint64_t{b[0]} << 32 | b[1]) >> 11) + 1.0) * 0x1p-53;  // (0, 1]
    const double angle =
        2.0 * std::numbers::pi * static_cast<double>((std::uint64_t{b[2]} << 32 | b[3]) >> 11) * 0x1p-53;
    return std::sqrt(-2.0 * std::log(u)) * std::cos(angle);
  }

 private:
  std::uint64_t seed_;
  std::uint64_t stream_;
};

}  // namespace adlib
