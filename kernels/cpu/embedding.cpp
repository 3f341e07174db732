#include "kernels/embedding.h"

#include <algorithm>

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

template void embedding(CpuContext&, float*, const float*, const std::int32_t*, std::int64_t, std::int64_t,
                        std::int64_t);
template void embedding(CpuContext&, float16*, const float16*, const std::int32_t*, std::int64_t,
                        std::int64_t, std::int64_t);
template void embedding(CpuContext&, bfloat16*, const bfloat16*, const std::int32_t*, std::int64_t,
                        std::int64_t, std::int64_t);

}  // namespace adlib::kernels
