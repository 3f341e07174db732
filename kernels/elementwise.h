// kernels/elementwise.h: arithmetic on two operands that may broadcast.
#pragma once

#include "adlib/core/context.h"
#include "adlib/core/dtype.h"
#include "kernels/strided.h"

namespace adlib::kernels {

/// y[i] = a[i] + b[i] in float, for every index i of `extents`; y has no gaps, a and b have strides (0
/// repeats).
template <class T>
void add(CpuContext&, T* y, const T* a, const T* b, const Extents& extents, const Strides& a_strides,
         const Strides& b_strides);
template <class T>
void add(CudaContext&, T* y, const T* a, const T* b, const Extents& extents, const Strides& a_strides,
         const Strides& b_strides);

/// y[i] = a[i] * b[i], as add.
template <class T>
void multiply(CpuContext&, T* y, const T* a, const T* b, const Extents& extents, const Strides& a_strides,
              const Strides& b_strides);
template <class T>
void multiply(CudaContext&, T* y, const T* a, const T* b, const Extents& extents, const Strides& a_strides,
              const Strides& b_strides);

}  // namespace adlib::kernels
