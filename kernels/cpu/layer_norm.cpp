#include "kernels/layer_norm.h"

#include <cmath>

#include "kernels/cpu/convert.h"
#include "kernels/cpu/row.h"
#include "kernels/cpu/row_blocks.h"
#include "kernels/cpu/rows.h"
#include "kernels/cpu/vector.h"

namespace adlib::kernels {

// Two passes over a row of floats: E[x²] - E[x]² would cancel when the mean is large.
template <class T>
void layer_norm(CpuContext& context, T* y, const T* x, const T* gamma, const T* beta, std::int64_t rows,
                std::int64_t cols, float eps) {
  const auto count = static_cast<float>(cols);
  cpu::for_each_run(context, rows, cols, [&](std::int64_t first, std::int64_t n) {
    cpu::ConstRow gain(cpu::as_float(gamma, cols, cpu::scratch<struct Gamma>(cols)), cols);
    cpu::Row result(cpu::scratch<struct Result>(cols), cols);
    float* x_buffer = cpu::scratch<struct X>(cols);
    const float* offset =
        beta == nullptr ? nullptr : cpu::as_float(beta, cols, cpu::scratch<struct Beta>(cols));
    for (std::int64_t r = first; r < first + n; ++r) {
      cpu::ConstRow row(cpu::as_float(x + r * cols, cols, x_buffer), cols);
      const float mean = cpu::ordered_sum(cols, [&](std::int64_t c) { return row[c]; }) / count;
      result = row - mean;
      const float variance =
          cpu::ordered_sum(cols, [&](std::int64_t c) { return result[c] * result[c]; }) / count;
      result *= 1.0f / std::sqrt(variance + eps) * gain;
      if (offset != nullptr) result += cpu::ConstRow(offset, cols);
      cpu::from_float(y + r * cols, result.data(), cols);
    }
  });
}

template <class T>
void layer_norm_backward(CpuContext& context, T* dx, float* dgamma, float* dbeta, const T* dy, const T* x,
                         const T* gamma, std::int64_t rows, std::int64_t cols, float eps) {
  const auto count = static_cast<float>(cols);
  cpu::RowBlocks blocks(rows, 2 * cols);
  blocks.for_each(context, [&](std::int64_t first, std::int64_t n, float* partial) {
    cpu::ConstRow gain(cpu::as_float(gamma, cols, cpu::scratch<struct Gamma>(cols)), cols);
    cpu::Row normal(cpu::scratch<struct Normal>(cols), cols), g(cpu::scratch<struct G>(cols), cols);
    cpu::Row sum_gamma(partial, cols), sum_beta(partial + cols, cols);
    float* x_buffer = cpu::scratch<struct X>(cols);
    float* dy_buffer = cpu::scratch<struct Dy>(cols);
    float* dx_buffer = cpu::scratch<struct Dx>(cols);
    for (std::int64_t r = first; r < first + n; ++r) {
      cpu::ConstRow row(cpu::as_float(x + r * cols, cols, x_buffer), cols);
      cpu::ConstRow dy_row(cpu::as_float(dy + r * cols, cols, dy_buffer), cols);
      const float mean = cpu::ordered_sum(cols, [&](std::int64_t c) { return row[c]; }) / count;
      normal = row - mean;
      const float variance =
          cpu::ordered_sum(cols, [&](std::int64_t c) { return normal[c] * normal[c]; }) / count;
      const float rstd = 1.0f / std::sqrt(variance + eps);
      normal *= rstd;
      g = dy_row * gain;
      const float mean_g = cpu::ordered_sum(cols, [&](std::int64_t c) { return g[c]; }) / count;
      const float mean_gn = cpu::ordered_sum(cols, [&](std::int64_t c) { return g[c] * normal[c]; }) / count;
      cpu::ConstRow before(cpu::as_float(dx + r * cols, cols, dx_buffer), cols);
      g = before + rstd * (g - mean_g - normal * mean_gn);
      cpu::from_float(dx + r * cols, g.data(), cols);
      sum_gamma += dy_row * normal;
      sum_beta += dy_row;
    }
  });
  if (dgamma != nullptr) blocks.add_to(context, dgamma, 0, cols);
  if (dbeta != nullptr) blocks.add_to(context, dbeta, cols, cols);
}

template void layer_norm(CpuContext&, float*, const float*, const float*, const float*, std::int64_t,
                         std::int64_t, float);
template void layer_norm(CpuContext&, float16*, const float16*, const float16*, const float16*, std::int64_t,
                         std::int64_t, float);
template void layer_norm(CpuContext&, bfloat16*, const bfloat16*, const bfloat16*, const bfloat16*,
                         std::int64_t, std::int64_t, float);

template void layer_norm_backward(CpuContext&, float*, float*, float*, const float*, const float*,
                                  const float*, std::int64_t, std::int64_t, float);
template void layer_norm_backward(CpuContext&, float16*, float*, float*, const float16*, const float16*,
                                  const float16*, std::int64_t, std::int64_t, float);
template void layer_norm_backward(CpuContext&, bfloat16*, float*, float*, const bfloat16*, const bfloat16*,
                                  const bfloat16*, std::int64_t, std::int64_t, float);

}  // namespace adlib::kernels
