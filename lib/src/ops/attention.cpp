#include "kernels/attention.h"

#include <cmath>
#include <vector>

#include "adlib/ops.h"
#include "ops/checks.h"
#include "ops/dispatch.h"

namespace adlib::ops {
namespace {

Tensor packed_last(const Tensor& x) { return x.size(-1) <= 1 || x.stride(-1) == 1 ? x : x.contiguous(); }

float scale_or_default(float scale, std::int64_t head_dim) {
  return scale != 0 ? scale : 1.0f / std::sqrt(static_cast<float>(head_dim));
}

void check_heads(const char* operation, std::int64_t heads, std::int64_t kv_heads) {
  require(kv_heads > 0 && heads % kv_heads == 0, operation, ": ", heads, " query heads do not divide among ",
          kv_heads, " key-value heads");
}

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

}  // namespace

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
  if (out.numel() == 0) return out;
  const Tensor q = packed_last(q_in), k = packed_last(k_in), v = packed_last(v_in);
  dispatch("attention", q.device(), q.dtype(), [&]<class T>(auto& ctx) {
    for (std::int64_t b = 0; b < batch; ++b) {
      kernels::AttentionArgs<T> args;
      args.out = ptr<T>(out) + b * out.stride(0);
      args.q = ptr<T>(q) + b * q.stride(0);
      args.k = ptr<T>(k) + b * k.stride(0);
      args.v = ptr<T>(v) + b * v.stride(0);
      args.rows = rows, args.keys = keys, args.heads = heads, args.kv_heads = kv_heads;
      args.head_dim = head_dim, args.value_dim = value_dim;
      args.q_head = q.stride(1), args.q_row = q.stride(2);
      args.k_head = k.stride(1), args.k_row = k.stride(2);
      args.v_head = v.stride(1), args.v_row = v.stride(2);
      args.out_head = out.stride(1), args.out_row = out.stride(2);
      args.scale = scale_or_default(options.scale, head_dim);
      args.softcap = options.softcap;
      args.causal = options.causal;
      args.position = options.past;
      if (mask) {
        if (additive) args.mask = ptr<float>(mask) + b * mask.stride(0);
        if (!additive) args.visible = ptr<bool>(mask) + b * mask.stride(0);
        args.mask_head = mask.stride(1), args.mask_row = mask.stride(2), args.mask_key = mask.stride(3);
      }
      kernels::attention<T>(ctx, args);
    }
  });
  return out;
}

Tensor ragged_attention(const Tensor& q_in, std::span<const AttentionSegment> segments,
                        const AttentionOptions& options) {
  check_rank("ragged_attention", "q", q_in, 3, "(N, H, D)");
  require(!options.mask, "ragged_attention: options.mask is set; use attention for masks");
  require(options.past == 0, "ragged_attention: options.past is ", options.past,
          "; set AttentionSegment::position instead");
  const std::int64_t heads = q_in.size(1), head_dim = q_in.size(2);
  std::vector<AttentionSegment> packed(segments.begin(), segments.end());
  std::int64_t next = 0;
  for (std::size_t i = 0; i < packed.size(); ++i) {
    AttentionSegment& segment = packed[i];
    const std::string name = concat("segments[", i, "]");
    const std::string keys_name = name + ".keys", values_name = name + ".values";
    require(segment.begin == next && segment.rows >= 0 && segment.rows <= q_in.size(0) - next,
            "ragged_attention: ", name, " covers rows [", segment.begin, ", ", segment.begin + segment.rows,
            "), expected to begin at ", next, " within the ", q_in.size(0), " rows of q");
    next += segment.rows;
    require(segment.position >= 0, "ragged_attention: ", name, ".position is ", segment.position,
            ", expected at least 0");
    check_rank("ragged_attention", keys_name.c_str(), segment.keys, 3, "(Hkv, T, D)");
    check_same("ragged_attention", "q", q_in, keys_name.c_str(), segment.keys);
    check_same("ragged_attention", "q", q_in, values_name.c_str(), segment.values);
    const std::int64_t keys = segment.keys.size(1);
    check_shape("ragged_attention", keys_name.c_str(), segment.keys, {segment.keys.size(0), keys, head_dim});
    // Keys and values of one width keep the result's shape (N, H, D).
    check_shape("ragged_attention", values_name.c_str(), segment.values, segment.keys.shape());
    check_heads("ragged_attention", heads, segment.keys.size(0));
    require(keys >= segment.position + segment.rows, "ragged_attention: ", keys_name, " has ", keys,
            " positions, expected at least ", segment.position + segment.rows);
    segment.keys = packed_last(segment.keys);
    segment.values = packed_last(segment.values);
  }
  require(next == q_in.size(0), "ragged_attention: the segments cover ", next, " rows, q has ", q_in.size(0));

  Tensor out = Tensor::empty(q_in.shape(), q_in.dtype(), q_in.device());
  if (out.numel() == 0) return out;
  const Tensor q = packed_last(q_in);
  dispatch("ragged_attention", q.device(), q.dtype(), [&]<class T>(auto& ctx) {
    for (const AttentionSegment& segment : packed) {
      if (segment.rows == 0) continue;
      const Tensor &k = segment.keys, &v = segment.values;
      kernels::AttentionArgs<T> args;
      args.out = ptr<T>(out) + segment.begin * out.stride(0);
      args.q = ptr<T>(q) + segment.begin * q.stride(0);
      args.k = ptr<T>(k);
      args.v = ptr<T>(v);
      args.rows = segment.rows, args.keys = segment.position + segment.rows;
      args.heads = heads, args.kv_heads = k.size(0);
      args.head_dim = head_dim, args.value_dim = head_dim;
      args.q_row = q.stride(0), args.q_head = q.stride(1);
      args.k_head = k.stride(0), args.k_row = k.stride(1);
      args.v_head = v.stride(0), args.v_row = v.stride(1);
      args.out_row = out.stride(0), args.out_head = out.stride(1);
      args.scale = scale_or_default(options.scale, head_dim);
      args.softcap = options.softcap;
      args.causal = true;
      args.position = segment.position;
      kernels::attention<T>(ctx, args);
    }
  });
  return out;
}

}  // namespace adlib::ops
