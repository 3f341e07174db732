#include <algorithm>
#include <numeric>
#include <vector>

#include "kernels/attention_backward.h"
#include "ops/attention.h"
#include "ops/checks.h"
#include "ops/rows.h"

namespace adlib::ops {
namespace {

constexpr std::int64_t page = KeyValuePages::positions;
// Pages of documents that are attended at once: some megabytes that stay in a cache between being written and
// read, and a hundred tasks for the threads. Also what bounds the memory of documents much shorter than a
// page.
constexpr std::int64_t pages_at_once = 16;

std::int64_t pages_for(std::int64_t rows) { return (rows + page - 1) / page; }

void check_inputs(const char* operation, const Tensor& q, const Tensor& k, const Tensor& v,
                  std::span<const std::int64_t> offsets, const AttentionOptions& options) {
  check_rank(operation, "q", q, 3, "(N, H, D)");
  check_rank(operation, "k", k, 3, "(N, Hkv, D)");
  check_rank(operation, "v", v, 3, "(N, Hkv, Dv)");
  check_same(operation, "q", q, "k", k);
  check_same(operation, "q", q, "v", v);
  check_shape(operation, "k", k, {q.size(0), k.size(1), q.size(2)});
  check_shape(operation, "v", v, {q.size(0), k.size(1), v.size(2)});
  check_heads(operation, q.size(1), k.size(1));
  require(!options.mask, operation, ": options.mask is set; use attention for masks");
  require(options.past == 0, operation, ": options.past is ", options.past,
          "; a document's first query stands at its first key");
  require(!offsets.empty() && offsets.front() == 0 && offsets.back() == q.size(0), operation, ": offsets go ",
          offsets.empty() ? "nowhere" : concat("from ", offsets.front(), " to ", offsets.back()),
          ", expected from 0 to the ", q.size(0), " rows");
  for (std::size_t s = 1; s < offsets.size(); ++s) {
    require(offsets[s - 1] <= offsets[s], operation, ": offsets[", s, "] is ", offsets[s], " after ",
            offsets[s - 1], "; they must not fall");
  }
}

// Runs of documents whose pages the pool holds, in order.
template <class Attend>
void for_each_run(std::span<const std::int64_t> offsets, const std::int32_t* pool, std::int64_t pool_pages,
                  const Attend& attend) {
  std::vector<kernels::AttentionSegment> run;
  std::int64_t used = 0;
  for (std::size_t s = 1; s < offsets.size(); ++s) {
    const std::int64_t rows = offsets[s] - offsets[s - 1];
    if (rows == 0) continue;
    if (used + pages_for(rows) > pool_pages) {
      attend(run);
      run.clear();
      used = 0;
    }
    run.push_back({.begin = offsets[s - 1], .rows = rows, .keys = rows, .pages = pool + used});
    used += pages_for(rows);
  }
  if (!run.empty()) attend(run);
}

template <class T>
kernels::HeadRows<T> head_rows(Tensor& x) {
  return {ptr<T>(x), x.stride(0), x.stride(1)};
}
template <class T>
kernels::HeadRows<const T> head_rows(const Tensor& x) {
  return {ptr<T>(x), x.stride(0), x.stride(1)};
}

void check_gradient(const char* name, const Tensor& gradient, const char* of_name, const Tensor& of) {
  constexpr const char* operation = "varlen_attention_backward";
  check_same(operation, of_name, of, name, gradient);
  check_shape(operation, name, gradient, of.shape());
  require(has_packed_rows(gradient), operation, ": ", name, " ", gradient.describe(),
          " has gaps within its rows, expected an innermost stride of 1");
}

}  // namespace

Tensor varlen_attention(const Tensor& q_in, const Tensor& k_in, const Tensor& v_in,
                        std::span<const std::int64_t> offsets, const AttentionOptions& options) {
  check_inputs("varlen_attention", q_in, k_in, v_in, offsets, options);
  const std::int64_t rows = q_in.size(0), heads = q_in.size(1), value_dim = v_in.size(2);
  Tensor out = Tensor::empty({rows, heads, value_dim}, q_in.dtype(), q_in.device());
  Tensor lse = make_lse(options, {rows, heads}, q_in.device());
  if (rows == 0) return out;
  const Tensor q = packed_rows(q_in), k = packed_rows(k_in), v = packed_rows(v_in);

  std::int64_t longest = 0, all_pages = 0;
  for (std::size_t s = 1; s < offsets.size(); ++s) {
    longest = std::max(longest, pages_for(offsets[s] - offsets[s - 1]));
    all_pages += pages_for(offsets[s] - offsets[s - 1]);
  }
  const std::int64_t pool_pages = std::min(all_pages, std::max(longest, pages_at_once));
  const KeyValuePages pool =
      KeyValuePages::empty(pool_pages, k.size(1), k.size(2), value_dim, q.dtype(), q.device());
  std::vector<std::int32_t> in_order(static_cast<std::size_t>(pool_pages));
  std::iota(in_order.begin(), in_order.end(), 0);
  const Tensor table = Tensor::from<std::int32_t>(in_order, {pool_pages}).to(q.device());
  dispatch("varlen_attention", q.device(), q.dtype(), [&]<class T>(auto& ctx) {
    const kernels::AttentionArgs<T> args{.out = ptr<T>(out),
                                         .q = ptr<T>(q),
                                         .lse = lse ? ptr<float>(lse) : nullptr,
                                         .q_row = q.stride(0),
                                         .q_head = q.stride(1),
                                         .out_row = out.stride(0),
                                         .out_head = out.stride(1),
                                         .lse_row = heads,
                                         .lse_head = 1,
                                         .heads = heads,
                                         .scale = scale_or_default(options.scale, q.size(2)),
                                         .softcap = options.softcap,
                                         .causal = true};
    for_each_run(offsets, ptr<std::int32_t>(table), pool_pages,
                 [&](std::span<const kernels::AttentionSegment> run) {
                   kernels::store_pages<T>(ctx, to_kernel(pool), run, new_rows<T>(k, v));
                   kernels::attention<T>(ctx, to_kernel(pool), run, args);
                 });
  });
  return out;
}

void varlen_attention_backward(Tensor& dq, Tensor& dk, Tensor& dv, const Tensor& dout_in, const Tensor& q_in,
                               const Tensor& k_in, const Tensor& v_in, const Tensor& out_in,
                               const Tensor& lse_in, std::span<const std::int64_t> offsets,
                               const AttentionOptions& options) {
  constexpr const char* operation = "varlen_attention_backward";
  check_inputs(operation, q_in, k_in, v_in, offsets, options);
  check_gradient("dq", dq, "q", q_in);
  check_gradient("dk", dk, "k", k_in);
  check_gradient("dv", dv, "v", v_in);
  const std::int64_t rows = q_in.size(0), heads = q_in.size(1), head_dim = q_in.size(2),
                     value_dim = v_in.size(2);
  check_same(operation, "q", q_in, "dout", dout_in);
  check_shape(operation, "dout", dout_in, {rows, heads, value_dim});
  check_same(operation, "q", q_in, "out", out_in);
  check_shape(operation, "out", out_in, {rows, heads, value_dim});
  check_same_device(operation, "q", q_in, "lse", lse_in);
  check_dtype(operation, "lse", lse_in, DType::f32);
  check_shape(operation, "lse", lse_in, {rows, heads});
  if (rows == 0) return;
  const Tensor q = packed_rows(q_in), k = packed_rows(k_in), v = packed_rows(v_in), out = packed_rows(out_in),
               dout = packed_rows(dout_in), lse = lse_in.contiguous();
  dispatch(operation, q.device(), q.dtype(), [&]<class T>(auto& ctx) {
    kernels::varlen_attention_backward<T>(ctx, offsets,
                                          {.dq = head_rows<T>(dq),
                                           .dk = head_rows<T>(dk),
                                           .dv = head_rows<T>(dv),
                                           .dout = head_rows<T>(dout),
                                           .q = head_rows<T>(q),
                                           .k = head_rows<T>(k),
                                           .v = head_rows<T>(v),
                                           .out = head_rows<T>(out),
                                           .lse = ptr<float>(lse),
                                           .heads = heads,
                                           .kv_heads = k.size(1),
                                           .head_dim = head_dim,
                                           .value_dim = value_dim,
                                           .scale = scale_or_default(options.scale, head_dim),
                                           .softcap = options.softcap});
  });
}

}  // namespace adlib::ops
