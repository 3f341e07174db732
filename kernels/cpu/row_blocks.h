// kernels/cpu/row_blocks.h: sums over rows by a kernel whose threads share the rows.
#pragma once

#include <algorithm>
#include <cstdint>

#include "adlib/core/context.h"
#include "adlib/core/parallel.h"
#include "kernels/cpu/rows.h"
#include "kernels/cpu/vector.h"
#include "kernels/sum_rows.h"

namespace adlib::kernels::cpu {

/// Sums over blocks of row_block rows, kept until all blocks are done.
class RowBlocks {
 public:
  /// `width` sums of every block.
  RowBlocks(std::int64_t rows, std::int64_t width)
      : rows_(rows),
        width_(width),
        blocks_((rows + row_block - 1) / row_block),
        partials_(scratch<RowBlocks>(blocks_ * width)) {}

  /// Calls run(first, n, partial) for each block; `partial` is 0 and belongs to the block.
  template <class Run>
  void for_each(CpuContext& context, Run&& run) {
    parallel_for(context.threads, blocks_, [&](std::int64_t block) {
      float* partial = partials_ + block * width_;
      std::fill_n(partial, width_, 0.0f);
      run(block * row_block, std::min(row_block, rows_ - block * row_block), partial);
    });
  }
  /// sums[i] += the blocks' sums at offset + i, in ascending order, for i < n.
  void add_to(CpuContext& context, float* sums, std::int64_t offset, std::int64_t n) const {
    for_each_run(context, n, blocks_, [&](std::int64_t first, std::int64_t count) {
      for (std::int64_t block = 0; block < blocks_; ++block) {
        const float* partial = partials_ + block * width_ + offset;
        for (std::int64_t i = first; i < first + count; ++i) sums[i] += partial[i];
      }
    });
  }

 private:
  std::int64_t rows_, width_, blocks_;
  float* partials_;  // (blocks, width), of the thread that made this
};

}  // namespace adlib::kernels::cpu
