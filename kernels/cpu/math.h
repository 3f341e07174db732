// kernels/cpu/math.h: vectorised functions for the processor at hand.
#pragma once

#include "kernels/cpu/simd/math.h"

namespace adlib::kernels::cpu {

/// The functions of the level that isa() names.
const simd::Math& math();

}  // namespace adlib::kernels::cpu
