#include "kernels/rms_norm.h"

#include <cmath>

#include "kernels/cpu/convert.h"
#include "kernels/cpu/row.h"
#include "kernels/cpu/row_blocks.h"
#include "kernels/cpu/rows.h"
#include "kernels/cpu/vector.h"

namespace adlib::kernels {

template <class T>
void rms_norm(CpuContext& context, T* y, const T* x, const T* gamma, std::int64_t rows, std::int64_t cols,
              float eps) {
  const auto count = static_cast<float>(cols);
  cpu::for_each_run(context, rows, cols, [&](std::int64_t first, std::int64_t n) {
    cpu::ConstRow gain(cpu::as_float(gamma, cols, cpu::scratch<struct Gamma>(cols)), cols);
    cpu::Row result(cpu::scratch<struct Result>(cols), cols);
    float* x_buffer = cpu::scratch<struct X>(cols);
    for (std::int64_t r = first; r < first + n; ++r) {
      cpu::ConstRow row(cpu::as_float(x + r * cols, cols, x_buffer), cols);
      const float mean_square =
          cpu::ordered_sum(cols, [&](std::int64_t c) { return row[c] * row[c]; }) / count;
      result = row * (1.0f / std::sqrt(mean_square + eps)) * gain;
      cpu::from_float(y + r * cols, result.data(), cols);
    }
  });
}

template <class T>
void rms_norm_backward(CpuContext& context, T* dx, float* dgamma, const T* dy, const T* x, const T* gamma,
                       std::int64_t rows, std::int64_t cols, float eps) {
  const auto count = static_cast<float>(cols);
  cpu::RowBlocks blocks(rows, cols);
  blocks.for_each(context, [&](std::int64_t first, std::int64_t n, float* partial) {
    cpu::ConstRow gain(cpu::as_float(gamma, cols, cpu::scratch<struct Gamma>(cols)), cols);
    cpu::Row normal(cpu::scratch<struct Normal>(cols), cols), g(cpu::scratch<struct G>(cols), cols);
    cpu::Row sum_gamma(partial, cols);
    float* x_buffer = cpu::scratch<struct X>(cols);
    float* dy_buffer = cpu::scratch<struct Dy>(cols);
    float* dx_buffer = cpu::scratch<struct Dx>(cols);
    for (std::int64_t r = first; r < first + n; ++r) {
      cpu::ConstRow row(cpu::as_float(x + r * cols, cols, x_buffer), cols);
      cpu::ConstRow dy_row(cpu::as_float(dy + r * cols, cols, dy_buffer), cols);
      const float mean_square =
          cpu::ordered_sum(cols, [&](std::int64_t c) { return row[c] * row[c]; }) / count;
      const float root = 1.0f / std::sqrt(mean_square + eps);
      normal = row * root;
      g = dy_row * gain;
      const float mean_gn = cpu::ordered_sum(cols, [&](std::int64_t c) { return g[c] * normal[c]; }) / count;
      cpu::ConstRow before(cpu::as_float(dx + r * cols, cols, dx_buffer), cols);
      g = before + root * (g - normal * mean_gn);
      cpu::from_float(dx + r * cols, g.data(), cols);
      sum_gamma += dy_row * normal;
    }
  });
  if (dgamma != nullptr) blocks.add_to(context, dgamma, 0, cols);
}

template void rms_norm(CpuContext&, float*, const float*, const float*, std::int64_t, std::int64_t, float);
template void rms_norm(CpuContext&, float16*, const float16*, const float16*, std::int64_t, std::int64_t,
                       float);
template void rms_norm(CpuContext&, bfloat16*, const bfloat16*, const bfloat16*, std::int64_t, std::int64_t,
                       float);
template void rms_norm_backward(CpuContext&, float*, float*, const float*, const float*, const float*,
                                std::int64_t, std::int64_t, float);
template void rms_norm_backward(CpuContext&, float16*, float*, const float16*, const float16*, const float16*,
                                std::int64_t, std::int64_t, float);
template void rms_norm_backward(CpuContext&, bfloat16*, float*, const bfloat16*, const bfloat16*,
                                const bfloat16*, std::int64_t, std::int64_t, float);

}  // namespace adlib::kernels
