// 8 x 32 tiles of vpdpbusd: 16 of the 32 vector registers hold sums, 2 (int4: 6) codes of the panel and 1 the
// broadcast.
#include "kernels/cpu/simd/gemm_i8.h"

#include <immintrin.h>

#include <cstdint>

namespace adlib::kernels::simd {
namespace {

#include "kernels/cpu/simd/vector_avx512.h"

#include "kernels/cpu/simd/gemm_i8_avx512.h"

struct Vnni : Ints512 {
  using Quad = __m512i;
  static constexpr std::int64_t code_bytes = 1;

  static Quad load_quad(const std::uint8_t* codes) {
    int quad;
    __builtin_memcpy(&quad, codes, sizeof quad);
    return _mm512_set1_epi32(quad);
  }
  // Not _mm512_dpbusd_epi32(), for which GCC 12 copies every sum twice: 2% of a product of 32 or more rows.
  static Ints dot(Ints sums, Bytes b, Quad a) {
    asm("vpdpbusd\t%2, %1, %0" : "+v"(sums) : "v"(b), "v"(a));
    return sums;
  }
};

#include "kernels/cpu/simd/gemm_i8_tile.h"

}  // namespace

const GemmI8 gemm_i8_vnni = {.rows = 8,
                             .columns = 2 * Vnni::width,
                             .wide = false,
                             .i8 = tile_up_to<Vnni, 8, 8, false>,
                             .i8_grouped = tile_up_to<Vnni, 8, 8, true>,
                             .i4_grouped = tile_up_to<Vnni, 8, 4, true>,
                             .quantize = quantize<false>};

}  // namespace adlib::kernels::simd
