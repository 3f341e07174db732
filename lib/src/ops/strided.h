// lib/src/ops/strided.h: a tensor's extents and strides as element-wise kernels take them.
#pragma once

#include <algorithm>

#include "adlib/core/tensor.h"
#include "kernels/strided.h"

namespace adlib::ops {

static_assert(kernels::max_rank == Shape::max_rank);

inline kernels::Extents extents_of(const Shape& shape) {
  kernels::Extents out;
  out.rank = shape.rank();
  std::copy(shape.dims().begin(), shape.dims().end(), out.dims.begin());
  return out;
}

inline kernels::Strides strides_of(const Tensor& tensor) {
  kernels::Strides out{};
  for (int dim = 0; dim < tensor.rank(); ++dim) out[static_cast<std::size_t>(dim)] = tensor.stride(dim);
  return out;
}

}  // namespace adlib::ops
