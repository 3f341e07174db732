#include "kernels/activation.h"

#include <algorithm>

#include "kernels/cpu/activate.h"
#include "kernels/cpu/convert.h"
#include "kernels/cpu/rows.h"

namespace adlib::kernels {

namespace {

constexpr std::int64_t chunk = 256;

}  // namespace

template <class T>
void activate(CpuContext& context, T* y, const T* x, std::int64_t n, Activation activation) {
  cpu::for_each_run(context, n, 1, [&](std::int64_t first, std::int64_t run) {
    float values[chunk];
    for (std::int64_t i = first; i < first + run; i += chunk) {
      const std::int64_t count = std::min(chunk, first + run - i);
      cpu::to_float(values, x + i, count);
      cpu::activate(values, count, activation);
      cpu::from_float(y + i, values, count);
    }
  });
}

template <class T>
void swiglu(CpuContext& context, T* y, const T* gate, const T* up, std::int64_t rows, std::int64_t cols,
            std::int64_t gate_stride, std::int64_t up_stride) {
  cpu::for_each_run(context, rows, cols, [&](std::int64_t first, std::int64_t run) {
    float values[chunk];
    for (std::int64_t r = first; r < first + run; ++r) {
      const T* up_row = up + r * up_stride;
      for (std::int64_t c = 0; c < cols; c += chunk) {
        const std::int64_t count = std::min(chunk, cols - c);
        cpu::to_float(values, gate + r * gate_stride + c, count);
        cpu::activate(values, count, Activation::silu);
        for (std::int64_t i = 0; i < count; ++i) {
          y[r * cols + c + i] = static_cast<T>(values[i] * cpu::to_float(up_row[c + i]));
        }
      }
    }
  });
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
