#include "kernels/embedding.h"

#include <algorithm>

namespace adlib::kernels {

template <class T>
void embedding(CpuContext&, T* y, const T* table, const std::int32_t* ids, std::int64_t n, std::int64_t cols,
               std::int64_t table_stride) {
  for (std::int64_t i = 0; i < n; ++i) std::copy_n(table + ids[i] * table_stride, cols, y + i * cols);
}

template void embedding(CpuContext&, float*, const float*, const std::int32_t*, std::int64_t, std::int64_t,
                        std::int64_t);
template void embedding(CpuContext&, float16*, const float16*, const std::int32_t*, std::int64_t,
                        std::int64_t, std::int64_t);
template void embedding(CpuContext&, bfloat16*, const bfloat16*, const std::int32_t*, std::int64_t,
                        std::int64_t, std::int64_t);

}  // namespace adlib::kernels
