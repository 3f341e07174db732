#include "kernels/varlen_attention.h"
#include "kernels/attention_backward.h"
#include "ops/attention.h"
#include "ops/checks.h"
#include "ops/rows.h"

namespace adlib::ops {
namespace {

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

  dispatch("varlen_attention", q.device(), q.dtype(), [&]<class T>(auto& ctx) {
    kernels::varlen_attention<T>(ctx, offsets,
                                 {.out = head_rows<T>(out),
                                  .q = head_rows<T>(q),
                                  .k = head_rows<T>(k),
                                  .v = head_rows<T>(v),
                                  .lse = lse ? ptr<float>(lse) : nullptr,
                                  .heads = heads,
                                  .kv_heads = k.size(1),
                                  .head_dim = q.size(2),
                                  .value_dim = value_dim,
                                  .scale = scale_or_default(options.scale, q.size(2)),
                                  .softcap = options.softcap});
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
