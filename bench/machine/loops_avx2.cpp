// Thirty-two bytes at a time. Without VNNI a sum of byte products takes three instructions.
#include <immintrin.h>

#include "bench/machine/loops.h"

namespace adlib::bench::loops {
namespace {

float sum_of_products(std::int64_t steps) {
  __m256 factor = _mm256_set1_ps(1.0f), term = _mm256_set1_ps(1e-3f);
  asm volatile("" : "+x"(factor), "+x"(term));
  __m256 sums[chains];
  for (int c = 0; c < chains; ++c) sums[c] = term;
  for (std::int64_t i = 0; i < steps; ++i) {
#pragma GCC unroll 12
    for (int c = 0; c < chains; ++c) sums[c] = _mm256_fmadd_ps(sums[c], factor, term);
  }
  for (int c = 1; c < chains; ++c) sums[0] = _mm256_add_ps(sums[0], sums[c]);
  return _mm256_cvtss_f32(sums[0]);
}

std::int32_t byte_products(std::int64_t steps) {
  __m256i a = _mm256_set1_epi8(3), b = _mm256_set1_epi8(1), ones = _mm256_set1_epi16(1);
  asm volatile("" : "+x"(b), "+x"(ones));
  __m256i sums[chains];
  for (int c = 0; c < chains; ++c) sums[c] = _mm256_setzero_si256();
  for (std::int64_t i = 0; i < steps; ++i) {
    asm volatile("" : "+x"(a));  // else the products would be computed once, before the loop
#pragma GCC unroll 12
    for (int c = 0; c < chains; ++c) {
      __m256i pairs = _mm256_maddubs_epi16(a, b);
      asm("" : "+x"(pairs));  // each chain multiplies for itself
      sums[c] = _mm256_add_epi32(sums[c], _mm256_madd_epi16(pairs, ones));
    }
  }
  for (int c = 1; c < chains; ++c) sums[0] = _mm256_add_epi32(sums[0], sums[c]);
  return _mm256_extract_epi32(sums[0], 0);
}

std::int32_t read_all(const void* data, std::int64_t bytes) {
  const __m256i* at = static_cast<const __m256i*>(data);
  __m256i seen[8];
  for (int c = 0; c < 8; ++c) seen[c] = _mm256_setzero_si256();
  for (std::int64_t i = 0; i < bytes / 32; i += 8) {
#pragma GCC unroll 8
    for (int c = 0; c < 8; ++c) seen[c] = _mm256_or_si256(seen[c], _mm256_load_si256(at + i + c));
  }
  for (int c = 1; c < 8; ++c) seen[0] = _mm256_or_si256(seen[0], seen[c]);
  return _mm256_extract_epi32(seen[0], 0);
}

}  // namespace

const Loops avx2 = {.f32 = sum_of_products,
                    .f32_operations = chains * 8 * 2,
                    .i8 = byte_products,
                    .i8_operations = chains * 32 * 2,
                    .read = read_all};

}  // namespace adlib::bench::loops
