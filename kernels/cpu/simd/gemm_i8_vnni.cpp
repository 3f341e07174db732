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
  static Ints dot(Ints sums, Bytes b, Quad a) { return _mm512_dpbusd_epi32(sums, b, a); }
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
