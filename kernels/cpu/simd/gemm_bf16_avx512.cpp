// 8 x 32 tiles: 16 of the 32 vector registers hold sums, 4 the panel's pair of rows and 2 the broadcasts.
#include "kernels/cpu/simd/gemm_bf16.h"

#include <immintrin.h>

#include <cstdint>

namespace adlib::kernels::simd {
namespace {

#include "kernels/cpu/simd/vector_avx512.h"

struct Widened {
  using Sums = __m512;
  struct Pairs {
    __m512 first, second;
  };
  struct APair {
    __m512 first, second;
  };
  static constexpr std::int64_t width = Vector::width;

  static Sums zero() { return Vector::zero(); }
  static Sums load_sums(const float* p) { return Vector::load(p); }
  static void store_sums(float* p, Sums v) { Vector::store(p, v); }
  static Sums add(Sums a, Sums b) { return Vector::add(a, b); }
  // A bfloat16 is the upper half of a float: the pair's first element lies in the lower half of a lane.
  static Pairs load_pairs(const std::uint16_t* p) {
    const __m512i lanes = _mm512_loadu_si512(p);
    return {_mm512_castsi512_ps(_mm512_slli_epi32(lanes, 16)),
            _mm512_castsi512_ps(_mm512_and_si512(lanes, _mm512_set1_epi32(-65536)))};
  }
  static APair load_a(const void* a, std::int64_t offset) {
    const float* pair = static_cast<const float*>(a) + offset;
    return {Vector::set1(pair[0]), Vector::set1(pair[1])};
  }
  static Sums multiply_add(Sums sums, const APair& a, const Pairs& b) {
    return Vector::fma(a.second, b.second, Vector::fma(a.first, b.first, sums));
  }
};

#include "kernels/cpu/simd/gemm_bf16_tile.h"

}  // namespace

const GemmBf16 gemm_bf16_avx512 = {.rows = 8,
                                   .columns = 2 * Widened::width,
                                   .a_is_bf16 = false,
                                   .tile = tile_up_to<Widened, 8>,
                                   .round = nullptr};

}  // namespace adlib::kernels::simd
