// kernels/attention.h: scaled dot-product attention of one sequence, all heads.
#pragma once

#include <cstdint>

#include "adlib/core/context.h"
#include "adlib/core/dtype.h"

namespace adlib::kernels {

/// Keys are reduced in blocks of this many, counted from key 0 of the sequence.
inline constexpr std::int64_t attention_block = 64;

/// Operands of one call. Strides are in elements; the innermost stride of q, k, v and out is 1.
template <class T>
struct AttentionArgs {
  T* out = nullptr;      ///< (heads, rows, value_dim) by its strides
  const T* q = nullptr;  ///< (heads, rows, head_dim)
  const T* k = nullptr;  ///< (kv_heads, keys, head_dim)
  const T* v = nullptr;  ///< (kv_heads, keys, value_dim)
  std::int64_t rows = 0, keys = 0;
  std::int64_t heads = 0, kv_heads = 0;  ///< head h reads h / (heads / kv_heads)
  std::int64_t head_dim = 0, value_dim = 0;
  std::int64_t q_row = 0, q_head = 0, k_row = 0, k_head = 0, v_row = 0, v_head = 0, out_row = 0, out_head = 0;
  float scale = 1, softcap = 0;  ///< score = scale q.k; then softcap tanh(score / softcap) when softcap > 0
  bool causal = false;
  std::int64_t position = 0;      ///< causal: row i sees keys 0 ... position + i; may be negative
  const float* mask = nullptr;    ///< added to the scores, or null; -inf hides the key
  const bool* visible = nullptr;  ///< false hides the key, or null
  std::int64_t mask_head = 0, mask_row = 0, mask_key = 0;  ///< strides of mask or visible; 0 repeats
};

/// out[h,i,:] = sum_j p[j] v[j,:] / sum_j p[j], p = exp(score - max score), by the online softmax (Milakov &
/// Gimelshein 2018), in float: never more than one block of scores a row. A row that sees no key gives zeros,
/// and a hidden key or value is never read into a visible result, whatever it holds. A row's bits depend on
/// its own query and keys only: not on `rows`, on the chunking, or on later keys.
template <class T>
void attention(CpuContext&, const AttentionArgs<T>& args);
template <class T>
void attention(CudaContext&, const AttentionArgs<T>& args);

}  // namespace adlib::kernels
