// kernels/cpu/rows.h: work on rows, shared among threads.
#pragma once

#include <algorithm>
#include <cstdint>

#include "adlib/core/context.h"
#include "adlib/core/parallel.h"

namespace adlib::kernels::cpu {

/// Elements of a task. At half a nanosecond each they take some 8 microseconds, which is worth waking a
/// thread for; fewer are done by the caller alone.
constexpr std::int64_t rows_task = 1 << 14;

/// Calls run(first, n) for runs of rows that together are [0, rows), in any order and from several threads. A
/// row's result must not depend on the run that it stands in.
template <class Run>
void for_each_run(CpuContext& context, std::int64_t rows, std::int64_t cols, Run&& run) {
  const std::int64_t n = std::max<std::int64_t>(1, rows_task / std::max<std::int64_t>(1, cols));
  parallel_for(context.threads, (rows + n - 1) / n,
               [&](std::int64_t task) { run(task * n, std::min(n, rows - task * n)); });
}

}  // namespace adlib::kernels::cpu
