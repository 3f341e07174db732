// kernels/cuda/gemm_mma.cuh: products of half types, or of a half type and codes, with mma.m16n8k16.
//
// A block computes a tile of TileM x TileN; four stages of tiles, 32 deep, are under way by cp.async, and
// warps read them by ldmatrix without bank conflicts. Codes are fetched to registers before a tile's products
// and stored as numbers behind them. Bound by the tensor cores: 2 m n k operations; every element of a is
// read n / TileN times from the L2 cache, of b m / TileM times, blocks of eight rows of tiles one after the
// other so that those stay there.
// grid = tiles (1-D), block = 32 WarpsM WarpsN, shared memory = MmaTiles::shared_bytes.
#pragma once

#include "kernels/cuda/arch/barrier.cuh"
#include "kernels/cuda/arch/mma.cuh"
#include "kernels/cuda/arch/warp.cuh"
#include "kernels/cuda/gemm.cuh"

namespace adlib::kernels::cuda {

/// Four 8 x 8 matrices of the operand whose outer index (row of a, column of b) begins at `outer`, from k on:
/// 16 by 16. `OuterFirst`: matrices 0 and 1 differ in the outer index (fragment a), else in k (two fragments
/// b). AlongK: the tile's rows are along k.
template <bool OuterFirst, bool AlongK, int Chunks, class T>
__device__ __forceinline__ void load_fragments(std::uint32_t (&r)[4], const Shared<T>& tile, int outer, int k,
                                               int last_outer = 0x7fffffff) {
  const int lane = lane_index(), first = lane / 8 % 2, second = lane / 16;
  const int outer_half = OuterFirst ? first : second, k_half = OuterFirst ? second : first;
  if constexpr (AlongK) {
    int row = outer + outer_half * 8 + lane % 8;
    row = row < last_outer ? row : last_outer;
    ldmatrix_x4(r, tile, tile_chunk<Chunks>(row, k / 8 + k_half) * 8);
  } else {
    ldmatrix_x4_transposed(r, tile,
                           tile_chunk<Chunks>(k + k_half * 8 + lane % 8, outer / 8 + outer_half) * 8);
  }
}

/// The cut of a product into tiles.
template <int TileM_, int TileN_, int WarpsM_, int WarpsN_>
struct MmaTiles {
  static constexpr int TileM = TileM_, TileN = TileN_, WarpsM = WarpsM_, WarpsN = WarpsN_;
  static constexpr int depth = 32, stages = 4, threads = 32 * WarpsM * WarpsN;
  static constexpr int warp_rows = TileM / WarpsM, warp_cols = TileN / WarpsN;
  static constexpr int a_elements = TileM * depth, b_elements = TileN * depth;
  static constexpr int finish_bytes = TileM * sums_stride<TileN> * 4;
  static constexpr int stage_bytes = stages * (a_elements + b_elements) * 2;
  static constexpr int shared_bytes = stage_bytes > finish_bytes ? stage_bytes : finish_bytes;
  static_assert(warp_rows % 16 == 0 && warp_cols % 16 == 0);
};

/// The products of one tile's depth, added to the sums.
template <class Tiles, class T, bool TransposeA, bool TransposeB>
__device__ __forceinline__ void multiply_tile(float (&sums)[Tiles::warp_rows / 16][Tiles::warp_cols / 8][4],
                                              const Shared<T>& a, const Shared<T>& b, int row, int col) {
  constexpr int MM = Tiles::warp_rows / 16, NN = Tiles::warp_cols / 8;
#pragma unroll
  for (int k = 0; k < Tiles::depth; k += 16) {
    std::uint32_t left[MM][4], right[NN / 2][4];
#pragma unroll
    for (int i = 0; i < MM; ++i)
      load_fragments<true, !TransposeA, (TransposeA ? Tiles::TileM : Tiles::depth) / 8>(left[i], a,
                                                                                        row + 16 * i, k);
#pragma unroll
    for (int j = 0; j < NN / 2; ++j)
      load_fragments<false, TransposeB, (TransposeB ? Tiles::depth : Tiles::TileN) / 8>(right[j], b,
                                                                                        col + 16 * j, k);
#pragma unroll
    for (int i = 0; i < MM; ++i) {
#pragma unroll
      for (int j = 0; j < NN; ++j) {
        const std::uint32_t half[2] = {right[j / 2][j % 2 * 2], right[j / 2][j % 2 * 2 + 1]};
        mma_m16n8k16<T>(sums[i][j], left[i], half);
      }
    }
  }
}

/// out = epilogue(a b), a of A rounded to T, b of E: T, or codes. TransposeA: a is stored (k, m);
/// TransposeB: b is stored (n, k), as codes always are.
template <class Tiles, class T, bool TransposeA, bool TransposeB, bool Grouped, class Output, class E,
          class A>
__global__ void __launch_bounds__(Tiles::threads) gemm_mma_kernel(GemmArguments<Output, E, A> args) {
  constexpr int MM = Tiles::warp_rows / 16, NN = Tiles::warp_cols / 8, depth = Tiles::depth;
  constexpr int chunk_rows = TransposeB ? Tiles::TileN : depth,
                chunk_cols = TransposeB ? depth : Tiles::TileN;
  constexpr int code_chunks = chunk_rows * chunk_cols / 8 / Tiles::threads;  // of one thread
  const Shared<T> a_tiles(0, Tiles::stages * Tiles::a_elements);
  const Shared<T> b_tiles(Tiles::stages * Tiles::a_elements * 2, Tiles::stages * Tiles::b_elements);
  const TileIndex tile = tile_of_block<Tiles::TileM, Tiles::TileN>(args.output.m, args.output.n);
  const int thread = thread_index(), warp = warp_index();
  const int row = warp / Tiles::WarpsN * Tiles::warp_rows, col = warp % Tiles::WarpsN * Tiles::warp_cols;
  const int steps = static_cast<int>((args.k + depth - 1) / depth);

  const auto copy = [&](int step) {
    const std::int64_t k = static_cast<std::int64_t>(step) * depth;
    const Shared<T> a = a_tiles.from(step % Tiles::stages * Tiles::a_elements);
    if constexpr (TransposeA) {
      copy_tile<depth, Tiles::TileM, Tiles::threads>(a, args.a, k, tile.row, thread);
    } else {
      copy_tile<Tiles::TileM, depth, Tiles::threads>(a, args.a, tile.row, k, thread);
    }
    if constexpr (!is_code<E>) {
      const Shared<T> b = b_tiles.from(step % Tiles::stages * Tiles::b_elements);
      copy_tile<chunk_rows, chunk_cols, Tiles::threads>(b, args.b, TransposeB ? tile.col : k,
                                                        TransposeB ? k : tile.col, thread);
    }
  };
  Vec<T, 8> codes[is_code<E> ? code_chunks : 1];
  const auto fetch_codes = [&](int step) {
    if constexpr (is_code<E>) {
#pragma unroll
      for (int i = 0; i < code_chunks; ++i) {
        const int at = thread + i * Tiles::threads;
        codes[i] = fetch_chunk<T>(args.b, tile.col + at / (depth / 8),
                                  static_cast<std::int64_t>(step) * depth + at % (depth / 8) * 8);
      }
    }
  };
  const auto store_codes = [&](int step) {
    if constexpr (is_code<E>) {
      const Shared<T> b = b_tiles.from(step % Tiles::stages * Tiles::b_elements);
#pragma unroll
      for (int i = 0; i < code_chunks; ++i) {
        const int at = thread + i * Tiles::threads;
        b.store(tile_chunk<depth / 8>(at / (depth / 8), at % (depth / 8)) * 8, codes[i]);
      }
    }
  };

  for (int step = 0; step < Tiles::stages - 1; ++step) {
    if (step < steps) {
      copy(step);
      fetch_codes(step);
      store_codes(step);
    }
    cp_async_commit();
  }
  // The products of one step; the stage that the step before has left is filled meanwhile.
  const auto multiply = [&](int step, float(&sums)[MM][NN][4]) {
    cp_async_wait<Tiles::stages - 2>();
    sync_threads();
    const int next = step + Tiles::stages - 1;
    if (next < steps) {
      copy(next);
      fetch_codes(next);
    }
    cp_async_commit();
    multiply_tile<Tiles, T, TransposeA, TransposeB>(
        sums, a_tiles.from(step % Tiles::stages * Tiles::a_elements),
        b_tiles.from(step % Tiles::stages * Tiles::b_elements), row, col);
    if (next < steps) store_codes(next);
  };

  float totals[MM][NN][4] = {};
  for (int block = 0; block < steps; block += gemm_block_k / depth) {
    float sums[MM][NN][4] = {};
    const int end = block + gemm_block_k / depth < steps ? block + gemm_block_k / depth : steps;
    if constexpr (Grouped) {
      const int group_steps = args.scales.group / depth;
      for (int first = block; first < end; first += group_steps) {
        float group[MM][NN][4] = {};
        const int group_end = first + group_steps < end ? first + group_steps : end;
        for (int step = first; step < group_end; ++step) multiply(step, group);
#pragma unroll
        for (int j = 0; j < NN; ++j) {
          float scales[2];
#pragma unroll
          for (int c = 0; c < 2; ++c) {
            const std::int64_t column = tile.col + col + 8 * j + lane_index() % 4 * 2 + c;
            scales[c] = column < args.output.n
                            ? to_float(args.scales.scales[column * args.scales.groups + first / group_steps])
                            : 0.0f;
          }
#pragma unroll
          for (int i = 0; i < MM; ++i) {
#pragma unroll
            for (int e = 0; e < 4; ++e) sums[i][j][e] = fmaf(scales[e % 2], group[i][j][e], sums[i][j][e]);
          }
        }
      }
    } else {
      for (int step = block; step < end; ++step) multiply(step, sums);
    }
#pragma unroll
    for (int i = 0; i < MM; ++i) {
#pragma unroll
      for (int j = 0; j < NN; ++j) {
#pragma unroll
        for (int e = 0; e < 4; ++e) totals[i][j][e] += sums[i][j][e];
      }
    }
  }

  // Through shared memory, so that each thread finishes eight neighbours of a row.
  cp_async_wait<0>();
  sync_threads();
  constexpr int stride = sums_stride<Tiles::TileN>;
  const Shared<float> area(0, Tiles::TileM * stride);
  const int lane = lane_index();
#pragma unroll
  for (int i = 0; i < MM; ++i) {
#pragma unroll
    for (int j = 0; j < NN; ++j) {
#pragma unroll
      for (int half = 0; half < 2; ++half)
        area.store((row + 16 * i + 8 * half + lane / 4) * stride + col + 8 * j + lane % 4 * 2,
                   Vec<float, 2>{{totals[i][j][2 * half], totals[i][j][2 * half + 1]}});
    }
  }
  sync_threads();
  finish_tile<Tiles::TileM, Tiles::TileN, Tiles::threads>(args.output, area, tile, thread);
}

}  // namespace adlib::kernels::cuda
