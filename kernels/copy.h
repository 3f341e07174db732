// kernels/copy.h: strided copy with conversion of the element type.
#pragma once

#include "adlib/core/context.h"
#include "adlib/core/dtype.h"
#include "kernels/strided.h"

namespace adlib::kernels {

/// out[i] = To(in[i]) for every index i of `extents`, each operand with its own strides; the two do not
/// overlap. Floating point rounds once, to nearest even; floating point to integer truncates and saturates,
/// NaN becomes 0; anything to bool is `!= 0`. Integers wrap. To, From: every DType.
template <class To, class From>
void copy(CpuContext&, To* out, const From* in, const Extents& extents, const Strides& out_strides,
          const Strides& in_strides);
template <class To, class From>
void copy(CudaContext&, To* out, const From* in, const Extents& extents, const Strides& out_strides,
          const Strides& in_strides);

}  // namespace adlib::kernels
