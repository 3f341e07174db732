// gelu_tanh and silu are vectorised (kernels/cpu/simd/math.h says how exactly). erf is libm's: the decoders
// that are read here do not use it.
#include "kernels/cpu/activate.h"

#include <cmath>

#include "kernels/cpu/math.h"

namespace adlib::kernels::cpu {
namespace {

float gelu_erf(float x) {
  constexpr float one_over_sqrt_2 = 0.70710678118654752440f;
  return 0.5f * x * (1.0f + std::erf(x * one_over_sqrt_2));
}
float relu(float x) { return x < 0.0f ? 0.0f : x; }

template <float (*f)(float)>
void for_each(float* x, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) x[i] = f(x[i]);
}

}  // namespace

void activate(float* x, std::int64_t n, Activation activation) {
  switch (activation) {
    case Activation::none:
      return;
    case Activation::gelu_tanh:
      return math().gelu_tanh(x, n);
    case Activation::gelu_erf:
      return for_each<gelu_erf>(x, n);
    case Activation::silu:
      return math().silu(x, n);
    case Activation::relu:
      return for_each<relu>(x, n);
  }
}

}  // namespace adlib::kernels::cpu
