// 8 x 32 tiles of vdpbf16ps: 16 of the 32 vector registers hold sums, 2 the panel's pair of rows and 1 the
// broadcast.
#include "kernels/cpu/simd/gemm_bf16.h"

#include <immintrin.h>

#include <cstdint>

namespace adlib::kernels::simd {
namespace {

struct Dot {
  using Sums = __m512;
  using Pairs = __m512bh;
  using APair = __m512bh;
  static constexpr std::int64_t width = 16;

  static Sums zero() { return _mm512_setzero_ps(); }
  static Sums load_sums(const float* p) { return _mm512_loadu_ps(p); }
  static void store_sums(float* p, Sums v) { _mm512_storeu_ps(p, v); }
  static Sums add(Sums a, Sums b) { return _mm512_add_ps(a, b); }
  static Pairs load_pairs(const std::uint16_t* p) { return (__m512bh)_mm512_loadu_si512(p); }
  static APair load_a(const void* a, std::int64_t offset) {
    int pair;
    __builtin_memcpy(&pair, static_cast<const std::uint16_t*>(a) + offset, sizeof pair);
    return (__m512bh)_mm512_set1_epi32(pair);
  }
  static Sums multiply_add(Sums sums, APair a, Pairs b) { return _mm512_dpbf16_ps(sums, a, b); }
};

#include "kernels/cpu/simd/gemm_bf16_tile.h"

void round(std::uint16_t* out, const float* in, std::int64_t n) {
  for (std::int64_t i = 0; i < n; i += 16) {
    const std::int64_t left = n - i;
    const auto mask = static_cast<__mmask16>(left < 16 ? (1u << left) - 1u : 0xffffu);
    const __m256bh halves = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, in + i));
    _mm256_mask_storeu_epi16(out + i, mask, (__m256i)halves);
  }
}

}  // namespace

const GemmBf16 gemm_bf16_bf16 = {
    .rows = 8, .columns = 2 * Dot::width, .a_is_bf16 = true, .tile = tile_up_to<Dot, 8>, .round = round};

}  // namespace adlib::kernels::simd
