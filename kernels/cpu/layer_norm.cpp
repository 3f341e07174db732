#include "kernels/layer_norm.h"

#include <cmath>

#include "kernels/cpu/convert.h"
#include "kernels/cpu/vector.h"

namespace adlib::kernels {

// Two passes over a row of floats: E[x²] - E[x]² would cancel when the mean is large.
template <class T>
void layer_norm(CpuContext&, T* y, const T* x, const T* gamma, const T* beta, std::int64_t rows,
                std::int64_t cols, float eps) {
  float* buffer = cpu::scratch<struct LayerNormRow>(cols);
  const auto count = static_cast<float>(cols);
  for (std::int64_t r = 0; r < rows; ++r, x += cols, y += cols) {
    const float* row = cpu::as_float(x, cols, buffer);
    const float mean = cpu::ordered_sum(cols, [&](std::int64_t c) { return row[c]; }) / count;
    const float variance =
        cpu::ordered_sum(cols, [&](std::int64_t c) { return (row[c] - mean) * (row[c] - mean); }) / count;
    const float rstd = 1.0f / std::sqrt(variance + eps);
    for (std::int64_t c = 0; c < cols; ++c) {
      const float scaled = (row[c] - mean) * rstd * cpu::to_float(gamma[c]);
      y[c] = static_cast<T>(beta == nullptr ? scaled : scaled + cpu::to_float(beta[c]));
    }
  }
}

template void layer_norm(CpuContext&, float*, const float*, const float*, const float*, std::int64_t,
                         std::int64_t, float);
template void layer_norm(CpuContext&, float16*, const float16*, const float16*, const float16*, std::int64_t,
                         std::int64_t, float);
template void layer_norm(CpuContext&, bfloat16*, const bfloat16*, const bfloat16*, const bfloat16*,
                         std::int64_t, std::int64_t, float);

}  // namespace adlib::kernels
