// kernels/cpu/training.h: the training passes for the processor at hand.
#pragma once

#include "kernels/cpu/isa.h"
#include "kernels/cpu/simd/training.h"

namespace adlib::kernels::cpu {

/// The functions of the level that isa() names.
inline const simd::Training& training() {
#if defined(__x86_64__)
  if (isa() >= Isa::avx512) return simd::training_avx512;
  if (isa() >= Isa::avx2) return simd::training_avx2;
#endif
  return simd::training_baseline;
}

}  // namespace adlib::kernels::cpu
