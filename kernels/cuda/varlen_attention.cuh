// kernels/cuda/varlen_attention.cuh: FlashAttention-2 (Dao 2023) over documents that lie end to end.
//
// A block has the queries of one tile of one head; its four warps have their own rows of it and meet only to
// share keys and values. These come in steps of N rows, keys and values in turn, through a ring of three
// buffers by cp.async: at each step a barrier tells that this step's rows have arrived and that everybody is
// done with the step before, whose buffer is filled with the step after next while this one is multiplied.
// Scores and weights stay in registers (attention_fragments.cuh), in units of log2 with the scale folded into
// the exponent's multiply-add; key tiles that no query of the block or of the warp sees are skipped, and only
// those on the edge are masked. Sums of keys are in ascending order, so a row's bits depend neither on the
// tile's height nor on the other documents.
//
// Cost: 4 D operations a pair of query and visible key, 2 D sizeof(T) bytes of K and V a key and query tile,
// which come from L2. Matrix bound: at D = 64 a step of 128 x 64 is 2.1 Mflop, 1,024 cycles of an A100's
// matrix units, and 8,192 exponentials, 512 cycles of its special function units. At D = 128 a step has 48
// keys: with 64, sums, scores and fragments are more than a thread's 255 registers.
// grid = tiles * heads, block = 128, shared memory = VarlenAttentionShape::bytes: at D = 64 and 128 and half
// types 40 and 68 KiB, two blocks a multiprocessor of sm_80 too.
#pragma once

#include "kernels/cuda/attention_fragments.cuh"
#include "kernels/varlen_attention.h"

namespace adlib::kernels::cuda {

/// F: the fragments; D: head_dim and value_dim rounded up; N: keys a step.
template <class F, int D, int N>
struct VarlenAttentionShape {
  using T = typename F::Element;
  static constexpr int rows = attention_warps * F::warp_rows;
  static constexpr int ring_at = rows * D * static_cast<int>(sizeof(T));
  static constexpr int scratch_at = ring_at + 3 * N * D * static_cast<int>(sizeof(T));
  static constexpr int bytes = scratch_at + attention_warps * F::scratch_elements(N) * 4;
};

/// Which operands are read and written 16 bytes at a time.
struct VarlenAttentionVectors {
  bool q, k, v, out;
};

/// How scores become exponents of 2: q is multiplied by `sign` first, so that `log2_scale` is positive and
/// the greatest score has the greatest exponent.
struct ScoreScale {
  float sign;        ///< 1, -1, or 0 for a scale of 0
  float log2_scale;  ///< |scale| log2(e); with softcap 1, after log2_cap tanh(inner score)
  float inner, log2_cap;
};

/// softcap and mask. limit(i): keys of row i of a thread, counted from the step's first one.
template <class F, bool Softcap, int N, class Limit>
__device__ __forceinline__ void adjust_scores(typename F::template Sums<N>& scores, const ScoreScale& scale,
                                              bool masked, const Limit& limit) {
  if (Softcap && scale.log2_cap > 0) {
#pragma unroll
    for (int i = 0; i < F::thread_rows; ++i)
#pragma unroll
      for (int j = 0; j < scores.columns; ++j)
        scores.at(i, j) = scale.log2_cap * capping_tanh<typename F::Element>(scores.at(i, j) * scale.inner);
  }
  if (masked) {
#pragma unroll
    for (int i = 0; i < F::thread_rows; ++i)
#pragma unroll
      for (int j = 0; j < scores.columns; ++j)
        if (F::column(j) >= limit(i)) scores.at(i, j) = -INFINITY;
  }
}

/// The online softmax: scores become weights, and what was summed is measured by the new greatest score.
/// total is this thread's part of the sum of weights.
template <class F, int N, int D>
__device__ __forceinline__ void online_softmax(typename F::template Sums<N>& scores,
                                               typename F::template Sums<D>& sums,
                                               float (&greatest)[F::thread_rows],
                                               float (&total)[F::thread_rows], float log2_scale) {
  float rescale[F::thread_rows];
  bool moved = false;
#pragma unroll
  for (int i = 0; i < F::thread_rows; ++i) {
    float top = greatest[i];
#pragma unroll
    for (int j = 0; j < scores.columns; ++j) top = fmaxf(top, scores.at(i, j));
    top = warp_max<F::lanes>(top);
    const float shift = top == -INFINITY ? 0.0f : top * log2_scale;  // no key yet: weights are 0
    rescale[i] = exp2_fast(greatest[i] * log2_scale - shift);
    moved = moved || rescale[i] != 1;
    greatest[i] = top;
    float sum = 0;
#pragma unroll
    for (int j = 0; j < scores.columns; ++j) {
      scores.at(i, j) = exp2_fast(fmaf(scores.at(i, j), log2_scale, -shift));
      sum += scores.at(i, j);
    }
    total[i] = total[i] * rescale[i] + sum;
  }
  if (ballot(moved) == 0) return;  // most steps: the greatest score is an early one
#pragma unroll
  for (int i = 0; i < F::thread_rows; ++i)
#pragma unroll
    for (int j = 0; j < sums.columns; ++j) sums.at(i, j) *= rescale[i];
}

template <class F, int D, int N, bool Softcap>
__global__ void __launch_bounds__(attention_threads, D > 128 ? 1 : 2)
    varlen_attention_kernel(const VarlenAttentionArgs<typename F::Element> args, const AttentionTile* tiles,
                            ScoreScale scale, VarlenAttentionVectors vectors) {
  using T = typename F::Element;
  using Shape = VarlenAttentionShape<F, D, N>;
  const auto head_dim = static_cast<int>(args.head_dim), value_dim = static_cast<int>(args.value_dim);
  const Shared<T> queries(0, Shape::rows * D), ring(Shape::ring_at, 3 * N * D);
  const Shared<float> scratch(
      Shape::scratch_at + warp_index() * F::scratch_elements(N) * static_cast<int>(sizeof(float)),
      F::scratch_elements(N));

  const AttentionWork work(tiles, args.heads, static_cast<int>(blockIdx.x));
  const int rows = work.tile.rows, first = work.tile.first,
            kv_head = work.head / static_cast<int>(args.heads / args.kv_heads);
  const DocumentRows<T> k{args.k.at(work.tile.begin, kv_head), args.k.row, rows, head_dim, vectors.k};
  const DocumentRows<T> v{args.v.at(work.tile.begin, kv_head), args.v.row, rows, value_dim, vectors.v};
  const int warp_first = first + warp_index() * F::warp_rows;
  const int keys = args.causal ? std::min(first + Shape::rows, rows) : rows;  // that the block sees
  // What a warp sees of them, and what all its rows see. At D = 128 registers are short: these are computed
  // at every step from warp_first, and what is stored at the end from the list of tiles.
  const auto warp_keys = [&] {
    const int from = recomputed(warp_first);
    return from >= rows ? 0 : args.causal ? std::min(from + F::warp_rows, rows) : rows;
  };
  const auto full_keys = [&] { return args.causal ? recomputed(warp_first) + 1 : rows; };

  // At each step the next buffer of the ring has arrived and all warps are done with the one before it, which
  // is filled with rows of keys or values, or with nothing past the end.
  int slot = 0;
  const auto load = [&](const DocumentRows<T>& from, int key, int to) {
    if (key < keys) load_tile<N, D>(ring.from(to * N * D), from, key);
    cp_async_commit();
  };
  const auto step = [&](const DocumentRows<T>& from, int key) {
    cp_async_wait<1>();
    sync_threads();
    const Shared<T> here = ring.from(slot * N * D);
    load(from, key, slot == 0 ? 2 : slot - 1);
    slot = slot == 2 ? 0 : slot + 1;
    return here;
  };
  load_tile<Shape::rows, D>(
      queries, DocumentRows<T>{args.q.at(work.tile.begin, work.head), args.q.row, rows, head_dim, vectors.q},
      first);
  load(k, 0, 0);
  load(v, 0, 1);

  typename F::template Left<D, (D <= 64)> left;
  left.rows = queries.from(warp_index() * F::warp_rows * D);
  typename F::template Sums<D> sums;
  float greatest[F::thread_rows], total[F::thread_rows];
#pragma unroll
  for (int i = 0; i < F::thread_rows; ++i) {
    greatest[i] = -INFINITY;
    total[i] = 0;
#pragma unroll
    for (int j = 0; j < sums.columns; ++j) sums.at(i, j) = 0;
  }

#pragma unroll 1
  for (int key = 0; key < keys; key += N) {
    const Shared<T> key_tile = step(k, key + N);
    if (key == 0) {
      if (scale.sign != 1) {
        for (int i = lane_index(); i < F::warp_rows * D; i += 32)
          left.rows[i] = round_to<T>(to_float(static_cast<T>(left.rows[i])) * scale.sign);
        sync_warp();
      }
      left.load();
    }
    using Weights = typename F::template Weights<N>;
    const Weights weights = [&] {
      if (key >= warp_keys()) return Weights{};
      typename F::template Sums<N> scores;
      F::template multiply_transposed<D, N>(scores, left, key_tile);
      adjust_scores<F, Softcap, N>(scores, scale, key + N > full_keys(), [&](int i) {
        return (args.causal ? warp_first + F::row(i) + 1 : rows) - key;
      });
      online_softmax<F, N, D>(scores, sums, greatest, total, scale.log2_scale);
      return Weights(scores);
    }();
    const Shared<T> value_tile = step(v, key + N);
    if (key < warp_keys()) F::template multiply_add<D, N>(sums, weights, value_tile, scratch);
  }
  cp_async_wait<0>();

  const AttentionWork done(tiles, args.heads, recomputed(static_cast<int>(blockIdx.x)));
  const int done_first = done.tile.first + warp_index() * F::warp_rows;
  if (done_first >= done.tile.rows) return;
#pragma unroll
  for (int i = 0; i < F::thread_rows; ++i) {
    total[i] = warp_sum<F::lanes>(total[i]);
    const int row = done_first + F::row(i);
    if (args.lse != nullptr && lane_index() % F::lanes == 0 && row < done.tile.rows)
      args.lse[(done.tile.begin + row) * args.heads + done.head] =
          total[i] == 0 ? -INFINITY : (greatest[i] * scale.log2_scale + log2_fast(total[i])) * log_2;
  }
  const ResultRows<T> out{args.out.at(done.tile.begin, done.head), args.out.row, done.tile.rows, value_dim,
                          vectors.out};
  store_tile<F, D>(out, done_first, left.rows, sums,
                   [&](int i) { return total[i] == 0 ? 0.0f : 1.0f / total[i]; });
}

}  // namespace adlib::kernels::cuda
