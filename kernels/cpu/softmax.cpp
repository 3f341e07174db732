#include "kernels/softmax.h"

#include <cmath>

#include "kernels/cpu/convert.h"
#include "kernels/cpu/math.h"
#include "kernels/cpu/rows.h"
#include "kernels/cpu/vector.h"

namespace adlib::kernels {
namespace {

// Gathers each row into floats, lets f(row) rewrite it, and stores it.
template <class T, class F>
void for_each_row(CpuContext& context, T* y, const T* x, std::int64_t outer, std::int64_t extent,
                  std::int64_t inner, F f) {
  cpu::for_each_run(context, outer * inner, extent, [&](std::int64_t begin, std::int64_t n) {
    float* row = cpu::scratch<struct SoftmaxRow>(extent);
    for (std::int64_t r = begin; r < begin + n; ++r) {
      const std::int64_t first = r / inner * extent * inner + r % inner;
      for (std::int64_t e = 0; e < extent; ++e) row[e] = cpu::to_float(x[first + e * inner]);
      f(row);
      for (std::int64_t e = 0; e < extent; ++e) y[first + e * inner] = static_cast<T>(row[e]);
    }
  });
}

// exp(-inf - -inf) would be NaN: a row of -inf is shifted by 0 instead, and then sums to 0.
float finite_max(const float* row, std::int64_t n) {
  const float largest = cpu::max_of(row, n);
  return largest == -std::numeric_limits<float>::infinity() ? 0.0f : largest;
}

}  // namespace

template <class T>
void softmax(CpuContext& context, T* y, const T* x, std::int64_t outer, std::int64_t extent,
             std::int64_t inner) {
  for_each_row(context, y, x, outer, extent, inner, [&](float* row) {
    const float sum = cpu::math().exp_and_sum(row, row, finite_max(row, extent), extent);
    const float scale = sum == 0.0f ? 0.0f : 1.0f / sum;
    for (std::int64_t e = 0; e < extent; ++e) row[e] *= scale;
  });
}

template <class T>
void log_softmax(CpuContext& context, T* y, const T* x, std::int64_t outer, std::int64_t extent,
                 std::int64_t inner) {
  for_each_row(context, y, x, outer, extent, inner, [&](float* row) {
    const float largest = finite_max(row, extent);
    const float sum =
        cpu::math().exp_and_sum(cpu::scratch<struct Exponentials>(extent), row, largest, extent);
    const float log_sum = sum == 0.0f ? 0.0f : std::log(sum);
    for (std::int64_t e = 0; e < extent; ++e) row[e] = (row[e] - largest) - log_sum;
  });
}

template void softmax(CpuContext&, float*, const float*, std::int64_t, std::int64_t, std::int64_t);
template void softmax(CpuContext&, float16*, const float16*, std::int64_t, std::int64_t, std::int64_t);
template void softmax(CpuContext&, bfloat16*, const bfloat16*, std::int64_t, std::int64_t, std::int64_t);
template void log_softmax(CpuContext&, float*, const float*, std::int64_t, std::int64_t, std::int64_t);
template void log_softmax(CpuContext&, float16*, const float16*, std::int64_t, std::int64_t, std::int64_t);
template void log_softmax(CpuContext&, bfloat16*, const bfloat16*, std::int64_t, std::int64_t, std::int64_t);

}  // namespace adlib::kernels
