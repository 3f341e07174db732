#include "kernels/embedding.h"

#include <algorithm>

#include "kernels/cpu/convert.h"
#include "kernels/cpu/rows.h"

namespace adlib::kernels {

template <class T>
void embedding(CpuContext& context, T* y, const T* table, const std::int32_t* ids, std::int64_t n,
               std::int64_t cols, std::int64_t table_stride) {
  cpu::for_each_run(context, n, cols, [&](std::int64_t first, std::int64_t rows) {
    for (std::int64_t i = first; i < first + rows; ++i) {
      std::copy_n(table + ids[i] * table_stride, cols, y + i * cols);
    }
  });
}

// Threads share the columns, since two rows may have one id.
template <class T>
void embedding_backward(CpuContext& context, float* dtable, const T* dy, const std::int32_t* ids,
                        std::int64_t n, std::int64_t cols) {
  constexpr std::int64_t line = 16;  // floats that no two threads should write to
  cpu::for_each_run(context, (cols + line - 1) / line, n * line, [&](std::int64_t first, std::int64_t lines) {
    const std::int64_t begin = first * line, end = std::min(begin + lines * line, cols);
    for (std::int64_t i = 0; i < n; ++i) {
      float* row = dtable + ids[i] * cols;
      const T* add = dy + i * cols;
      for (std::int64_t c = begin; c < end; ++c) row[c] += cpu::to_float(add[c]);
    }
  });
}

template void embedding(CpuContext&, float*, const float*, const std::int32_t*, std::int64_t, std::int64_t,
                        std::int64_t);
template void embedding(CpuContext&, float16*, const float16*, const std::int32_t*, std::int64_t,
                        std::int64_t, std::int64_t);
template void embedding(CpuContext&, bfloat16*, const bfloat16*, const std::int32_t*, std::int64_t,
                        std::int64_t, std::int64_t);
template void embedding_backward(CpuContext&, float*, const float*, const std::int32_t*, std::int64_t,
                                 std::int64_t);
template void embedding_backward(CpuContext&, float*, const float16*, const std::int32_t*, std::int64_t,
                                 std::int64_t);
template void embedding_backward(CpuContext&, float*, const bfloat16*, const std::int32_t*, std::int64_t,
                                 std::int64_t);

}  // namespace adlib::kernels
