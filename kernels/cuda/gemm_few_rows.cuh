// kernels/cuda/gemm_few_rows.cuh: products of at most 16 rows, as in decoding.
//
// A block computes all rows of `Columns` columns. Its warps take the blocks of 256 along k in turn; each
// brings its own stages, 128 bytes of k deep (codes: 64 elements), by cp.async, so that no warp waits for
// another until the sums of the blocks are added, in their order. Bound by memory: reads b once; a comes
// from the L2 cache n / Columns times, so more columns suit more rows, fewer columns fill the device when n
// is small. Stages in flight: 24 KiB of b a block with 8 columns, 48 KiB with 32.
// grid = ceil(n / Columns), block = 32 Warps, shared memory = FewRows::shared_bytes(m).
#pragma once

#include "kernels/cuda/arch/barrier.cuh"
#include "kernels/cuda/gemm_mma.cuh"

namespace adlib::kernels::cuda {

inline constexpr int few_rows = 16;  // of one mma

/// The cut of a product of few rows, T of the products, E of b.
template <class T, class E, int Columns_>
struct FewRows {
  static constexpr int Columns = Columns_, Warps = Columns == 8 ? 8 : 4, threads = 32 * Warps;
  static constexpr int depth = std::is_same_v<T, float> ? 32 : 64;
  static constexpr int stages = 3, block_stages = gemm_block_k / depth;
  static constexpr int b_bytes = Columns * depth * static_cast<int>(sizeof(E)) / elements_in<E>;
  static constexpr int partial_floats = few_rows * Columns;
  static constexpr int a_bytes(int m) { return m * depth * static_cast<int>(sizeof(T)); }
  static constexpr int shared_bytes(int m) {
    return Warps * (2 * partial_floats * 4 + stages * (b_bytes + a_bytes(m)));
  }
};

/// The products of a warp with stages of half types or codes.
template <class Cut, class T, class E, bool TransposeB, bool Grouped>
class FewRowsMma {
 public:
  static constexpr int NN = Cut::Columns / 8;

  __device__ __forceinline__ void clear() {
#pragma unroll
    for (int j = 0; j < NN; ++j) {
#pragma unroll
      for (int e = 0; e < 4; ++e) sums_[j][e] = group_[j][e] = 0;
    }
  }

  /// Adds the products of k in [k, min(k + depth, end)).
  __device__ __forceinline__ void multiply(const Shared<T>& a, const Shared<E>& b, int m, std::int64_t k,
                                           std::int64_t end, std::int64_t column, std::int64_t n,
                                           const GroupScales& scales) {
#pragma unroll
    for (int pair = 0; pair < Cut::depth; pair += 32) {
      if (k + pair >= end) break;
      std::uint32_t right[2][NN][2];
      load_right(right, b, pair);
#pragma unroll
      for (int step = 0; step < 2; ++step) {
        std::uint32_t left[4];
        load_fragments<true, true, Cut::depth / 8>(left, a, 0, pair + 16 * step, m - 1);
#pragma unroll
        for (int j = 0; j < NN; ++j) mma_m16n8k16<T>(Grouped ? group_[j] : sums_[j], left, right[step][j]);
      }
      if constexpr (Grouped) {
        if ((k + pair + 32) % scales.group == 0 || k + pair + 32 >= end) {
          add_group(column, n, (k + pair) / scales.group, scales);
        }
      }
    }
  }

  /// To the warp's (16, Columns) floats.
  __device__ __forceinline__ void store(const Shared<float>& to) const {
    const int g = lane_index() / 4, t = lane_index() % 4;
#pragma unroll
    for (int j = 0; j < NN; ++j) {
      to.store(g * Cut::Columns + 8 * j + 2 * t, Vec<float, 2>{{sums_[j][0], sums_[j][1]}});
      to.store((g + 8) * Cut::Columns + 8 * j + 2 * t, Vec<float, 2>{{sums_[j][2], sums_[j][3]}});
    }
  }

 private:
  __device__ __forceinline__ void load_right(std::uint32_t (&right)[2][NN][2], const Shared<E>& b, int k) {
    const int lane = lane_index();
    if constexpr (is_code<E>) {
      constexpr int chunks = Cut::depth / 16 / elements_in<E>;
#pragma unroll
      for (int step = 0; step < 2; ++step) {
#pragma unroll
        for (int j = 0; j < NN; ++j) {
#pragma unroll
          for (int half = 0; half < 2; ++half) {
            const int at = (k + 16 * step + 8 * half) / elements_in<E> + lane % 4 * 2 / elements_in<E>;
            right[step][j][half] = code_pair(b, tile_chunk<chunks>(8 * j + lane / 4, at / 16) * 16 + at % 16);
          }
        }
      }
    } else if constexpr (NN == 1) {
      std::uint32_t r[4];  // (n8, k8) four times along k
      ldmatrix_x4(r, b, tile_chunk<Cut::depth / 8>(lane % 8, k / 8 + lane / 8) * 8);
#pragma unroll
      for (int i = 0; i < 4; ++i) right[i / 2][0][i % 2] = r[i];
    } else {
#pragma unroll
      for (int step = 0; step < 2; ++step) {
#pragma unroll
        for (int j = 0; j < NN; j += 2) {
          std::uint32_t r[4];
          load_fragments<false, TransposeB, (TransposeB ? Cut::depth : Cut::Columns) / 8>(r, b, 8 * j,
                                                                                          k + 16 * step);
#pragma unroll
          for (int i = 0; i < 4; ++i) right[step][j + i / 2][i % 2] = r[i];
        }
      }
    }
  }

  /// Two neighbouring codes as numbers. 2^23 + u has the bits of u in its last place.
  __device__ __forceinline__ static std::uint32_t code_pair(const Shared<E>& b, int at) {
    float low, high;
    if constexpr (std::is_same_v<E, Code8>) {
      const Vec<E, 2> two = b.template load<2>(at);
      low = bits_float(0x4b000000u | (two[0].bits ^ 0x80u)) - 8388736.0f;
      high = bits_float(0x4b000000u | (two[1].bits ^ 0x80u)) - 8388736.0f;
    } else {
      const unsigned two = static_cast<E>(b[at]).bits;
      low = bits_float(0x4b000000u | (two & 15u)) - 8388616.0f;
      high = bits_float(0x4b000000u | two >> 4) - 8388616.0f;
    }
    if constexpr (std::is_same_v<T, bfloat16>) {  // exact, so that cutting off is rounding
      return (float_bits(high) & 0xffff0000u) | float_bits(low) >> 16;
    } else {
      return pack_pair<T>(low, high);
    }
  }

  __device__ __forceinline__ void add_group(std::int64_t column, std::int64_t n, std::int64_t group,
                                            const GroupScales& scales) {
#pragma unroll
    for (int j = 0; j < NN; ++j) {
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        const std::int64_t at = column + 8 * j + lane_index() % 4 * 2 + e % 2;
        const float scale = at < n ? to_float(scales.scales[at * scales.groups + group]) : 0.0f;
        sums_[j][e] = fmaf(scale, group_[j][e], sums_[j][e]);
        group_[j][e] = 0;
      }
    }
  }

  float sums_[NN][4], group_[NN][4];
};

/// The products of a warp with stages of floats: a lane is a column.
template <class Cut, bool TransposeB, int Rows>
class FewRowsSimt {
 public:
  static_assert(Cut::Columns == 32);

  __device__ __forceinline__ void clear() {
#pragma unroll
    for (int r = 0; r < Rows; ++r) sums_[r] = 0;
  }
  __device__ __forceinline__ void multiply(const Shared<float>& a, const Shared<float>& b, int m,
                                           std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                                           const GroupScales&) {
    const int lane = lane_index();
#pragma unroll 2
    for (int k = 0; k < Cut::depth; k += 4) {
      Vec<float, 4> right;
      if constexpr (TransposeB) {
        right = b.load<4>(tile_chunk<Cut::depth / 4>(lane, k / 4) * 4);
      } else {
#pragma unroll
        for (int e = 0; e < 4; ++e)
          right[e] = b[tile_chunk<Cut::Columns / 4>(k + e, lane / 4) * 4 + lane % 4];
      }
#pragma unroll
      for (int r = 0; r < Rows; ++r) {
        const int row = r < m ? r : m - 1;
        const Vec<float, 4> left = a.load<4>(tile_chunk<Cut::depth / 4>(row, k / 4) * 4);
#pragma unroll
        for (int e = 0; e < 4; ++e) sums_[r] = fmaf(left[e], right[e], sums_[r]);
      }
    }
  }
  __device__ __forceinline__ void store(const Shared<float>& to) const {
#pragma unroll
    for (int r = 0; r < Rows; ++r) to[r * Cut::Columns + lane_index()] = sums_[r];
  }

 private:
  float sums_[Rows];
};

/// out = epilogue(a b) for at most 16 rows (Products of floats: as many as they have), a of A rounded to T.
template <class Cut, class Products, class T, bool TransposeB, class Output, class E, class A>
__global__ void __launch_bounds__(Cut::threads) gemm_few_rows_kernel(GemmArguments<Output, E, A> args) {
  const int m = static_cast<int>(args.output.m), thread = thread_index(), lane = lane_index();
  const int warp = warp_index();
  const std::int64_t column = static_cast<std::int64_t>(blockIdx.x) * Cut::Columns;
  const int partial_bytes = 2 * Cut::Warps * Cut::partial_floats * 4;
  const Shared<float> partials(0, 2 * Cut::Warps * Cut::partial_floats);
  constexpr int b_items = Cut::b_bytes / static_cast<int>(sizeof(E));
  const Shared<E> b_stages(partial_bytes + warp * Cut::stages * Cut::b_bytes, Cut::stages * b_items);
  const Shared<T> a_stages(
      partial_bytes + Cut::Warps * Cut::stages * Cut::b_bytes + warp * Cut::stages * Cut::a_bytes(m),
      Cut::stages * m * Cut::depth);

  // The stages of this warp: of every Warps-th block, all in one row.
  const int blocks = static_cast<int>((args.k + gemm_block_k - 1) / gemm_block_k);
  const int own_blocks = blocks > warp ? (blocks - warp - 1) / Cut::Warps + 1 : 0;
  const auto k_of = [&](int stage) {
    return static_cast<std::int64_t>(warp + stage / Cut::block_stages * Cut::Warps) * gemm_block_k +
           stage % Cut::block_stages * Cut::depth;
  };
  const auto copy = [&](int stage) {
    const std::int64_t k = k_of(stage);
    if (stage < own_blocks * Cut::block_stages && k < args.k) {
      const int slot = stage % Cut::stages;
      const Shared<E> b = b_stages.from(slot * b_items);
      if constexpr (TransposeB) {
        copy_tile<Cut::Columns, Cut::depth, 32>(b, args.b, column, k, lane);
      } else {
        copy_tile<Cut::depth, Cut::Columns, 32>(b, args.b, k, column, lane);
      }
      copy_tile<few_rows, Cut::depth, 32>(a_stages.from(slot * m * Cut::depth), args.a, 0, k, lane, m);
    }
    cp_async_commit();
  };
  for (int stage = 0; stage < Cut::stages - 1; ++stage) copy(stage);

  constexpr int outputs = few_rows * Cut::Columns, own = (outputs + Cut::threads - 1) / Cut::threads;
  float totals[own] = {};
  for (int first = 0, round = 0; first < blocks; first += Cut::Warps, ++round) {
    const Shared<float> sums = partials.from(round % 2 * Cut::Warps * Cut::partial_floats);
    if (first + warp < blocks) {
      Products products;
      products.clear();
      for (int i = 0; i < Cut::block_stages; ++i) {
        const int stage = round * Cut::block_stages + i, slot = stage % Cut::stages;
        if (k_of(stage) >= args.k) break;
        cp_async_wait<Cut::stages - 2>();
        sync_warp();
        copy(stage + Cut::stages - 1);
        products.multiply(a_stages.from(slot * m * Cut::depth), b_stages.from(slot * b_items), m, k_of(stage),
                          args.k, column, args.output.n, args.scales);
      }
      products.store(sums.from(warp * Cut::partial_floats));
    }
    sync_threads();
    // Two halves of partial sums: a warp writes the other one before this one is read.
#pragma unroll
    for (int i = 0; i < own; ++i) {
      const int at = thread + i * Cut::threads;
      if (at < m * Cut::Columns) {
        for (int w = 0; w < Cut::Warps && first + w < blocks; ++w)
          totals[i] += sums[w * Cut::partial_floats + at];
      }
    }
  }
  cp_async_wait<0>();
#pragma unroll
  for (int i = 0; i < own; ++i) {
    const int at = thread + i * Cut::threads;
    const std::int64_t col = column + at % Cut::Columns;
    const float sum[1] = {totals[i]};
    if (at < m * Cut::Columns && col < args.output.n) finish_row(args.output, at / Cut::Columns, col, sum);
  }
}

}  // namespace adlib::kernels::cuda
