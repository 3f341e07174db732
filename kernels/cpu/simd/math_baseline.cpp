#include <cstdint>
#include <cstring>

#include "kernels/cpu/simd/math.h"

namespace adlib::kernels::simd {
namespace {

#include "kernels/cpu/simd/vector_baseline.h"

#include "kernels/cpu/simd/math_lanes.h"

}  // namespace

const Math math_baseline = math_of<Vector>();

}  // namespace adlib::kernels::simd
