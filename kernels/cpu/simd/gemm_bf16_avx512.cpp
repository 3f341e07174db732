// 8 x 32 tiles: 16 of the 32 vector registers hold sums, 4 the panel's pair of rows and 2 the broadcasts.
#include "kernels/cpu/simd/gemm_bf16.h"

#include <immintrin.h>

#include <cstdint>

namespace adlib::kernels::simd {
namespace {

#include "kernels/cpu/simd/vector_avx512.h"

struct Pair {
  __m512 first, second;
};
// A bfloat16 is the upper half of a float: the pair's first element lies in the lower half of a lane.
Pair load_pair(const std::uint16_t* p) {
  const __m512i lanes = _mm512_loadu_si512(p);
  return {_mm512_castsi512_ps(_mm512_slli_epi32(lanes, 16)),
          _mm512_castsi512_ps(_mm512_and_si512(lanes, _mm512_set1_epi32(-65536)))};
}

#include "kernels/cpu/simd/gemm_bf16_widened.h"

#include "kernels/cpu/simd/gemm_bf16_tile.h"

}  // namespace

const GemmBf16 gemm_bf16_avx512 = {.rows = 8,
                                   .columns = 2 * Widened::width,
                                   .a_is_bf16 = false,
                                   .tile = tile_up_to<Widened, 8>,
                                   .round = nullptr};

}  // namespace adlib::kernels::simd
