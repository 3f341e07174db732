// The exponentials are vectorised; kernels/cpu/simd/math.h says how exact they are.
#include "kernels/cpu/activate.h"

#include <algorithm>

#include "kernels/cpu/math.h"

namespace adlib::kernels::cpu {

void activate(float* x, std::int64_t n, Activation activation) {
  switch (activation) {
    case Activation::none:
      return;
    case Activation::gelu_tanh:
      return math().gelu_tanh(x, n);
    case Activation::gelu_erf:
      return math().gelu_erf(x, n);
    case Activation::silu:
      return math().silu(x, n);
    case Activation::relu:
      for (std::int64_t i = 0; i < n; ++i) x[i] = x[i] < 0.0f ? 0.0f : x[i];
      return;
  }
}

void activate_backward(float* dx, const float* dy, const float* x, std::int64_t n, Activation activation) {
  switch (activation) {
    case Activation::none:
      std::copy_n(dy, n, dx);
      return;
    case Activation::gelu_tanh:
      return math().gelu_tanh_backward(dx, dy, x, n);
    case Activation::gelu_erf:
      return math().gelu_erf_backward(dx, dy, x, n);
    case Activation::silu:
      return math().silu_backward(dx, dy, x, n);
    case Activation::relu:
      for (std::int64_t i = 0; i < n; ++i) dx[i] = x[i] <= 0.0f ? 0.0f : dy[i];
      return;
  }
}

}  // namespace adlib::kernels::cpu
