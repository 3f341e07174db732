#include <cstdint>
#include <cstring>

#include "kernels/cpu/simd/attention.h"
#include "kernels/cpu/simd/math.h"

namespace adlib::kernels::simd {
namespace {

#include "kernels/cpu/simd/vector_baseline.h"

#include "kernels/cpu/simd/math_lanes.h"

#include "kernels/cpu/simd/attention_lanes.h"

}  // namespace

const Attention attention_baseline = attention_of<Vector>();

}  // namespace adlib::kernels::simd
