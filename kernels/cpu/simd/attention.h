// kernels/cpu/simd/attention.h: the inner loops of attention beside the f32 tiles, one table a SIMD level.
#pragma once

#include <cstdint>

namespace adlib::kernels::simd {

/// How the elements of a page lie in memory; f16 and bf16 are read as their bits.
enum class Stored : int { f32, f16, bf16, i8 };

/// The online softmax (Milakov & Gimelshein 2018, algorithm 3) of m rows over one block of 64 keys.
struct OnlineSoftmax {
  float*
      scores;  ///< (m, 64): products of queries and keys; becomes the weights of the values, 0 where hidden
  const std::int32_t* visible;  ///< (m): how many keys of the block the row sees, the first ones; up to 64
  float* max;                   ///< (m): the largest score so far, -inf before the first
  float* sum;                   ///< (m): Σ exp(score - max) so far
  float* out;                   ///< (m, columns): Σ exp(score - max) value so far, rescaled when max grows
  std::int64_t out_row, columns;
  float scale;                ///< multiplies the products
  const float* key_scales;    ///< (64), multiply the scores, or null
  const float* value_scales;  ///< (64), multiply the weights but not the sum, or null
  std::int64_t m;
};

/// One row of a product with a panel as it is stored: sums (columns) = or += a (k) · panel (k, columns).
struct RowProduct {
  float* sums;
  const float* a;
  const void* panel;
  std::int64_t panel_row;  ///< in elements
  std::int64_t k, columns;
  bool add;
  const void*
      ahead;  ///< a panel of the same shape that is wanted soon: it is fetched meanwhile; may be `panel`
};

/// m rows over one block of 64 keys, on the way back. What stands for hidden keys may be anything; it becomes
/// 0.
struct SoftmaxBackward {
  float* weights;       ///< (m, 64): products of queries and keys; becomes exp(scale product - lse)
  float* gradients;     ///< (m, 64): by the weights; becomes by the scores: weight (gradient - delta)
  const float* slopes;  ///< (m, 64): multiply the latter, or null
  const float* lse;     ///< (m)
  const float* delta;   ///< (m): Σ weight · gradient over all keys of the row
  float scale;
  std::int64_t m;
  std::int64_t visible;  ///< row r sees the first min(64, visible + r) keys
};

/// A row's results do not depend on its neighbours. A score of -inf is hidden: its weight is 0; NaN that a
/// row sees makes the row NaN. The exponentials are those of math_lanes.h, within 1.1 ulp (1.6 without FMA);
/// a row's sum is taken lane by lane, then over the lanes in one order.
struct Attention {
  void (*softmax)(const OnlineSoftmax& t) = nullptr;
  void (*softmax_backward)(const SoftmaxBackward& t) = nullptr;
  /// By Stored. `columns` is a multiple of GemmF32::columns; an element is summed as the tile of this level
  /// sums it, to the same bits.
  void (*row[4])(const RowProduct& t) = {};
  /// out[i] = in[i] for i < n, exactly, by Stored.
  void (*widen[4])(float* out, const void* in, std::int64_t n) = {};
  bool (*all_finite)(const float* x, std::int64_t n) = nullptr;
};

extern const Attention attention_baseline;
extern const Attention attention_avx2;
extern const Attention attention_avx512;

}  // namespace adlib::kernels::simd
