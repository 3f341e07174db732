// kernels/cpu/strided.h: walks several strided operands row by row.
#pragma once

#include <cstdint>

#include "kernels/strided.h"

namespace adlib::kernels::cpu {

/// Calls row(a_offset, b_offset, count) for each innermost row of `extents`, in row-major order. A rank of 0
/// is one row of one element.
template <class Row>
void for_each_row(const Extents& extents, const Strides& a, const Strides& b, Row&& row) {
  const int last = extents.rank - 1;
  std::int64_t rows = 1;
  for (int dim = 0; dim < last; ++dim) rows *= extents.dims[static_cast<std::size_t>(dim)];
  const std::int64_t count = extents.rank == 0 ? 1 : extents.dims[static_cast<std::size_t>(last)];
  if (count == 0) return;

  std::array<std::int64_t, max_rank> index{};
  std::int64_t a_offset = 0, b_offset = 0;
  for (std::int64_t r = 0; r < rows; ++r) {
    row(a_offset, b_offset, count);
    for (int dim = last - 1; dim >= 0; --dim) {  // an odometer
      const auto d = static_cast<std::size_t>(dim);
      a_offset += a[d];
      b_offset += b[d];
      if (++index[d] < extents.dims[d]) break;
      a_offset -= a[d] * extents.dims[d];
      b_offset -= b[d] * extents.dims[d];
      index[d] = 0;
    }
  }
}

/// The stride of the innermost dimension; 1 for rank 0.
inline std::int64_t inner_stride(const Extents& extents, const Strides& strides) {
  return extents.rank == 0 ? 1 : strides[static_cast<std::size_t>(extents.rank - 1)];
}

}  // namespace adlib::kernels::cpu
