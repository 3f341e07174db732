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
  static type round(type v) { return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  static type times_power(type v, type n) { return _mm512_scalef_ps(v, n); }
};
