// adlib/train/permutation.h: a shuffle of any size without a table.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "adlib/core/error.h"
#include "adlib/core/random.h"

namespace adlib::train {

/// A permutation of [0, size) by (seed, epoch), computed element by element: a Feistel network over the next
/// even power of two, walked until it falls inside [0, size) (Black & Rogaway, "Ciphers with arbitrary finite
/// domains", 2002). The same on every machine.
class Permutation {
 public:
  /// Throws Error(invalid_argument) for a negative size.
  Permutation(std::int64_t size, std::uint64_t seed, std::uint64_t epoch) : size_(size) {
    require(size >= 0, "Permutation: size is ", size, ", expected at least 0");
    // At least 8 bits: halves of one bit have too few round functions to mix a handful of elements.
    const int bits = size < 2 ? 1 : static_cast<int>(std::bit_width(static_cast<std::uint64_t>(size - 1)));
    half_ = bits < 8 ? 4 : (bits + 1) / 2;
    const Philox random(seed, 0x7065726D75746500u ^ epoch);  // a stream apart from the model's own draws
    for (std::size_t round = 0; round < keys_.size(); round += 2) {
      const Philox::Block words = random.block(round);
      keys_[round] = std::uint64_t{words[0]} << 32 | words[1];
      keys_[round + 1] = std::uint64_t{words[2]} << 32 | words[3];
    }
  }

  std::int64_t size() const { return size_; }

  /// Where `index` of [0, size) goes. At most four rounds of the network on average beyond 256 elements.
  std::int64_t operator()(std::int64_t index) const {
    auto value = static_cast<std::uint64_t>(index);
    do {
      value = encrypt(value);
    } while (value >= static_cast<std::uint64_t>(size_));
    return static_cast<std::int64_t>(value);
  }

 private:
  std::uint64_t encrypt(std::uint64_t value) const {
    const std::uint64_t mask = (std::uint64_t{1} << half_) - 1;
    std::uint64_t left = value >> half_;
    std::uint64_t right = value & mask;
    for (const std::uint64_t key : keys_) {
      const std::uint64_t next = left ^ (mix(right ^ key) & mask);
      left = right;
      right = next;
    }
    return left << half_ | right;
  }
  /// SplitMix64's finaliser (Steele, Lea & Flood 2014): every bit of x moves half of the bits.
  static std::uint64_t mix(std::uint64_t x) {
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
  }

  std::int64_t size_;
  int half_ = 4;
  std::array<std::uint64_t, 6> keys_{};
};

}  // namespace adlib::train
