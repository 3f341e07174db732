// 4 x 16 tiles: 8 of the 16 vector registers hold sums, 4 the panel's pair of rows and 2 the broadcasts.
#include "kernels/cpu/simd/gemm_bf16.h"

#include <immintrin.h>

#include <cstdint>

namespace adlib::kernels::simd {
namespace {

#include "kernels/cpu/simd/vector_avx2.h"

struct Pair {
  __m256 first, second;
};
// A bfloat16 is the upper half of a float: the pair's first element lies in the lower half of a lane.
Pair load_pair(const std::uint16_t* p) {
  const __m256i lanes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  return {_mm256_castsi256_ps(_mm256_slli_epi32(lanes, 16)),
          _mm256_castsi256_ps(_mm256_and_si256(lanes, _mm256_set1_epi32(-65536)))};
}

#include "kernels/cpu/simd/gemm_bf16_widened.h"

#include "kernels/cpu/simd/gemm_bf16_tile.h"

}  // namespace

const GemmBf16 gemm_bf16_avx2 = {.rows = 4,
                                 .columns = 2 * Widened::width,
                                 .a_is_bf16 = false,
                                 .tile = tile_up_to<Widened, 4>,
                                 .round = nullptr};

}  // namespace adlib::kernels::simd
