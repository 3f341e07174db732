// kernels/activation.h: element-wise nonlinearities.
#pragma once

#include <cstdint>

#include "adlib/core/context.h"
#include "adlib/core/dtype.h"

namespace adlib::kernels {

/// The order is that of ops::Activation; lib/src/ops/activation.cpp checks it.
enum class Activation : int { none, gelu_tanh, gelu_erf, silu, relu };

/// y[i] = f(x[i]), evaluated in float. x, y: (n); y may be x.
///   gelu_tanh: 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))    gelu_erf: 0.5 x (1 + erf(x / sqrt 2))
///   silu: x / (1 + exp(-x))                                       relu: max(x, 0), NaN stays NaN
template <class T>
void activate(CpuContext&, T* y, const T* x, std::int64_t n, Activation activation);
template <class T>
void activate(CudaContext&, T* y, const T* x, std::int64_t n, Activation activation);

/// y[i] = silu(gate[i]) * up[i], evaluated in float. gate, up, y: (rows, cols); the rows of y have no gaps,
/// those of gate and up stand gate_stride and up_stride elements apart.
template <class T>
void swiglu(CpuContext&, T* y, const T* gate, const T* up, std::int64_t rows, std::int64_t cols,
            std::int64_t gate_stride, std::int64_t up_stride);
template <class T>
void swiglu(CudaContext&, T* y, const T* gate, const T* up, std::int64_t rows, std::int64_t cols,
            std::int64_t gate_stride, std::int64_t up_stride);

/// dx[i] = dy[i] f'(x[i]), evaluated in float; f' of relu is 0 at 0. dx, dy, x: (n); dx may be dy or x.
template <class T>
void activate_backward(CpuContext&, T* dx, const T* dy, const T* x, std::int64_t n, Activation activation);
template <class T>
void activate_backward(CudaContext&, T* dx, const T* dy, const T* x, std::int64_t n, Activation activation);

/// Distances between rows, in elements.
struct SwigluStrides {
  std::int64_t gate = 0, up = 0, dgate = 0, dup = 0;
};
/// dgate[i] = dy[i] up[i] silu'(gate[i]), dup[i] = dy[i] silu(gate[i]), evaluated in float. All are (rows,
/// cols); the rows of dy have no gaps.
template <class T>
void swiglu_backward(CpuContext&, T* dgate, T* dup, const T* dy, const T* gate, const T* up,
                     std::int64_t rows, std::int64_t cols, const SwigluStrides& strides);
template <class T>
void swiglu_backward(CudaContext&, T* dgate, T* dup, const T* dy, const T* gate, const T* up,
                     std::int64_t rows, std::int64_t cols, const SwigluStrides& strides);

}  // namespace adlib::kernels
