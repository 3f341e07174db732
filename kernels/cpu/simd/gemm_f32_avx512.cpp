// 12 x 32 tiles: 24 of the 32 vector registers hold sums, 2 the panel's row and 1 the broadcast.
#include "kernels/cpu/simd/gemm_f32.h"

#include <immintrin.h>

#include <cstdint>

namespace adlib::kernels::simd {
namespace {

#include "kernels/cpu/simd/vector_avx512.h"

#include "kernels/cpu/simd/gemm_f32_tile.h"

}  // namespace

const GemmF32 gemm_f32_avx512 = {.rows = 12, .columns = 2 * Vector::width, .tile = tile_up_to<Vector, 12>};

}  // namespace adlib::kernels::simd
