#include "kernels/elementwise.h"

#include "kernels/cpu/convert.h"
#include "kernels/cpu/rows.h"
#include "kernels/cpu/strided.h"

namespace adlib::kernels {
namespace {

template <class T, class F>
void apply(CpuContext& context, T* y, const T* a, const T* b, const Extents& extents,
           const Strides& a_strides, const Strides& b_strides, F f) {
  const std::int64_t a_step = cpu::inner_stride(extents, a_strides);
  const std::int64_t b_step = cpu::inner_stride(extents, b_strides);
  const auto part = [&](std::int64_t to, std::int64_t ai, std::int64_t bi, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
      y[to + i] = static_cast<T>(f(cpu::to_float(a[ai + i * a_step]), cpu::to_float(b[bi + i * b_step])));
    }
  };
  const std::int64_t rows = cpu::row_count(extents), length = cpu::row_length(extents);
  if (rows == 1) {  // also whatever has no gaps: cut within the row
    cpu::for_each_run(context, length, 1, [&](std::int64_t first, std::int64_t n) {
      part(first, first * a_step, first * b_step, n);
    });
    return;
  }
  cpu::for_each_run(context, rows, length, [&](std::int64_t first, std::int64_t n) {
    std::int64_t to = first * length;
    cpu::for_each_row(extents, a_strides, b_strides, first, n,
                      [&](std::int64_t ai, std::int64_t bi, std::int64_t count) {
                        part(to, ai, bi, count);
                        to += count;
                      });
  });
}

}  // namespace

template <class T>
void add(CpuContext& context, T* y, const T* a, const T* b, const Extents& extents, const Strides& a_strides,
         const Strides& b_strides) {
  apply(context, y, a, b, extents, a_strides, b_strides, [](float p, float q) { return p + q; });
}

template <class T>
void multiply(CpuContext& context, T* y, const T* a, const T* b, const Extents& extents,
              const Strides& a_strides, const Strides& b_strides) {
  apply(context, y, a, b, extents, a_strides, b_strides, [](float p, float q) { return p * q; });
}

template void add(CpuContext&, float*, const float*, const float*, const Extents&, const Strides&,
                  const Strides&);
template void add(CpuContext&, float16*, const float16*, const float16*, const Extents&, const Strides&,
                  const Strides&);
template void add(CpuContext&, bfloat16*, const bfloat16*, const bfloat16*, const Extents&, const Strides&,
                  const Strides&);
template void multiply(CpuContext&, float*, const float*, const float*, const Extents&, const Strides&,
                       const Strides&);
template void multiply(CpuContext&, float16*, const float16*, const float16*, const Extents&, const Strides&,
                       const Strides&);
template void multiply(CpuContext&, bfloat16*, const bfloat16*, const bfloat16*, const Extents&,
                       const Strides&, const Strides&);

}  // namespace adlib::kernels
