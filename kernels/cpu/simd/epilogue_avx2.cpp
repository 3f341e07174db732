#include "kernels/cpu/simd/epilogue.h"

#include <immintrin.h>

#include <cstdint>

#include "kernels/cpu/simd/math.h"

namespace adlib::kernels::simd {
namespace {

#include "kernels/cpu/simd/vector_avx2.h"

#include "kernels/cpu/simd/math_lanes.h"

__m256 load_bf16(const std::uint16_t* p) {
  const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
}
__m256 load_bf16_first(const std::uint16_t* p, std::int64_t n) {
  std::uint16_t halves[8] = {};
  for (std::int64_t i = 0; i < n; ++i) halves[i] = p[i];
  return load_bf16(halves);
}

#include "kernels/cpu/simd/epilogue_lanes.h"

}  // namespace

const Epilogue epilogue_avx2 = epilogue_of<Vector>();

}  // namespace adlib::kernels::simd
