#include <immintrin.h>

#include "bench/machine/loops.h"

namespace adlib::bench::loops {
namespace {

#include "bench/machine/loops_avx512_body.h"

#include "bench/machine/loops_vnni_body.h"

}  // namespace

const Loops vnni = {.f32 = sum_of_products,
                    .f32_operations = chains * 16 * 2,
                    .i8 = byte_products,
                    .i8_operations = chains * 64 * 2,
                    .read = read_all};

}  // namespace adlib::bench::loops
