#include "kernels/cross_entropy.h"

#include "kernels/cuda/cross_entropy.cuh"
#include "kernels/cuda/launch.h"

namespace adlib::kernels {
namespace {

template <bool Backward, class T, class D>
void launch_cross_entropy(CudaContext& context, const char* name, float* loss, D* dlogits, const T* logits,
                          const std::int32_t* targets, const float* weights, std::int64_t rows,
                          std::int64_t cols) {
  using namespace cuda;
  if (rows == 0) return;
  const Launch how{name, {static_cast<unsigned>(rows)}, {512}, row_scratch * sizeof(float)};
  if (is_aligned(logits, cols, cols)) {
    launch(context, how, cross_entropy_kernel<T, D, Backward, true>, loss, dlogits, logits, targets, weights,
           cols);
  } else {
    launch(context, how, cross_entropy_kernel<T, D, Backward, false>, loss, dlogits, logits, targets, weights,
           cols);
  }
}

}  // namespace

template <class T>
void cross_entropy(CudaContext& context, float* loss, const T* logits, const std::int32_t* targets,
                   std::int64_t rows, std::int64_t cols) {
  launch_cross_entropy<false>(context, "cross_entropy", loss, static_cast<T*>(nullptr), logits, targets,
                              static_cast<const float*>(nullptr), rows, cols);
}

template <class T, class D>
void cross_entropy_backward(CudaContext& context, float* loss, D* dlogits, const T* logits,
                            const std::int32_t* targets, const float* weights, std::int64_t rows,
                            std::int64_t cols) {
  launch_cross_entropy<true>(context, "cross_entropy_backward", loss, dlogits, logits, targets, weights, rows,
                             cols);
}

#define ADLIB_CROSS_ENTROPY_BACKWARD(T, D)                                                      \
  template void cross_entropy_backward(CudaContext&, float*, D*, const T*, const std::int32_t*, \
                                       const float*, std::int64_t, std::int64_t)
#define ADLIB_CROSS_ENTROPY(T)                                                                   \
  template void cross_entropy(CudaContext&, float*, const T*, const std::int32_t*, std::int64_t, \
                              std::int64_t);                                                     \
  ADLIB_CROSS_ENTROPY_BACKWARD(T, float);                                                        \
  ADLIB_CROSS_ENTROPY_BACKWARD(T, float16);                                                      \
  ADLIB_CROSS_ENTROPY_BACKWARD(T, bfloat16)
ADLIB_CROSS_ENTROPY(float);
ADLIB_CROSS_ENTROPY(float16);
ADLIB_CROSS_ENTROPY(bfloat16);
#undef ADLIB_CROSS_ENTROPY
#undef ADLIB_CROSS_ENTROPY_BACKWARD

}  // namespace adlib::kernels
