#include "kernels/cpu/simd/epilogue.h"

#include <immintrin.h>

#include <cstdint>

#include "kernels/cpu/simd/math.h"

namespace adlib::kernels::simd {
namespace {

#include "kernels/cpu/simd/vector_avx512.h"

#include "kernels/cpu/simd/math_lanes.h"

__m512 widened(__m256i halves) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}
__m512 load_bf16(const std::uint16_t* p) {
  return widened(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
__m512 load_bf16_first(const std::uint16_t* p, std::int64_t n) {
  return widened(_mm256_maskz_loadu_epi16(Vector::first(n), p));
}

#include "kernels/cpu/simd/epilogue_lanes.h"

}  // namespace

const Epilogue epilogue_avx512 = epilogue_of<Vector>();

}  // namespace adlib::kernels::simd
