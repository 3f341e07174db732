// Vectorised where the processor has AVX2 (kernels/cpu/simd/math.h says how exactly); scalar libm calls
// otherwise: Eigen's packet versions round differently in the tail of a row.
#include "kernels/cpu/activate.h"

#include <cmath>

#include "kernels/cpu/isa.h"
#include "kernels/cpu/simd/math.h"

namespace adlib::kernels::cpu {
namespace {

float gelu_tanh(float x) {
  constexpr float sqrt_2_over_pi = 0.79788456080286535588f;
  return 0.5f * x * (1.0f + std::tanh(sqrt_2_over_pi * (x + 0.044715f * x * x * x)));
}
float gelu_erf(float x) {
  constexpr float one_over_sqrt_2 = 0.70710678118654752440f;
  return 0.5f * x * (1.0f + std::erf(x * one_over_sqrt_2));
}
float silu(float x) { return x / (1.0f + std::exp(-x)); }
float relu(float x) { return x < 0.0f ? 0.0f : x; }

template <float (*f)(float)>
void for_each(float* x, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) x[i] = f(x[i]);
}

simd::Math math() {
#if defined(__x86_64__)
  if (isa() >= Isa::avx512) return simd::math_avx512;
  if (isa() >= Isa::avx2) return simd::math_avx2;
#endif
  return {.gelu_tanh = for_each<gelu_tanh>, .silu = for_each<silu>};
}

}  // namespace

void activate(float* x, std::int64_t n, Activation activation) {
  static const simd::Math chosen = math();
  switch (activation) {
    case Activation::none:
      return;
    case Activation::gelu_tanh:
      return chosen.gelu_tanh(x, n);
    case Activation::gelu_erf:
      return for_each<gelu_erf>(x, n);
    case Activation::silu:
      return chosen.silu(x, n);
    case Activation::relu:
      return for_each<relu>(x, n);
  }
}

}  // namespace adlib::kernels::cpu
