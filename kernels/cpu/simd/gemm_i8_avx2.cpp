// 3 x 16 tiles: bytes are multiplied as 16-bit words, the even ones of every four and then the odd ones:
// exact, where vpmaddubsw would saturate. 6 of the 16 vector registers hold sums.
#include "kernels/cpu/simd/gemm_i8.h"

#include <immintrin.h>

#include <cstdint>

namespace adlib::kernels::simd {
namespace {

#include "kernels/cpu/simd/vector_avx2.h"

struct Words : Vector {
  using Ints = __m256i;
  using Bytes = __m256i;
  using Floats = type;
  struct Quad {
    __m256i even, odd;
  };
  static constexpr std::int64_t code_bytes = 2;

  static Ints set1_int(std::int32_t x) { return _mm256_set1_epi32(x); }
  static Bytes load_bytes(const std::uint8_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  static Bytes low_halves(Bytes b) { return _mm256_and_si256(b, _mm256_set1_epi8(0x0f)); }
  static Bytes high_halves(Bytes b) { return low_halves(_mm256_srli_epi16(b, 4)); }
  static Quad load_quad(const std::uint8_t* codes) {
    int pairs[2];
    __builtin_memcpy(pairs, codes, sizeof pairs);
    return {_mm256_set1_epi32(pairs[0]), _mm256_set1_epi32(pairs[1])};
  }
  static Ints dot(Ints sums, Bytes b, const Quad& a) {
    const __m256i even = _mm256_and_si256(b, _mm256_set1_epi32(0x00ff00ff));
    const __m256i odd = _mm256_srli_epi16(b, 8);
    return _mm256_add_epi32(sums,
                            _mm256_add_epi32(_mm256_madd_epi16(even, a.even), _mm256_madd_epi16(odd, a.odd)));
  }
  static Floats to_floats(Ints v) { return _mm256_cvtepi32_ps(v); }
};

#include "kernels/cpu/simd/gemm_i8_tile.h"

std::int32_t sum_of(__m256i v) {
  __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, _MM_SHUFFLE(1, 0, 3, 2)));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, _MM_SHUFFLE(2, 3, 0, 1)));
  return _mm_cvtsi128_si32(sum);
}
// Of lanes that are not negative.
std::int32_t largest_of(__m256i v) {
  __m128i most = _mm_max_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  most = _mm_max_epi32(most, _mm_shuffle_epi32(most, _MM_SHUFFLE(1, 0, 3, 2)));
  most = _mm_max_epi32(most, _mm_shuffle_epi32(most, _MM_SHUFFLE(2, 3, 0, 1)));
  return _mm_cvtsi128_si32(most);
}

void store_codes(void* codes, std::int64_t at, __m256i values) {
  __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(values), _mm256_extracti128_si256(values, 1));
  words = _mm_shufflelo_epi16(words, _MM_SHUFFLE(3, 1, 2, 0));
  words = _mm_shufflehi_epi16(words, _MM_SHUFFLE(3, 1, 2, 0));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(static_cast<std::int16_t*>(codes) + at), words);
}

void quantize(void* codes, float* scales, std::int32_t* offsets, const float* a, std::int64_t k,
              std::int64_t group, std::int32_t zero) {
  const auto load = [a](std::int64_t i, std::int64_t end) {
    return end - i >= 8 ? Vector::load(a + i) : Vector::load_first(a + i, end - i);
  };
  for (std::int64_t g = 0; g * group < k; ++g) {
    const std::int64_t first = g * group, end = k < first + group ? k : first + group;
    // The bits of magnitudes order as the magnitudes do, NaN above infinity.
    __m256i largest = _mm256_setzero_si256();
    for (std::int64_t i = first; i < end; i += 8) {
      const __m256i bits = _mm256_castps_si256(load(i, end));
      largest = _mm256_max_epi32(largest, _mm256_and_si256(bits, _mm256_set1_epi32(0x7fffffff)));
    }
    const std::int32_t bits = largest_of(largest);
    float magnitude;
    __builtin_memcpy(&magnitude, &bits, sizeof magnitude);
    const bool finite = bits < 0x7f800000;
    const float inverse = !finite || magnitude < 1e-30f ? 0.0f : 127.0f / magnitude;
    __m256i sum = _mm256_setzero_si256();
    for (std::int64_t i = first; i < end; i += 8) {
      const __m256 x = load(i, end);
      const __m256i values =
          finite ? _mm256_cvtps_epi32(_mm256_mul_ps(x, _mm256_set1_ps(inverse))) : _mm256_setzero_si256();
      sum = _mm256_add_epi32(sum, values);
      store_codes(codes, i, values);
    }
    scales[g] = finite ? (inverse == 0.0f ? 0.0f : magnitude / 127.0f) : __builtin_nanf("");
    offsets[g] = -zero * sum_of(sum);
  }
  const std::int64_t written = (k + 7) / 8 * 8;
  if (written < (k + 15) / 16 * 16) store_codes(codes, written, _mm256_setzero_si256());
}

}  // namespace

const GemmI8 gemm_i8_avx2 = {.rows = 3,
                             .columns = 2 * Words::width,
                             .wide = true,
                             .i8 = tile_up_to<Words, 3, 8, false>,
                             .i8_grouped = tile_up_to<Words, 3, 8, true>,
                             .i4_grouped = tile_up_to<Words, 3, 4, true>,
                             .quantize = quantize};

}  // namespace adlib::kernels::simd
