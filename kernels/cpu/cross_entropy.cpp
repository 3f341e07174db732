#include "kernels/cross_entropy.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

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
      const float sum = cpu::math().exp_and_sum(exponentials, row, largest, cols);
      loss[r] = std::log(sum) - (row[targets[r]] - largest);
    }
  });
}

template <class T, class D>
void cross_entropy_backward(CpuContext& context, float* loss, D* dlogits, const T* logits,
                            const std::int32_t* targets, const float* weights, std::int64_t rows,
                            std::int64_t cols) {
  cpu::for_each_run(context, rows, cols, [&](std::int64_t first, std::int64_t n) {
    float* buffer = cpu::scratch<struct CrossEntropyRow>(cols);
    for (std::int64_t r = first; r < first + n; ++r) {
      D* out = dlogits + r * cols;
      if (targets[r] < 0) {
        loss[r] = 0;
        std::fill_n(out, cols, D(0.0f));
        continue;
      }
      const float* row = cpu::as_float(logits + r * cols, cols, buffer);
      const float largest = cpu::max_of(row, cols);
      const float below = row[targets[r]] - largest;  // read before `out` takes the row's place
      float* gradient = buffer;
      if constexpr (std::is_same_v<D, float>) gradient = out;
      const float sum = cpu::math().exp_and_sum(gradient, row, largest, cols);
      loss[r] = std::log(sum) - below;
      const float scale = weights[r] / sum;
      for (std::int64_t c = 0; c < cols; ++c) gradient[c] *= scale;
      gradient[targets[r]] -= weights[r];
      if constexpr (!std::is_same_v<D, float>) cpu::from_float(out, gradient, cols);
    }
  });
}

template void cross_entropy(CpuContext&, float*, const float*, const std::int32_t*, std::int64_t,
                            std::int64_t);
template void cross_entropy(CpuContext&, float*, const float16*, const std::int32_t*, std::int64_t,
                            std::int64_t);
template void cross_entropy(CpuContext&, float*, const bfloat16*, const std::int32_t*, std::int64_t,
                            std::int64_t);
template void cross_entropy_backward(CpuContext&, float*, float*, const float*, const std::int32_t*,
                                     const float*, std::int64_t, std::int64_t);
template void cross_entropy_backward(CpuContext&, float*, float16*, const float*, const std::int32_t*,
                                     const float*, std::int64_t, std::int64_t);
template void cross_entropy_backward(CpuContext&, float*, bfloat16*, const float*, const std::int32_t*,
                                     const float*, std::int64_t, std::int64_t);
template void cross_entropy_backward(CpuContext&, float*, float*, const float16*, const std::int32_t*,
                                     const float*, std::int64_t, std::int64_t);
template void cross_entropy_backward(CpuContext&, float*, float16*, const float16*, const std::int32_t*,
                                     const float*, std::int64_t, std::int64_t);
template void cross_entropy_backward(CpuContext&, float*, bfloat16*, const float16*, const std::int32_t*,
                                     const float*, std::int64_t, std::int64_t);
template void cross_entropy_backward(CpuContext&, float*, float*, const bfloat16*, const std::int32_t*,
                                     const float*, std::int64_t, std::int64_t);
template void cross_entropy_backward(CpuContext&, float*, float16*, const bfloat16*, const std::int32_t*,
                                     const float*, std::int64_t, std::int64_t);
template void cross_entropy_backward(CpuContext&, float*, bfloat16*, const bfloat16*, const std::int32_t*,
                                     const float*, std::int64_t, std::int64_t);

}  // namespace adlib::kernels
