#include "ops/attention.h"

#include <numeric>
#include <utility>
#include <vector>

#include "ops/checks.h"
#include "ops/rows.h"

namespace adlib::ops {
namespace {

// The mask as the kernel reads it: f32 or bool, with the strides of (B, H, Tq, Tk), 0 where it repeats.
Tensor broadcast_mask(const Tensor& q, const Tensor& mask, const Shape& scores) {
  check_same_device("attention", "q", q, "mask", mask);
  if (mask.dtype() != DType::boolean && !is_floating(mask.dtype())) {
    fail(ErrorCode::dtype_mismatch, "attention: mask is ", mask.describe(),
         ", expected a floating-point dtype or bool");
  }
  bool fits = mask.rank() <= 4;
  for (int dim = 1; fits && dim <= mask.rank(); ++dim)
    fits = mask.size(-dim) == 1 || mask.size(-dim) == scores[-dim];
  require(fits, "attention: mask has shape ", mask.shape(), ", which does not broadcast to ", scores);
  return (mask.dtype() == DType::boolean ? mask : mask.to(DType::f32)).expand(scores);
}

// Whether the keys of a page are (D, 64) in memory, else (64, D): the device's kernels choose.
bool keys_lie_transposed(Device device) {
  bool transposed = true;
  dispatch_device("KeyValuePages", device,
                  [&](const auto& context) { transposed = kernels::keys_lie_transposed(context); });
  return transposed;
}

void check_pages(const char* operation, const KeyValuePages& pages, const Tensor& table) {
  constexpr std::int64_t positions = KeyValuePages::positions;
  check_rank(operation, "pages.keys", pages.keys, 4, "(P, Hkv, D, 64)");
  check_same(operation, "pages.keys", pages.keys, "pages.values", pages.values);
  const std::int64_t count = pages.keys.size(0), heads = pages.keys.size(1);
  check_shape(operation, "pages.keys", pages.keys, {count, heads, pages.keys.size(2), positions});
  check_rank(operation, "pages.values", pages.values, 4, "(P, Hkv, 64, Dv)");
  check_shape(operation, "pages.values", pages.values, {count, heads, positions, pages.values.size(3)});
  const Tensor keys = keys_lie_transposed(pages.keys.device()) ? pages.keys : pages.keys.transpose(2, 3);
  require(keys.is_contiguous() && pages.values.is_contiguous(), operation, ": the pages have gaps");
  const DType dtype = pages.keys.dtype();
  if (dtype == DType::i8) {
    for (const auto& [name, scales] : {std::pair{"pages.key_scales", &pages.key_scales},
                                       std::pair{"pages.value_scales", &pages.value_scales}}) {
      check_same_device(operation, "pages.keys", pages.keys, name, *scales);
      check_dtype(operation, name, *scales, DType::f32);
      check_shape(operation, name, *scales, {count, heads, positions});
    }
  } else if (dtype != DType::f32 && dtype != DType::f16 && dtype != DType::bf16) {
    fail(ErrorCode::dtype_mismatch, operation, ": pages.keys is ", dtype, ", expected f32, f16, bf16 or i8");
  }
  check_same_device(operation, "pages.keys", pages.keys, "table", table);
  check_dtype(operation, "table", table, DType::i32);
  check_rank(operation, "table", table, 2, "(S, M)");
  require(table.is_contiguous(), operation, ": table ", table.describe(), " has gaps");
}

// The kernel's segments, which must cover `rows` rows in order; their pages must be inside the pool.
std::vector<kernels::AttentionSegment> to_kernel(const char* operation, const KeyValuePages& pages,
                                                 const Tensor& table,
                                                 std::span<const AttentionSegment> segments,
                                                 std::int64_t rows) {
  std::vector<kernels::AttentionSegment> out;
  out.reserve(segments.size());
  std::int64_t next = 0;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const AttentionSegment& segment = segments[i];
    require(segment.begin == next && segment.rows >= 0 && segment.rows <= rows - next, operation,
            ": segments[", i, "] covers rows [", segment.begin, ", ", segment.begin + segment.rows,
            "), expected to begin at ", next, " within the ", rows, " rows");
    next += segment.rows;
    require(segment.position >= 0, operation, ": segments[", i, "].position is ", segment.position,
            ", expected at least 0");
    require(segment.sequence >= 0 && segment.sequence < table.size(0), operation, ": segments[", i,
            "].sequence is ", segment.sequence, ", the table has ", table.size(0));
    const std::int64_t keys = segment.position + segment.rows;
    const std::int64_t needed = (keys + KeyValuePages::positions - 1) / KeyValuePages::positions;
    require(needed <= table.size(1), operation, ": segments[", i, "] reaches position ", keys,
            ", the table has room for ", table.size(1) * KeyValuePages::positions);
    const std::int32_t* sequence = ptr<std::int32_t>(table) + segment.sequence * table.size(1);
    if (table.device() == Device::cpu) {
      for (std::int64_t page = 0; page < needed; ++page) {
        require(sequence[page] >= 0 && sequence[page] < pages.pages(), operation, ": page ", page,
                " of sequence ", segment.sequence, " is ", sequence[page], ", outside [0, ", pages.pages(),
                ")");
      }
    }
    if (segment.rows == 0) continue;
    out.push_back({.begin = segment.begin,
                   .rows = segment.rows,
                   .position = segment.position,
                   .keys = keys,
                   .pages = sequence});
  }
  require(next == rows, operation, ": the segments cover ", next, " rows of ", rows);
  return out;
}

}  // namespace

KeyValuePages KeyValuePages::empty(std::int64_t pages, std::int64_t kv_heads, std::int64_t head_dim,
                                   std::int64_t value_dim, DType dtype, Device device) {
  const bool scaled = dtype == DType::i8;
  const Shape scales{pages, kv_heads, positions};
  return {.keys = keys_lie_transposed(device)
                      ? Tensor::empty({pages, kv_heads, head_dim, positions}, dtype, device)
                      : Tensor::empty({pages, kv_heads, positions, head_dim}, dtype, device).transpose(2, 3),
          .values = Tensor::empty({pages, kv_heads, positions, value_dim}, dtype, device),
          .key_scales = scaled ? Tensor::empty(scales, DType::f32, device) : Tensor(),
          .value_scales = scaled ? Tensor::empty(scales, DType::f32, device) : Tensor()};
}

std::size_t KeyValuePages::bytes() const {
  std::size_t total = 0;
  for (const Tensor* part : {&keys, &values, &key_scales, &value_scales}) {
    if (*part) total += static_cast<std::size_t>(part->numel()) * size_of(part->dtype());
  }
  return total;
}

// A sequence of each batch's keys and values is stored in pages of its own: one kernel for all attention, at
// the price of one copy.
Tensor attention(const Tensor& q_in, const Tensor& k_in, const Tensor& v_in,
                 const AttentionOptions& options) {
  check_rank("attention", "q", q_in, 4, "(B, H, Tq, D)");
  check_rank("attention", "k", k_in, 4, "(B, Hkv, Tk, D)");
  check_rank("attention", "v", v_in, 4, "(B, Hkv, Tk, Dv)");
  check_same("attention", "q", q_in, "k", k_in);
  check_same("attention", "q", q_in, "v", v_in);
  const std::int64_t batch = q_in.size(0), heads = q_in.size(1), rows = q_in.size(2), head_dim = q_in.size(3);
  const std::int64_t kv_heads = k_in.size(1), keys = k_in.size(2), value_dim = v_in.size(3);
  check_shape("attention", "k", k_in, {batch, kv_heads, keys, head_dim});
  check_shape("attention", "v", v_in, {batch, kv_heads, keys, value_dim});
  check_heads("attention", heads, kv_heads);
  const Shape scores{batch, heads, rows, keys};
  const Tensor mask = options.mask ? broadcast_mask(q_in, options.mask, scores) : Tensor();
  const bool additive = mask && mask.dtype() == DType::f32;

  Tensor out = Tensor::empty({batch, heads, rows, value_dim}, q_in.dtype(), q_in.device());
  Tensor lse = make_lse(options, {batch, heads, rows}, q_in.device());
  if (batch * heads * rows == 0) return out;
  const Tensor q = packed_rows(q_in), k = packed_rows(k_in), v = packed_rows(v_in);
  const std::int64_t pages = (keys + KeyValuePages::positions - 1) / KeyValuePages::positions;
  const KeyValuePages pool =
      KeyValuePages::empty(pages, kv_heads, head_dim, value_dim, q.dtype(), q.device());
  std::vector<std::int32_t> in_order(static_cast<std::size_t>(pages));
  std::iota(in_order.begin(), in_order.end(), 0);
  const Tensor table = Tensor::from<std::int32_t>(in_order, {pages}).to(q.device());
  dispatch("attention", q.device(), q.dtype(), [&]<class T>(auto& ctx) {
    for (std::int64_t b = 0; b < batch; ++b) {
      const kernels::AttentionSegment stored{.rows = keys, .pages = ptr<std::int32_t>(table)};
      kernels::store_pages<T>(ctx, to_kernel(pool), {&stored, 1},
                              new_rows<T>(k.select(0, b).transpose(0, 1), v.select(0, b).transpose(0, 1)));
      kernels::AttentionArgs<T> args;
      args.out = ptr<T>(out) + b * out.stride(0);
      args.q = ptr<T>(q) + b * q.stride(0);
      args.q_head = q.stride(1), args.q_row = q.stride(2);
      args.out_head = out.stride(1), args.out_row = out.stride(2);
      if (lse)
        args.lse = ptr<float>(lse) + b * lse.stride(0), args.lse_head = lse.stride(1), args.lse_row = 1;
      args.heads = heads;
      args.scale = scale_or_default(options.scale, head_dim);
      args.softcap = options.softcap;
      args.causal = options.causal;
      if (mask) {
        if (additive) args.mask = ptr<float>(mask) + b * mask.stride(0);
        if (!additive) args.visible = ptr<bool>(mask) + b * mask.stride(0);
        args.mask_head = mask.stride(1), args.mask_row = mask.stride(2), args.mask_key = mask.stride(3);
      }
      const kernels::AttentionSegment segment{
          .rows = rows, .position = options.past, .keys = keys, .pages = stored.pages};
      kernels::attention<T>(ctx, to_kernel(pool), {&segment, 1}, args);
    }
  });
  return out;
}

void store_pages(KeyValuePages& pages, const Tensor& table, std::span<const AttentionSegment> segments,
                 const Tensor& keys_in, const Tensor& values_in) {
  check_pages("store_pages", pages, table);
  check_rank("store_pages", "keys", keys_in, 3, "(N, Hkv, D)");
  check_same("store_pages", "keys", keys_in, "values", values_in);
  check_same_device("store_pages", "pages.keys", pages.keys, "keys", keys_in);
  const std::int64_t rows = keys_in.size(0), heads = pages.keys.size(1);
  check_shape("store_pages", "keys", keys_in, {rows, heads, pages.keys.size(2)});
  check_shape("store_pages", "values", values_in, {rows, heads, pages.values.size(3)});
  const auto parts = to_kernel("store_pages", pages, table, segments, rows);
  if (parts.empty()) return;
  const Tensor keys = packed_rows(keys_in), values = packed_rows(values_in);
  dispatch("store_pages", keys.device(), keys.dtype(), [&]<class T>(auto& ctx) {
    kernels::store_pages<T>(ctx, to_kernel(pages), parts, new_rows<T>(keys, values));
  });
}

Tensor ragged_attention(const Tensor& q_in, const KeyValuePages& pages, const Tensor& table,
                        std::span<const AttentionSegment> segments, const AttentionOptions& options) {
  check_rank("ragged_attention", "q", q_in, 3, "(N, H, D)");
  require(!options.mask, "ragged_attention: options.mask is set; use attention for masks");
  require(options.past == 0, "ragged_attention: options.past is ", options.past,
          "; set AttentionSegment::position instead");
  check_pages("ragged_attention", pages, table);
  check_same_device("ragged_attention", "q", q_in, "pages.keys", pages.keys);
  const std::int64_t rows = q_in.size(0), heads = q_in.size(1), head_dim = q_in.size(2);
  check_heads("ragged_attention", heads, pages.keys.size(1));
  require(head_dim == pages.keys.size(2), "ragged_attention: q has shape ", q_in.shape(), ", pages.keys ",
          pages.keys.shape(), "; they differ in D");
  const auto parts = to_kernel("ragged_attention", pages, table, segments, rows);

  Tensor out = Tensor::empty({rows, heads, pages.values.size(3)}, q_in.dtype(), q_in.device());
  Tensor lse = make_lse(options, {rows, heads}, q_in.device());
  if (parts.empty()) return out;
  const Tensor q = packed_rows(q_in);
  dispatch("ragged_attention", q.device(), q.dtype(), [&]<class T>(auto& ctx) {
    kernels::AttentionArgs<T> args;
    args.out = ptr<T>(out);
    args.q = ptr<T>(q);
    args.q_row = q.stride(0), args.q_head = q.stride(1);
    args.out_row = out.stride(0), args.out_head = out.stride(1);
    if (lse) args.lse = ptr<float>(lse), args.lse_row = heads, args.lse_head = 1;
    args.heads = heads;
    args.scale = scale_or_default(options.scale, head_dim);
    args.softcap = options.softcap;
    args.causal = true;
    kernels::attention<T>(ctx, to_kernel(pages), parts, args);
  });
  return out;
}

}  // namespace adlib::ops
