#include "kernels/sum_rows.h"

#include <algorithm>

#include "kernels/cpu/convert.h"
#include "kernels/cpu/rows.h"

namespace adlib::kernels {
namespace {

constexpr std::int64_t most_columns = 1024;  // of a task: its sums stay in the first cache

}  // namespace

// Threads share the columns: each element's additions happen in the order of the rows.
template <class T>
void sum_rows(CpuContext& context, float* sums, const T* x, std::int64_t rows, std::int64_t cols) {
  // A task reads whole lines of cache from each row, and is long enough to be worth waking a thread for.
  const std::int64_t share =
      std::max(cols / (2 * context.threads), cpu::rows_task / std::max<std::int64_t>(1, rows));
  const std::int64_t width = std::clamp<std::int64_t>((share + 63) / 64 * 64, 64, most_columns);
  parallel_for(context.threads, (cols + width - 1) / width, [&](std::int64_t task) {
    const std::int64_t begin = task * width, n = std::min(width, cols - begin);
    float partial[most_columns], buffer[most_columns];
    for (std::int64_t first = 0; first < rows; first += row_block) {
      std::fill_n(partial, n, 0.0f);
      for (std::int64_t r = first; r < std::min(first + row_block, rows); ++r) {
        const float* row = cpu::as_float(x + r * cols + begin, n, buffer);
        for (std::int64_t c = 0; c < n; ++c) partial[c] += row[c];
      }
      for (std::int64_t c = 0; c < n; ++c) sums[begin + c] += partial[c];
    }
  });
}

template void sum_rows(CpuContext&, float*, const float*, std::int64_t, std::int64_t);
template void sum_rows(CpuContext&, float*, const float16*, std::int64_t, std::int64_t);
template void sum_rows(CpuContext&, float*, const bfloat16*, std::int64_t, std::int64_t);

}  // namespace adlib::kernels
