#include "kernels/cpu/simd/math.h"

#include <immintrin.h>

#include <cstdint>

namespace adlib::kernels::simd {
namespace {

#include "kernels/cpu/simd/vector_avx2.h"

#include "kernels/cpu/simd/math_lanes.h"

}  // namespace

const Math math_avx2 = math_of<Vector>();

}  // namespace adlib::kernels::simd
