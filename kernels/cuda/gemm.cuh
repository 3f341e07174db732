// kernels/cuda/gemm.cuh: what the matrix products share: operands in global memory, their tiles in shared
// memory, and the epilogue. The products: gemm_mma.cuh (half types and codes, many rows), gemm_simt.cuh
// (float, many rows), gemm_few_rows.cuh (up to 16 rows, as in decoding).
//
// One order of summation for all of them, fixed by k and the element types: blocks of 256 along k are each
// summed from zero in ascending k (float: one fused multiply-add at a time; half types: mma, 16 at a time),
// and the sums of the blocks are added to zero in ascending order. With codes in groups, the groups of a
// block are summed so, each times its scale is added (fused) to the block's sum. Tiles, warps and the number
// of rows are not in it, so a row's bits do not depend on them.
#pragma once

#include <type_traits>

#include "kernels/cuda/activate.cuh"
#include "kernels/cuda/arch/convert.cuh"
#include "kernels/cuda/arch/cp_async.cuh"
#include "kernels/matmul.h"

namespace adlib::kernels::cuda {

inline constexpr int gemm_block_k = 256;  // the contract of kernels/matmul.h: changing it changes results

/// One code of int8, and two of int4, the even one in the low half, stored + 8 (kernels/quantize.h).
struct Code8 {
  std::uint8_t bits;
};
struct Code4 {
  std::uint8_t bits;
};
/// Elements in one E.
template <class E>
inline constexpr int elements_in = std::is_same_v<E, Code4> ? 2 : 1;
template <class E>
inline constexpr bool is_code = std::is_same_v<E, Code8> || std::is_same_v<E, Code4>;

/// A matrix in global memory as it is stored.
template <class E>
struct GlobalMatrix {
  const E* data = nullptr;
  std::int64_t rows = 0, cols = 0;
  std::int64_t stride = 0;  ///< between rows, in E
  /// Rows begin at multiples of 16 bytes. Those of codes do, and are filled up with zeros to such a multiple.
  bool aligned = false;
};

template <class E>
GlobalMatrix<E> global_matrix(const E* data, std::int64_t rows, std::int64_t cols, std::int64_t stride) {
  return {data, rows, cols, stride,
          reinterpret_cast<std::uintptr_t>(data) % 16 == 0 &&
              stride * static_cast<std::int64_t>(sizeof(E)) % 16 == 0};
}

/// The scales of codes: of row j of the stored b and group g, scales[j * groups + g].
struct GroupScales {
  const bfloat16* scales = nullptr;
  std::int64_t groups = 1;
  int group = 0;  ///< elements of a group: 32, 64 or 128; 0: one scale for all, applied behind the sum
};

/// Where sums go: out (m, n), and what is done to them on the way.
template <class Out>
struct GemmOutput {
  Out* out = nullptr;
  std::int64_t m = 0, n = 0;
  const bfloat16* column_scales = nullptr;  ///< (n), multiplied first, or null
  MatmulEpilogue<Out> epilogue;
  bool vectorizable = false;  ///< rows and operands are at multiples of 16 bytes
};

template <class Out>
GemmOutput<Out> gemm_output(Out* out, std::int64_t m, std::int64_t n, const MatmulEpilogue<Out>& epilogue,
                            const bfloat16* column_scales = nullptr) {
  constexpr int N = vec_size<Out>;
  const auto fits = [&](const Out* p) { return p == nullptr || is_vectorizable<N>(p, n, n); };
  return {out,      m,
          n,        column_scales,
          epilogue, fits(out) && fits(epilogue.bias) && fits(epilogue.multiplier) && fits(epilogue.residual)};
}

/// Out is T or float, which the caller knows: one kernel for both, since all but its last lines are the same.
template <class T>
struct EitherOutput {
  std::int64_t m = 0, n = 0;
  bool is_float = false;
  GemmOutput<T> of_type;
  GemmOutput<float> of_float;

  EitherOutput() = default;
  EitherOutput(const GemmOutput<T>& output) : m(output.m), n(output.n), of_type(output) {}
  EitherOutput(const GemmOutput<float>& output)
      : m(output.m), n(output.n), is_float(true), of_float(output) {}
};

/// Output: a GemmOutput or an EitherOutput; E: the elements of b; A: those of a.
template <class Output, class E, class A>
struct GemmArguments {
  GlobalMatrix<A> a;
  GlobalMatrix<E> b;
  std::int64_t k = 0;
  GroupScales scales;
  Output output;
};

/// The epilogue of one sum. Fused multiply-adds are written out: a compiler that chooses where to fuse could
/// give kernels different bits.
template <class Out>
__device__ __forceinline__ Out finish_sum(const GemmOutput<Out>& to, float sum, float scale, float bias,
                                          float multiplier, float residual) {
  const float x = activate(fmaf(sum, scale, bias), to.epilogue.activation);
  return round_to<Out>(fmaf(x, multiplier, residual));
}

/// out[row, col … col + N - 1] from their sums; what is past m or n is left out. N is a multiple of
/// vec_size<Out> and col one of it, or N is 1.
template <int N, class Out>
__device__ __forceinline__ void finish_row(const GemmOutput<Out>& to, std::int64_t row, std::int64_t col,
                                           const float (&sums)[N]) {
  constexpr int V = N == 1 ? 1 : vec_size<Out>;
  if (row >= to.m) return;
  const std::int64_t at = row * to.n + col;
  const MatmulEpilogue<Out>& epilogue = to.epilogue;
  if (N > 1 && to.vectorizable && col + N <= to.n) {
#pragma unroll
    for (int i = 0; i < N; i += V) {
      Vec<Out, V> bias{}, multiplier{}, residual{}, out;
      if (epilogue.bias != nullptr) bias = load<V>(epilogue.bias + col + i);
      if (epilogue.multiplier != nullptr) multiplier = load<V>(epilogue.multiplier + at + i);
      if (epilogue.residual != nullptr) residual = load_coherent<V>(epilogue.residual + at + i);
#pragma unroll
      for (int j = 0; j < V; ++j) {
        const float scale = to.column_scales != nullptr ? to_float(to.column_scales[col + i + j]) : 1.0f;
        const float factor = epilogue.multiplier != nullptr ? to_float(multiplier[j]) : 1.0f;
        out[j] = finish_sum(to, sums[i + j], scale, to_float(bias[j]), factor, to_float(residual[j]));
      }
      store(to.out + at + i, out);
    }
    return;
  }
#pragma unroll
  for (int i = 0; i < N; ++i) {
    if (col + i >= to.n) return;
    const float scale = to.column_scales != nullptr ? to_float(to.column_scales[col + i]) : 1.0f;
    const float bias = epilogue.bias != nullptr ? to_float(epilogue.bias[col + i]) : 0.0f;
    const float factor = epilogue.multiplier != nullptr ? to_float(epilogue.multiplier[at + i]) : 1.0f;
    const float residual = epilogue.residual != nullptr ? to_float(epilogue.residual[at + i]) : 0.0f;
    to.out[at + i] = finish_sum(to, sums[i], scale, bias, factor, residual);
  }
}

template <int N, class T>
__device__ __forceinline__ void finish_row(const EitherOutput<T>& to, std::int64_t row, std::int64_t col,
                                           const float (&sums)[N]) {
  if (to.is_float) {
    finish_row(to.of_float, row, col, sums);
  } else {
    finish_row(to.of_type, row, col, sums);
  }
}

/// The epilogue of sums (m, n) that lie in global memory: eight neighbours a thread. Bound by memory.
/// grid = min(ceil(m ceil(n / 8) / 256), 65536), block = 256, no shared memory.
template <class Out>
__global__ void __launch_bounds__(256) gemm_finish_kernel(GemmOutput<Out> to, const float* sums) {
  const std::int64_t chunks = (to.n + 7) / 8, step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < to.m * chunks;
       i += step) {
    const std::int64_t row = i / chunks, col = i % chunks * 8;
    const float* from = sums + row * to.n + col;
    float eight[8] = {};
    if (to.n % 4 == 0 && col + 8 <= to.n) {
      const Vec<float, 4> low = load<4>(from), high = load<4>(from + 4);
#pragma unroll
      for (int e = 0; e < 4; ++e) eight[e] = low[e], eight[e + 4] = high[e];
    } else {
#pragma unroll
      for (int e = 0; e < 8; ++e) {
        if (col + e < to.n) eight[e] = from[e];
      }
    }
    finish_row(to, row, col, eight);
  }
}

/// The chunk, in chunks of 16 bytes from a tile's begin, of a row of `Chunks` of them. The chunks of a row
/// are shuffled by the row, so that eight rows' chunks of one column, as ldmatrix and threads read them, lie
/// in different banks.
template <int Chunks>
__device__ __forceinline__ int tile_chunk(int row, int chunk) {
  constexpr int rows_in_line = Chunks >= 8 ? 1 : 8 / Chunks, mask = (Chunks < 8 ? Chunks : 8) - 1;
  return row * Chunks + (chunk ^ (row / rows_in_line & mask));
}

/// Eight codes from `codes` as numbers, exactly.
template <class T, class E>
__device__ __forceinline__ Vec<T, 8> widen_codes(const E* codes) {
  constexpr int bytes = 8 / elements_in<E>;
  const Vec<std::uint8_t, bytes> in = load<bytes>(reinterpret_cast<const std::uint8_t*>(codes));
  Vec<T, 8> out;
#pragma unroll
  for (int i = 0; i < 8; ++i) {
    const unsigned byte = in[i / elements_in<E>];
    if constexpr (std::is_same_v<E, Code8>) {
      out[i] = round_to<T>(static_cast<float>(static_cast<std::int8_t>(byte)));
    } else {
      out[i] = round_to<T>(static_cast<float>(static_cast<int>(byte >> (i % 2 * 4) & 15u) - 8));
    }
  }
  return out;
}

/// x, or x rounded to T.
template <class T, class E>
__device__ __forceinline__ T convert_element(E x) {
  if constexpr (std::is_same_v<E, T>) {
    return x;
  } else {
    return round_to<T>(to_float(x));
  }
}

/// Elements (row, col … col + 15 bytes of T) of `from`, rounded to T; zeros past its ends.
template <class T, class E>
__device__ __forceinline__ Vec<T, vec_size<T>> fetch_chunk(const GlobalMatrix<E>& from, std::int64_t row,
                                                           std::int64_t col) {
  constexpr int N = vec_size<T>;
  Vec<T, N> out{};
  if (row >= from.rows) return out;
  const E* p = from.data + row * from.stride + col / elements_in<E>;
  if constexpr (is_code<E>) {
    static_assert(N == 8);
    if (col < from.cols) out = widen_codes<T>(p);
  } else if (from.aligned && col + N <= from.cols) {
    constexpr int V = vec_size<E> < N ? vec_size<E> : N;
#pragma unroll
    for (int i = 0; i < N; i += V) {
      const Vec<E, V> some = load<V>(p + i);
#pragma unroll
      for (int j = 0; j < V; ++j) out[i + j] = convert_element<T>(some[j]);
    }
  } else {
#pragma unroll
    for (int i = 0; i < N; ++i) {
      if (col + i < from.cols) out[i] = convert_element<T>(p[i]);
    }
  }
  return out;
}

/// Begins to copy a chunk of 16 bytes to element `at` of shared memory; zeros past the matrix's ends. What
/// cannot be copied as it is (rows that are not aligned, another type) is there when the call returns.
template <class T, class E>
__device__ __forceinline__ void copy_chunk(const Shared<T>& to, int at, const GlobalMatrix<E>& from,
                                           std::int64_t row, std::int64_t col) {
  if constexpr (std::is_same_v<E, T>) {
    if (from.aligned) {
      constexpr int N = 16 / static_cast<int>(sizeof(T));
      const std::int64_t left = row < from.rows ? from.cols - col : 0;
      const int inside = left <= 0 ? 0 : is_code<E> || left >= N ? N : static_cast<int>(left);
      cp_async_16(to, at, inside > 0 ? from.data + row * from.stride + col / elements_in<E> : from.data,
                  inside * static_cast<int>(sizeof(T)));
      return;
    }
  }
  if constexpr (!is_code<T>) to.store(at, fetch_chunk<T>(from, row, col));
}

/// Copies rows [row, row + Rows) and columns [col, col + Cols) of `from` into the tile; `Threads` threads
/// share the work. `rows`: how many of the rows the tile has room for.
template <int Rows, int Cols, int Threads, class T, class E>
__device__ __forceinline__ void copy_tile(const Shared<T>& tile, const GlobalMatrix<E>& from,
                                          std::int64_t row, std::int64_t col, int thread, int rows = Rows) {
  constexpr int N = 16 / static_cast<int>(sizeof(T)), chunks = Cols / (N * elements_in<T>);
#pragma unroll
  for (int i = 0; i < (Rows * chunks + Threads - 1) / Threads; ++i) {
    const int at = thread + i * Threads, r = at / chunks, c = at % chunks;
    if (r < rows) copy_chunk(tile, tile_chunk<chunks>(r, c) * N, from, row + r, col + c * N * elements_in<T>);
  }
}

/// The tile of a block: eight rows of tiles at a time, column by column.
struct TileIndex {
  std::int64_t row, col;
};
template <int TileM, int TileN>
__device__ __forceinline__ TileIndex tile_of_block(std::int64_t m, std::int64_t n) {
  const std::int64_t tiles_m = (m + TileM - 1) / TileM, tiles_n = (n + TileN - 1) / TileN;
  const std::int64_t band = blockIdx.x / (8 * tiles_n) * 8, within = blockIdx.x % (8 * tiles_n);
  const std::int64_t height = tiles_m - band < 8 ? tiles_m - band : 8;
  return {(band + within % height) * TileM, within / height * TileN};
}

/// Between rows of a tile of sums in shared memory: 8 banks more than the row has.
template <int TileN>
inline constexpr int sums_stride = TileN + 8;

/// The epilogue of a tile whose sums all threads have put into shared memory: each thread takes eight
/// neighbours of a row.
template <int TileM, int TileN, int Threads, class Output>
__device__ __forceinline__ void finish_tile(const Output& to, const Shared<float>& sums,
                                            const TileIndex& tile, int thread) {
#pragma unroll 1
  for (int i = thread; i < TileM * (TileN / 8); i += Threads) {
    const int row = i / (TileN / 8), col = i % (TileN / 8) * 8, at = row * sums_stride<TileN> + col;
    const Vec<float, 4> low = sums.template load<4>(at), high = sums.template load<4>(at + 4);
    const float eight[8] = {low[0], low[1], low[2], low[3], high[0], high[1], high[2], high[3]};
    finish_row(to, tile.row + row, tile.col + col, eight);
  }
}

}  // namespace adlib::kernels::cuda
