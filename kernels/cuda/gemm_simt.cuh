// kernels/cuda/gemm_simt.cuh: products of floats, in float throughout.
//
// A block computes a tile of TileM x TileN, each thread 8 x 8 of it, from three stages of tiles, 16 deep,
// that cp.async brings. Bound by the fused multiply-adds: m n k of them. Rows of a tile that lie along k are
// read two elements of k at a time by threads that take every eighth row or column; the others four elements
// at a time.
// grid = tiles (1-D), block = TileM TileN / 64, shared memory = SimtTiles::shared_bytes.
#pragma once

#include "kernels/cuda/arch/barrier.cuh"
#include "kernels/cuda/gemm.cuh"

namespace adlib::kernels::cuda {

template <int TileM_, int TileN_>
struct SimtTiles {
  static constexpr int TileM = TileM_, TileN = TileN_, depth = 16, stages = 3;
  static constexpr int threads_m = TileM / 8, threads_n = TileN / 8, threads = threads_m * threads_n;
  static constexpr int a_elements = TileM * depth, b_elements = TileN * depth;
  static constexpr int finish_bytes = TileM * sums_stride<TileN> * 4;
  static constexpr int stage_bytes = stages * (a_elements + b_elements) * 4;
  static constexpr int shared_bytes = stage_bytes > finish_bytes ? stage_bytes : finish_bytes;
};

/// Where the i-th of a thread's eight rows or columns stands in the tile. A warp is 4 x 8 threads, so that
/// few different elements are read at once.
template <bool AlongK, int Threads>
__device__ __forceinline__ int simt_index(int thread, int i) {
  return AlongK ? thread + i * Threads : i / 4 * 4 * Threads + thread * 4 + i % 4;
}

/// Elements (k and k + 1, the thread's eight) of one operand.
template <bool AlongK, int Outer, int Threads>
__device__ __forceinline__ void load_simt(float (&out)[2][8], const Shared<float>& tile, int thread, int k) {
  if constexpr (AlongK) {
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const int row = simt_index<AlongK, Threads>(thread, i);
      const Vec<float, 2> two = tile.load<2>(tile_chunk<4>(row, k / 4) * 4 + k % 4);
      out[0][i] = two[0];
      out[1][i] = two[1];
    }
  } else {
#pragma unroll
    for (int i = 0; i < 8; i += 4) {
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        const int at = simt_index<AlongK, Threads>(thread, i);
        const Vec<float, 4> four = tile.load<4>(tile_chunk<Outer / 4>(k + e, at / 4) * 4);
#pragma unroll
        for (int j = 0; j < 4; ++j) out[e][i + j] = four[j];
      }
    }
  }
}

template <class Tiles, bool TransposeA, bool TransposeB>
__global__ void __launch_bounds__(Tiles::threads)
    gemm_simt_kernel(GemmArguments<GemmOutput<float>, float, float> args) {
  constexpr int depth = Tiles::depth;
  const Shared<float> a_tiles(0, Tiles::stages * Tiles::a_elements);
  const Shared<float> b_tiles(Tiles::stages * Tiles::a_elements * 4, Tiles::stages * Tiles::b_elements);
  const TileIndex tile = tile_of_block<Tiles::TileM, Tiles::TileN>(args.output.m, args.output.n);
  const int thread = thread_index(), warp = thread / 32;
  constexpr int warps_n = Tiles::threads_n / 8;
  const int thread_m = warp / warps_n * 4 + thread % 32 / 8, thread_n = warp % warps_n * 8 + thread % 8;
  const int steps = static_cast<int>((args.k + depth - 1) / depth);

  const auto copy = [&](int step) {
    if (step < steps) {
      const std::int64_t k = static_cast<std::int64_t>(step) * depth;
      const Shared<float> a = a_tiles.from(step % Tiles::stages * Tiles::a_elements);
      const Shared<float> b = b_tiles.from(step % Tiles::stages * Tiles::b_elements);
      if constexpr (TransposeA) {
        copy_tile<depth, Tiles::TileM, Tiles::threads>(a, args.a, k, tile.row, thread);
      } else {
        copy_tile<Tiles::TileM, depth, Tiles::threads>(a, args.a, tile.row, k, thread);
      }
      if constexpr (TransposeB) {
        copy_tile<Tiles::TileN, depth, Tiles::threads>(b, args.b, tile.col, k, thread);
      } else {
        copy_tile<depth, Tiles::TileN, Tiles::threads>(b, args.b, k, tile.col, thread);
      }
    }
    cp_async_commit();
  };
  for (int step = 0; step < Tiles::stages - 1; ++step) copy(step);

  float totals[8][8] = {};
  for (int block = 0; block < steps; block += gemm_block_k / depth) {
    float sums[8][8] = {};
    const int end = block + gemm_block_k / depth < steps ? block + gemm_block_k / depth : steps;
    for (int step = block; step < end; ++step) {
      cp_async_wait<Tiles::stages - 2>();
      sync_threads();
      copy(step + Tiles::stages - 1);
      const Shared<float> a = a_tiles.from(step % Tiles::stages * Tiles::a_elements);
      const Shared<float> b = b_tiles.from(step % Tiles::stages * Tiles::b_elements);
#pragma unroll(Tiles::TileM > 64 ? 2 : 1)  // more at once would need more registers than there are
      for (int k = 0; k < depth; k += 2) {
        float left[2][8], right[2][8];
        load_simt<!TransposeA, Tiles::TileM, Tiles::threads_m>(left, a, thread_m, k);
        load_simt<TransposeB, Tiles::TileN, Tiles::threads_n>(right, b, thread_n, k);
#pragma unroll
        for (int e = 0; e < 2; ++e) {
#pragma unroll
          for (int i = 0; i < 8; ++i) {
#pragma unroll
            for (int j = 0; j < 8; ++j) sums[i][j] = fmaf(left[e][i], right[e][j], sums[i][j]);
          }
        }
      }
    }
#pragma unroll
    for (int i = 0; i < 8; ++i) {
#pragma unroll
      for (int j = 0; j < 8; ++j) totals[i][j] += sums[i][j];
    }
  }

  cp_async_wait<0>();
  sync_threads();
  constexpr int stride = sums_stride<Tiles::TileN>;
  const Shared<float> area(0, Tiles::TileM * stride);
#pragma unroll
  for (int i = 0; i < 8; ++i) {
    const int at = simt_index<!TransposeA, Tiles::threads_m>(thread_m, i) * stride;
    if constexpr (TransposeB) {
#pragma unroll
      for (int j = 0; j < 8; ++j) area[at + simt_index<true, Tiles::threads_n>(thread_n, j)] = totals[i][j];
    } else {
#pragma unroll
      for (int j = 0; j < 8; j += 4)
        area.store(at + simt_index<false, Tiles::threads_n>(thread_n, j),
                   Vec<float, 4>{{totals[i][j], totals[i][j + 1], totals[i][j + 2], totals[i][j + 3]}});
    }
  }
  sync_threads();
  finish_tile<Tiles::TileM, Tiles::TileN, Tiles::threads>(args.output, area, tile, thread);
}

}  // namespace adlib::kernels::cuda
