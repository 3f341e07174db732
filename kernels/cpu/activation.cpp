#include "kernels/activation.h"

#include <algorithm>
#include <type_traits>

#include "kernels/cpu/activate.h"
#include "kernels/cpu/convert.h"
#include "kernels/cpu/math.h"
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

template <class T>
void activate_backward(CpuContext& context, T* dx, const T* dy, const T* x, std::int64_t n,
                       Activation activation) {
  cpu::for_each_run(context, n, 1, [&](std::int64_t first, std::int64_t run) {
    if constexpr (std::is_same_v<T, float>) {
      cpu::activate_backward(dx + first, dy + first, x + first, run, activation);
    } else {
      float values[chunk], inputs[chunk];
      for (std::int64_t i = first; i < first + run; i += chunk) {
        const std::int64_t count = std::min(chunk, first + run - i);
        cpu::to_float(values, dy + i, count);
        cpu::to_float(inputs, x + i, count);
        cpu::activate_backward(values, values, inputs, count, activation);
        cpu::from_float(dx + i, values, count);
      }
    }
  });
}

template <class T>
void swiglu_backward(CpuContext& context, T* dgate, T* dup, const T* dy, const T* gate, const T* up,
                     std::int64_t rows, std::int64_t cols, const SwigluStrides& strides) {
  cpu::for_each_run(context, rows, cols, [&](std::int64_t first, std::int64_t run) {
    float dys[chunk], gates[chunk], ups[chunk], dgates[chunk], dups[chunk];
    for (std::int64_t r = first; r < first + run; ++r) {
      for (std::int64_t c = 0; c < cols; c += chunk) {
        const std::int64_t count = std::min(chunk, cols - c);
        cpu::math().swiglu_backward(dgates, dups, cpu::as_float(dy + r * cols + c, count, dys),
                                    cpu::as_float(gate + r * strides.gate + c, count, gates),
                                    cpu::as_float(up + r * strides.up + c, count, ups), count);
        cpu::from_float(dgate + r * strides.dgate + c, dgates, count);
        cpu::from_float(dup + r * strides.dup + c, dups, count);
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
template void activate_backward(CpuContext&, float*, const float*, const float*, std::int64_t, Activation);
template void activate_backward(CpuContext&, float16*, const float16*, const float16*, std::int64_t,
                                Activation);
template void activate_backward(CpuContext&, bfloat16*, const bfloat16*, const bfloat16*, std::int64_t,
                                Activation);
template void swiglu_backward(CpuContext&, float*, float*, const float*, const float*, const float*,
                              std::int64_t, std::int64_t, const SwigluStrides&);
template void swiglu_backward(CpuContext&, float16*, float16*, const float16*, const float16*, const float16*,
                              std::int64_t, std::int64_t, const SwigluStrides&);
template void swiglu_backward(CpuContext&, bfloat16*, bfloat16*, const bfloat16*, const bfloat16*,
                              const bfloat16*, std::int64_t, std::int64_t, const SwigluStrides&);

}  // namespace adlib::kernels
