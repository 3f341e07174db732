// kernels/cuda/packed.cuh: rows of a packed matrix as numbers.
// A thread takes eight (floats: four) neighbours of a row in a grid-stride loop. Bound by memory: reads a
// row's codes or numbers, writes T.
// grid = min(ceil(rows ceil(k / neighbours) / 256), 65536), block = 256, no shared memory.
#pragma once

#include "kernels/cuda/gemm.cuh"

namespace adlib::kernels::cuda {

/// Elements of one access: rows are filled up to a multiple of 16 bytes.
template <class E>
inline constexpr int packed_chunk = std::is_same_v<E, float> ? 4 : 8;

/// Elements [col, col + N) of the row that begins at `row`, as floats.
template <int N, class E>
__device__ __forceinline__ void load_packed(float (&out)[N], const E* row, std::int64_t col) {
  const auto take = [&](const auto& values) {
#pragma unroll
    for (int i = 0; i < N; ++i) out[i] = to_float(values[i]);
  };
  if constexpr (is_code<E>) {
    take(widen_codes<bfloat16>(row + col / elements_in<E>));
  } else {
    take(load<N>(row + col));
  }
}

/// y[i, :] = row ids[i] of the table, times its scales. y: (rows, k).
template <class T, class E>
__global__ void __launch_bounds__(256)
    embedding_packed_kernel(T* y, GlobalMatrix<E> table, GroupScales scales, const std::int32_t* ids,
                            std::int64_t rows) {
  constexpr int N = packed_chunk<E>;
  const std::int64_t k = table.cols, chunks = (k + N - 1) / N;
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < rows * chunks;
       i += step) {
    const std::int64_t row = i / chunks, col = i % chunks * N, id = ids[row];
    float values[N];
    load_packed(values, table.data + id * table.stride, col);
    if constexpr (is_code<E>) {  // eight neighbours are of one group
      const std::int64_t group = scales.group > 0 ? col / scales.group : 0;
      const float scale = to_float(scales.scales[id * scales.groups + group]);
#pragma unroll
      for (int j = 0; j < N; ++j) values[j] *= scale;
    }
    T* to = y + row * k + col;
#pragma unroll
    for (int j = 0; j < N; ++j) {
      if (col + j < k) to[j] = round_to<T>(values[j]);
    }
  }
}

}  // namespace adlib::kernels::cuda
