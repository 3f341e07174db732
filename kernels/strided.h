// kernels/strided.h: the extents of an element-wise kernel whose operands may have gaps or repeat.
#pragma once

#include <array>
#include <cstdint>

namespace adlib::kernels {

inline constexpr int max_rank = 8;
using Strides = std::array<std::int64_t, max_rank>;  ///< in elements; 0 repeats

/// Up to eight extents, the last one innermost.
struct Extents {
  int rank = 0;
  std::array<std::int64_t, max_rank> dims{};
};

}  // namespace adlib::kernels
