// kernels/cpu/gemm.h: the loops around the tiles of a matrix product, for every SIMD level and layout of b.
#pragma once

#include <algorithm>
#include <cstdint>

#include "adlib/core/context.h"
#include "adlib/core/parallel.h"
#include "kernels/cpu/simd/gemm_f32.h"
#include "kernels/cpu/vector.h"

namespace adlib::kernels::cpu {

/// The tiles of the level that isa() names.
const simd::GemmF32& gemm_f32();

constexpr std::int64_t gemm_block_k = 256;  // the contract of kernels/matmul.h: changing it changes results
// Columns of one task. Its panels of a block_k, 128 KiB of floats, stay in L2 while all rows pass by.
constexpr std::int64_t gemm_block_n = 128;
// Rows of one task. Their sums, 256 KiB, fill the rest of a 512 KiB L2; more rows would pack b less often,
// but already at 512 packing costs one load and store for 512 multiply-adds.
constexpr std::int64_t gemm_block_m = 512;
// Products under this many multiply-adds are not worth waking a thread, which takes about as long as 10,000
// of them.
constexpr std::int64_t gemm_serial_limit = 1 << 16;

/// sums (m, n) = a·b by tiles, in tasks that threads share; then finish(row, first column, columns, sums) for
/// every row of every task. a: (m, k) of row stride a_stride. `panels(column, columns)` gives a task its
/// source of b:
///   source.open(first, depth)  announces rows [first, first + depth) of b, in ascending order;
///   source.panel(j)            those rows of the panel at column + j: depth x tiles.columns floats, 0 past
///   n.
template <class Panels, class Finish>
void gemm(CpuContext& context, const simd::GemmF32& tiles, std::int64_t m, std::int64_t n, std::int64_t k,
          const float* a, std::int64_t a_stride, const Panels& panels, const Finish& finish) {
  const std::int64_t tasks_n = (n + gemm_block_n - 1) / gemm_block_n;
  const std::int64_t tasks_m = (m + gemm_block_m - 1) / gemm_block_m;
  const int threads = m * n * k < gemm_serial_limit ? 1 : context.threads;
  parallel_for(threads, tasks_m * tasks_n, [&](std::int64_t task) {
    const std::int64_t row = task / tasks_n * gemm_block_m;
    const std::int64_t column = task % tasks_n * gemm_block_n;
    const std::int64_t rows = std::min(gemm_block_m, m - row);
    const std::int64_t columns = std::min(gemm_block_n, n - column);
    float* sums = scratch<struct GemmSums>(gemm_block_m * gemm_block_n);
    auto source = panels(column, columns);
    for (std::int64_t first = 0; first < k || first == 0; first += gemm_block_k) {
      const std::int64_t depth = std::min(gemm_block_k, k - first);
      source.open(first, depth);
      for (std::int64_t i = 0; i < rows; i += tiles.rows) {
        for (std::int64_t j = 0; j < columns; j += tiles.columns) {
          tiles.tile({.sums = sums + i * gemm_block_n + j,
                      .sums_row = gemm_block_n,
                      .a = a + (row + i) * a_stride + first,
                      .a_row = a_stride,
                      .a_k = 1,
                      .panel = source.panel(j),
                      .panel_row = tiles.columns,
                      .m = std::min(tiles.rows, rows - i),
                      .k = depth,
                      .add = first > 0});
        }
      }
    }
    for (std::int64_t i = 0; i < rows; ++i) finish(row + i, column, columns, sums + i * gemm_block_n);
  });
}

}  // namespace adlib::kernels::cpu
