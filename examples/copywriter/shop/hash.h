// copywriter/shop/hash.h: a hash whose values are the same on every machine and in every version.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace adlib::copywriter {

/// SplitMix64's finaliser (Steele, Lea & Flood 2014): every bit of x changes half of the result's.
constexpr std::uint64_t mixed(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

/// FNV-1a over 64 bits with SplitMix64's finaliser. Each part goes in with its length, so that ("ab", "c")
/// and
/// ("a", "bc") differ. Not for secrets.
class StableHash {
 public:
  StableHash& add(std::string_view part) {
    add(static_cast<std::uint64_t>(part.size()));
    for (const char c : part) add_byte(static_cast<unsigned char>(c));
    return *this;
  }
  StableHash& add(std::uint64_t number) {
    for (int shift = 0; shift < 64; shift += 8) add_byte(static_cast<unsigned char>(number >> shift));
    return *this;
  }
  std::uint64_t value() const { return mixed(state_); }

 private:
  void add_byte(unsigned char byte) { state_ = (state_ ^ byte) * 0x100000001B3u; }
  std::uint64_t state_ = 0xCBF29CE484222325u;
};

/// Sixteen lower-case digits.
inline std::string hexadecimal(std::uint64_t value) {
  std::string digits(16, '0');
  for (std::size_t i = digits.size(); i-- > 0; value >>= 4) digits[i] = "0123456789abcdef"[value & 15];
  return digits;
}

}  // namespace adlib::copywriter
