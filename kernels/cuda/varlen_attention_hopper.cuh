// kernels/cuda/varlen_attention_hopper.cuh: attention of documents that lie end to end, for sm_90a.
//
// FlashAttention-2 (Dao, 2023) with the overlap of FlashAttention-3 (Shah et al., 2024): one warpgroup copies
// by TMA, two multiply by wgmma, each 64 of a tile's 128 queries. The scores of the next 128 keys are
// computed while the current weights multiply their values. Blocks stay, and take items from a list: the
// copies for the next item go on while the last one is written.
//
// Flops: 4 D times the visible pairs of queries and keys. Bytes: q and out once, k and v once for each tile
// of queries, mostly from L2. grid = min(items, multiprocessors), block = 384, shared memory =
// hopper_attention_bytes(D). Weights are summed over keys in tiles of 128 from the last to the first.
#pragma once

#include "kernels/cuda/arch/barrier.cuh"
#include "kernels/cuda/arch/math.cuh"
#include "kernels/cuda/arch/warp.cuh"
#include "kernels/cuda/arch/wgmma.cuh"
#include "kernels/varlen_attention.h"  // HeadRows

namespace adlib::kernels::cuda {

/// 128 queries of one head of one document.
struct HopperAttentionItem {
  std::int32_t begin = 0, length = 0;  ///< the document's first row, and how many it has
  std::int32_t query = 0;              ///< the first query in the document, a multiple of 128
  std::int32_t head = 0;
};

template <class T>
struct HopperAttentionArgs {
  HeadRows<T> out;
  float* lse = nullptr;  ///< (rows, heads) by its strides, or null
  std::int64_t lse_row = 0, lse_head = 0;
  const HopperAttentionItem* items = nullptr;
  int item_count = 0;
  int group = 1;      ///< heads that read one key-value head
  int value_dim = 0;  ///< <= D
  float scale = 1, softcap = 0;
};

inline constexpr int hopper_tile = 128;  ///< queries and keys
inline constexpr int hopper_stages = 2;  ///< tiles of k and of v on their way
inline constexpr int hopper_threads = 384;

/// Dynamic shared memory of a block: q, two stages of k and v, the barriers.
constexpr int hopper_attention_bytes(int head_dim) {
  return hopper_tile * head_dim * 2 * (1 + 2 * hopper_stages) + 8 * (2 + 4 * hopper_stages);
}

namespace detail {

// How many tiles of keys the queries of an item see.
template <bool Causal>
__device__ __forceinline__ int key_tiles(const HopperAttentionItem& item) {
  const int last = Causal ? (item.query + hopper_tile < item.length ? item.query + hopper_tile : item.length)
                          : item.length;
  return (last + hopper_tile - 1) / hopper_tile;
}

template <class T, int D>
struct HopperShared {
  static constexpr int tile = hopper_tile * D;    // elements
  static constexpr int block = hopper_tile * 64;  // a block of 64 columns, as a box of TMA leaves it
  Shared<T> q{0, tile}, k{tile * 2, hopper_stages*tile},
      v{(1 + hopper_stages) * tile * 2, hopper_stages*tile};
  static constexpr int barriers = (1 + 2 * hopper_stages) * tile * 2;
  MBarrier q_full{barriers, 1}, q_empty{barriers + 8, 1}, k_full{barriers + 16, hopper_stages},
      k_empty{barriers + 16 + 8 * hopper_stages, hopper_stages},
      v_full{barriers + 16 + 16 * hopper_stages, hopper_stages},
      v_empty{barriers + 16 + 24 * hopper_stages, hopper_stages};
};

// A place in a ring of stages.
struct Stage {
  int index = 0;
  unsigned round = 0;

  __device__ __forceinline__ void next() {
    if (++index == hopper_stages) index = 0, ++round;
  }
  // The parity of the phase that ends when this use of the stage is there, and of the one before.
  __device__ __forceinline__ unsigned filled() const { return round & 1u; }
  __device__ __forceinline__ unsigned emptied() const { return (round & 1u) ^ 1u; }
};

template <class T, int D, bool Causal>
__device__ __forceinline__ void copy_tiles(const HopperShared<T, D>& shared, const TensorMap& q_map,
                                           const TensorMap& k_map, const TensorMap& v_map,
                                           const HopperAttentionArgs<T>& args) {
  Stage stage;
  unsigned turn = 0;
  for (int i = static_cast<int>(blockIdx.x); i < args.item_count; i += static_cast<int>(gridDim.x), ++turn) {
    const HopperAttentionItem item = args.items[i];
    const int kv_head = item.head / args.group;
    if (turn > 0) mbarrier_wait(shared.q_empty, 0, (turn - 1) & 1u);
    mbarrier_arrive_expect(shared.q_full, 0, HopperShared<T, D>::tile * 2);
#pragma unroll
    for (int c = 0; c < D / 64; ++c)
      tma_load(shared.q, c * HopperShared<T, D>::block, q_map, 3, shared.q_full, 0,
               {c * 64, item.head, item.begin + item.query});
    for (int tile = key_tiles<Causal>(item) - 1; tile >= 0; --tile, stage.next()) {
      const int row = item.begin + tile * hopper_tile, base = stage.index * HopperShared<T, D>::tile;
      if (stage.round > 0) mbarrier_wait(shared.k_empty, stage.index, stage.emptied());
      mbarrier_arrive_expect(shared.k_full, stage.index, HopperShared<T, D>::tile * 2);
#pragma unroll
      for (int c = 0; c < D / 64; ++c)
        tma_load(shared.k, base + c * HopperShared<T, D>::block, k_map, 3, shared.k_full, stage.index,
                 {c * 64, kv_head, row});
      if (stage.round > 0) mbarrier_wait(shared.v_empty, stage.index, stage.emptied());
      mbarrier_arrive_expect(shared.v_full, stage.index, HopperShared<T, D>::tile * 2);
#pragma unroll
      for (int c = 0; c < D / 64; ++c)
        tma_load(shared.v, base + c * HopperShared<T, D>::block, v_map, 3, shared.v_full, stage.index,
                 {c * 64, kv_head, row});
    }
  }
}

// s (64, 128) = the scores of this warpgroup's queries.
template <class T, int D>
__device__ __forceinline__ void multiply_keys(const HopperShared<T, D>& shared, float (&s)[64], int group,
                                              int stage) {
  wgmma_fence();
#pragma unroll
  for (int k = 0; k < D / 16; ++k) {
    const int at = k / 4 * HopperShared<T, D>::block + k % 4 * 16;
    wgmma<T, 128, false>(s, tile_descriptor(shared.q, at + group * 64 * 64),
                         tile_descriptor(shared.k, stage * HopperShared<T, D>::tile + at), k > 0);
  }
  wgmma_commit();
}

// o (64, D) += p (64, 128) v.
template <class T, int D>
__device__ __forceinline__ void multiply_values(const HopperShared<T, D>& shared, float (&o)[D / 2],
                                                const std::uint32_t (&p)[hopper_tile / 16][4], int stage) {
  wgmma_fence();
#pragma unroll
  for (int k = 0; k < hopper_tile / 16; ++k) {
    wgmma<T, D, true>(o, p[k],
                      tile_descriptor(shared.v, stage * HopperShared<T, D>::tile + k * 16 * 64,
                                      HopperShared<T, D>::block * 2));
  }
  wgmma_commit();
}

// The rows of v behind the document's end belong to the next one: their weights are zero, but zero times
// infinity is not. Both warpgroups.
template <class T, int D>
__device__ __forceinline__ void clear_values(const HopperShared<T, D>& shared, int stage, int valid) {
  Vec<T, 8> zeros;
#pragma unroll
  for (int e = 0; e < 8; ++e) zeros[e] = round_to<T>(0.0f);
  const int chunks = (hopper_tile - valid) * (D / 8);
  for (int i = thread_index() - 128; i < chunks; i += 256) {
    const int row = valid + i / (D / 8),
              chunk = i % (D / 8);  // the swizzle moves chunks within their row only
    shared.v.template store<8>(
        stage * HopperShared<T, D>::tile + chunk / 8 * HopperShared<T, D>::block + row * 64 + chunk % 8 * 8,
        zeros);
  }
  fence_async_shared();
  named_barrier_sync(1, 256);
}

}  // namespace detail

template <class T, int D, bool Causal, bool Capped>
__global__ void __launch_bounds__(hopper_threads, 1)
    varlen_attention_hopper_kernel(const __grid_constant__ TensorMap q_map,
                                   const __grid_constant__ TensorMap k_map,
                                   const __grid_constant__ TensorMap v_map,
                                   const HopperAttentionArgs<T> args) {
  static_assert(D == 64 || D == 128);
  const detail::HopperShared<T, D> shared;
  if (thread_index() == 0) {
    mbarrier_init(shared.q_full, 0, 1);
    mbarrier_init(shared.q_empty, 0, 8);
    for (int s = 0; s < hopper_stages; ++s) {
      mbarrier_init(shared.k_full, s, 1);
      mbarrier_init(shared.k_empty, s, 8);
      mbarrier_init(shared.v_full, s, 1);
      mbarrier_init(shared.v_empty, s, 8);
    }
    mbarrier_init_done();
  }
  sync_threads();
  const int warpgroup = warp_index() / 4;
  if (warpgroup == 0) {
    registers_release<24>();
    if (thread_index() == 0) detail::copy_tiles<T, D, Causal>(shared, q_map, k_map, v_map, args);
  } else {
    registers_take<240>();
    const int group = warpgroup - 1, lane = lane_index(),
              first_row = group * 64 + warp_index() % 4 * 16 + lane / 4;
    // Scores are kept as logarithms to base 2. With a cap, tanh has taken the scale.
    const float to_log2 = Capped ? args.softcap * log2_e : args.scale * log2_e;
    const float to_cap = Capped ? args.scale / args.softcap : 0.0f;
    // Tells the copying warpgroup that this warp is done with a tile.
    const auto release = [&](const MBarrier& barrier, int i) {
      sync_warp();
      if (lane == 0) mbarrier_arrive(barrier, i);
    };
    detail::Stage stage;
    unsigned turn = 0;
    for (int i = static_cast<int>(blockIdx.x); i < args.item_count;
         i += static_cast<int>(gridDim.x), ++turn) {
      const HopperAttentionItem item = args.items[i];
      int tile = detail::key_tiles<Causal>(item) - 1;
      float s[64], o[D / 2], greatest[2], sum[2] = {0.0f, 0.0f};
      std::uint32_t p[hopper_tile / 16][4];
#pragma unroll
      for (int e = 0; e < D / 2; ++e) o[e] = 0.0f;

      // s becomes the weights, and p when `settle` says that p and o are free. Masked: the last tile of keys.
      const auto soften = [&](bool masked, bool first, auto settle) {
        if constexpr (Capped) {
#pragma unroll
          for (int e = 0; e < 64; ++e) s[e] = tanhf(s[e] * to_cap);
        }
        if (masked) {
#pragma unroll
          for (int e = 0; e < 64; ++e) {
            const int key = tile * hopper_tile + e / 4 * 8 + lane % 4 * 2 + e % 2;
            const int query = item.query + first_row + e % 4 / 2 * 8;
            if (key >= item.length || (Causal && key > query)) s[e] = -INFINITY;
          }
        }
        float factor[2];
#pragma unroll
        for (int r = 0; r < 2; ++r) {
          float most = first ? -INFINITY : greatest[r];
#pragma unroll
          for (int j = 0; j < 16; ++j) most = fmaxf(most, fmaxf(s[4 * j + 2 * r], s[4 * j + 2 * r + 1]));
          most = warp_max<4>(most);
          const float base = most == -INFINITY ? 0.0f : most * to_log2;
          factor[r] = first ? 1.0f : exp2_fast(greatest[r] * to_log2 - base);
          greatest[r] = most;
          float part = 0.0f;
#pragma unroll
          for (int j = 0; j < 16; ++j) {
#pragma unroll
            for (int c = 0; c < 2; ++c) {
              float& weight = s[4 * j + 2 * r + c];
              weight = exp2_fast(weight * to_log2 - base);
              part += weight;
            }
          }
          sum[r] = sum[r] * factor[r] + part;
        }
        settle();
        if (!first) {
#pragma unroll
          for (int e = 0; e < D / 2; ++e) o[e] *= factor[e % 4 / 2];
        }
#pragma unroll
        for (int k = 0; k < hopper_tile / 16; ++k) {
#pragma unroll
          for (int f = 0; f < 4; ++f)
            p[k][f] = pack_pair<T>(s[8 * k + f % 2 * 2 + f / 2 * 4], s[8 * k + f % 2 * 2 + f / 2 * 4 + 1]);
        }
      };

      mbarrier_wait(shared.q_full, 0, turn & 1u);
      mbarrier_wait(shared.k_full, stage.index, stage.filled());
      detail::multiply_keys<T, D>(shared, s, group, stage.index);
      wgmma_wait<0>();
      release(shared.k_empty, stage.index);
      soften(true, true, [] {});
      mbarrier_wait(shared.v_full, stage.index, stage.filled());
      const int valid = item.length - tile * hopper_tile;
      if (valid < hopper_tile) detail::clear_values<T, D>(shared, stage.index, valid);
      while (--tile >= 0) {
        const detail::Stage last = stage;
        stage.next();
        mbarrier_wait(shared.k_full, stage.index, stage.filled());
        detail::multiply_keys<T, D>(shared, s, group, stage.index);
        detail::multiply_values<T, D>(shared, o, p, last.index);
        wgmma_wait<1>();
        release(shared.k_empty, stage.index);
        soften(false, false, [&] {
          wgmma_wait<0>();
          release(shared.v_empty, last.index);
        });
        mbarrier_wait(shared.v_full, stage.index, stage.filled());
      }
      release(shared.q_empty, 0);
      detail::multiply_values<T, D>(shared, o, p, stage.index);
      wgmma_wait<0>();
      release(shared.v_empty, stage.index);
      stage.next();

#pragma unroll
      for (int r = 0; r < 2; ++r) {
        const int query = item.query + first_row + r * 8;
        const float total = warp_sum<4>(sum[r]);
        if (query >= item.length) continue;
        const float inverse = total == 0 ? 0.0f : 1.0f / total;  // no key, or all of -inf
        const std::int64_t row = static_cast<std::int64_t>(item.begin) + query;
        T* out = args.out.at(row, item.head);
#pragma unroll
        for (int j = 0; j < D / 8; ++j) {
          const int col = j * 8 + lane % 4 * 2;
          if (col >= args.value_dim) continue;
          const Vec<T, 2> pair{
              {round_to<T>(o[4 * j + 2 * r] * inverse), round_to<T>(o[4 * j + 2 * r + 1] * inverse)}};
          store(out + col, pair);
        }
        if (args.lse != nullptr && lane % 4 == 0)
          args.lse[row * args.lse_row + item.head * args.lse_head] =
              (greatest[r] * to_log2 + log2f(total)) * log_2;
      }
    }
  }
}

}  // namespace adlib::kernels::cuda
