// 6 x 16 tiles: 12 of the 16 vector registers hold sums, 2 the panel's row and 1 the broadcast.
#include "kernels/cpu/simd/gemm_f32.h"

#include <immintrin.h>

#include <cstdint>

namespace adlib::kernels::simd {
namespace {

#include "kernels/cpu/simd/vector_avx2.h"

#include "kernels/cpu/simd/gemm_f32_tile.h"

}  // namespace

const GemmF32 gemm_f32_avx2 = {.rows = 6, .columns = 2 * Vector::width, .tile = tile_up_to<Vector, 6>};

}  // namespace adlib::kernels::simd
