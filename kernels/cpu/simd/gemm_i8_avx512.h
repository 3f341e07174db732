// What the AVX-512 files of GemmI8 share; included inside their anonymous namespaces, after vector_avx512.h.

struct Ints512 : Vector {
  using Ints = __m512i;
  using Bytes = __m512i;
  using Floats = type;

  static Ints set1_int(std::int32_t x) { return _mm512_set1_epi32(x); }
  static Bytes load_bytes(const std::uint8_t* p) { return _mm512_loadu_si512(p); }
  static Bytes low_halves(Bytes b) { return _mm512_and_si512(b, _mm512_set1_epi8(0x0f)); }
  static Bytes high_halves(Bytes b) { return low_halves(_mm512_srli_epi16(b, 4)); }
  static Floats to_floats(Ints v) { return _mm512_cvtepi32_ps(v); }
};

template <bool Wide>
void store_codes(void* codes, std::int64_t at, __m512i values) {
  if constexpr (Wide) {
    __m256i words = _mm512_cvtepi32_epi16(values);
    words = _mm256_shufflelo_epi16(words, _MM_SHUFFLE(3, 1, 2, 0));
    words = _mm256_shufflehi_epi16(words, _MM_SHUFFLE(3, 1, 2, 0));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(static_cast<std::int16_t*>(codes) + at), words);
  } else {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(static_cast<std::int8_t*>(codes) + at),
                     _mm512_cvtepi32_epi8(values));
  }
}

template <bool Wide>
void quantize(void* codes, float* scales, std::int32_t* offsets, const float* a, std::int64_t k,
              std::int64_t group, std::int32_t zero) {
  const auto mask = [](std::int64_t left) {
    return static_cast<__mmask16>(left < 16 ? (1u << left) - 1u : 0xffffu);
  };
  for (std::int64_t g = 0; g * group < k; ++g) {
    const std::int64_t first = g * group, end = k < first + group ? k : first + group;
    // The bits of magnitudes order as the magnitudes do, NaN above infinity.
    __m512i largest = _mm512_setzero_si512();
    for (std::int64_t i = first; i < end; i += 16) {
      const __m512i bits = _mm512_castps_si512(_mm512_maskz_loadu_ps(mask(end - i), a + i));
      largest = _mm512_max_epu32(largest, _mm512_and_si512(bits, _mm512_set1_epi32(0x7fffffff)));
    }
    const std::uint32_t bits = _mm512_reduce_max_epu32(largest);
    float magnitude;
    __builtin_memcpy(&magnitude, &bits, sizeof magnitude);
    const bool finite = bits < 0x7f800000u;
    const float inverse = !finite || magnitude < 1e-30f ? 0.0f : 127.0f / magnitude;
    __m512i sum = _mm512_setzero_si512();
    for (std::int64_t i = first; i < end; i += 16) {
      const __m512 x = _mm512_maskz_loadu_ps(mask(end - i), a + i);
      const __m512i values =
          finite ? _mm512_cvtps_epi32(_mm512_mul_ps(x, _mm512_set1_ps(inverse))) : _mm512_setzero_si512();
      sum = _mm512_add_epi32(sum, values);
      store_codes<Wide>(codes, i, values);
    }
    scales[g] = finite ? (inverse == 0.0f ? 0.0f : magnitude / 127.0f) : __builtin_nanf("");
    offsets[g] = -zero * _mm512_reduce_add_epi32(sum);
  }
}
