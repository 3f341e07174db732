#include "kernels/adamw_step.h"

#include <algorithm>
#include <type_traits>

#include "kernels/cpu/convert.h"
#include "kernels/cpu/rows.h"
#include "kernels/cpu/training.h"

namespace adlib::kernels {

// Bound by memory: every operand is read and written once; `rounded` is made while w is in the first cache.
template <class T>
void adamw_step(CpuContext& context, float* w, float* m, float* v, T* rounded, const float* gradient,
                std::int64_t n, const AdamwFactors& factors) {
  constexpr std::int64_t chunk = 1024;
  cpu::for_each_run(context, n, 1, [&](std::int64_t first, std::int64_t run) {
    for (std::int64_t i = first; i < first + run; i += chunk) {
      const std::int64_t count = std::min(chunk, first + run - i);
      cpu::training().adamw({.w = w + i,
                             .m = m + i,
                             .v = v + i,
                             .gradient = gradient + i,
                             .n = count,
                             .gradient_scale = factors.gradient_scale,
                             .decay = factors.decay,
                             .gradient_share1 = factors.gradient_share1,
                             .beta2 = factors.beta2,
                             .gradient_share2 = factors.gradient_share2,
                             .root_correction2 = factors.root_correction2,
                             .epsilon = factors.epsilon,
                             .step_size = factors.step_size});
      if (rounded == nullptr) continue;
      if constexpr (std::is_same_v<T, bfloat16>) {
        cpu::training().round_to_bf16(&rounded[i].bits, w + i, count);
      } else {
        cpu::from_float(rounded + i, w + i, count);
      }
    }
  });
}

template void adamw_step(CpuContext&, float*, float*, float*, float*, const float*, std::int64_t,
                         const AdamwFactors&);
template void adamw_step(CpuContext&, float*, float*, float*, float16*, const float*, std::int64_t,
                         const AdamwFactors&);
template void adamw_step(CpuContext&, float*, float*, float*, bfloat16*, const float*, std::int64_t,
                         const AdamwFactors&);

}  // namespace adlib::kernels
