#include "kernels/rope.h"

#include <algorithm>

#include "kernels/cpu/convert.h"
#include "kernels/cpu/row.h"
#include "kernels/cpu/rows.h"
#include "kernels/cpu/vector.h"

namespace adlib::kernels {

template <class T>
void rope(CpuContext& context, T* y, const T* x, const std::int32_t* positions, const float* cos,
          const float* sin, const RopeShape& shape) {
  using Half = Eigen::Map<Eigen::ArrayXf, 0, Eigen::InnerStride<>>;
  const std::int64_t pairs = shape.rotary_dim / 2;
  const Eigen::InnerStride<> step(shape.interleaved ? 2 : 1);  // from one pair to the next
  const std::int64_t partner = shape.interleaved ? 1 : pairs;  // from a pair's first element to its second
  const float direction = shape.inverse ? -1.0f : 1.0f;
  const std::int64_t width = shape.heads * shape.head_dim;
  cpu::for_each_run(context, shape.rows, width, [&](std::int64_t first, std::int64_t rows) {
    float* in = cpu::scratch<struct In>(shape.rotary_dim);
    float* out = cpu::scratch<struct Out>(shape.rotary_dim);
    const Half a(in, pairs, step), b(in + partner, pairs, step);
    Half rotated_a(out, pairs, step), rotated_b(out + partner, pairs, step);
    for (std::int64_t n = first; n < first + rows; ++n) {
      const cpu::ConstRow c(cos + positions[n] * pairs, pairs), s(sin + positions[n] * pairs, pairs);
      for (std::int64_t h = 0; h < shape.heads; ++h) {
        const T* head = x + n * shape.row_stride + h * shape.head_stride;
        T* to = y + n * width + h * shape.head_dim;
        cpu::to_float(in, head, shape.rotary_dim);
        rotated_a = a * c - b * (direction * s);
        rotated_b = b * c + a * (direction * s);
        cpu::from_float(to, out, shape.rotary_dim);
        std::copy(head + shape.rotary_dim, head + shape.head_dim, to + shape.rotary_dim);
      }
    }
  });
}

template void rope(CpuContext&, float*, const float*, const std::int32_t*, const float*, const float*,
                   const RopeShape&);
template void rope(CpuContext&, float16*, const float16*, const std::int32_t*, const float*, const float*,
                   const RopeShape&);
template void rope(CpuContext&, bfloat16*, const bfloat16*, const std::int32_t*, const float*, const float*,
                   const RopeShape&);

}  // namespace adlib::kernels
