#include "kernels/cross_entropy.h"

#include <cmath>

#include "kernels/cpu/convert.h"
#include "kernels/cpu/vector.h"

namespace adlib::kernels {

template <class T>
void cross_entropy(CpuContext&, float* loss, const T* logits, const std::int32_t* targets, std::int64_t rows,
                   std::int64_t cols) {
  float* buffer = cpu::scratch<struct CrossEntropyRow>(cols);
  for (std::int64_t r = 0; r < rows; ++r, logits += cols) {
    if (targets[r] < 0) {
      loss[r] = 0;
      continue;
    }
    const float* row = cpu::as_float(logits, cols, buffer);
    const float largest = cpu::max_of(row, cols);
    const float sum = cpu::ordered_sum(cols, [&](std::int64_t c) { return std::exp(row[c] - largest); });
    loss[r] = std::log(sum) - (row[targets[r]] - largest);
  }
}

template void cross_entropy(CpuContext&, float*, const float*, const std::int32_t*, std::int64_t,
                            std::int64_t);
template void cross_entropy(CpuContext&, float*, const float16*, const std::int32_t*, std::int64_t,
                            std::int64_t);
template void cross_entropy(CpuContext&, float*, const bfloat16*, const std::int32_t*, std::int64_t,
                            std::int64_t);

}  // namespace adlib::kernels
