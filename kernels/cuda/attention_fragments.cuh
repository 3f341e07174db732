// kernels/cuda/attention_fragments.cuh: the products of tiles of attention, by the matrix unit for half types
// and by plain multiply-adds for float, behind one interface, so that each kernel is written once.
//
// A warp holds some rows of a product in registers: Sums<N> of `warp_rows` x N, of which a thread has
// `thread_rows` rows, at(i, j) being row(i) of the warp's and column(j) for Sums of scores, sum_column(j)
// (runs of `run` neighbours) for Sums of results. A row belongs to `lanes` neighbouring lanes.
//   multiply_transposed: scores (rows, N) = left (rows, D) right (N, D) transposed
//   multiply_add:        sums (rows, D) += weights (rows, N) right (N, D)
// left is the warp's rows of a tile, right all rows of one, weights are scores as the product wants them.
// Sums run over D or N in ascending order.
#pragma once

#include "kernels/cuda/arch/math.cuh"
#include "kernels/cuda/arch/mma.cuh"
#include "kernels/cuda/attention_tiles.cuh"

namespace adlib::kernels::cuda {

/// T: float16 or bfloat16; Tiles: of 16 rows a warp. More of them take a right operand's fragment for more
/// products: at 1, shared memory is what a multiprocessor waits for (256 bytes a product of 4096 operations).
template <class T, int Tiles>
struct MmaFragments {
  using Element = T;
  static constexpr int warp_rows = 16 * Tiles, thread_rows = 2 * Tiles, lanes = 4, run = 2;
  static constexpr int scratch_elements(int) { return 0; }

  template <int N>
  struct Sums {
    static constexpr int columns = N / 4;
    float data[Tiles][N / 8][4];
    __device__ __forceinline__ float& at(int i, int j) { return data[i / 2][j / 2][i % 2 * 2 + j % 2]; }
  };
  __device__ static __forceinline__ int row(int i) { return i / 2 * 16 + i % 2 * 8 + lane_index() / 4; }
  __device__ static __forceinline__ int column(int j) { return j / 2 * 8 + lane_index() % 4 * 2 + j % 2; }
  __device__ static __forceinline__ int sum_column(int j) { return column(j); }

  /// The warp's rows of a tile. Kept: read once, and held in registers.
  template <int D, bool Kept>
  struct Left {
    Shared<T> rows;
    std::uint32_t kept[Kept ? D / 16 : 1][Tiles][4];

    __device__ __forceinline__ void load() {
      if constexpr (Kept) {
#pragma unroll
        for (int k = 0; k < D; k += 16) read(kept[k / 16], lane_index(), k);
      }
    }
    __device__ __forceinline__ void read(std::uint32_t (&a)[Tiles][4], int lane, int k) const {
#pragma unroll
      for (int m = 0; m < Tiles; ++m)
        ldmatrix_x4(a[m], rows, tile_index<T, D>(m * 16 + lane % 16, k + lane / 16 * 8));
    }
    __device__ __forceinline__ void get(std::uint32_t (&a)[Tiles][4], int lane, int k) const {
      if constexpr (Kept) {
#pragma unroll
        for (int m = 0; m < Tiles; ++m)
#pragma unroll
          for (int i = 0; i < 4; ++i) a[m][i] = kept[k / 16][m][i];
      } else {
        read(a, lane, k);
      }
    }
  };

  template <int D, int N, bool Kept>
  __device__ static __forceinline__ void multiply_transposed(Sums<N>& scores, const Left<D, Kept>& left,
                                                             const Shared<T>& right) {
    const int lane = recomputed(lane_index());
#pragma unroll
    for (int m = 0; m < Tiles; ++m)
#pragma unroll
      for (int n = 0; n < N / 8; ++n)
#pragma unroll
        for (int i = 0; i < 4; ++i) scores.data[m][n][i] = 0;
#pragma unroll(Kept ? D / 16 : 4)
    for (int k = 0; k < D; k += 16) {
      std::uint32_t a[Tiles][4];
      left.get(a, lane, k);
#pragma unroll
      for (int n = 0; n < N; n += 16) {
        std::uint32_t
            b[4];  // rows n ... of right are columns of its transpose: (k, n) (k + 8, n) (k, n + 8) …
        ldmatrix_x4(b, right, tile_index<T, D>(n + lane / 16 * 8 + lane % 8, k + lane / 8 % 2 * 8));
        const std::uint32_t low[2] = {b[0], b[1]}, high[2] = {b[2], b[3]};
#pragma unroll
        for (int m = 0; m < Tiles; ++m) {
          mma_m16n8k16<T>(scores.data[m][n / 8], a[m], low);
          mma_m16n8k16<T>(scores.data[m][n / 8 + 1], a[m], high);
        }
      }
    }
  }

  /// A lane's scores are, rounded and in pairs, its part of fragment a of the next product.
  template <int N>
  struct Weights {
    std::uint32_t data[N / 16][Tiles][4];
    Weights() = default;
    __device__ __forceinline__ explicit Weights(const Sums<N>& scores) {
#pragma unroll
      for (int k = 0; k < N / 16; ++k)
#pragma unroll
        for (int m = 0; m < Tiles; ++m)
#pragma unroll
          for (int i = 0; i < 4; ++i) {
            const auto& four = scores.data[m][2 * k + i / 2];
            data[k][m][i] = pack_pair<T>(four[i % 2 * 2], four[i % 2 * 2 + 1]);
          }
    }
  };

  template <int D, int N>
  __device__ static __forceinline__ void multiply_add(Sums<D>& sums, const Weights<N>& weights,
                                                      const Shared<T>& right, const Shared<float>&) {
    const int lane = recomputed(lane_index());
#pragma unroll
    for (int k = 0; k < N; k += 16) {
#pragma unroll
      for (int n = 0; n < D; n += 16) {
        std::uint32_t b[4];
        ldmatrix_x4_transposed(b, right, tile_index<T, D>(k + lane % 16, n + lane / 16 * 8));
        const std::uint32_t low[2] = {b[0], b[1]}, high[2] = {b[2], b[3]};
#pragma unroll
        for (int m = 0; m < Tiles; ++m) {
          mma_m16n8k16<T>(sums.data[m][n / 8], weights.data[k / 16][m], low);
          mma_m16n8k16<T>(sums.data[m][n / 8 + 1], weights.data[k / 16][m], high);
        }
      }
    }
  }
};

/// Rows: of a thread. Half a warp shares them, each thread with every 16th score and runs of 4 results.
template <int Rows>
struct SimtFragments {
  using Element = float;
  static constexpr int warp_rows = 2 * Rows, thread_rows = Rows, lanes = 16, run = 4;
  /// Of a warp, for multiply_add of scores of n columns.
  static constexpr int scratch_elements(int n) { return warp_rows * n; }

  template <int N>
  struct Sums {
    static constexpr int columns = N / 16;
    float data[Rows][N / 16];
    __device__ __forceinline__ float& at(int i, int j) { return data[i][j]; }
  };
  __device__ static __forceinline__ int row(int i) { return lane_index() / 16 * Rows + i; }
  __device__ static __forceinline__ int column(int j) { return lane_index() % 16 + 16 * j; }
  __device__ static __forceinline__ int sum_column(int j) {
    return j / 4 * 64 + lane_index() % 16 * 4 + j % 4;
  }

  template <int D, bool Kept>
  struct Left {
    Shared<float> rows;
    __device__ __forceinline__ void load() {}
  };

  template <int D, int N, bool Kept>
  __device__ static __forceinline__ void multiply_transposed(Sums<N>& scores, const Left<D, Kept>& left,
                                                             const Shared<float>& right) {
#pragma unroll
    for (int i = 0; i < Rows; ++i)
#pragma unroll
      for (int j = 0; j < N / 16; ++j) scores.data[i][j] = 0;
#pragma unroll 2
    for (int k = 0; k < D; k += 4) {
      Vec<float, 4> b[N / 16];
#pragma unroll
      for (int j = 0; j < N / 16; ++j) b[j] = right.template load<4>(tile_index<float, D>(column(j), k));
#pragma unroll
      for (int i = 0; i < Rows; ++i) {
        const auto a = left.rows.template load<4>(tile_index<float, D>(row(i), k));
#pragma unroll
        for (int j = 0; j < N / 16; ++j)
#pragma unroll
          for (int e = 0; e < 4; ++e) scores.data[i][j] += a[e] * b[j][e];
      }
    }
  }

  template <int N>
  using Weights = Sums<N>;

  template <int D, int N>
  __device__ static __forceinline__ void multiply_add(Sums<D>& sums, const Weights<N>& weights,
                                                      const Shared<float>& right,
                                                      const Shared<float>& scratch) {
#pragma unroll
    for (int i = 0; i < Rows; ++i)
#pragma unroll
      for (int j = 0; j < N / 16; ++j) scratch[row(i) * N + column(j)] = weights.data[i][j];
    sync_warp();
#pragma unroll 1
    for (int k = 0; k < N; k += 4) {
      Vec<float, 4> a[Rows];
#pragma unroll
      for (int i = 0; i < Rows; ++i) a[i] = scratch.template load<4>(row(i) * N + k);
#pragma unroll
      for (int e = 0; e < 4; ++e)
#pragma unroll
        for (int j = 0; j < D / 16; j += 4) {
          const auto b = right.template load<4>(tile_index<float, D>(k + e, sum_column(j)));
#pragma unroll
          for (int i = 0; i < Rows; ++i)
#pragma unroll
            for (int c = 0; c < 4; ++c) sums.data[i][j + c] += a[i][e] * b[c];
        }
    }
    sync_warp();  // before the scratch is written again
  }
};

/// x is the scaled product; softcap tanh(x / softcap) is what attention caps a score by. Half types take the
/// tanh from two fast functions, to an absolute error of 2^-22.
template <class T>
__device__ __forceinline__ float capping_tanh(float x) {
  if constexpr (sizeof(T) == 4) {
    return tanhf(x);
  } else {
    return 1 - 2 * reciprocal_fast(1 + exp2_fast(2 * log2_e * x));
  }
}

}  // namespace adlib::kernels::cuda
