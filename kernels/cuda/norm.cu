#include "kernels/cuda/norm.cuh"

#include "kernels/cuda/launch.h"
#include "kernels/cuda/norm.h"
#include "kernels/cuda/share_columns.h"

namespace adlib::kernels::cuda {

template <bool Centred, class T>
void norm_forward(const CudaContext& context, const char* operation, const NormRows<T>& a) {
  if (a.rows == 0 || a.cols == 0) return;
  bool aligned = true;
  for (const T* p :
       {static_cast<const T*>(a.y), static_cast<const T*>(a.sum), a.x, a.residual, a.gamma, a.beta})
    aligned = aligned && is_aligned(p, a.cols, a.cols);
  const bool in_registers = share_columns<T>(a.cols, 8192, [&](auto whole, auto elements, int threads) {
    constexpr bool block = decltype(whole)::value;
    constexpr int each = decltype(elements)::value;
    if constexpr (!block || each <= 16) {
      constexpr int room = block ? 16 : 32;  // of a thread where rows are not aligned: one kernel for all
      const Launch how = block ? Launch{operation,
                                        {static_cast<unsigned>(a.rows)},
                                        {static_cast<unsigned>(threads)},
                                        row_scratch * sizeof(float)}
                               : Launch{operation, {blocks_for(a.rows, 4)}, {128}};
      if (aligned)
        launch(context, how, norm_kernel<T, Centred, true, block, each>, a);
      else
        launch(context, how, norm_kernel<T, Centred, false, block, room>, a);
    }
  });
  if (in_registers) return;
  const Launch how{operation, {static_cast<unsigned>(a.rows)}, {512}, row_scratch * sizeof(float)};
  if (aligned)
    launch(context, how, norm_long_kernel<T, Centred, true>, a);
  else
    launch(context, how, norm_long_kernel<T, Centred, false>, a);
}

template void norm_forward<true>(const CudaContext&, const char*, const NormRows<float>&);
template void norm_forward<true>(const CudaContext&, const char*, const NormRows<float16>&);
template void norm_forward<true>(const CudaContext&, const char*, const NormRows<bfloat16>&);
template void norm_forward<false>(const CudaContext&, const char*, const NormRows<float>&);
template void norm_forward<false>(const CudaContext&, const char*, const NormRows<float16>&);
template void norm_forward<false>(const CudaContext&, const char*, const NormRows<bfloat16>&);

}  // namespace adlib::kernels::cuda
