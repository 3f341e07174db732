#include "kernels/sample.h"

#include <algorithm>
#include <span>

#include "adlib/core/sampling.h"
#include "kernels/cpu/convert.h"
#include "kernels/cpu/rows.h"
#include "kernels/cpu/vector.h"

namespace adlib::kernels {

template <class T>
void sample(CpuContext& context, std::int32_t* tokens, const T* scores, const SampleRow* rows,
            const std::int32_t* history, std::int64_t n, std::int64_t vocabulary) {
  cpu::for_each_run(context, n, vocabulary, [&](std::int64_t first, std::int64_t count) {
    float* buffer = cpu::scratch<struct SampleScores>(vocabulary);
    for (std::int64_t r = first; r < first + count; ++r) {
      const float* row = cpu::as_float(scores + r * vocabulary, vocabulary, buffer);
      if (row != buffer) std::copy_n(row, vocabulary, buffer);
      const std::span<const std::int32_t> ids(history + rows[r].history,
                                              static_cast<std::size_t>(rows[r].history_length));
      tokens[r] = sampling::choose({buffer, static_cast<std::size_t>(vocabulary)}, ids, rows[r]);
    }
  });
}

template void sample(CpuContext&, std::int32_t*, const float*, const SampleRow*, const std::int32_t*,
                     std::int64_t, std::int64_t);
template void sample(CpuContext&, std::int32_t*, const float16*, const SampleRow*, const std::int32_t*,
                     std::int64_t, std::int64_t);
template void sample(CpuContext&, std::int32_t*, const bfloat16*, const SampleRow*, const std::int32_t*,
                     std::int64_t, std::int64_t);

}  // namespace adlib::kernels
