#include "kernels/squared_norm.h"

#include <numeric>
#include <vector>

#include "kernels/cuda/launch.h"
#include "kernels/cuda/squared_norm.cuh"
#include "kernels/cuda/temporary.h"

namespace adlib::kernels {

template <class T>
double squared_norm(CudaContext& context, const T* x, std::int64_t n) {
  constexpr const char* name = "squared_norm";
  if (n == 0) return 0;
  const std::int64_t blocks = (n + squared_norm_block - 1) / squared_norm_block;
  const cuda::Temporary<double> partials(context, name, blocks);
  const cuda::Launch how{name, {static_cast<unsigned>(blocks)}, {256}, 8 * sizeof(double)};
  if (cuda::is_aligned(x, 0, 0))
    cuda::launch(context, how, cuda::squared_norm_kernel<T, true>, partials.data(), x, n);
  else
    cuda::launch(context, how, cuda::squared_norm_kernel<T, false>, partials.data(), x, n);
  std::vector<double> sums(static_cast<std::size_t>(blocks));
  cuda::copy_bytes(sums.data(), partials.data(), sums.size() * sizeof(double), context.stream);
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

template double squared_norm(CudaContext&, const float*, std::int64_t);
template double squared_norm(CudaContext&, const float16*, std::int64_t);
template double squared_norm(CudaContext&, const bfloat16*, std::int64_t);

}  // namespace adlib::kernels
