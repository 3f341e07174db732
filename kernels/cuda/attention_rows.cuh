// kernels/cuda/attention_rows.cuh: what the kernels of attention share: one call's operands, the rows of a
// tile, and the softmax in runs of keys.
//
// Keys are reduced in runs of `attention_run` positions that begin at multiples of it. A run begins with
// nothing and takes its blocks of 64 in ascending order (online softmax: Milakov & Gimelshein 2018); then the
// runs' results are merged in ascending order (Dao et al., "Flash-Decoding", 2023). A thread block may have
// all runs of a row or one of them, so that decoding fills the device; the bits are the same, for what is
// added to what is the same. Sums that compilers could fuse with a product are written out by fmaf and
// product().
#pragma once

#include "kernels/attention.h"
#include "kernels/cuda/arch/convert.cuh"
#include "kernels/cuda/arch/math.cuh"
#include "kernels/cuda/arch/shared.cuh"
#include "kernels/cuda/launch.h"

namespace adlib::kernels::cuda {

inline constexpr int block_keys = static_cast<int>(attention_block);
inline constexpr int run_blocks = 4;
inline constexpr int attention_run = run_blocks * block_keys;

__device__ __forceinline__ int smaller(int a, int b) { return b < a ? b : a; }
__device__ __forceinline__ int greater(int a, int b) { return b > a ? b : a; }
inline __device__ float minus_infinity() { return -bits_float(0x7f800000u); }

/// The results of runs for rows that have more than one. Entry (segment, run, key-value head, row) with
/// `rows` rows of each head, counted as TileRows does.
struct RunResults {
  float* out = nullptr;  ///< (entries, value_dim): Σ exp2(score - max) v
  float* max = nullptr;  ///< (entries): of the scores that count powers of 2
  float* sum = nullptr;  ///< (entries): Σ exp2(score - max)
  int runs = 0, rows = 0;

  __device__ std::int64_t entry(std::int64_t segment, int run, int kv_heads, int kv_head, int row) const {
    return ((segment * runs + run) * kv_heads + kv_head) * rows + row;
  }
};

/// What a kernel of attention is given. Segments whose rows times the heads of a group are outside
/// [least_rows, most_rows] are another launch's.
template <class T>
struct AttentionCall {
  AttentionArgs<T> args;
  KeyValuePages pages;
  const AttentionSegment* segments = nullptr;
  std::int64_t least_rows = 1, most_rows = 0;
  bool query_vectors = false;  ///< each row of q begins at a multiple of 16 bytes
  bool out_pairs = false;      ///< each row of out begins at a multiple of 2 elements
  RunResults results;

  __device__ bool mine(const AttentionSegment& segment, int group) const {
    const std::int64_t rows = segment.rows * group;
    return rows >= least_rows && rows <= most_rows;
  }
};

/// The rows of a segment for one key-value head: row r is query r / group of head r % group.
struct TileRows {
  AttentionSegment segment;
  int group, kv_head;
  bool causal;

  __device__ int count() const { return static_cast<int>(segment.rows) * group; }
  __device__ int query(int r) const { return r / group; }
  __device__ std::int64_t row(int r) const { return segment.begin + query(r); }
  __device__ int head(int r) const { return kv_head * group + r % group; }
  /// How many keys row r sees, were there no mask.
  __device__ int seen(int r) const {
    const std::int64_t last = segment.position + query(r) + 1;
    return static_cast<int>(!causal || last > segment.keys ? segment.keys : last < 0 ? 0 : last);
  }
};

/// The maximum and sum of a softmax over the keys so far.
struct SoftmaxState {
  float max, sum;
};
__device__ __forceinline__ SoftmaxState no_keys() { return {minus_infinity(), 0.0f}; }
/// True unless the keys held nothing that counts; NaN does.
__device__ __forceinline__ bool has_keys(const SoftmaxState& s) {
  return s.max != minus_infinity() || s.sum != 0.0f;
}
/// What scores are taken relative to: `max`, or 0 where there is none.
__device__ __forceinline__ float base_of(float max) { return max == minus_infinity() ? 0.0f : max; }

/// What the outputs so far and those of a part count in their sum.
struct MergeWeights {
  float before, part;
};
/// Takes the softmax of a part into that of what came before. Only for parts that has_keys().
__device__ __forceinline__ MergeWeights merge(SoftmaxState& all, const SoftmaxState& part) {
  const float max = fmaxf(all.max, part.max), base = base_of(max);
  const MergeWeights weights{exp2_fast(all.max - base), exp2_fast(part.max - base)};
  all.sum = fmaf(all.sum, weights.before, product(part.sum, weights.part));
  all.max = max;
  return weights;
}
__device__ __forceinline__ float merged(const MergeWeights& weights, float before, float part) {
  return fmaf(before, weights.before, product(part, weights.part));
}

/// A score in powers of 2, from q·k.
template <class T>
__device__ __forceinline__ float power_score(const AttentionArgs<T>& args, float dot, float key_scale,
                                             float added) {
  float score = product(product(dot, args.scale), key_scale);
  if (args.softcap > 0) score = product(args.softcap, tanhf(score / args.softcap));
  return product(score + added, log2_e);
}

/// 1 / sum, or 0 for a row that saw no key.
__device__ __forceinline__ float inverse_sum(const SoftmaxState& s) {
  return s.sum == 0.0f ? 0.0f : 1.0f / s.sum;
}
/// log Σ exp(score).
__device__ __forceinline__ float log_sum(const SoftmaxState& s) {
  return s.sum == 0.0f ? minus_infinity() : fmaf(s.max, log_2, logf(s.sum));
}

/// How a call is cut; see attention.cu.
struct AttentionShape {
  bool few;    ///< segments are one tile of 16 rows
  bool split;  ///< into runs
  Dim3 grid;
};
/// Launches the kernel on tensor cores for the call's types and extents. (attention_mma.cu)
template <class T>
void launch_attention_mma(const CudaContext& context, const AttentionShape& shape,
                          const AttentionCall<T>& call);

}  // namespace adlib::kernels::cuda
