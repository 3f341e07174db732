// kernels/cpu/gemm.h: the loops around the tiles of a matrix product, for every SIMD level, type and layout.
#pragma once

#include <algorithm>
#include <cstdint>

#include "adlib/core/context.h"
#include "adlib/core/parallel.h"
#include "kernels/cpu/simd/gemm_bf16.h"
#include "kernels/cpu/simd/gemm_f32.h"
#include "kernels/cpu/simd/gemm_i8.h"
#include "kernels/cpu/tuning.h"
#include "kernels/cpu/vector.h"

namespace adlib::kernels::cpu {

/// The tiles of the level that isa() names. All three have panels of the same width.
const simd::GemmF32& gemm_f32();
const simd::GemmBf16& gemm_bf16();
const simd::GemmI8& gemm_i8();
inline std::int64_t panel_columns() { return gemm_f32().columns; }
inline std::int64_t max_tile_rows(GemmKind kind) {
  return kind == GemmKind::f32 ? gemm_f32().rows : kind == GemmKind::bf16 ? gemm_bf16().rows : gemm_i8().rows;
}

constexpr std::int64_t round_up(std::int64_t n, std::int64_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

constexpr std::int64_t gemm_block_k = 256;  // the contract of kernels/matmul.h: changing it changes results
// The rest of the cut is GemmTuning's. Its defaults come from an L2 of 512 KiB, half of what servers have
// now: block_n, 128 columns of one task: its panels of a block_k, 128 KiB of floats, stay in L2 while all
// rows pass. block_m, 512 rows of one task: their sums fill 256 KiB more. Higher blocks would pack b less
// often, but already here packing costs one load and store for 512 multiply-adds.
// few_rows, 64: so many rows of a, 64 KiB of floats a block_k, do not drive the panels from L2.

// Products under this many multiply-adds are not worth waking a thread, which takes about as long as 10,000
// of them.
constexpr std::int64_t gemm_serial_limit = 1 << 16;

/// What gemm() multiplies.
struct GemmShape {
  std::int64_t m, n, k;
  GemmKind kind;
  /// Panels that lie packed with all their rows are best read to the end one by one, if a is small enough to
  /// stay in L2 meanwhile: then batches of few rows stream the weights in their order.
  bool panel_by_panel;
};

/// sums (m, n) = a·b by tiles, in tasks that threads share; then finish(row, first column, columns, sums) for
/// every row of every task. `open(row, rows, column, columns)` gives a task its operands:
/// - operands.open(first, depth) announces k in [first, first + depth), in ascending order for each column;
/// - operands.stage(i, m) announces rows [i, i + m) of the task, m <= tile_rows;
/// - operands.tile(sums, sums_row, j, add) multiplies them by the panel at the task's column j, into or onto
/// sums.
template <class Open, class Finish>
void gemm(CpuContext& context, const GemmShape& shape, const Open& open, const Finish& finish) {
  const int threads = shape.m * shape.n * shape.k < gemm_serial_limit ? 1 : context.threads;
  const std::int64_t width = panel_columns();
  const GemmTuning& cut = tuning().gemm[static_cast<std::size_t>(shape.kind)];
  const std::int64_t tile_rows = std::min(cut.tile_rows, max_tile_rows(shape.kind));
  std::int64_t block_m = cut.block_m, block_n = cut.block_n;
  const auto tasks = [&] { return ((shape.m - 1) / block_m + 1) * ((shape.n - 1) / block_n + 1); };
  if (threads > 1) {
    // At least four tasks a thread, as far as blocks can be halved without packing more than is gained.
    while (tasks() < 4 * threads && block_n > width) block_n /= 2;
    while (tasks() < 4 * threads && block_m > 128 && block_m > shape.m / 2) block_m /= 2;
  }
  const std::int64_t tasks_n = (shape.n - 1) / block_n + 1;
  parallel_for(threads, tasks(), [&](std::int64_t task) {
    const std::int64_t row = task / tasks_n * block_m;
    const std::int64_t column = task % tasks_n * block_n;
    const std::int64_t rows = std::min(block_m, shape.m - row);
    const std::int64_t columns = std::min(block_n, shape.n - column);
    const std::int64_t chunk = shape.panel_by_panel && rows <= cut.few_rows ? width : block_n;
    float* sums = scratch<struct GemmSums>(rows * block_n);
    auto operands = open(row, rows, column, columns);
    for (std::int64_t from = 0; from < columns; from += chunk) {
      for (std::int64_t first = 0; first < shape.k || first == 0; first += gemm_block_k) {
        operands.open(first, std::min(gemm_block_k, shape.k - first));
        for (std::int64_t i = 0; i < rows; i += tile_rows) {
          operands.stage(i, std::min(tile_rows, rows - i));
          const std::int64_t m = std::min(tile_rows, rows - i), end = std::min(from + chunk, columns);
          const bool last = first + gemm_block_k >= shape.k;
          for (std::int64_t j = from; j < end; j += width) {
            if (last) finish.expect(row + i, m, column + j);
            operands.tile(sums + i * block_n + j, block_n, j, /*add=*/first > 0);
          }
          for (std::int64_t r = i; last && r < i + m; ++r) {
            finish(row + r, column + from, end - from, sums + r * block_n + from);
          }
        }
      }
    }
  });
}

}  // namespace adlib::kernels::cpu
