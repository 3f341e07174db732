// kernels/cuda/attention_tiles.cuh: what the kernels of attention over documents share: the list of their
// blocks' work, and tiles of rows on their way between global and shared memory.
//
// A tile in shared memory is (rows, D) without gaps, 16 bytes a chunk, chunk c of row r at c ^ r % 8: eight
// rows of one column of chunks, which ldmatrix and SIMT reads take at once, lie in different banks. What is
// beyond the document's rows or a row's dim is zero, so that the products need no guards.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/cuda/arch/barrier.cuh"
#include "kernels/cuda/arch/convert.cuh"
#include "kernels/cuda/arch/cp_async.cuh"
#include "kernels/cuda/arch/warp.cuh"

namespace adlib::kernels::cuda {

inline constexpr int attention_threads = 128, attention_warps = attention_threads / 32;

/// Rows of one document, which one block works on for one head.
struct AttentionTile {
  std::int64_t begin = 0;   ///< the document's first row
  std::int64_t padded = 0;  ///< the same where each document begins at a multiple of 4
  std::int32_t rows = 0;    ///< of the document
  std::int32_t first = 0;   ///< the tile's first row in the document
};

/// Where a document that begins at `padded` ends, so that the next one begins at a multiple of 4.
inline std::int64_t padded_end(std::int64_t padded, std::int64_t rows) { return padded + (rows + 3) / 4 * 4; }

/// Which tiles a list begins with, so that no long one is left when all others are done.
enum class Heaviest { longest, last, first };

/// The documents' rows in tiles of `tile_rows`: by the length of their document, or, where a tile sees the
/// rows before (last) or after it (first), by how many these are.
inline std::vector<AttentionTile> attention_tiles(std::span<const std::int64_t> offsets, int tile_rows,
                                                  Heaviest heaviest) {
  std::vector<AttentionTile> tiles;
  std::int64_t padded = 0;
  for (std::size_t s = 1; s < offsets.size(); ++s) {
    const auto rows = static_cast<std::int32_t>(offsets[s] - offsets[s - 1]);
    for (std::int32_t first = 0; first < rows; first += tile_rows)
      tiles.push_back({.begin = offsets[s - 1], .padded = padded, .rows = rows, .first = first});
    padded = padded_end(padded, rows);
  }
  const auto weight = [&](const AttentionTile& tile) {
    return heaviest == Heaviest::longest ? tile.rows
           : heaviest == Heaviest::first ? tile.rows - tile.first
                                         : std::min(tile.rows, tile.first + tile_rows);
  };
  std::stable_sort(tiles.begin(), tiles.end(),
                   [&](const AttentionTile& a, const AttentionTile& b) { return weight(a) > weight(b); });
  return tiles;
}

/// Rows of all documents when each begins at a multiple of 4.
inline std::int64_t padded_rows(std::span<const std::int64_t> offsets) {
  std::int64_t padded = 0;
  for (std::size_t s = 1; s < offsets.size(); ++s) padded = padded_end(padded, offsets[s] - offsets[s - 1]);
  return padded;
}

/// A block's tile and head. The heads of a tile are neighbours, which share its rows in L2.
struct AttentionWork {
  AttentionTile tile;
  int head;

  __device__ __forceinline__ AttentionWork(const AttentionTile* tiles, std::int64_t heads, int block)
      : tile(tiles[block / static_cast<int>(heads)]), head(block % static_cast<int>(heads)) {}
};

/// Where element (row, column) of a tile stands.
template <class T, int D>
__device__ __forceinline__ int tile_index(int row, int column) {
  constexpr int chunk = vec_size<T>;
  return row * D + ((column / chunk ^ row % 8) * chunk | column % chunk);
}

/// One head's rows of a document in global memory.
template <class T>
struct DocumentRows {
  const T* data;        ///< the document's first row
  std::int64_t stride;  ///< of rows
  int rows;
  int dim;
  bool vectors;  ///< chunks lie at multiples of 16 bytes
};

/// Begins to load rows [first, first + Rows) into a tile: they may be read after this thread's copies have
/// arrived and a barrier behind that. All threads of the block call.
template <int Rows, int D, class T>
__device__ __forceinline__ void load_tile(const Shared<T>& tile, const DocumentRows<T>& from, int first) {
  constexpr int chunk = vec_size<T>, row_chunks = D / chunk, rows_at_once = attention_threads / row_chunks;
  static_assert(attention_threads % row_chunks == 0 && Rows % rows_at_once == 0);
  const int thread = recomputed(thread_index());
  const int row = thread / row_chunks, column = thread % row_chunks * chunk;  // and every rows_at_once-th row
  const int rest = from.dim - column, most = rest < 0 ? 0 : rest < chunk ? rest : chunk;
  const T* p = from.data + (first + row) * from.stride + column;
  if (from.vectors) {
#pragma unroll
    for (int i = 0; i < Rows; i += rows_at_once) {
      cp_async_16(tile, tile_index<T, D>(row + i, column), p,
                  first + row + i < from.rows ? most * static_cast<int>(sizeof(T)) : 0);
      p += rows_at_once * from.stride;
    }
  } else {
#pragma unroll 1
    for (int i = 0; i < Rows; i += rows_at_once) {
      const int n = first + row + i < from.rows ? most : 0;
      Vec<T, chunk> values;
#pragma unroll
      for (int e = 0; e < chunk; ++e) values[e] = e < n ? p[e] : T{};
      tile.template store<chunk>(tile_index<T, D>(row + i, column), values);
      p += rows_at_once * from.stride;
    }
  }
}

/// Rows of a result in global memory.
template <class T>
struct ResultRows {
  T* data;  ///< the document's first row
  std::int64_t stride;
  int rows;
  int dim;
  bool vectors;
};

/// Writes this warp's sums, row i of a thread times factor(i), to rows from `first` on. On the way they pass
/// through `own`, the warp's rows of a tile that no other warp reads any more, so that each store is 16
/// bytes.
template <class Fragments, int D, class Sums, class T, class Factor>
__device__ __forceinline__ void store_tile(const ResultRows<T>& to, int first, const Shared<T>& own,
                                           Sums& sums, const Factor& factor) {
  constexpr int chunk = vec_size<T>, row_chunks = D / chunk, run = Fragments::run;
  sync_warp();  // its lanes are done with what the tile held
#pragma unroll
  for (int i = 0; i < Fragments::thread_rows; ++i) {
    const float by = factor(i);
#pragma unroll
    for (int j = 0; j < Sums::columns; j += run) {
      Vec<T, run> values;
#pragma unroll
      for (int e = 0; e < run; ++e) values[e] = round_to<T>(sums.at(i, j + e) * by);
      own.template store<run>(tile_index<T, D>(Fragments::row(i), Fragments::sum_column(j)), values);
    }
  }
  sync_warp();
#pragma unroll 4
  for (int i = lane_index(); i < Fragments::warp_rows * row_chunks; i += 32) {
    const int row = i / row_chunks, column = i % row_chunks * chunk, rest = to.dim - column;
    if (first + row >= to.rows || rest <= 0) continue;
    const auto values = own.template load<chunk>(tile_index<T, D>(row, column));
    T* p = to.data + (first + row) * to.stride + column;
    if (to.vectors && rest >= chunk) {
      store(p, values);
    } else {
#pragma unroll
      for (int e = 0; e < chunk; ++e)
        if (e < rest) p[e] = values[e];
    }
  }
}

}  // namespace adlib::kernels::cuda
