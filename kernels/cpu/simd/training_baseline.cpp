#include <cstdint>
#include <cstring>

#include "kernels/cpu/simd/training.h"

namespace adlib::kernels::simd {
namespace {

#include "kernels/cpu/simd/vector_baseline.h"

struct Words {
  using type = std::uint64_t __attribute__((vector_size(16)));
  static constexpr std::int64_t blocks = 2;
  static type set1(std::uint64_t x) { return type{x, x}; }
  static type counters(std::uint64_t first) { return type{first, first + 1}; }
  static type high(type a) { return a >> 32; }
  static type multiply(type a, std::uint32_t b) { return (a & 0xffffffffu) * set1(b); }
  static type exclusive_or(type a, type b) { return a ^ b; }
  static void in_order(const type (&c)[4], type (&out)[2]) {
    for (int block = 0; block < 2; ++block) {
      const std::uint32_t words[4] = {
          static_cast<std::uint32_t>(c[0][block]), static_cast<std::uint32_t>(c[1][block]),
          static_cast<std::uint32_t>(c[2][block]), static_cast<std::uint32_t>(c[3][block])};
      std::memcpy(&out[block], words, sizeof words);
    }
  }
  static Vector::type where_at_least(type words, std::uint32_t threshold, Vector::type v) {
    std::uint32_t each[4];
    std::memcpy(each, &words, sizeof each);
    Vector::type out;
    for (int lane = 0; lane < 4; ++lane) out[lane] = each[lane] >= threshold ? v[lane] : 0.0f;
    return out;
  }
};

struct Doubles {
  using pair = double __attribute__((vector_size(16)));
  struct type {
    pair low, high;
  };
  static type zero() { return {pair{}, pair{}}; }
  static type add_squares(type sum, Vector::type v) {
    const pair low = {v[0], v[1]}, high = {v[2], v[3]};
    return {sum.low + low * low, sum.high + high * high};
  }
  static double sum(type sums) {
    const pair two = sums.low + sums.high;
    return two[0] + two[1];
  }
};

#include "kernels/cpu/simd/training_lanes.h"

}  // namespace

const Training training_baseline = training_of<Vector, Words, Doubles>();

}  // namespace adlib::kernels::simd
