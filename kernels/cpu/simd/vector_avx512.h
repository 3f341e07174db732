// Sixteen floats; included inside the anonymous namespace of each AVX-512 file, after <immintrin.h>.

struct Vector {
  using type = __m512;
  static constexpr std::int64_t width = 16;
  static __mmask16 first(std::int64_t n) { return static_cast<__mmask16>((1u << n) - 1u); }
  static type zero() { return _mm512_setzero_ps(); }
  static type set1(float x) { return _mm512_set1_ps(x); }
  static type load(const float* p) { return _mm512_loadu_ps(p); }
  static type load_first(const float* p, std::int64_t n) { return _mm512_maskz_loadu_ps(first(n), p); }
  static void store(float* p, type v) { _mm512_storeu_ps(p, v); }
  static void store_first(float* p, type v, std::int64_t n) { _mm512_mask_storeu_ps(p, first(n), v); }
  static type add(type a, type b) { return _mm512_add_ps(a, b); }
  static type sub(type a, type b) { return _mm512_sub_ps(a, b); }
  static type mul(type a, type b) { return _mm512_mul_ps(a, b); }
  static type div(type a, type b) { return _mm512_div_ps(a, b); }
  static type fma(type a, type b, type c) { return _mm512_fmadd_ps(a, b, c); }
  static type min(type a, type b) { return _mm512_min_ps(a, b); }
  static type max(type a, type b) { return _mm512_max_ps(a, b); }
  static type sqrt(type v) { return _mm512_sqrt_ps(v); }
  static type round(type v) { return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  static type times_power(type v, type n) { return _mm512_scalef_ps(v, n); }

  static type load(const std::int8_t* p) {
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
  }
  static type load_bf16(const std::uint16_t* p) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves(p)), 16));
  }
  static type load_f16(const std::uint16_t* p) { return _mm512_cvtph_ps(halves(p)); }
  // Lanes 0 … n - 1 of v, the rest of `other`; n may be negative or past the width.
  static type first_of(type v, std::int64_t n, type other) {
    return n >= width ? v : n <= 0 ? other : _mm512_mask_blend_ps(first(n), other, v);
  }
  // a where the sign of v is set, else b.
  static type where_negative(type v, type a, type b) {
    return _mm512_mask_blend_ps(_mm512_movepi32_mask(_mm512_castps_si512(v)), b, a);
  }
  // v where a != b or either is NaN, else 0.
  static type where_different(type a, type b, type v) {
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(a, b, _CMP_NEQ_UQ), v);
  }
  static float max_lane(type v) { return _mm512_reduce_max_ps(v); }
  // In one order: halves, until one is left.
  static float sum_lanes(type v) {
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }
  static bool all_finite(type v) { return _mm512_fpclass_ps_mask(v, 0x99) == 0; }  // NaN, infinities

 private:
  static __m256i halves(const std::uint16_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
};
