#include "kernels/cpu/simd/training.h"

#include <immintrin.h>

#include <cstdint>

namespace adlib::kernels::simd {
namespace {

#include "kernels/cpu/simd/vector_avx512.h"

struct Words {
  using type = __m512i;
  static constexpr std::int64_t blocks = 8;
  static type set1(std::uint64_t x) { return _mm512_set1_epi64(static_cast<long long>(x)); }
  // Blocks in the order that in_order() undoes.
  static type counters(std::uint64_t first) {
    return _mm512_add_epi64(set1(first), _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7));
  }
  static type high(type a) { return _mm512_srli_epi64(a, 32); }
  static type multiply(type a, std::uint32_t b) { return _mm512_mul_epu32(a, set1(b)); }
  static type exclusive_or(type a, type b) { return _mm512_xor_si512(a, b); }
  static void in_order(const type (&c)[4], type (&out)[2]) {
    const type first = pairs(c[0], c[1]), second = pairs(c[2], c[3]);
    out[0] = _mm512_unpacklo_epi64(first, second);
    out[1] = _mm512_unpackhi_epi64(first, second);
  }
  static __m512 where_at_least(type words, std::uint32_t threshold, __m512 v) {
    const type limit = _mm512_set1_epi32(static_cast<int>(threshold));
    return _mm512_maskz_mov_ps(_mm512_cmpge_epu32_mask(words, limit), v);
  }

 private:
  static type pairs(type low, type high) {
    return _mm512_mask_blend_epi32(0xAAAA, low, _mm512_slli_epi64(high, 32));
  }
};

struct Doubles {
  struct type {
    __m512d low, high;
  };
  static type zero() { return {_mm512_setzero_pd(), _mm512_setzero_pd()}; }
  static type add_squares(type sum, __m512 v) {
    const __m512d low = _mm512_cvtps_pd(_mm512_castps512_ps256(v));
    const __m512d high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1));
    return {_mm512_fmadd_pd(low, low, sum.low), _mm512_fmadd_pd(high, high, sum.high)};
  }
  static double sum(type sums) {
    const __m512d eight = _mm512_add_pd(sums.low, sums.high);
    const __m256d four = _mm256_add_pd(_mm512_castpd512_pd256(eight), _mm512_extractf64x4_pd(eight, 1));
    const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    return _mm_cvtsd_f64(two) + _mm_cvtsd_f64(_mm_unpackhi_pd(two, two));
  }
};

#include "kernels/cpu/simd/training_lanes.h"

}  // namespace

const Training training_avx512 = training_of<Vector, Words, Doubles>();

}  // namespace adlib::kernels::simd
