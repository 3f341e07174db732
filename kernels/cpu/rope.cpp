#include "kernels/rope.h"

#include "kernels/cpu/convert.h"

namespace adlib::kernels {

template <class T>
void rope(CpuContext&, T* y, const T* x, const std::int32_t* positions, const float* cos, const float* sin,
          const RopeShape& shape) {
  const std::int64_t pairs = shape.rotary_dim / 2;
  const std::int64_t step = shape.interleaved ? 2 : 1;         // from one pair to the next
  const std::int64_t partner = shape.interleaved ? 1 : pairs;  // from a pair's first element to its second
  for (std::int64_t n = 0; n < shape.rows; ++n) {
    const float* c = cos + positions[n] * pairs;
    const float* s = sin + positions[n] * pairs;
    for (std::int64_t h = 0; h < shape.heads; ++h, y += shape.head_dim) {
      const T* head = x + n * shape.row_stride + h * shape.head_stride;
      for (std::int64_t i = 0; i < pairs; ++i) {
        const float a = cpu::to_float(head[i * step]);
        const float b = cpu::to_float(head[i * step + partner]);
        y[i * step] = static_cast<T>(a * c[i] - b * s[i]);
        y[i * step + partner] = static_cast<T>(b * c[i] + a * s[i]);
      }
      for (std::int64_t d = shape.rotary_dim; d < shape.head_dim; ++d) y[d] = head[d];
    }
  }
}

template void rope(CpuContext&, float*, const float*, const std::int32_t*, const float*, const float*,
                   const RopeShape&);
template void rope(CpuContext&, float16*, const float16*, const std::int32_t*, const float*, const float*,
                   const RopeShape&);
template void rope(CpuContext&, bfloat16*, const bfloat16*, const std::int32_t*, const float*, const float*,
                   const RopeShape&);

}  // namespace adlib::kernels
