// Documents are stored in pages, some at a time, and attended there: one kernel for all attention, at the
// price of one copy, which stays in a cache between being written and read.
#include "kernels/varlen_attention.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "kernels/attention.h"
#include "kernels/cpu/vector.h"

namespace adlib::kernels {
namespace {

constexpr std::int64_t page = attention_block;
// Pages of documents that are attended at once: some megabytes that stay in a cache between being written and
// read, and a hundred tasks for the threads. Also what bounds the memory of documents much shorter than a
// page.
constexpr std::int64_t pages_at_once = 16;
constexpr std::int64_t line = 64;  // bytes of a cache line and of the widest vector

std::int64_t pages_for(std::int64_t rows) { return (rows + page - 1) / page; }

// Room for n elements that this thread keeps from call to call, from the beginning of a line.
template <class Tag, class T>
T* aligned_scratch(std::int64_t n) {
  constexpr std::int64_t size = sizeof(float);
  const auto at = reinterpret_cast<std::uintptr_t>(
      cpu::scratch<Tag>((n * static_cast<std::int64_t>(sizeof(T)) + line + size - 1) / size));
  return reinterpret_cast<T*>((at + line - 1) / line * line);
}

// Calls attend for runs of documents whose pages the pool holds, in order.
template <class Attend>
void for_each_run(std::span<const std::int64_t> offsets, std::span<const std::int32_t> pool,
                  const Attend& attend) {
  std::vector<AttentionSegment> run;
  std::int64_t used = 0;
  for (std::size_t s = 1; s < offsets.size(); ++s) {
    const std::int64_t rows = offsets[s] - offsets[s - 1];
    if (rows == 0) continue;
    if (used + pages_for(rows) > std::ssize(pool)) {
      attend(run);
      run.clear();
      used = 0;
    }
    run.push_back({.begin = offsets[s - 1], .rows = rows, .keys = rows, .pages = pool.data() + used});
    used += pages_for(rows);
  }
  if (!run.empty()) attend(run);
}

}  // namespace

template <class T>
void varlen_attention(CpuContext& context, std::span<const std::int64_t> offsets,
                      const VarlenAttentionArgs<T>& args) {
  std::int64_t longest = 0, all_pages = 0;
  for (std::size_t s = 1; s < offsets.size(); ++s) {
    longest = std::max(longest, pages_for(offsets[s] - offsets[s - 1]));
    all_pages += pages_for(offsets[s] - offsets[s - 1]);
  }
  const std::int64_t pool_pages = std::min(all_pages, std::max(longest, pages_at_once));
  std::vector<std::int32_t> in_order(static_cast<std::size_t>(pool_pages));
  std::iota(in_order.begin(), in_order.end(), 0);
  const std::int64_t positions = pool_pages * args.kv_heads * page;
  const KeyValuePages pool{.dtype = dtype_of<T>,
                           .keys = aligned_scratch<struct PoolKeys, T>(positions * args.head_dim),
                           .values = aligned_scratch<struct PoolValues, T>(positions * args.value_dim),
                           .kv_heads = args.kv_heads,
                           .head_dim = args.head_dim,
                           .value_dim = args.value_dim};
  const NewKeyValues<T> rows{.keys = args.k.data,
                             .values = args.v.data,
                             .k_row = args.k.row,
                             .k_head = args.k.head,
                             .v_row = args.v.row,
                             .v_head = args.v.head};
  const AttentionArgs<T> attended{.out = args.out.data,
                                  .q = args.q.data,
                                  .lse = args.lse,
                                  .q_row = args.q.row,
                                  .q_head = args.q.head,
                                  .out_row = args.out.row,
                                  .out_head = args.out.head,
                                  .lse_row = args.heads,
                                  .lse_head = 1,
                                  .heads = args.heads,
                                  .scale = args.scale,
                                  .softcap = args.softcap,
                                  .causal = args.causal};
  for_each_run(offsets, in_order, [&](std::span<const AttentionSegment> run) {
    store_pages<T>(context, pool, run, rows);
    attention<T>(context, pool, run, attended);
  });
}

template void varlen_attention(CpuContext&, std::span<const std::int64_t>, const VarlenAttentionArgs<float>&);
template void varlen_attention(CpuContext&, std::span<const std::int64_t>,
                               const VarlenAttentionArgs<float16>&);
template void varlen_attention(CpuContext&, std::span<const std::int64_t>,
                               const VarlenAttentionArgs<bfloat16>&);

}  // namespace adlib::kernels
