#include "kernels/cpu/simd/epilogue.h"

#include <immintrin.h>

#include <cstdint>

#include "kernels/cpu/simd/math.h"

namespace adlib::kernels::simd {
namespace {

#include "kernels/cpu/simd/vector_avx2.h"

#include "kernels/cpu/simd/math_lanes.h"

#include "kernels/cpu/simd/epilogue_lanes.h"

}  // namespace

const Epilogue epilogue_avx2 = epilogue_of<Vector>();

}  // namespace adlib::kernels::simd
