#include "kernels/cpu/math.h"

#include "kernels/cpu/isa.h"

namespace adlib::kernels::cpu {

const simd::Math& math() {
#if defined(__x86_64__)
  if (isa() >= Isa::avx512) return simd::math_avx512;
  if (isa() >= Isa::avx2) return simd::math_avx2;
#endif
  return simd::math_baseline;
}

}  // namespace adlib::kernels::cpu
