// Sixty-four bytes at a time. Without VNNI a sum of byte products takes three instructions.
#include <immintrin.h>

#include "bench/machine/loops.h"

namespace adlib::bench::loops {
namespace {

#include "bench/machine/loops_avx512_body.h"

std::int32_t byte_products(std::int64_t steps) {
  __m512i a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(1), ones = _mm512_set1_epi16(1);
  asm volatile("" : "+v"(b), "+v"(ones));
  __m512i sums[chains];
  for (int c = 0; c < chains; ++c) sums[c] = _mm512_setzero_si512();
  for (std::int64_t i = 0; i < steps; ++i) {
    asm volatile("" : "+v"(a));  // else the products would be computed once, before the loop
#pragma GCC unroll 12
    for (int c = 0; c < chains; ++c) {
      __m512i pairs = _mm512_maddubs_epi16(a, b);
      asm("" : "+v"(pairs));  // each chain multiplies for itself
      sums[c] = _mm512_add_epi32(sums[c], _mm512_madd_epi16(pairs, ones));
    }
  }
  for (int c = 1; c < chains; ++c) sums[0] = _mm512_add_epi32(sums[0], sums[c]);
  return first_word(sums[0]);
}

}  // namespace

const Loops avx512 = {.f32 = sum_of_products,
                      .f32_operations = chains * 16 * 2,
                      .i8 = byte_products,
                      .i8_operations = chains * 64 * 2,
                      .read = read_all};

}  // namespace adlib::bench::loops
