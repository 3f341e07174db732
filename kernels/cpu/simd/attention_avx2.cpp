#include "kernels/cpu/simd/attention.h"

#include <immintrin.h>

#include <cstdint>

#include "kernels/cpu/simd/math.h"

namespace adlib::kernels::simd {
namespace {

#include "kernels/cpu/simd/vector_avx2.h"

#include "kernels/cpu/simd/math_lanes.h"

#include "kernels/cpu/simd/attention_lanes.h"

}  // namespace

const Attention attention_avx2 = attention_of<Vector>();

}  // namespace adlib::kernels::simd
