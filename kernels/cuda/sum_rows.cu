#include "kernels/sum_rows.h"

#include <algorithm>

#include "kernels/cuda/launch.h"
#include "kernels/cuda/sum_rows.cuh"
#include "kernels/cuda/sum_rows.h"
#include "kernels/cuda/temporary.h"

namespace adlib::kernels {

void cuda::add_blocks(const CudaContext& context, const char* operation, float* sums, const float* partials,
                      std::int64_t blocks, std::int64_t stride, std::int64_t cols) {
  if (blocks == 0 || cols == 0) return;
  const std::int64_t warps =
      std::min<std::int64_t>((blocks + add_blocks_rows - 1) / add_blocks_rows, add_blocks_warps);
  launch(context,
         {operation,
          {blocks_for(cols, 32)},
          {static_cast<unsigned>(32 * warps)},
          static_cast<std::size_t>(warps * add_blocks_rows * 32) * sizeof(float)},
         add_blocks_kernel<add_blocks_rows>, sums, partials, blocks, stride, cols);
}

template <class T>
void sum_rows(CudaContext& context, float* sums, const T* x, std::int64_t rows, std::int64_t cols) {
  constexpr const char* name = "sum_rows";
  if (rows == 0 || cols == 0) return;
  const std::int64_t blocks = (rows + row_block - 1) / row_block, groups = cuda::groups_in<T>(cols);
  const cuda::Temporary<float> partials(context, name, blocks * cols);
  const int threads = static_cast<int>(groups < 256 ? (groups + 31) / 32 * 32 : 256);
  const cuda::Launch how{name,
                         {static_cast<unsigned>(blocks), cuda::blocks_for(groups, threads)},
                         {static_cast<unsigned>(threads)}};
  if (cuda::is_aligned(x, cols, cols))
    cuda::launch(context, how, cuda::sum_row_block_kernel<T, true>, partials.data(), x, rows, cols);
  else
    cuda::launch(context, how, cuda::sum_row_block_kernel<T, false>, partials.data(), x, rows, cols);
  cuda::add_blocks(context, name, sums, partials.data(), blocks, cols, cols);
}

template void sum_rows(CudaContext&, float*, const float*, std::int64_t, std::int64_t);
template void sum_rows(CudaContext&, float*, const float16*, std::int64_t, std::int64_t);
template void sum_rows(CudaContext&, float*, const bfloat16*, std::int64_t, std::int64_t);

}  // namespace adlib::kernels
