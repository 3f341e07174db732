// kernels/cuda/grid.h: grids that fill a device, and whose blocks then have several turns.
#pragma once

#include <algorithm>
#include <cstdint>

#include "adlib/core/context.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/runtime.h"

namespace adlib::kernels::cuda {

/// Blocks that keep every multiprocessor busy and even out their ends.
inline std::int64_t filling_blocks(const CudaContext& context) {
  return 32 * static_cast<std::int64_t>(multiprocessors(context.device));
}
/// A grid-stride loop over n items.
inline Dim3 flat_grid(const CudaContext& context, std::int64_t n, int per_block) {
  return {blocks_for(n, per_block, filling_blocks(context))};
}
/// A thread for each of `columns` items of a row in x, and rows shared among the blocks in y.
inline Dim3 rows_grid(const CudaContext& context, std::int64_t rows, std::int64_t columns, int per_block) {
  const unsigned x = blocks_for(columns, per_block);
  const std::int64_t most = std::clamp<std::int64_t>(filling_blocks(context) / x, 1, 65535);
  return {x, static_cast<unsigned>(std::min(rows, most))};
}

}  // namespace adlib::kernels::cuda
