#include "kernels/activation.h"

#include <algorithm>

#include "kernels/cpu/activate.h"
#include "kernels/cpu/convert.h"

namespace adlib::kernels {

namespace {

constexpr std::int64_t chunk = 256;

}  // namespace

template <class T>
void activate(CpuContext&, T* y, const T* x, std::int64_t n, Activation activation) {
  float values[chunk];
  for (std::int64_t i = 0; i < n; i += chunk) {
    const std::int64_t count = std::min(chunk, n - i);
    cpu::to_float(values, x + i, count);
    cpu::activate(values, count, activation);
    cpu::from_float(y + i, values, count);
  }
}

template <class T>
void swiglu(CpuContext&, T* y, const T* gate, const T* up, std::int64_t rows, std::int64_t cols,
            std::int64_t gate_stride, std::int64_t up_stride) {
  float values[chunk];
  for (std::int64_t r = 0; r < rows; ++r, y += cols, gate += gate_stride, up += up_stride) {
    for (std::int64_t c = 0; c < cols; c += chunk) {
      const std::int64_t count = std::min(chunk, cols - c);
      cpu::to_float(values, gate + c, count);
      cpu::activate(values, count, Activation::silu);
      for (std::int64_t i = 0; i < count; ++i) {
        y[c + i] = static_cast<T>(values[i] * cpu::to_float(up[c + i]));
      }
    }
  }
}

template void activate(CpuContext&, float*, const float*, std::int64_t, Activation);
template void activate(CpuContext&, float16*, const float16*, std::int64_t, Activation);
template void activate(CpuContext&, bfloat16*, const bfloat16*, std::int64_t, Activation);
template void swiglu(CpuContext&, float*, const float*, const float*, std::int64_t, std::int64_t,
                     std::int64_t, std::int64_t);
template void swiglu(CpuContext&, float16*, const float16*, const float16*, std::int64_t, std::int64_t,
                     std::int64_t, std::int64_t);
template void swiglu(CpuContext&, bfloat16*, const bfloat16*, const bfloat16*, std::int64_t, std::int64_t,
                     std::int64_t, std::int64_t);

}  // namespace adlib::kernels
