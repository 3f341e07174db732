#include "kernels/cpu/simd/training.h"

#include <immintrin.h>

#include <cstdint>

namespace adlib::kernels::simd {
namespace {

#include "kernels/cpu/simd/vector_avx2.h"

struct Words {
  using type = __m256i;
  static constexpr std::int64_t blocks = 4;
  static type set1(std::uint64_t x) { return _mm256_set1_epi64x(static_cast<long long>(x)); }
  // Blocks in the order that in_order() undoes.
  static type counters(std::uint64_t first) {
    return _mm256_add_epi64(set1(first), _mm256_setr_epi64x(0, 2, 1, 3));
  }
  static type high(type a) { return _mm256_srli_epi64(a, 32); }
  static type multiply(type a, std::uint32_t b) { return _mm256_mul_epu32(a, set1(b)); }
  static type exclusive_or(type a, type b) { return _mm256_xor_si256(a, b); }
  static void in_order(const type (&c)[4], type (&out)[2]) {
    const type first = pairs(c[0], c[1]), second = pairs(c[2], c[3]);
    out[0] = _mm256_unpacklo_epi64(first, second);
    out[1] = _mm256_unpackhi_epi64(first, second);
  }
  static __m256 where_at_least(type words, std::uint32_t threshold, __m256 v) {
    const type limit = _mm256_set1_epi32(static_cast<int>(threshold));
    const type kept = _mm256_cmpeq_epi32(_mm256_max_epu32(words, limit), words);
    return _mm256_and_ps(v, _mm256_castsi256_ps(kept));
  }

 private:
  static type pairs(type low, type high) {
    return _mm256_blend_epi32(low, _mm256_slli_epi64(high, 32), 0xAA);
  }
};

struct Doubles {
  struct type {
    __m256d low, high;
  };
  static type zero() { return {_mm256_setzero_pd(), _mm256_setzero_pd()}; }
  static type add_squares(type sum, __m256 v) {
    const __m256d low = _mm256_cvtps_pd(_mm256_castps256_ps128(v));
    const __m256d high = _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1));
    return {_mm256_fmadd_pd(low, low, sum.low), _mm256_fmadd_pd(high, high, sum.high)};
  }
  static double sum(type sums) {
    const __m256d four = _mm256_add_pd(sums.low, sums.high);
    const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    return _mm_cvtsd_f64(two) + _mm_cvtsd_f64(_mm_unpackhi_pd(two, two));
  }
};

#include "kernels/cpu/simd/training_lanes.h"

}  // namespace

const Training training_avx2 = training_of<Vector, Words, Doubles>();

}  // namespace adlib::kernels::simd
