// kernels/cuda/attention.cuh: attention for every type, head size and mask, without tensor cores.
//
// A thread block has 16 rows of a segment (queries times the heads of a group, so that these share what is
// read) and takes one block of 64 keys after the other: keys to shared memory as floats; scores, a thread one
// key and 8 rows; the softmax, a warp 4 rows; values into the keys' place; outputs, a thread 8 rows and up to
// 4 columns. Cost of a block of keys: 2 x 16 x 64 x dim multiply-adds, whatever the rows, which at 128 a
// cycle take 2/3 of the time that f32 pages take to come from memory: decoding in f32 reads while others of
// the 2 or 3 blocks on a multiprocessor multiply. Launch: grid = (segments kv_heads, tiles, 1 or runs), block
// = 128, general_shared_bytes() of shared memory; Split: a block takes the run blockIdx.z only, else all.
// head_dim, value_dim <= 256.
#pragma once

#include "kernels/cuda/arch/barrier.cuh"
#include "kernels/cuda/arch/warp.cuh"
#include "kernels/cuda/attention_rows.cuh"

namespace adlib::kernels::cuda {

inline constexpr int general_rows = 16;
inline constexpr int general_threads = 128;
inline constexpr int most_head_dim = 256;

/// Where things stand in shared memory, in floats.
struct GeneralLayout {
  int query_row, block_row;  // strides: multiples of 4, so that threads of different keys meet in no bank
  int block, scores, weights, factors, total;
  static constexpr int weights_row = general_rows + 4;

  __host__ __device__ GeneralLayout(int head_dim, int value_dim)
      : query_row((head_dim + 3) / 4 * 4),
        block_row(((head_dim > value_dim ? head_dim : value_dim) + 31) / 32 * 32 + 4),
        block(general_rows * query_row),
        scores(block + block_keys * block_row),
        weights(scores + general_rows * block_keys),
        factors(weights + block_keys * weights_row),
        total(factors + 3 * general_rows) {}
};
inline int general_shared_bytes(const KeyValuePages& pages) {
  return 4 * GeneralLayout(static_cast<int>(pages.head_dim), static_cast<int>(pages.value_dim)).total;
}

/// The element as a float, without its scale.
template <class Page>
__device__ __forceinline__ float element_of(Page x) {
  if constexpr (std::is_same_v<Page, std::int8_t>) {
    return static_cast<float>(x);
  } else {
    return to_float(x);
  }
}

/// Rows [0, n) of (64, dim) in a page, which begins at a multiple of 16 bytes, to rows of floats.
template <class Page>
__device__ __forceinline__ void load_block(const Shared<float>& to, int to_row, const Page* from, int n,
                                           int dim) {
  constexpr int width = vec_size<Page>;
  for (int i = thread_index() * width; i < n * dim; i += general_threads * width) {
    const Vec<Page, width> x = load<width>(from + i);  // whole: pages have a multiple of 64 elements
    int row = i / dim, col = i - row * dim;
    if (dim % 4 == 0) {
#pragma unroll
      for (int e = 0; e < width; e += 4) {
        Vec<float, 4> four;
#pragma unroll
        for (int k = 0; k < 4; ++k) four[k] = element_of(x[e + k]);
        if (row < n) to.template store<4>(row * to_row + col, four);
        if ((col += 4) == dim) col = 0, ++row;
      }
    } else {
#pragma unroll
      for (int e = 0; e < width; ++e) {
        if (row < n) to[row * to_row + col] = element_of(x[e]);
        if (++col == dim) col = 0, ++row;
      }
    }
  }
}

/// As load_block, of pages of any type.
__device__ __forceinline__ void load_block(const Shared<float>& to, int to_row, DType dtype, const void* part,
                                           std::int64_t slot, int n, int dim) {
  const std::int64_t first = slot * block_keys * dim;
  switch (dtype) {
    case DType::f16:
      return load_block(to, to_row, static_cast<const float16*>(part) + first, n, dim);
    case DType::bf16:
      return load_block(to, to_row, static_cast<const bfloat16*>(part) + first, n, dim);
    case DType::i8:
      return load_block(to, to_row, static_cast<const std::int8_t*>(part) + first, n, dim);
    default:
      return load_block(to, to_row, static_cast<const float*>(part) + first, n, dim);
  }
}

template <class T, bool Split>
__global__ void __launch_bounds__(general_threads, 2) attention_kernel(const AttentionCall<T> call) {
  constexpr int rows_each = general_rows / 2, columns_each = most_head_dim / 64, warp_rows = general_rows / 4;
  const AttentionArgs<T>& args = call.args;
  const KeyValuePages& pages = call.pages;
  const int kv_heads = static_cast<int>(pages.kv_heads), head_dim = static_cast<int>(pages.head_dim);
  const int value_dim = static_cast<int>(pages.value_dim);
  const std::int64_t which = blockIdx.x / static_cast<unsigned>(kv_heads);
  const TileRows rows{call.segments[which], static_cast<int>(args.heads / pages.kv_heads),
                      static_cast<int>(blockIdx.x % static_cast<unsigned>(kv_heads)), args.causal};
  if (!call.mine(rows.segment, rows.group)) return;
  // The last rows of a segment see most keys: they begin first.
  const int tile = static_cast<int>(gridDim.y - 1 - blockIdx.y), first_row = tile * general_rows;
  if (first_row >= rows.count()) return;
  const int last_row = smaller(first_row + general_rows, rows.count()) - 1;
  const int keys_end = rows.seen(last_row);  // of any row: causal rows see ever more
  const int run = Split ? static_cast<int>(blockIdx.z) : 0;
  const int begin = run * attention_run;
  const int end = Split ? smaller(keys_end, begin + attention_run) : keys_end;
  if (run > 0 && begin >= end) return;

  const GeneralLayout layout(head_dim, value_dim);
  const Shared<float> queries(0, layout.block);                                // (16, query_row)
  const Shared<float> block(4 * layout.block, block_keys * layout.block_row);  // (64, block_row)
  const Shared<float> scores(4 * layout.scores, general_rows * block_keys);    // (16, 64)
  const Shared<float> weights(4 * layout.weights, block_keys * GeneralLayout::weights_row);  // (64, 20)
  const Shared<float> factors(4 * layout.factors, general_rows);  // of the outputs so far
  const Shared<float> merge_factors(4 * layout.factors + 4 * general_rows, 2 * general_rows);
  const int t = thread_index(), lane = lane_index(), half = t / 64 * rows_each;
  const int warp_first = warp_index() * warp_rows;

  for (int i = t; i < general_rows * layout.query_row; i += general_threads) {
    const int r = first_row + i / layout.query_row, d = i % layout.query_row;
    queries[i] = r <= last_row && d < head_dim
                     ? to_float(args.q[rows.row(r) * args.q_row + rows.head(r) * args.q_head + d])
                     : 0.0f;
  }

  SoftmaxState part[warp_rows], all[warp_rows];  // of the warp's rows
#pragma unroll
  for (int i = 0; i < warp_rows; ++i) part[i] = all[i] = no_keys();
  float out[rows_each][columns_each] = {}, out_all[rows_each][columns_each] = {};

  for (int first = begin; first < end; first += block_keys) {
    const int n = smaller(block_keys, end - first);
    const std::int64_t slot = rows.segment.pages[first / block_keys] * pages.kv_heads + rows.kv_head;
    sync_threads();  // the values of the block before have been read
    load_block(block, layout.block_row, pages.dtype, pages.keys, slot, n, head_dim);
    if (head_dim % 4 != 0) {
      const int gap = layout.query_row - head_dim;
      for (int i = t; i < n * gap; i += general_threads)
        block[i / gap * layout.block_row + head_dim + i % gap] = 0.0f;
    }
    sync_threads();

    {
      const int key = t % 64;
      float dot[rows_each] = {};
      if (key < n) {
        for (int d = 0; d < head_dim; d += 4) {
          const Vec<float, 4> k = block.template load<4>(key * layout.block_row + d);
#pragma unroll
          for (int r = 0; r < rows_each; ++r) {
            const Vec<float, 4> q = queries.template load<4>((half + r) * layout.query_row + d);
#pragma unroll
            for (int e = 0; e < 4; ++e) dot[r] = fmaf(q[e], k[e], dot[r]);
          }
        }
      }
      const float key_scale =
          pages.key_scales != nullptr && key < n ? pages.key_scales[slot * block_keys + key] : 1.0f;
#pragma unroll
      for (int r = 0; r < rows_each; ++r) {
        const int row = first_row + half + r;
        bool visible = row <= last_row && first + key < rows.seen(row) && key < n;
        float added = 0;
        if (visible && (args.mask != nullptr || args.visible != nullptr)) {
          const std::int64_t at = rows.head(row) * args.mask_head + rows.query(row) * args.mask_row +
                                  (first + key) * args.mask_key;
          if (args.mask != nullptr) added = args.mask[at];
          if (args.visible != nullptr) visible = args.visible[at];
          visible = visible && added != minus_infinity();
        }
        scores[(half + r) * block_keys + key] =
            visible ? power_score(args, dot[r], key_scale, added) : minus_infinity();
      }
    }
    sync_threads();

    load_block(block, layout.block_row, pages.dtype, pages.values, slot, n, value_dim);
    // A hidden key, which is one with a score of -inf, weighs -1: whatever its value holds is passed over.
#pragma unroll
    for (int i = 0; i < warp_rows; ++i) {
      const int r = warp_first + i;
      float score[2], weight[2];
#pragma unroll
      for (int e = 0; e < 2; ++e) score[e] = scores[r * block_keys + lane + 32 * e];
      const float max = fmaxf(part[i].max, warp_max(fmaxf(score[0], score[1]))), base = base_of(max);
#pragma unroll
      for (int e = 0; e < 2; ++e) weight[e] = exp2_fast(score[e] - base);
      const float factor = exp2_fast(part[i].max - base);
      part[i] = {max, fmaf(part[i].sum, factor, warp_sum(weight[0] + weight[1]))};
      if (lane == 0) factors[r] = factor;
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        const int key = lane + 32 * e;
        if (pages.value_scales != nullptr && key < n)
          weight[e] = product(weight[e], pages.value_scales[slot * block_keys + key]);
        weights[key * GeneralLayout::weights_row + r] = score[e] == minus_infinity() ? -1.0f : weight[e];
      }
    }
    sync_threads();

#pragma unroll
    for (int r = 0; r < rows_each; ++r) {
      const float factor = factors[half + r];
#pragma unroll
      for (int i = 0; i < columns_each; ++i) out[r][i] = product(out[r][i], factor);
    }
    for (int key = 0; key < n; ++key) {
      float w[rows_each];
#pragma unroll
      for (int r = 0; r < rows_each; r += 4) {
        const auto four = weights.template load<4>(key * GeneralLayout::weights_row + half + r);
#pragma unroll
        for (int e = 0; e < 4; ++e) w[r + e] = four[e];
      }
#pragma unroll
      for (int i = 0; i < columns_each; ++i) {
        const int c = t % 64 + 64 * i;
        if (c >= value_dim) break;
        const float v = block[key * layout.block_row + c];
#pragma unroll
        for (int r = 0; r < rows_each; ++r) {
          if (!(w[r] < 0.0f)) out[r][i] = fmaf(w[r], v, out[r][i]);
        }
      }
    }

    if constexpr (!Split) {
      if ((first + block_keys) % attention_run != 0 && first + block_keys < end) continue;
#pragma unroll
      for (int i = 0; i < warp_rows; ++i) {  // the run is over
        MergeWeights to{1.0f, -1.0f};        // nothing to merge
        if (has_keys(part[i])) to = merge(all[i], part[i]);
        part[i] = no_keys();
        if (lane < 2) merge_factors[2 * (warp_first + i) + lane] = lane == 0 ? to.before : to.part;
      }
      sync_threads();
#pragma unroll
      for (int r = 0; r < rows_each; ++r) {
        const MergeWeights to{merge_factors[2 * (half + r)], merge_factors[2 * (half + r) + 1]};
#pragma unroll
        for (int i = 0; i < columns_each; ++i) {
          if (!(to.part < 0.0f)) out_all[r][i] = merged(to, out_all[r][i], out[r][i]);
          out[r][i] = 0.0f;
        }
      }
    }
  }

  // What each row divides by, for the threads that have its columns.
  sync_threads();
#pragma unroll
  for (int i = 0; i < warp_rows; ++i) {
    const int r = first_row + warp_first + i;
    const SoftmaxState& state = Split ? part[i] : all[i];
    if (lane > 0) continue;
    factors[warp_first + i] = inverse_sum(state);
    if (r > last_row) continue;
    if (Split && rows.seen(r) > attention_run) {
      if (begin >= rows.seen(r)) continue;
      const std::int64_t entry = call.results.entry(which, run, kv_heads, rows.kv_head, r);
      call.results.max[entry] = state.max;
      call.results.sum[entry] = state.sum;
    } else if (run == 0 && args.lse != nullptr) {
      args.lse[rows.row(r) * args.lse_row + rows.head(r) * args.lse_head] = log_sum(state);
    }
  }
  sync_threads();
#pragma unroll
  for (int i = 0; i < rows_each; ++i) {
    const int r = first_row + half + i;
    if (r > last_row) break;
    const bool partial = Split && rows.seen(r) > attention_run;
    if (Split && run > 0 && begin >= rows.seen(r)) continue;
    const float factor = factors[half + i];
    const std::int64_t to = partial ? call.results.entry(which, run, kv_heads, rows.kv_head, r) * value_dim
                                    : rows.row(r) * args.out_row + rows.head(r) * args.out_head;
#pragma unroll
    for (int k = 0; k < columns_each; ++k) {
      const int c = t % 64 + 64 * k;
      if (c >= value_dim) break;
      const float sum = Split ? out[i][k] : out_all[i][k];
      if (partial) {
        call.results.out[to + c] = sum;
      } else {
        args.out[to + c] = round_to<T>(product(sum, factor));
      }
    }
  }
}

/// Merges the runs of rows that have several, a thread a column.
/// grid = (segments kv_heads, rows of a head), block = whole warps for value_dim.
template <class T>
__global__ void __launch_bounds__(most_head_dim) merge_runs_kernel(const AttentionCall<T> call) {
  constexpr int ahead = 8;  // runs whose loads are under way together
  const AttentionArgs<T>& args = call.args;
  const KeyValuePages& pages = call.pages;
  const RunResults& results = call.results;
  const int kv_heads = static_cast<int>(pages.kv_heads), value_dim = static_cast<int>(pages.value_dim);
  const std::int64_t which = blockIdx.x / static_cast<unsigned>(kv_heads);
  const TileRows rows{call.segments[which], static_cast<int>(args.heads / pages.kv_heads),
                      static_cast<int>(blockIdx.x % static_cast<unsigned>(kv_heads)), args.causal};
  const int r = static_cast<int>(blockIdx.y), column = thread_index();
  if (!call.mine(rows.segment, rows.group) || r >= rows.count()) return;
  const int runs = (rows.seen(r) + attention_run - 1) / attention_run;
  if (runs <= 1 || column >= value_dim) return;
  SoftmaxState all = no_keys();
  float out = 0;
  for (int first = 0; first < runs; first += ahead) {
    SoftmaxState part[ahead];
    float part_out[ahead];
#pragma unroll
    for (int i = 0; i < ahead; ++i) {
      if (first + i >= runs) break;
      const std::int64_t entry = results.entry(which, first + i, kv_heads, rows.kv_head, r);
      part[i] = {results.max[entry], results.sum[entry]};
      part_out[i] = results.out[entry * value_dim + column];
    }
#pragma unroll
    for (int i = 0; i < ahead; ++i) {
      if (first + i >= runs) break;
      if (has_keys(part[i])) out = merged(merge(all, part[i]), out, part_out[i]);
    }
  }
  args.out[rows.row(r) * args.out_row + rows.head(r) * args.out_head + column] =
      round_to<T>(product(out, inverse_sum(all)));
  if (column == 0 && args.lse != nullptr)
    args.lse[rows.row(r) * args.lse_row + rows.head(r) * args.lse_head] = log_sum(all);
}

}  // namespace adlib::kernels::cuda
