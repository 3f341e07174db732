#include "kernels/cuda/norm_backward.cuh"

#include "kernels/cuda/launch.h"
#include "kernels/cuda/norm.h"
#include "kernels/cuda/share_columns.h"
#include "kernels/cuda/sum_rows.h"
#include "kernels/cuda/temporary.h"

namespace adlib::kernels::cuda {

template <bool Centred, class T>
void norm_backward(const CudaContext& context, const char* operation, const NormGradient<T>& a, float* dgamma,
                   float* dbeta) {
  if (a.rows == 0 || a.cols == 0) return;
  const std::int64_t blocks = (a.rows + row_block - 1) / row_block;
  const std::int64_t width = (Centred ? 2 : 1) * static_cast<std::int64_t>(a.cols);
  const bool parameters = dgamma != nullptr || dbeta != nullptr;
  const Temporary<float> partials(context, operation, parameters ? blocks * width : 0);
  bool aligned = true;
  for (const T* p : {static_cast<const T*>(a.dx), a.before, a.dy, a.x, a.gamma})
    aligned = aligned && is_aligned(p, a.cols, a.cols);
  float* sums = parameters ? partials.data() : nullptr;

  const auto grid = static_cast<unsigned>(blocks);
  const bool in_registers = share_columns<T>(a.cols, 8192, [&](auto whole, auto elements, int threads) {
    constexpr bool block = decltype(whole)::value;
    constexpr int each = decltype(elements)::value;
    if constexpr (!block || each <= 16) {
      constexpr int room = block ? 16 : 32;  // of a thread where rows are not aligned
      const Launch how =
          block ? Launch{operation, {grid}, {static_cast<unsigned>(threads)}, row_scratch * sizeof(float)}
                : Launch{operation,
                         {grid},
                         {norm_backward_warps * 32},
                         static_cast<std::size_t>(norm_backward_warps * groups_in<T>(a.cols)) * vec_size<T> *
                             sizeof(float)};
      if (aligned)
        launch(context, how, norm_backward_kernel<T, Centred, true, block, each>, a, sums);
      else
        launch(context, how, norm_backward_kernel<T, Centred, false, block, room>, a, sums);
    }
  });
  if (!in_registers) {
    const Temporary<float> statistics(context, operation, 2 * a.rows);
    launch(context, {operation, {static_cast<unsigned>(a.rows)}, {512}, row_scratch * sizeof(float)},
           norm_backward_long_kernel<T, Centred>, a, statistics.data());
    if (parameters)
      launch(context, {operation, {grid, blocks_for(a.cols, 256)}, {256}}, norm_parameters_kernel<T, Centred>,
             a, static_cast<const float*>(statistics.data()), sums);
  }
  if (dgamma != nullptr) add_blocks(context, operation, dgamma, sums, blocks, width, a.cols);
  if (dbeta != nullptr) add_blocks(context, operation, dbeta, sums + a.cols, blocks, width, a.cols);
}

template void norm_backward<true>(const CudaContext&, const char*, const NormGradient<float>&, float*,
                                  float*);
template void norm_backward<true>(const CudaContext&, const char*, const NormGradient<float16>&, float*,
                                  float*);
template void norm_backward<true>(const CudaContext&, const char*, const NormGradient<bfloat16>&, float*,
                                  float*);
template void norm_backward<false>(const CudaContext&, const char*, const NormGradient<float>&, float*,
                                   float*);
template void norm_backward<false>(const CudaContext&, const char*, const NormGradient<float16>&, float*,
                                   float*);
template void norm_backward<false>(const CudaContext&, const char*, const NormGradient<bfloat16>&, float*,
                                   float*);

}  // namespace adlib::kernels::cuda
