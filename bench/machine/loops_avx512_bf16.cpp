#include <immintrin.h>

#include "bench/machine/loops.h"

namespace adlib::bench::loops {
namespace {

#include "bench/machine/loops_avx512_body.h"

#include "bench/machine/loops_vnni_body.h"

// vdpbf16ps: 32 products of bfloat16, two of them to a sum.
float pair_products(std::int64_t steps) {
  __m512 bits = _mm512_castsi512_ps(_mm512_set1_epi32(0x3f803f80));  // pairs of 1.0
  asm volatile("" : "+v"(bits));
  const __m512bh ones = (__m512bh)bits;
  __m512 sums[chains];
  for (int c = 0; c < chains; ++c) sums[c] = _mm512_setzero_ps();
  for (std::int64_t i = 0; i < steps; ++i) {
#pragma GCC unroll 12
    for (int c = 0; c < chains; ++c) sums[c] = _mm512_dpbf16_ps(sums[c], ones, ones);
  }
  for (int c = 1; c < chains; ++c) sums[0] = _mm512_add_ps(sums[0], sums[c]);
  return _mm512_cvtss_f32(sums[0]);
}

}  // namespace

const Loops bf16 = {.f32 = sum_of_products,
                    .f32_operations = chains * 16 * 2,
                    .bf16 = pair_products,
                    .bf16_operations = chains * 32 * 2,
                    .i8 = byte_products,
                    .i8_operations = chains * 64 * 2,
                    .read = read_all};

}  // namespace adlib::bench::loops
