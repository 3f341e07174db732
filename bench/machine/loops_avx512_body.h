// What the three AVX-512 levels share; included inside the anonymous namespace of each file, after
// <immintrin.h>.

inline float sum_of_products(std::int64_t steps) {
  __m512 factor = _mm512_set1_ps(1.0f), term = _mm512_set1_ps(1e-3f);
  asm volatile("" : "+v"(factor), "+v"(term));
  __m512 sums[chains];
  for (int c = 0; c < chains; ++c) sums[c] = term;
  for (std::int64_t i = 0; i < steps; ++i) {
#pragma GCC unroll 12
    for (int c = 0; c < chains; ++c) sums[c] = _mm512_fmadd_ps(sums[c], factor, term);
  }
  for (int c = 1; c < chains; ++c) sums[0] = _mm512_add_ps(sums[0], sums[c]);
  return _mm512_cvtss_f32(sums[0]);
}

inline std::int32_t first_word(__m512i v) { return _mm_cvtsi128_si32(_mm512_castsi512_si128(v)); }

inline std::int32_t read_all(const void* data, std::int64_t bytes) {
  const char* at = static_cast<const char*>(data);
  __m512i seen[8];
  for (int c = 0; c < 8; ++c) seen[c] = _mm512_setzero_si512();
  for (std::int64_t i = 0; i < bytes; i += 512) {
#pragma GCC unroll 8
    for (int c = 0; c < 8; ++c) seen[c] = _mm512_or_si512(seen[c], _mm512_load_si512(at + i + 64 * c));
  }
  for (int c = 1; c < 8; ++c) seen[0] = _mm512_or_si512(seen[0], seen[c]);
  return first_word(seen[0]);
}
