// kernels/attention.h: scaled dot-product attention of a ragged batch over keys and values in pages.
#pragma once

#include <cstdint>
#include <span>

#include "adlib/core/context.h"
#include "adlib/core/dtype.h"

namespace adlib::kernels {

/// The positions of a page; position p of a sequence stands in slot p % 64 of its page p / 64. Also the block
/// in which keys are reduced, so that the order of summation follows from absolute positions.
inline constexpr std::int64_t attention_block = 64;

/// Keys and values of many sequences in one pool of pages, row-major without gaps. On the CPU keys lie
/// transposed, so that the 64 positions of a page are the lanes of a vector; on CUDA they lie as values do,
/// so that a key is one run of bytes. There, keys and values begin at multiples of 16 bytes. Nobody but
/// store_pages and attention looks inside a page.
struct KeyValuePages {
  DType dtype = DType::f32;     ///< of keys and values: f32, f16, bf16 or i8
  void* keys = nullptr;         ///< (pages, kv_heads, head_dim, 64); CUDA: (pages, kv_heads, 64, head_dim)
  void* values = nullptr;       ///< (pages, kv_heads, 64, value_dim)
  float* key_scales = nullptr;  ///< i8: (pages, kv_heads, 64), what an element counts; else null
  float* value_scales = nullptr;
  std::int64_t kv_heads = 0, head_dim = 0, value_dim = 0;
};
/// Whether the keys of a page are (head_dim, 64), else (64, head_dim).
constexpr bool keys_lie_transposed(const CpuContext&) { return true; }
constexpr bool keys_lie_transposed(const CudaContext&) { return false; }

/// Consecutive rows of one call that belong to one sequence.
struct AttentionSegment {
  std::int64_t begin = 0;  ///< its first row in q, out, lse; in keys and values when they are stored
  std::int64_t rows = 0;
  std::int64_t position = 0;  ///< of its first row in the sequence; may be negative when nothing is stored
  std::int64_t keys = 0;      ///< attention: how many positions of the sequence there are
  const std::int32_t* pages = nullptr;  ///< the sequence's pages in the pool, on the pool's device
};
/// Segments in device memory, which a launch reads when it runs: so that one CUDA graph serves every step of
/// decoding. What the kernels cover is fixed by the bounds; a segment of no rows is passed over.
struct DeviceSegments {
  std::int64_t count = 0;
  std::int64_t most_rows = 0, most_keys = 0;  ///< no segment has more
  const AttentionSegment* segments = nullptr;
};

/// New keys and values, strides in elements; the innermost stride is 1.
template <class T>
struct NewKeyValues {
  const T* keys = nullptr;    ///< (rows, kv_heads, head_dim)
  const T* values = nullptr;  ///< (rows, kv_heads, value_dim)
  std::int64_t k_row = 0, k_head = 0, v_row = 0, v_head = 0;
};

/// Writes rows to their positions: position + i of a segment's sequence is row begin + i. Rounds to the
/// pages' dtype; i8 is symmetric, code = round(127 x / max|x|) with one scale max|x| / 127 for each position
/// and head (NaN when x is not finite, so that what reads it becomes NaN). No two segments share a page that
/// they write.
template <class T>
void store_pages(CpuContext&, const KeyValuePages& pages, std::span<const AttentionSegment> segments,
                 const NewKeyValues<T>& rows);
template <class T>
void store_pages(CudaContext&, const KeyValuePages& pages, std::span<const AttentionSegment> segments,
                 const NewKeyValues<T>& rows);
template <class T>
void store_pages(CudaContext&, const KeyValuePages& pages, const DeviceSegments& segments,
                 const NewKeyValues<T>& rows);

/// Operands of one call. Strides are in elements; the innermost stride of q and out is 1.
template <class T>
struct AttentionArgs {
  T* out = nullptr;      ///< (rows, heads, value_dim) by its strides
  const T* q = nullptr;  ///< (rows, heads, head_dim)
  float* lse =
      nullptr;  ///< (rows, heads) by its strides: log Σ exp(score), -inf without a visible key; or null
  std::int64_t q_row = 0, q_head = 0, out_row = 0, out_head = 0, lse_row = 0, lse_head = 0;
  std::int64_t heads = 0;         ///< head h reads key-value head h / (heads / kv_heads)
  float scale = 1, softcap = 0;   ///< score = scale q.k; then softcap tanh(score / softcap) when softcap > 0
  bool causal = false;            ///< row i of a segment sees keys 0 ... position + i, else all of them
  const float* mask = nullptr;    ///< added to the scores, or null; -inf hides the key
  const bool* visible = nullptr;  ///< false hides the key, or null
  std::int64_t mask_head = 0, mask_row = 0, mask_key = 0;  ///< strides of mask or visible; 0 repeats
};

/// out[i,h,:] = sum_j p[j] v[j,:] / sum_j p[j], p = exp(score - max score), by the online softmax (Milakov &
/// Gimelshein 2018), in float: never more than one block of scores a row. A row that sees no key gives zeros,
/// and a hidden key or value is never read into a visible result, whatever it holds. A row's bits depend on
/// its own query and keys only: not on the other rows and segments, on the chunking, or on later keys.
/// CUDA: keys are reduced in runs of 256 positions, each block by block, and the runs' results in ascending
/// order. head_dim and value_dim are at most 256.
template <class T>
void attention(CpuContext&, const KeyValuePages& pages, std::span<const AttentionSegment> segments,
               const AttentionArgs<T>& args);
template <class T>
void attention(CudaContext&, const KeyValuePages& pages, std::span<const AttentionSegment> segments,
               const AttentionArgs<T>& args);
template <class T>
void attention(CudaContext&, const KeyValuePages& pages, const DeviceSegments& segments,
               const AttentionArgs<T>& args);

}  // namespace adlib::kernels
