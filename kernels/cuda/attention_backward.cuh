// kernels/cuda/attention_backward.cuh: the gradients of causal attention over documents that lie end to end,
// without a matrix of scores and without atomics (FlashAttention-2, Dao 2023).
//
// Three launches: the statistics of each row (lse in units of log2, and delta = dout·out), then dq, then dk
// and dv together. The last two are one kernel. A block has the rows of one tile: queries for dq, keys for dk
// and dv; each of its warps has its own rows, and walks with the others over the rows of the other side, N at
// a time, through two buffers by cp.async: one barrier a step tells that its rows have arrived and that the
// step before is done with the buffer to be filled. With
//   side     rows A, B      columns A, B    results
//   queries  q, dout        k, v            dq
//   keys     k, v           q, dout         dk, dv
// scores and the weights' gradients (for keys their transposes) are rows A · columns A and rows B · columns
// B, and lie in the very lanes in which the matrix unit takes them for the next product. Blocks of keys walk
// over the heads of their group, so that the sum over heads happens in registers, in ascending order.
//
// Cost: dq takes 3, dk and dv 4 products of 2 D operations a visible pair: together 14 D, where one pass
// would take 10 D and need either atomics or a sum over key tiles in memory. That second computation of
// scores and weight gradients (4 D, 40 %) is the price of one order of summation. At D = 256 dk and dv are
// computed one after the other (16 D), for they do not fit in registers.
// grid = tiles * heads or kv_heads, block = 128, shared memory = AttentionBackwardShape::bytes (48 KiB at
// D = 64 and half types; at D = 128 96 for dq, 64 for dk and dv).
#pragma once

#include "kernels/attention_backward.h"
#include "kernels/cuda/attention_fragments.cuh"

namespace adlib::kernels::cuda {

/// (heads, rows) floats, each document at a multiple of 4 rows, zero up to the next one's begin.
struct RowStatistics {
  float* lse;         ///< log2 Σ 2^score
  float* delta;       ///< Σd dout[d] out[d]: Σj p[j] d loss / d p[j]
  std::int64_t head;  ///< rows of a head, a multiple of 4

  constexpr std::int64_t at(int h, std::int64_t row) const { return h * head + row; }
};

/// Which operands are read and written 16 bytes at a time.
struct AttentionBackwardVectors {
  bool q, k, v, out, dout, dq, dk, dv;
};

/// Eight lanes a row; a lane sums every eighth chunk of 16 bytes. Memory bound: reads dout and out once.
/// grid = tiles * heads, block = 128; Rows: of a tile.
template <class T, int Rows>
__global__ void __launch_bounds__(attention_threads)
    attention_statistics_kernel(const AttentionBackwardArgs<T> args, const AttentionTile* tiles,
                                RowStatistics statistics, bool vectors) {
  constexpr int chunk = vec_size<T>;
  const AttentionWork work(tiles, args.heads, static_cast<int>(blockIdx.x));
  const AttentionTile& tile = work.tile;
  const int head = work.head, dim = static_cast<int>(args.value_dim);
  const int padded_rows = (tile.rows + 3) / 4 * 4;
#pragma unroll 1
  for (int r = thread_index() / 8; r < Rows; r += attention_threads / 8) {
    const int row = tile.first + r;
    float sum = 0;
    if (row < tile.rows) {
      const T* out = args.out.at(tile.begin + row, head);
      const T* dout = args.dout.at(tile.begin + row, head);
      for (int c = lane_index() % 8 * chunk; c < dim; c += 8 * chunk) {
        if (vectors && c + chunk <= dim) {
          const auto a = load<chunk>(out + c), b = load<chunk>(dout + c);
#pragma unroll
          for (int e = 0; e < chunk; ++e) sum += to_float(a[e]) * to_float(b[e]);
        } else {
          for (int e = c; e < std::min(c + chunk, dim); ++e) sum += to_float(out[e]) * to_float(dout[e]);
        }
      }
    }
    sum = warp_sum<8>(sum);
    if (lane_index() % 8 == 0 && row < padded_rows) {
      const std::int64_t at = statistics.at(head, tile.padded + row);
      statistics.delta[at] = sum;
      statistics.lse[at] = row < tile.rows ? args.lse[(tile.begin + row) * args.heads + head] * log2_e : 0;
    }
  }
}

/// The results of one launch.
enum class Gradients { q, k_and_v, k, v };

/// F: the fragments; D: head_dim and value_dim rounded up; N: columns a step.
template <class F, int D, int N>
struct AttentionBackwardShape {
  static constexpr int size = static_cast<int>(sizeof(typename F::Element));
  static constexpr int rows = attention_warps * F::warp_rows;
  static constexpr int stages_at = 2 * rows * D * size;               // behind rows A and B
  static constexpr int statistics_at = stages_at + 4 * N * D * size;  // two buffers of columns A and B
  static constexpr int scratch_at = statistics_at + 4 * N * 4;        // two buffers of lse and delta
  static constexpr int bytes = scratch_at + attention_warps * F::scratch_elements(N) * 4;
};

/// d loss / d weight becomes, with the weight itself in `scores`, d loss / d (scale q·k).
/// hidden(i, j): the key is after the query.
template <class F, bool Softcap, bool WantsGradient, int N, class Lse, class Delta, class Hidden>
__device__ __forceinline__ void softmax_backward(typename F::template Sums<N>& scores,
                                                 typename F::template Sums<N>& gradients, float log2_scale,
                                                 float inner, float log2_cap, bool masked, const Lse& lse,
                                                 const Delta& delta, const Hidden& hidden) {
#pragma unroll
  for (int i = 0; i < F::thread_rows; ++i) {
#pragma unroll
    for (int j = 0; j < scores.columns; ++j) {
      float slope = 1, exponent;
      if (Softcap && log2_cap > 0) {
        const float tanh = capping_tanh<typename F::Element>(scores.at(i, j) * inner);
        slope = 1 - tanh * tanh;
        exponent = fmaf(tanh, log2_cap, -lse(i, j));
      } else {
        exponent = fmaf(scores.at(i, j), log2_scale, -lse(i, j));
      }
      float weight = exp2_fast(exponent);
      if (masked && hidden(i, j)) weight = 0;
      scores.at(i, j) = weight;
      if constexpr (WantsGradient) gradients.at(i, j) = weight * (gradients.at(i, j) - delta(i, j)) * slope;
    }
  }
}

template <class F, int D, int N, bool Softcap, Gradients wanted>
__global__ void __launch_bounds__(attention_threads, D > 128 ? 1 : 2)
    attention_backward_kernel(const AttentionBackwardArgs<typename F::Element> args,
                              const AttentionTile* tiles, RowStatistics statistics,
                              AttentionBackwardVectors vectors) {
  using T = typename F::Element;
  using Shape = AttentionBackwardShape<F, D, N>;
  constexpr bool by_keys = wanted != Gradients::q;
  constexpr bool wants_value = wanted == Gradients::k_and_v || wanted == Gradients::v;
  constexpr bool wants_other = wanted != Gradients::v;  // dq or dk
  const auto heads = by_keys ? args.kv_heads : args.heads;
  const int group = static_cast<int>(args.heads / args.kv_heads);
  const auto head_dim = static_cast<int>(args.head_dim), value_dim = static_cast<int>(args.value_dim);
  const AttentionWork work(tiles, heads, static_cast<int>(blockIdx.x));
  const std::int64_t document = work.tile.begin;
  const int rows = work.tile.rows, first = work.tile.first, head = work.head;
  const auto q_rows = [&](int h) {
    return DocumentRows<T>{args.q.at(document, h), args.q.row, rows, head_dim, vectors.q};
  };
  const auto dout_rows = [&](int h) {
    return DocumentRows<T>{args.dout.at(document, h), args.dout.row, rows, value_dim, vectors.dout};
  };
  const auto k_rows = [&](int h) {
    return DocumentRows<T>{args.k.at(document, h), args.k.row, rows, head_dim, vectors.k};
  };
  const auto v_rows = [&](int h) {
    return DocumentRows<T>{args.v.at(document, h), args.v.row, rows, value_dim, vectors.v};
  };

  const Shared<T> rows_a(0, Shape::rows * D), rows_b(Shape::rows * D * Shape::size, Shape::rows * D);
  const Shared<T> stages(Shape::stages_at, 4 * N * D);
  const Shared<float> statistics_stages(Shape::statistics_at, 4 * N);
  const Shared<float> scratch(Shape::scratch_at + warp_index() * F::scratch_elements(N) * 4,
                              F::scratch_elements(N));

  // The other side's columns [begin, end) see the tile or are seen by it. For keys, of each head in turn.
  const int begin = by_keys ? first / N * N : 0;
  const int end = by_keys ? rows : std::min(first + Shape::rows, rows);
  const auto load = [&](int stage, int in_group, int column) {
    const Shared<T> a = stages.from(2 * stage * N * D), b = stages.from((2 * stage + 1) * N * D);
    if constexpr (by_keys) {
      const int h = head * group + in_group;
      load_tile<N, D>(a, q_rows(h), column);
      load_tile<N, D>(b, dout_rows(h), column);
      if (thread_index() < N / 2) {  // 4 rows a thread
        const bool second = thread_index() >= N / 4;
        const int row = thread_index() % (N / 4) * 4, there = column + row;
        const bool inside = there < rows;
        const float* from = second ? statistics.delta : statistics.lse;
        cp_async_16(statistics_stages, (2 * stage + second) * N + row,
                    from + statistics.at(h, work.tile.padded + (inside ? there : 0)), inside ? 16 : 0);
      }
    } else {
      load_tile<N, D>(a, k_rows(head / group), column);
      load_tile<N, D>(b, v_rows(head / group), column);
    }
  };
  load_tile<Shape::rows, D>(rows_a, by_keys ? k_rows(head) : q_rows(head), first);
  load_tile<Shape::rows, D>(rows_b, by_keys ? v_rows(head) : dout_rows(head), first);
  load(0, 0, begin);
  cp_async_commit();

  const int warp_first = first + warp_index() * F::warp_rows;
  typename F::template Left<D, false> left_a, left_b;
  left_a.rows = rows_a.from(warp_index() * F::warp_rows * D);
  left_b.rows = rows_b.from(warp_index() * F::warp_rows * D);
  const float log2_scale = args.scale * log2_e, inner = args.softcap > 0 ? args.scale / args.softcap : 0,
              log2_cap = args.softcap * log2_e;
  float row_lse[F::thread_rows], row_delta[F::thread_rows];
  if constexpr (!by_keys) {
#pragma unroll
    for (int i = 0; i < F::thread_rows; ++i) {
      const int row = warp_first + F::row(i);
      const std::int64_t at = statistics.at(head, work.tile.padded + row);
      row_lse[i] = row < rows ? statistics.lse[at] : 0;
      row_delta[i] = row < rows ? statistics.delta[at] : 0;
    }
  }
  typename F::template Sums<wants_other ? D : 16> other;  // dq or dk, without the scale
  typename F::template Sums<wants_value ? D : 16> value;  // dv
#pragma unroll
  for (int i = 0; i < F::thread_rows; ++i) {
#pragma unroll
    for (int j = 0; j < other.columns; ++j) other.at(i, j) = 0;
#pragma unroll
    for (int j = 0; j < value.columns; ++j) value.at(i, j) = 0;
  }

  int stage = 0;
#pragma unroll 1
  for (int in_group = 0; in_group < (by_keys ? group : 1); ++in_group) {
#pragma unroll 1
    for (int column = begin; column < end; column += N) {
      cp_async_wait<0>();
      sync_threads();
      if (column + N < end) {
        load(1 - stage, in_group, column + N);
      } else if (by_keys && in_group + 1 < group) {
        load(1 - stage, in_group + 1, begin);
      }
      cp_async_commit();
      const Shared<T> columns_a = stages.from(2 * stage * N * D),
                      columns_b = stages.from((2 * stage + 1) * N * D);
      const Shared<float> lse = statistics_stages.from(2 * stage * N), delta = lse.from(N);
      stage = 1 - stage;
      // On the causal edge the warp may have nothing to see or to be seen by.
      const int from = recomputed(warp_first);
      const bool any = by_keys ? column + N > from : column < from + F::warp_rows;
      if (!any || from >= rows) continue;
      const bool masked = by_keys ? from + F::warp_rows - 1 > column : column + N - 1 > from;
      typename F::template Sums<N> scores, gradients;
      F::template multiply_transposed<D, N>(scores, left_a, columns_a);
      if constexpr (wants_other) F::template multiply_transposed<D, N>(gradients, left_b, columns_b);
      softmax_backward<F, Softcap, wants_other, N>(
          scores, gradients, log2_scale, inner, log2_cap, masked,
          [&](int i, int j) -> float {
            if constexpr (by_keys) return lse[F::column(j)];
            return row_lse[i];
          },
          [&](int i, int j) -> float {
            if constexpr (by_keys) return delta[F::column(j)];
            return row_delta[i];
          },
          [&](int i, int j) {
            const int row = from + F::row(i), other_row = column + F::column(j);
            return by_keys ? row > other_row : other_row > row;
          });
      using Weights = typename F::template Weights<N>;
      if constexpr (wants_value) F::template multiply_add<D, N>(value, Weights(scores), columns_b, scratch);
      if constexpr (wants_other)
        F::template multiply_add<D, N>(other, Weights(gradients), columns_a, scratch);
    }
  }
  cp_async_wait<0>();

  // Read again rather than held in registers.
  const AttentionWork done(tiles, heads, recomputed(static_cast<int>(blockIdx.x)));
  const int done_first = done.tile.first + warp_index() * F::warp_rows;
  if (done_first >= done.tile.rows) return;
  if constexpr (wants_other) {
    const HeadRows<T> to = by_keys ? args.dk : args.dq;
    const float scale = args.scale;
    store_tile<F, D>(ResultRows<T>{to.at(done.tile.begin, done.head), to.row, done.tile.rows, head_dim,
                                   by_keys ? vectors.dk : vectors.dq},
                     done_first, left_a.rows, other, [scale](int) { return scale; });
  }
  if constexpr (wants_value) {
    store_tile<F, D>(ResultRows<T>{args.dv.at(done.tile.begin, done.head), args.dv.row, done.tile.rows,
                                   value_dim, vectors.dv},
                     done_first, left_b.rows, value, [](int) { return 1.0f; });
  }
}

}  // namespace adlib::kernels::cuda
