// lib/src/ops/rows.h: rows as the kernels read them.
#pragma once

#include <vector>

#include "adlib/core/tensor.h"

namespace adlib::ops {

/// Whether the elements of each row lie side by side.
inline bool has_packed_rows(const Tensor& x) { return x.size(-1) <= 1 || x.stride(-1) == 1; }
/// x, or a contiguous copy when its rows have gaps.
inline Tensor packed_rows(const Tensor& x) { return has_packed_rows(x) ? x : x.contiguous(); }

/// The shape of rows of `width` looked up by ids (…): (…, width).
inline Shape lookup_shape(const Tensor& ids, std::int64_t width) {
  std::vector<std::int64_t> dims(ids.shape().dims().begin(), ids.shape().dims().end());
  dims.push_back(width);
  return Shape(std::span<const std::int64_t>(dims));
}

}  // namespace adlib::ops
