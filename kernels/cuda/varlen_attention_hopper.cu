#include "kernels/cuda/varlen_attention_hopper.h"

#include <algorithm>
#include <vector>

#include "kernels/cuda/launch.h"
#include "kernels/cuda/temporary.h"
#include "kernels/cuda/varlen_attention_hopper.cuh"

namespace adlib::kernels::cuda {
namespace {

constexpr const char* name = "varlen_attention";

// The heaviest items come first, so that the last ones to finish are light.
std::vector<HopperAttentionItem> items_of(std::span<const std::int64_t> offsets, std::int64_t heads,
                                          bool causal) {
  std::vector<HopperAttentionItem> items;
  for (std::size_t s = 1; s < offsets.size(); ++s) {
    const std::int64_t length = offsets[s] - offsets[s - 1];
    for (std::int64_t query = 0; query < length; query += hopper_tile) {
      for (std::int64_t head = 0; head < heads; ++head) {
        items.push_back({.begin = static_cast<std::int32_t>(offsets[s - 1]),
                         .length = static_cast<std::int32_t>(length),
                         .query = static_cast<std::int32_t>(query),
                         .head = static_cast<std::int32_t>(head)});
      }
    }
  }
  const auto keys = [causal](const HopperAttentionItem& item) {
    return causal ? std::min(item.length, item.query + hopper_tile) : item.length;
  };
  std::stable_sort(items.begin(), items.end(),
                   [&](const auto& a, const auto& b) { return keys(a) > keys(b); });
  return items;
}

template <class T>
TensorMap head_map(const HeadRows<const T>& x, std::int64_t rows, std::int64_t heads, std::int64_t dim) {
  const auto u = [](std::int64_t value) { return static_cast<std::uint64_t>(value); };
  return make_tensor_map({.data = x.data,
                          .bfloat = std::is_same_v<T, bfloat16>,
                          .rank = 3,
                          .extents = {u(dim), u(heads), u(rows)},
                          .strides = {u(x.head) * 2, u(x.row) * 2},
                          .box = {64, 1, hopper_tile}});
}

template <class T>
bool is_boxable(const HeadRows<T>& x) {
  return reinterpret_cast<std::uintptr_t>(x.data) % 16 == 0 && x.row % 8 == 0 && x.head % 8 == 0 &&
         x.row > 0 && x.head > 0;
}

}  // namespace

template <class T>
bool varlen_attention_hopper_takes(const VarlenAttentionArgs<T>& args) {
  return is_boxable(args.q) && is_boxable(args.k) && is_boxable(args.v) && args.out.row % 2 == 0 &&
         args.out.head % 2 == 0 && reinterpret_cast<std::uintptr_t>(args.out.data) % 4 == 0 &&
         args.head_dim % 8 == 0 && args.value_dim % 8 == 0 && args.head_dim <= 128 && args.value_dim <= 128 &&
         args.head_dim > 0 && args.value_dim > 0 && args.scale > 0;
}

template <class T>
void varlen_attention_hopper(CudaContext& context, std::span<const std::int64_t> offsets,
                             const VarlenAttentionArgs<T>& args) {
  const std::vector<HopperAttentionItem> items = items_of(offsets, args.heads, args.causal);
  if (items.empty()) return;
  const std::int64_t rows = offsets.back();
  require(rows < (std::int64_t{1} << 31), name, ": ", rows, " rows, expected fewer than 2^31");
  const Temporary<HopperAttentionItem> list(context, name, static_cast<std::int64_t>(items.size()));
  copy_bytes_async(list.data(), items.data(), items.size() * sizeof items[0], context.stream);
  const HopperAttentionArgs<T> kernel_args{.out = args.out,
                                           .lse = args.lse,
                                           .lse_row = args.heads,
                                           .lse_head = 1,
                                           .items = list.data(),
                                           .item_count = static_cast<int>(items.size()),
                                           .group = static_cast<int>(args.heads / args.kv_heads),
                                           .value_dim = static_cast<int>(args.value_dim),
                                           .scale = args.scale,
                                           .softcap = args.softcap};
  const TensorMap q = head_map<T>(args.q, rows, args.heads, args.head_dim),
                  k = head_map<T>(args.k, rows, args.kv_heads, args.head_dim),
                  v = head_map<T>(args.v, rows, args.kv_heads, args.value_dim);
  const auto blocks = static_cast<unsigned>(
      std::min<std::size_t>(items.size(), static_cast<std::size_t>(multiprocessors(context.device))));
  const auto run = [&]<int D>() {
    const Launch how{name, {blocks}, {hopper_threads}, hopper_attention_bytes(D)};
    const bool capped = args.softcap > 0;
    const auto kernel = args.causal ? (capped ? varlen_attention_hopper_kernel<T, D, true, true>
                                              : varlen_attention_hopper_kernel<T, D, true, false>)
                                    : (capped ? varlen_attention_hopper_kernel<T, D, false, true>
                                              : varlen_attention_hopper_kernel<T, D, false, false>);
    launch(context, how, kernel, q, k, v, kernel_args);
  };
  if (args.head_dim <= 64 && args.value_dim <= 64) {
    run.template operator()<64>();
  } else {
    run.template operator()<128>();
  }
}

template bool varlen_attention_hopper_takes(const VarlenAttentionArgs<float16>&);
template bool varlen_attention_hopper_takes(const VarlenAttentionArgs<bfloat16>&);
template void varlen_attention_hopper(CudaContext&, std::span<const std::int64_t>,
                                      const VarlenAttentionArgs<float16>&);
template void varlen_attention_hopper(CudaContext&, std::span<const std::int64_t>,
                                      const VarlenAttentionArgs<bfloat16>&);

}  // namespace adlib::kernels::cuda
