#include "kernels/cross_entropy.h"

#include <cmath>

#include "kernels/cpu/convert.h"
#include "kernels/cpu/math.h"
#include "kernels/cpu/rows.h"
#include "kernels/cpu/vector.h"

namespace adlib::kernels {

template <class T>
void cross_entropy(CpuContext& context, float* loss, const T* logits, const std::int32_t* targets,
                   std::int64_t rows, std::int64_t cols) {
  cpu::for_each_run(context, rows, cols, [&](std::int64_t first, std::int64_t n) {
    float* buffer = cpu::scratch<struct CrossEntropyRow>(cols);
    float* exponentials = cpu::scratch<struct CrossEntropyExponentials>(cols);
    for (std::int64_t r = first; r < first + n; ++r) {
      if (targets[r] < 0) {
        loss[r] = 0;
        continue;
      }
      const float* row = cpu::as_float(logits + r * cols, cols, buffer);
      const float largest = cpu::max_of(row, cols);
      const float sum = cpu::exp_and_sum(exponentials, row, largest, cols);
      loss[r] = std::log(sum) - (row[targets[r]] - largest);
    }
  });
}

template void cross_entropy(CpuContext&, float*, const float*, const std::int32_t*, std::int64_t,
                            std::int64_t);
template void cross_entropy(CpuContext&, float*, const float16*, const std::int32_t*, std::int64_t,
                            std::int64_t);
template void cross_entropy(CpuContext&, float*, const bfloat16*, const std::int32_t*, std::int64_t,
                            std::int64_t);

}  // namespace adlib::kernels
