#include "kernels/squared_norm.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "adlib/core/parallel.h"
#include "kernels/cpu/convert.h"
#include "kernels/cpu/training.h"
#include "kernels/cpu/vector.h"

namespace adlib::kernels {

template <class T>
double squared_norm(CpuContext& context, const T* x, std::int64_t n) {
  const std::int64_t blocks = (n + squared_norm_block - 1) / squared_norm_block;
  std::vector<double> sums(static_cast<std::size_t>(blocks));
  parallel_for(context.threads, blocks, [&](std::int64_t block) {
    const std::int64_t first = block * squared_norm_block, count = std::min(squared_norm_block, n - first);
    const float* values =
        cpu::as_float(x + first, count, cpu::scratch<struct SquaredNorm>(squared_norm_block));
    sums[static_cast<std::size_t>(block)] = cpu::training().sum_of_squares(values, count);
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

template double squared_norm(CpuContext&, const float*, std::int64_t);
template double squared_norm(CpuContext&, const float16*, std::int64_t);
template double squared_norm(CpuContext&, const bfloat16*, std::int64_t);

}  // namespace adlib::kernels
