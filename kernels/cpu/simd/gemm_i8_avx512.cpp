// 8 x 32 tiles. Without VNNI, bytes are multiplied as 16-bit words, the even ones of every four and then the
// odd ones: exact, where vpmaddubsw would saturate. 16 of the 32 vector registers hold sums.
#include "kernels/cpu/simd/gemm_i8.h"

#include <immintrin.h>

#include <cstdint>

namespace adlib::kernels::simd {
namespace {

#include "kernels/cpu/simd/vector_avx512.h"

#include "kernels/cpu/simd/gemm_i8_avx512.h"

struct Words : Ints512 {
  struct Quad {
    __m512i even, odd;
  };
  static constexpr std::int64_t code_bytes = 2;

  static Quad load_quad(const std::uint8_t* codes) {
    int pairs[2];
    __builtin_memcpy(pairs, codes, sizeof pairs);
    return {_mm512_set1_epi32(pairs[0]), _mm512_set1_epi32(pairs[1])};
  }
  static Ints dot(Ints sums, Bytes b, const Quad& a) {
    const __m512i even = _mm512_and_si512(b, _mm512_set1_epi32(0x00ff00ff));
    const __m512i odd = _mm512_srli_epi16(b, 8);
    return _mm512_add_epi32(sums,
                            _mm512_add_epi32(_mm512_madd_epi16(even, a.even), _mm512_madd_epi16(odd, a.odd)));
  }
};

#include "kernels/cpu/simd/gemm_i8_tile.h"

}  // namespace

const GemmI8 gemm_i8_avx512 = {.rows = 8,
                               .columns = 2 * Words::width,
                               .wide = true,
                               .i8 = tile_up_to<Words, 8, 8, false>,
                               .i8_grouped = tile_up_to<Words, 8, 8, true>,
                               .i4_grouped = tile_up_to<Words, 8, 4, true>,
                               .quantize = quantize<true>};

}  // namespace adlib::kernels::simd
