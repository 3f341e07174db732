// kernels/attention_backward.h: the gradients of causal attention over documents that lie end to end.
#pragma once

#include <cstdint>
#include <span>

#include "adlib/core/context.h"
#include "adlib/core/dtype.h"
#include "kernels/varlen_attention.h"

namespace adlib::kernels {

template <class T>
struct AttentionBackwardArgs {
  HeadRows<T> dq;              ///< (rows, heads, head_dim), overwritten
  HeadRows<T> dk;              ///< (rows, kv_heads, head_dim), overwritten
  HeadRows<T> dv;              ///< (rows, kv_heads, value_dim), overwritten
  HeadRows<const T> dout;      ///< (rows, heads, value_dim): the gradient of some loss by out
  HeadRows<const T> q;         ///< (rows, heads, head_dim)
  HeadRows<const T> k;         ///< (rows, kv_heads, head_dim)
  HeadRows<const T> v;         ///< (rows, kv_heads, value_dim)
  HeadRows<const T> out;       ///< (rows, heads, value_dim): what attention gave
  const float* lse = nullptr;  ///< (rows, heads) row-major: log Σ exp(score), as attention gave it
  std::int64_t heads = 0;      ///< head h reads key-value head h / (heads / kv_heads)
  std::int64_t kv_heads = 0, head_dim = 0, value_dim = 0;
  float scale = 1, softcap = 0;  ///< as AttentionArgs
};

/// Document s is rows [offsets[s], offsets[s + 1]) and sees itself only, causally. The weights are computed
/// again from the rows' lse, a block of 64 queries and 64 keys at a time (FlashAttention-2, Dao 2023):
///   p[i,j] = exp(score[i,j] - lse[i])         delta[i] = Σd dout[i,d] out[i,d]
///   dv[j] = Σi p[i,j] dout[i]                 ds[i,j] = p[i,j] (dout[i]·v[j] - delta[i]) d score / d (scale
///   q·k) dq[i] = scale Σj ds[i,j] k[j]             dk[j] = scale Σi ds[i,j] q[i]
/// in float. Sums are taken in blocks that begin at multiples of 64 within the document, in ascending order,
/// then over the heads of a group in ascending order: a document's bits depend on nothing but itself. NaN and
/// infinity stay within their document and kv head's group. On the device head_dim and value_dim are at most
/// 256 (else Error(unsupported)), and half types round p and ds to T before they are multiplied.
template <class T>
void varlen_attention_backward(CpuContext&, std::span<const std::int64_t> offsets,
                               const AttentionBackwardArgs<T>& args);
template <class T>
void varlen_attention_backward(CudaContext&, std::span<const std::int64_t> offsets,
                               const AttentionBackwardArgs<T>& args);

}  // namespace adlib::kernels
