#include "kernels/activation.h"

#include <type_traits>
#include <utility>

#include "kernels/cuda/activation.cuh"
#include "kernels/cuda/grid.h"

namespace adlib::kernels {
namespace {

// Calls call(function), a constant of its own type for each activation.
template <class Call>
void with_activation(Activation activation, const Call& call) {
  const auto with = [&]<Activation F>() { call(std::integral_constant<Activation, F>{}); };
  switch (activation) {
    case Activation::none:
      return with.template operator()<Activation::none>();
    case Activation::gelu_tanh:
      return with.template operator()<Activation::gelu_tanh>();
    case Activation::gelu_erf:
      return with.template operator()<Activation::gelu_erf>();
    case Activation::silu:
      return with.template operator()<Activation::silu>();
    case Activation::relu:
      return with.template operator()<Activation::relu>();
  }
}

template <class T>
cuda::Launch flat_launch(const CudaContext& context, const char* name, std::int64_t n) {
  return {name, cuda::flat_grid(context, cuda::groups_in<T>(n), 256), {256}};
}

template <class T>
cuda::Launch rows_launch(const CudaContext& context, const char* name, std::int64_t rows, std::int64_t cols) {
  return {name, cuda::rows_grid(context, rows, cuda::groups_in<T>(cols), 128), {128}};
}

template <class... T>
bool all_aligned(std::int64_t cols, const std::pair<T*, std::int64_t>&... operands) {
  return (cuda::is_aligned(operands.first, cols, operands.second) && ...);
}

}  // namespace

template <class T>
void activate(CudaContext& context, T* y, const T* x, std::int64_t n, Activation activation) {
  if (n == 0) return;
  const bool aligned = cuda::is_aligned(y, 0, 0) && cuda::is_aligned(x, 0, 0);
  const cuda::Launch how = flat_launch<T>(context, "activate", n);
  with_activation(activation, [&](auto function) {
    constexpr Activation f = decltype(function)::value;
    if (aligned)
      cuda::launch(context, how, cuda::activate_kernel<T, f, true>, y, x, n);
    else
      cuda::launch(context, how, cuda::activate_kernel<T, f, false>, y, x, n);
  });
}

template <class T>
void activate_backward(CudaContext& context, T* dx, const T* dy, const T* x, std::int64_t n,
                       Activation activation) {
  if (n == 0) return;
  const bool aligned = cuda::is_aligned(dx, 0, 0) && cuda::is_aligned(dy, 0, 0) && cuda::is_aligned(x, 0, 0);
  const cuda::Launch how = flat_launch<T>(context, "activate_backward", n);
  with_activation(activation, [&](auto function) {
    constexpr Activation f = decltype(function)::value;
    if (aligned)
      cuda::launch(context, how, cuda::activate_backward_kernel<T, f, true>, dx, dy, x, n);
    else
      cuda::launch(context, how, cuda::activate_backward_kernel<T, f, false>, dx, dy, x, n);
  });
}

template <class T>
void swiglu(CudaContext& context, T* y, const T* gate, const T* up, std::int64_t rows, std::int64_t cols,
            std::int64_t gate_stride, std::int64_t up_stride) {
  if (rows == 0 || cols == 0) return;
  const cuda::Launch how = rows_launch<T>(context, "swiglu", rows, cols);
  const bool aligned =
      all_aligned(cols, std::pair{y, cols}, std::pair{gate, gate_stride}, std::pair{up, up_stride});
  if (aligned)
    cuda::launch(context, how, cuda::swiglu_kernel<T, true>, y, gate, up, rows, cols, gate_stride, up_stride);
  else
    cuda::launch(context, how, cuda::swiglu_kernel<T, false>, y, gate, up, rows, cols, gate_stride,
                 up_stride);
}

template <class T>
void swiglu_backward(CudaContext& context, T* dgate, T* dup, const T* dy, const T* gate, const T* up,
                     std::int64_t rows, std::int64_t cols, const SwigluStrides& strides) {
  if (rows == 0 || cols == 0) return;
  const cuda::Launch how = rows_launch<T>(context, "swiglu_backward", rows, cols);
  const bool aligned =
      all_aligned(cols, std::pair{dgate, strides.dgate}, std::pair{dup, strides.dup}, std::pair{dy, cols},
                  std::pair{gate, strides.gate}, std::pair{up, strides.up});
  if (aligned)
    cuda::launch(context, how, cuda::swiglu_backward_kernel<T, true>, dgate, dup, dy, gate, up, rows, cols,
                 strides);
  else
    cuda::launch(context, how, cuda::swiglu_backward_kernel<T, false>, dgate, dup, dy, gate, up, rows, cols,
                 strides);
}

template void activate(CudaContext&, float*, const float*, std::int64_t, Activation);
template void activate(CudaContext&, float16*, const float16*, std::int64_t, Activation);
template void activate(CudaContext&, bfloat16*, const bfloat16*, std::int64_t, Activation);
template void swiglu(CudaContext&, float*, const float*, const float*, std::int64_t, std::int64_t,
                     std::int64_t, std::int64_t);
template void swiglu(CudaContext&, float16*, const float16*, const float16*, std::int64_t, std::int64_t,
                     std::int64_t, std::int64_t);
template void swiglu(CudaContext&, bfloat16*, const bfloat16*, const bfloat16*, std::int64_t, std::int64_t,
                     std::int64_t, std::int64_t);
template void activate_backward(CudaContext&, float*, const float*, const float*, std::int64_t, Activation);
template void activate_backward(CudaContext&, float16*, const float16*, const float16*, std::int64_t,
                                Activation);
template void activate_backward(CudaContext&, bfloat16*, const bfloat16*, const bfloat16*, std::int64_t,
                                Activation);
template void swiglu_backward(CudaContext&, float*, float*, const float*, const float*, const float*,
                              std::int64_t, std::int64_t, const SwigluStrides&);
template void swiglu_backward(CudaContext&, float16*, float16*, const float16*, const float16*,
                              const float16*, std::int64_t, std::int64_t, const SwigluStrides&);
template void swiglu_backward(CudaContext&, bfloat16*, bfloat16*, const bfloat16*, const bfloat16*,
                              const bfloat16*, std::int64_t, std::int64_t, const SwigluStrides&);

}  // namespace adlib::kernels
