#include "kernels/embedding.h"

#include <limits>

#include "adlib/core/error.h"
#include "kernels/cuda/embedding.cuh"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/temporary.h"

namespace adlib::kernels {

template <class T>
void embedding(CudaContext& context, T* y, const T* table, const std::int32_t* ids, std::int64_t n,
               std::int64_t cols, std::int64_t table_stride) {
  if (n == 0 || cols == 0) return;
  const cuda::Launch how{"embedding", {cuda::blocks_for(n, 4)}, {128}};
  if (cuda::is_aligned(y, cols, cols) && cuda::is_aligned(table, cols, table_stride))
    cuda::launch(context, how, cuda::embedding_kernel<T, true>, y, table, ids, n, cols, table_stride);
  else
    cuda::launch(context, how, cuda::embedding_kernel<T, false>, y, table, ids, n, cols, table_stride);
}

template <class T>
void embedding_backward(CudaContext& context, float* dtable, const T* dy, const std::int32_t* ids,
                        std::int64_t n, std::int64_t cols) {
  constexpr const char* name = "embedding_backward";
  if (n == 0 || cols == 0) return;
  require(n < std::numeric_limits<int>::max() / 2, name, ": ", n, " ids, expected fewer than 2^30");
  const int count = static_cast<int>(n);
  const cuda::Temporary<std::int32_t> order(context, name, n);
  const cuda::Launch rank{
      name, {cuda::blocks_for(n, 32)}, {32 * cuda::rank_parts}, 32 * cuda::rank_parts * sizeof(int)};
  cuda::launch(context, rank,
               cuda::is_vectorizable<4>(ids, 0, 0) ? cuda::rank_kernel<true> : cuda::rank_kernel<false>,
               order.data(), ids, count);
  const cuda::Launch sum{
      name, {cuda::blocks_for(n, 4), cuda::blocks_for(cuda::groups_in<T>(cols), 32)}, {128}};
  const bool aligned = cuda::is_aligned(dy, cols, cols) && cuda::is_aligned(dtable, 0, 0);
  cuda::launch(context, sum,
               aligned ? cuda::embedding_backward_kernel<T, true> : cuda::embedding_backward_kernel<T, false>,
               dtable, dy, ids, static_cast<const std::int32_t*>(order.data()), count, cols);
}

template void embedding(CudaContext&, float*, const float*, const std::int32_t*, std::int64_t, std::int64_t,
                        std::int64_t);
template void embedding(CudaContext&, float16*, const float16*, const std::int32_t*, std::int64_t,
                        std::int64_t, std::int64_t);
template void embedding(CudaContext&, bfloat16*, const bfloat16*, const std::int32_t*, std::int64_t,
                        std::int64_t, std::int64_t);
template void embedding_backward(CudaContext&, float*, const float*, const std::int32_t*, std::int64_t,
                                 std::int64_t);
template void embedding_backward(CudaContext&, float*, const float16*, const std::int32_t*, std::int64_t,
                                 std::int64_t);
template void embedding_backward(CudaContext&, float*, const bfloat16*, const std::int32_t*, std::int64_t,
                                 std::int64_t);

}  // namespace adlib::kernels
