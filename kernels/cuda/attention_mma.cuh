// kernels/cuda/attention_mma.cuh: attention on tensor cores (sm_80), for f16 and bf16 rows over pages of the
// same type or i8, head sizes up to 128 in multiples of 8, without masks. FlashAttention-2's shape (Dao
// 2023).
//
// A warp has 16 rows (queries times the heads of a group). Prefill: 4 warps of one segment share the keys and
// values. Decoding: one warp has all heads of a group of one sequence and one run of 256 positions, so that
// every byte of the cache is read once; products take a fifth of the time that their bytes take, whatever the
// group. Both go through the same instructions in the same order for each row: same bits.
//
// Tiles (64, D) of keys and values in turn come by cp.async to a ring of 4, of which 3 are under way: 48 KiB
// of a block at D = 128 in half types, and 3 blocks on a multiprocessor when decoding. Rows of a tile are
// swizzled by 16 bytes, so that ldmatrix meets no bank twice. i8 tiles are widened to another tile first:
// codes are exact in half types; a key's scale goes into its score and a value's into its weight.
//
// Weights are the sum of two numbers of the type: their rounding would otherwise be the greatest error, and
// more than the one of the result. This takes half as many products again, which decoding does not feel.
//
// Launch: grid = (segments kv_heads, tiles, 1 or runs), block = 32 Warps, Ring::bytes of shared memory;
// Split: a block takes the run blockIdx.z only, else all.
#pragma once

#include "kernels/cuda/arch/barrier.cuh"
#include "kernels/cuda/arch/cp_async.cuh"
#include "kernels/cuda/arch/mma.cuh"
#include "kernels/cuda/arch/warp.cuh"
#include "kernels/cuda/attention_rows.cuh"

namespace adlib::kernels::cuda {

/// The shared memory of a block: queries (16 Warps, D), the ring, scales of its tiles, the widened tile.
template <class Page, int D, int Warps>
struct Ring {
  static constexpr int slots = 4;
  static constexpr bool scaled = std::is_same_v<Page, std::int8_t>;
  static constexpr int tile = block_keys * D;
  static constexpr int queries_at = 0;
  static constexpr int tiles_at = queries_at + 16 * Warps * D * 2;
  static constexpr int scales_at = tiles_at + slots * tile * static_cast<int>(sizeof(Page));
  static constexpr int wide_at = scales_at + (scaled ? slots * block_keys * 4 : 0);
  static constexpr int bytes = wide_at + (scaled ? tile * 2 : 0);
};

/// Element (row, 8 chunk) of a tile of 16-bit elements with rows of D.
template <int D>
__device__ __forceinline__ int swizzled(int row, int chunk) {
  return row * D + (chunk ^ row % 8) * 8;
}

/// Whether any of the tile's 16-bit elements is NaN or infinity; for the whole warp.
template <class T>
__device__ __forceinline__ bool has_special(const Shared<T>& tile, int elements) {
  bool found = false;
  constexpr std::uint16_t exponent = std::is_same_v<T, float16> ? 0x7c00 : 0x7f80;
  for (int i = lane_index() * 8; i < elements; i += 32 * 8) {
    const Vec<T, 8> x = tile.template load<8>(i);
#pragma unroll
    for (int e = 0; e < 8; ++e) found = found || (x[e].bits & exponent) == exponent;
  }
  return ballot(found) != 0;
}

/// The part of a pair of weights that is left when it is rounded to `high`.
template <class T>
__device__ __forceinline__ std::uint32_t pack_rest(std::uint32_t high, float first, float second) {
  float a, b;
  unpack_pair<T>(high, a, b);
  return pack_pair<T>(first - a, second - b);
}

/// The sum over the four lanes that have a row.
__device__ __forceinline__ float row_sum(float x) {
  x += shuffle_xor(x, 1);
  return x + shuffle_xor(x, 2);
}

/// out += weights b for 8 and 8 columns; `rest` is what the weights in `high` lack.
template <class V>
__device__ __forceinline__ void multiply_values(float (&left)[4], float (&right)[4],
                                                const std::uint32_t (&high)[4],
                                                const std::uint32_t (&rest)[4], const std::uint32_t (&b)[4]) {
  const std::uint32_t b_left[2] = {b[0], b[1]}, b_right[2] = {b[2], b[3]};
  mma_m16n8k16<V>(left, high, b_left);
  mma_m16n8k16<V>(right, high, b_right);
  mma_m16n8k16<V>(left, rest, b_left);
  mma_m16n8k16<V>(right, rest, b_right);
}
/// The same, where each of the 16 rows takes zeros for the values that are hidden from it: row h sees the
/// first seen[h] of the 16 keys, with h = 0, 1 this lane's rows lane / 4 and lane / 4 + 8.
template <class V>
__device__ __forceinline__ void multiply_visible(float (&left)[4], float (&right)[4],
                                                 const std::uint32_t (&high)[4],
                                                 const std::uint32_t (&rest)[4], const std::uint32_t (&b)[4],
                                                 const int (&seen)[2]) {
  const int lane = lane_index();
#pragma unroll 1
  for (int r = 0; r < 16; ++r) {
    const int limit = shuffle(r < 8 ? seen[0] : seen[1], r % 8 * 4) - lane % 4 * 2;
    std::uint32_t visible[4];
    float own_left[4], own_right[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int key = i % 2 * 8;
      visible[i] = b[i] & ((key < limit ? 0xffffu : 0u) | (key + 1 < limit ? 0xffff0000u : 0u));
      own_left[i] = left[i];
      own_right[i] = right[i];
    }
    multiply_values<V>(own_left, own_right, high, rest, visible);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const bool its = lane / 4 + i / 2 * 8 == r;
      left[i] = its ? own_left[i] : left[i];
      right[i] = its ? own_right[i] : right[i];
    }
  }
}

template <class T, class Page, int D, int Warps, bool Split>
__global__ void __launch_bounds__(32 * Warps) attention_mma_kernel(const AttentionCall<T> call) {
  using R = Ring<Page, D, Warps>;
  using V = std::conditional_t<R::scaled, bfloat16, T>;  // weights and values: i8's weights have small scales
  constexpr int threads = 32 * Warps, tile_rows = 16 * Warps, page_vec = vec_size<Page>;
  constexpr int key_groups = block_keys / 16, ahead = R::slots - 1;
  constexpr bool hold_queries = Split || D <= 64;  // in registers
  const AttentionArgs<T>& args = call.args;
  const KeyValuePages& pages = call.pages;
  const int kv_heads = static_cast<int>(pages.kv_heads), head_dim = static_cast<int>(pages.head_dim);
  const int value_dim = static_cast<int>(pages.value_dim);
  const std::int64_t which = blockIdx.x / static_cast<unsigned>(kv_heads);
  const TileRows rows{call.segments[which], static_cast<int>(args.heads / pages.kv_heads),
                      static_cast<int>(blockIdx.x % static_cast<unsigned>(kv_heads)), args.causal};
  if (!call.mine(rows.segment, rows.group)) return;
  // The last rows of a segment see most keys: they begin first.
  const int first_row = static_cast<int>(gridDim.y - 1 - blockIdx.y) * tile_rows;
  if (first_row >= rows.count()) return;
  const int last_row = smaller(first_row + tile_rows, rows.count()) - 1;
  const int keys_end = rows.seen(last_row), keys_of_all = rows.seen(first_row);
  const int run = Split ? static_cast<int>(blockIdx.z) : 0;
  const int begin = run * run_blocks, all_blocks = (keys_end + block_keys - 1) / block_keys;
  const int end = Split ? smaller(all_blocks, begin + run_blocks) : all_blocks;
  if (run > 0 && begin >= end) return;

  const int t = thread_index(), lane = lane_index(), warp = warp_index();
  const Shared<T> queries(R::queries_at, tile_rows * D);
  const Shared<Page> tiles(R::tiles_at, R::slots * R::tile);
  const Shared<float> scales(R::scales_at, R::scaled ? R::slots * block_keys : 0);
  const Shared<T> wide_keys(R::wide_at, R::scaled ? R::tile : 0);
  const Shared<V> wide_values(R::wide_at, R::scaled ? R::tile : 0);

  // Tile 2 b is the keys of block begin + b, tile 2 b + 1 its values. Rows past the last key that a row of
  // this thread block sees are zeros.
  std::int32_t page_ids = 0;  // a lane one: of the 32 blocks from the last multiple of 32
  const auto fetch = [&](int tile) {
    const int block = begin + tile / 2, dim = tile % 2 == 0 ? head_dim : value_dim;
    if (block < end) {
      if (tile % 64 == 0) page_ids = block + lane < end ? rows.segment.pages[block + lane] : 0;
      const std::int64_t slot = shuffle(page_ids, tile / 2 % 32) * pages.kv_heads + rows.kv_head;
      const Page* from =
          static_cast<const Page*>(tile % 2 == 0 ? pages.keys : pages.values) + slot * block_keys * dim;
      const int n = smaller(block_keys, keys_end - block * block_keys);
      const Shared<Page> to = tiles.from(tile % R::slots * R::tile);
      constexpr int row_chunks = D / page_vec, step = threads / row_chunks;
      static_assert(threads % row_chunks == 0 && block_keys % step == 0);
      const int chunk = t % row_chunks;
#pragma unroll 8
      for (int i = 0; i < block_keys / step; ++i) {
        const int row = t / row_chunks + i * step;
        const bool valid = row < n && chunk * page_vec < dim;
        const int at = R::scaled ? row * D + chunk * page_vec : swizzled<D>(row, chunk);
        cp_async_16(to, at, valid ? from + row * dim + chunk * page_vec : from, valid ? 16 : 0);
      }
      if (R::scaled && t < block_keys / 4) {
        const float* worth = (tile % 2 == 0 ? pages.key_scales : pages.value_scales) + slot * block_keys;
        cp_async_16(scales, tile % R::slots * block_keys + 4 * t, worth + 4 * t);
      }
    }
    cp_async_commit();  // an empty group keeps the count
  };
  // Waits for a tile and lets another into the slot that the one before it had.
  const auto advance = [&](int tile) {
    cp_async_wait<ahead - 1>();
    sync_threads();
    fetch(tile + ahead);
  };
  // An i8 tile as numbers of To.
  const auto widen = [&]<class To>(const Shared<To>& to, int tile) {
    const Shared<Page> from = tiles.from(tile % R::slots * R::tile);
    for (int i = t; i < R::tile / 16; i += threads) {
      const auto codes = from.template load<page_vec>(i * 16);
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        Vec<To, 8> eight;
#pragma unroll
        for (int e = 0; e < 8; ++e)
          eight[e] = round_to<To>(static_cast<float>(codes[(8 * half + e) % page_vec]));
        to.template store<8>(swizzled<D>(i / (D / 16), i % (D / 16) * 2 + half), eight);
      }
    }
    sync_threads();
  };

#pragma unroll
  for (int tile = 0; tile < ahead; ++tile) fetch(tile);

  for (int i = t; i < tile_rows * (D / 8); i += threads) {
    const int r = i / (D / 8), chunk = i % (D / 8);
    Vec<T, 8> eight{};
    if (first_row + r <= last_row && chunk * 8 < head_dim) {
      const T* from =
          args.q + rows.row(first_row + r) * args.q_row + rows.head(first_row + r) * args.q_head + chunk * 8;
      if (call.query_vectors) {
        eight = load<8>(from);
      } else {
#pragma unroll
        for (int e = 0; e < 8; ++e) eight[e] = from[e];
      }
    }
    queries.template store<8>(swizzled<D>(r, chunk), eight);
  }
  const auto load_queries = [&](std::uint32_t(&a)[4], int k) {
    ldmatrix_x4(a, queries, swizzled<D>(warp * 16 + lane % 16, 2 * k + lane / 16));
  };
  std::uint32_t held[hold_queries ? D / 16 : 1][4];
  if constexpr (hold_queries) {
    sync_threads();
#pragma unroll
    for (int k = 0; k < D / 16; ++k) load_queries(held[k], k);
  }

  // This lane has rows lane / 4 and lane / 4 + 8 of its warp's, and of 8 columns 2 (lane % 4) and the next.
  const int column = lane % 4 * 2;
  int row[2], seen[2];
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    row[h] = first_row + warp * 16 + lane / 4 + 8 * h;
    seen[h] = rows.seen(smaller(row[h], last_row));
  }
  // The warp's last row sees most keys.
  const int warp_seen = rows.seen(smaller(first_row + warp * 16 + 15, last_row));
  const float power_scale = product(args.scale, log2_e);

  SoftmaxState part[2] = {no_keys(), no_keys()}, all[2] = {no_keys(), no_keys()};
  float out[D / 8][4] = {};                  // of the run; part[].sum: of this lane's columns
  float out_all[Split ? 1 : D / 8][4] = {};  // of the runs before

  for (int block = begin; block < end; ++block) {
    const int tile = 2 * (block - begin), first = block * block_keys;
    // Groups of 16 keys of which a row of the warp sees one: others would add zeros.
    const int groups = smaller(key_groups, (greater(warp_seen - first, 0) + 15) / 16);

    advance(tile);
    if constexpr (R::scaled) widen(wide_keys, tile);
    float score[2 * key_groups][4] = {};
    {
      Shared<T> keys = wide_keys;
      if constexpr (!R::scaled) keys = tiles.from(tile % R::slots * R::tile);
#pragma unroll
      for (int k = 0; k < D / 16; ++k) {
        std::uint32_t a[4];
        if constexpr (hold_queries) {
#pragma unroll
          for (int i = 0; i < 4; ++i) a[i] = held[k][i];
        } else {
          load_queries(a, k);
        }
#pragma unroll
        for (int j = 0; j < key_groups; ++j) {
          if (j < groups) {
            std::uint32_t b[4];
            ldmatrix_x4(b, keys, swizzled<D>(16 * j + lane / 16 * 8 + lane % 8, 2 * k + lane / 8 % 2));
            const std::uint32_t left[2] = {b[0], b[1]}, right[2] = {b[2], b[3]};
            mma_m16n8k16<T>(score[2 * j], a, left);
            mma_m16n8k16<T>(score[2 * j + 1], a, right);
          }
        }
      }
    }

    const bool edge = first + block_keys > keys_of_all;
    const Shared<float> key_scales = R::scaled ? scales.from(tile % R::slots * block_keys) : scales;
#pragma unroll
    for (int j = 0; j < 2 * key_groups; ++j) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        float& x = score[j][i];
        const int key = 8 * j + column + i % 2;
        const float worth = R::scaled ? static_cast<float>(key_scales[key]) : 1.0f;
        x = args.softcap > 0 ? power_score(args, x, worth, 0.0f) : product(x, power_scale);
        if (R::scaled && !(args.softcap > 0)) x = product(x, worth);
        if (edge && first + key >= seen[i / 2]) x = minus_infinity();
      }
    }
    float factor[2];
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      float max = minus_infinity();
#pragma unroll
      for (int j = 0; j < 2 * key_groups; ++j) max = fmaxf(max, fmaxf(score[j][2 * h], score[j][2 * h + 1]));
      max = fmaxf(max, shuffle_xor(max, 1));
      max = fmaxf(part[h].max, fmaxf(max, shuffle_xor(max, 2)));
      const float base = base_of(max);
      float sum = 0;
#pragma unroll
      for (int j = 0; j < 2 * key_groups; ++j) {
#pragma unroll
        for (int i = 2 * h; i < 2 * h + 2; ++i) {
          score[j][i] = exp2_fast(score[j][i] - base);
          sum += score[j][i];
        }
      }
      factor[h] = exp2_fast(part[h].max - base);
      part[h] = {max, fmaf(part[h].sum, factor[h], sum)};
    }
#pragma unroll
    for (int j = 0; j < D / 8; ++j) {
#pragma unroll
      for (int i = 0; i < 4; ++i) out[j][i] = product(out[j][i], factor[i / 2]);
    }

    advance(tile + 1);
    if constexpr (R::scaled) {
      widen(wide_values, tile + 1);
      const Shared<float> worth = scales.from((tile + 1) % R::slots * block_keys);
#pragma unroll
      for (int j = 0; j < 2 * key_groups; ++j) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          const int key = 8 * j + column + i % 2;
          // A hidden key's scale may be anything.
          if (!edge || first + key < seen[i / 2]) score[j][i] = product(score[j][i], worth[key]);
        }
      }
    }
    Shared<V> values = wide_values;
    if constexpr (!R::scaled) values = tiles.from((tile + 1) % R::slots * R::tile);
    // A weight of 0 does not keep NaN or infinity out of a sum, so where rows of this thread block differ in
    // what they see of it and there are such values, each row takes a copy without what is hidden from it.
    const bool uneven = keys_of_all - first < smaller(block_keys, keys_end - first);
    const bool special = !R::scaled && uneven && has_special(values, R::tile);
#pragma unroll
    for (int c = 0; c < key_groups; ++c) {
      if (c < groups) {
        std::uint32_t high[4], rest[4];
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          const float first_weight = score[2 * c + i / 2][i % 2 * 2],
                      second_weight = score[2 * c + i / 2][i % 2 * 2 + 1];
          high[i] = pack_pair<V>(first_weight, second_weight);
          rest[i] = pack_rest<V>(high[i], first_weight, second_weight);
        }
#pragma unroll
        for (int j = 0; j < D / 16; ++j) {
          std::uint32_t b[4];
          ldmatrix_x4_transposed(b, values,
                                 swizzled<D>(16 * c + lane / 8 % 2 * 8 + lane % 8, 2 * j + lane / 16));
          if (special) {
            const int keys_seen[2] = {seen[0] - first - 16 * c, seen[1] - first - 16 * c};
            multiply_visible<V>(out[2 * j], out[2 * j + 1], high, rest, b, keys_seen);
          } else {
            multiply_values<V>(out[2 * j], out[2 * j + 1], high, rest, b);
          }
        }
      }
    }

    if constexpr (!Split) {
      if (block % run_blocks != run_blocks - 1 && block + 1 < end) continue;
#pragma unroll
      for (int h = 0; h < 2; ++h) {  // the run is over
        part[h].sum = row_sum(part[h].sum);
        const bool some = has_keys(part[h]);
        MergeWeights to{1.0f, 0.0f};
        if (some) to = merge(all[h], part[h]);
#pragma unroll
        for (int j = 0; j < D / 8; ++j) {
#pragma unroll
          for (int i = 2 * h; i < 2 * h + 2; ++i) {
            if (some) out_all[j][i] = merged(to, out_all[j][i], out[j][i]);
            out[j][i] = 0.0f;
          }
        }
        part[h] = no_keys();
      }
    }
  }
  cp_async_wait<0>();
  if constexpr (Split) part[0].sum = row_sum(part[0].sum), part[1].sum = row_sum(part[1].sum);

#pragma unroll
  for (int h = 0; h < 2; ++h) {
    if (row[h] > last_row) continue;
    if (Split && run > 0 && begin * block_keys >= seen[h]) continue;
    const SoftmaxState& state = Split ? part[h] : all[h];
    if (Split && seen[h] > attention_run) {
      const std::int64_t entry = call.results.entry(which, run, kv_heads, rows.kv_head, row[h]);
      if (column == 0) {
        call.results.max[entry] = state.max;
        call.results.sum[entry] = state.sum;
      }
#pragma unroll
      for (int j = 0; j < D / 8; ++j) {
        if (8 * j >= value_dim) break;
        store(call.results.out + entry * value_dim + 8 * j + column,
              Vec<float, 2>{out[j][2 * h], out[j][2 * h + 1]});
      }
      continue;
    }
    if (column == 0 && args.lse != nullptr)
      args.lse[rows.row(row[h]) * args.lse_row + rows.head(row[h]) * args.lse_head] = log_sum(state);
    const float inverse = inverse_sum(state);
    T* to = args.out + rows.row(row[h]) * args.out_row + rows.head(row[h]) * args.out_head;
#pragma unroll
    for (int j = 0; j < D / 8; ++j) {
      if (8 * j >= value_dim) break;
      const auto& sums = [&]() -> const float(&)[4] {
        if constexpr (Split)
          return out[j];
        else
          return out_all[j];
      }();
      const Vec<T, 2> two{round_to<T>(product(sums[2 * h], inverse)),
                          round_to<T>(product(sums[2 * h + 1], inverse))};
      if (call.out_pairs) {
        store(to + 8 * j + column, two);
      } else {
        to[8 * j + column] = two[0];
        to[8 * j + column + 1] = two[1];
      }
    }
  }
}

}  // namespace adlib::kernels::cuda
