// kernels/varlen_attention.h: attention over documents that lie end to end, for training.
#pragma once

#include <cstdint>
#include <span>

#include "adlib/core/context.h"
#include "adlib/core/dtype.h"

namespace adlib::kernels {

/// (rows, heads, dim) by its strides in elements; the innermost stride is 1.
template <class T>
struct HeadRows {
  T* data = nullptr;
  std::int64_t row = 0, head = 0;

  constexpr T* at(std::int64_t r, std::int64_t h) const { return data + r * row + h * head; }
};

template <class T>
struct VarlenAttentionArgs {
  HeadRows<T> out;         ///< (rows, heads, value_dim), overwritten
  HeadRows<const T> q;     ///< (rows, heads, head_dim)
  HeadRows<const T> k;     ///< (rows, kv_heads, head_dim)
  HeadRows<const T> v;     ///< (rows, kv_heads, value_dim)
  float* lse = nullptr;    ///< (rows, heads) row-major: log Σ exp(score); or null
  std::int64_t heads = 0;  ///< head h reads key-value head h / (heads / kv_heads)
  std::int64_t kv_heads = 0, head_dim = 0, value_dim = 0;
  float scale = 1, softcap = 0;  ///< score = scale q·k; then softcap tanh(score / softcap) when softcap > 0
  bool causal = true;            ///< row i of a document sees its keys 0 ... i, else all of them
};

/// Document s is rows [offsets[s], offsets[s + 1]) and sees itself only:
///   out[i] = Σj p[i,j] v[j] / Σj p[i,j]        p[i,j] = exp(score[i,j] - maxj score[i,j])
/// by the online softmax (Milakov & Gimelshein 2018) over keys in ascending order (on devices of compute
/// capability 9.0 in blocks from the last to the first), in float: never more than one block of scores. A
/// document's bits depend on nothing but itself; NaN and infinity stay within it and within the heads that
/// read them. On the CPU a row's bits do not depend on later keys either, whatever they hold, and they are
/// those of attention (kernels/attention.h) over pages of the document; on the device they do not as long as
/// keys and values are finite, head_dim and value_dim are at most 256 (else Error(unsupported)), and half
/// types round p to T before it meets v.
template <class T>
void varlen_attention(CpuContext&, std::span<const std::int64_t> offsets, const VarlenAttentionArgs<T>& args);
template <class T>
void varlen_attention(CudaContext&, std::span<const std::int64_t> offsets,
                      const VarlenAttentionArgs<T>& args);

}  // namespace adlib::kernels
