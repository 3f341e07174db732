// kernels/cpu/strided.h: walks several strided operands row by row.
#pragma once

#include <cstdint>

#include "kernels/strided.h"

namespace adlib::kernels::cpu {

/// How many innermost rows `extents` have; a rank of 0 is one row of one element.
inline std::int64_t row_count(const Extents& extents) {
  std::int64_t rows = 1;
  for (int dim = 0; dim < extents.rank - 1; ++dim) rows *= extents.dims[static_cast<std::size_t>(dim)];
  return rows;
}
/// The elements of a row.
inline std::int64_t row_length(const Extents& extents) {
  return extents.rank == 0 ? 1 : extents.dims[static_cast<std::size_t>(extents.rank - 1)];
}

/// Calls row(a_offset, b_offset, count) for `rows` innermost rows of `extents` from row `first` on, in
/// row-major order.
template <class Row>
void for_each_row(const Extents& extents, const Strides& a, const Strides& b, std::int64_t first,
                  std::int64_t rows, Row&& row) {
  const int last = extents.rank - 1;
  const std::int64_t count = row_length(extents);
  if (count == 0) return;

  std::array<std::int64_t, max_rank> index{};
  std::int64_t a_offset = 0, b_offset = 0;
  for (int dim = last - 1; dim >= 0; --dim) {
    const auto d = static_cast<std::size_t>(dim);
    index[d] = first % extents.dims[d];
    first /= extents.dims[d];
    a_offset += index[d] * a[d];
    b_offset += index[d] * b[d];
  }
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
template <class Row>
void for_each_row(const Extents& extents, const Strides& a, const Strides& b, Row&& row) {
  const std::int64_t rows = row_count(extents);
  if (rows > 0) for_each_row(extents, a, b, 0, rows, row);
}

/// The stride of the innermost dimension; 1 for rank 0.
inline std::int64_t inner_stride(const Extents& extents, const Strides& strides) {
  return extents.rank == 0 ? 1 : strides[static_cast<std::size_t>(extents.rank - 1)];
}

}  // namespace adlib::kernels::cpu
