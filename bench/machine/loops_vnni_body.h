// vpdpbusd: 64 products of bytes, four of them to a sum. Included as loops_avx512_body.h is, after it.

inline std::int32_t byte_products(std::int64_t steps) {
  __m512i a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(1);
  asm volatile("" : "+v"(a), "+v"(b));
  __m512i sums[chains];
  for (int c = 0; c < chains; ++c) sums[c] = _mm512_setzero_si512();
  for (std::int64_t i = 0; i < steps; ++i) {
#pragma GCC unroll 12
    for (int c = 0; c < chains; ++c) sums[c] = _mm512_dpbusd_epi32(sums[c], a, b);
  }
  for (int c = 1; c < chains; ++c) sums[0] = _mm512_add_epi32(sums[0], sums[c]);
  return first_word(sums[0]);
}
