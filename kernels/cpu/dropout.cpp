#include "kernels/dropout.h"

#include <algorithm>
#include <type_traits>

#include "kernels/cpu/convert.h"
#include "kernels/cpu/rows.h"
#include "kernels/cpu/training.h"

namespace adlib::kernels {

template <class T>
void dropout(CpuContext& context, T* y, const T* x, const T* residual, std::int64_t n,
             const DropoutRule& rule) {
  constexpr std::int64_t chunk = 256, words = 4;                     // the words of a block of Philox
  static_assert(chunk % words == 0 && cpu::rows_task % words == 0);  // each task begins with a block
  const auto run = [&](float* to, const float* from, const float* add, std::int64_t first,
                       std::int64_t count) {
    cpu::training().dropout({.y = to,
                             .x = from,
                             .residual = add,
                             .n = count,
                             .first_block = static_cast<std::uint64_t>(first / words),
                             .seed = rule.seed,
                             .stream = rule.stream,
                             .threshold = rule.threshold,
                             .scale = rule.scale});
  };
  cpu::for_each_run(context, n, 1, [&](std::int64_t first, std::int64_t length) {
    if constexpr (std::is_same_v<T, float>) {
      run(y + first, x + first, residual == nullptr ? nullptr : residual + first, first, length);
    } else {
      float values[chunk], added[chunk];
      for (std::int64_t i = first; i < first + length; i += chunk) {
        const std::int64_t count = std::min(chunk, first + length - i);
        cpu::to_float(values, x + i, count);
        if (residual != nullptr) cpu::to_float(added, residual + i, count);
        run(values, values, residual == nullptr ? nullptr : added, i, count);
        cpu::from_float(y + i, values, count);
      }
    }
  });
}

template void dropout(CpuContext&, float*, const float*, const float*, std::int64_t, const DropoutRule&);
template void dropout(CpuContext&, float16*, const float16*, const float16*, std::int64_t,
                      const DropoutRule&);
template void dropout(CpuContext&, bfloat16*, const bfloat16*, const bfloat16*, std::int64_t,
                      const DropoutRule&);

}  // namespace adlib::kernels
