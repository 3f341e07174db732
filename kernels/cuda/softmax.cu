#include "kernels/softmax.h"

#include "kernels/cuda/launch.h"
#include "kernels/cuda/share_columns.h"
#include "kernels/cuda/softmax.cuh"

namespace adlib::kernels {
namespace {

template <bool Logarithm, class T>
void launch_softmax(CudaContext& context, const char* name, T* y, const T* x, std::int64_t outer,
                    std::int64_t extent, std::int64_t inner) {
  using namespace cuda;
  const std::int64_t rows = outer * inner;
  if (rows == 0 || extent == 0) return;
  if (inner != 1) {
    launch(context, {name, {blocks_for(rows, 128)}, {128}}, softmax_inner_kernel<T, Logarithm>, y, x, rows,
           extent, inner);
    return;
  }
  const bool aligned = is_aligned(x, extent, extent) && is_aligned(y, extent, extent);
  const bool in_registers =
      share_columns<T>(extent, most_shared_columns, [&](auto whole, auto elements, int threads) {
        constexpr bool block = decltype(whole)::value;
        constexpr int each = decltype(elements)::value;
        const Launch how = block ? Launch{name,
                                          {static_cast<unsigned>(rows)},
                                          {static_cast<unsigned>(threads)},
                                          row_scratch * sizeof(float)}
                                 : Launch{name, {blocks_for(rows, 4)}, {128}};
        const int cols = static_cast<int>(extent);
        // Rows that are not aligned: one kernel with room for all of them.
        if (aligned)
          launch(context, how, softmax_kernel<T, Logarithm, true, block, each>, y, x, rows, cols);
        else
          launch(context, how, softmax_kernel<T, Logarithm, false, block, 32>, y, x, rows, cols);
      });
  if (in_registers) return;
  const Launch how{name, {static_cast<unsigned>(rows)}, {512}, row_scratch * sizeof(float)};
  if (aligned)
    launch(context, how, softmax_long_kernel<T, Logarithm, true>, y, x, extent);
  else
    launch(context, how, softmax_long_kernel<T, Logarithm, false>, y, x, extent);
}

}  // namespace

template <class T>
void softmax(CudaContext& context, T* y, const T* x, std::int64_t outer, std::int64_t extent,
             std::int64_t inner) {
  launch_softmax<false>(context, "softmax", y, x, outer, extent, inner);
}

template <class T>
void log_softmax(CudaContext& context, T* y, const T* x, std::int64_t outer, std::int64_t extent,
                 std::int64_t inner) {
  launch_softmax<true>(context, "log_softmax", y, x, outer, extent, inner);
}

template void softmax(CudaContext&, float*, const float*, std::int64_t, std::int64_t, std::int64_t);
template void softmax(CudaContext&, float16*, const float16*, std::int64_t, std::int64_t, std::int64_t);
template void softmax(CudaContext&, bfloat16*, const bfloat16*, std::int64_t, std::int64_t, std::int64_t);
template void log_softmax(CudaContext&, float*, const float*, std::int64_t, std::int64_t, std::int64_t);
template void log_softmax(CudaContext&, float16*, const float16*, std::int64_t, std::int64_t, std::int64_t);
template void log_softmax(CudaContext&, bfloat16*, const bfloat16*, std::int64_t, std::int64_t, std::int64_t);

}  // namespace adlib::kernels
