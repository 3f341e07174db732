#include "kernels/cpu/simd/math.h"

#include <immintrin.h>

#include <cstdint>

namespace adlib::kernels::simd {
namespace {

#include "kernels/cpu/simd/vector_avx512.h"

#include "kernels/cpu/simd/math_lanes.h"

}  // namespace

const Math math_avx512 = math_of<Vector>();

}  // namespace adlib::kernels::simd
