#include "kernels/rms_norm.h"

#include <cmath>

#include "kernels/cpu/convert.h"
#include "kernels/cpu/vector.h"

namespace adlib::kernels {

template <class T>
void rms_norm(CpuContext&, T* y, const T* x, const T* gamma, std::int64_t rows, std::int64_t cols,
              float eps) {
  float* buffer = cpu::scratch<struct RmsNormRow>(cols);
  const auto count = static_cast<float>(cols);
  for (std::int64_t r = 0; r < rows; ++r, x += cols, y += cols) {
    const float* row = cpu::as_float(x, cols, buffer);
    const float mean_square = cpu::ordered_sum(cols, [&](std::int64_t c) { return row[c] * row[c]; }) / count;
    const float scale = 1.0f / std::sqrt(mean_square + eps);
    for (std::int64_t c = 0; c < cols; ++c) y[c] = static_cast<T>(row[c] * scale * cpu::to_float(gamma[c]));
  }
}

template void rms_norm(CpuContext&, float*, const float*, const float*, std::int64_t, std::int64_t, float);
template void rms_norm(CpuContext&, float16*, const float16*, const float16*, std::int64_t, std::int64_t,
                       float);
template void rms_norm(CpuContext&, bfloat16*, const bfloat16*, const bfloat16*, std::int64_t, std::int64_t,
                       float);

}  // namespace adlib::kernels
