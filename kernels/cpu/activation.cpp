#include "kernels/activation.h"

#include <algorithm>

#include "kernels/cpu/activate.h"
#include "kernels/cpu/convert.h"

namespace adlib::kernels {

template <class T>
void activate(CpuContext&, T* y, const T* x, std::int64_t n, Activation activation) {
  constexpr std::int64_t chunk = 256;
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
  for (std::int64_t r = 0; r < rows; ++r, y += cols, gate += gate_stride, up += up_stride) {
    for (std::int64_t c = 0; c < cols; ++c) {
      y[c] = static_cast<T>(cpu::silu(cpu::to_float(gate[c])) * cpu::to_float(up[c]));
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
