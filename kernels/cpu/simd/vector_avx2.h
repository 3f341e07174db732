// Eight floats; included inside the anonymous namespace of each AVX2 file, after <immintrin.h>.

struct Vector {
  using type = __m256;
  static constexpr std::int64_t width = 8;
  static __m256i first(std::int64_t n) {
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), lanes);
  }
  static type zero() { return _mm256_setzero_ps(); }
  static type set1(float x) { return _mm256_set1_ps(x); }
  static type load(const float* p) { return _mm256_loadu_ps(p); }
  static type load_first(const float* p, std::int64_t n) { return _mm256_maskload_ps(p, first(n)); }
  static void store(float* p, type v) { _mm256_storeu_ps(p, v); }
  static void store_first(float* p, type v, std::int64_t n) { _mm256_maskstore_ps(p, first(n), v); }
  static type add(type a, type b) { return _mm256_add_ps(a, b); }
  static type sub(type a, type b) { return _mm256_sub_ps(a, b); }
  static type mul(type a, type b) { return _mm256_mul_ps(a, b); }
  static type div(type a, type b) { return _mm256_div_ps(a, b); }
  static type fma(type a, type b, type c) { return _mm256_fmadd_ps(a, b, c); }
  static type min(type a, type b) { return _mm256_min_ps(a, b); }
  static type max(type a, type b) { return _mm256_max_ps(a, b); }
  static type sqrt(type v) { return _mm256_sqrt_ps(v); }
  static type round(type v) { return _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  // In two steps, since 2ⁿ itself may be subnormal or infinite: n = a + b with both halves normal powers.
  static type times_power(type v, type n) {
    const __m256i whole = _mm256_cvtps_epi32(n);
    const __m256i half = _mm256_srai_epi32(whole, 1);
    const __m256i rest = _mm256_sub_epi32(whole, half);
    return _mm256_mul_ps(_mm256_mul_ps(v, power(half)), power(rest));
  }

  static type load(const std::int8_t* p) {
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
  }
  static type load_bf16(const std::uint16_t* p) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(halves(p), 16));
  }
  // Without F16C, which AVX2 does not promise: the exponent's bias is corrected by an exact multiplication.
  static type load_f16(const std::uint16_t* p) {
    const __m256i bits = halves(p);
    const __m256i magnitude = _mm256_and_si256(bits, _mm256_set1_epi32(0x7fff));
    const __m256i sign = _mm256_slli_epi32(_mm256_xor_si256(bits, magnitude), 16);
    const __m256i special = _mm256_and_si256(_mm256_cmpgt_epi32(magnitude, _mm256_set1_epi32(0x7bff)),
                                             _mm256_set1_epi32(0x7f800000));
    const type finite =
        _mm256_mul_ps(_mm256_castsi256_ps(_mm256_slli_epi32(magnitude, 13)), _mm256_set1_ps(0x1p112f));
    return _mm256_or_ps(finite, _mm256_castsi256_ps(_mm256_or_si256(sign, special)));
  }
  // Lanes 0 … n - 1 of v, the rest of `other`; n may be negative or past the width.
  static type first_of(type v, std::int64_t n, type other) {
    return _mm256_blendv_ps(other, v, _mm256_castsi256_ps(first(n)));
  }
  // a where the sign of v is set, else b.
  static type where_negative(type v, type a, type b) { return _mm256_blendv_ps(b, a, v); }
  // v where a != b or either is NaN, else 0.
  static type where_different(type a, type b, type v) {
    return _mm256_and_ps(_mm256_cmp_ps(a, b, _CMP_NEQ_UQ), v);
  }
  static float max_lane(type v) {
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
  }
  // In one order: halves, until one is left.
  static float sum_lanes(type v) {
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }
  static bool all_finite(type v) {
    const type nothing = _mm256_sub_ps(v, v);  // NaN for NaN and infinities
    return _mm256_movemask_ps(_mm256_cmp_ps(nothing, nothing, _CMP_UNORD_Q)) == 0;
  }

 private:
  static __m256i halves(const std::uint16_t* p) {
    return _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static type power(__m256i n) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
  }
};
