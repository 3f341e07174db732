// kernels/cuda/norm_backward.cuh: gradients of the normalisations of norm.cuh.
//
// A block has the row_block rows whose shares of dgamma and dbeta kernels/sum_rows.h adds up first. Up to
// 1024 columns each of its eight warps has every eighth of these rows, and the warps' sums are added in
// ascending order; up to 8192 the whole block goes through the rows one by one. x, dy and dx are read once
// and dx is written: 4 rows cols sizeof(T) bytes, and 2 (Centred) or 1 floats a column and block of rows,
// which add_blocks (sum_rows.h) reads. Longer rows are read again.
#pragma once

#include "kernels/cuda/arch/math.cuh"
#include "kernels/cuda/group.cuh"
#include "kernels/cuda/norm.h"
#include "kernels/sum_rows.h"

namespace adlib::kernels::cuda {

inline constexpr int norm_backward_warps = 8;
/// Most threads of a block, and the blocks that a multiprocessor should have registers for: of two blocks one
/// can wait for memory while the other computes.
template <bool WholeBlock, int Elements>
inline constexpr int norm_backward_threads = !WholeBlock    ? 32 * norm_backward_warps
                                             : Elements > 8 ? 512
                                                            : 256;
template <class T, bool WholeBlock, int Elements>
inline constexpr int norm_backward_blocks = WholeBlock                               ? (Elements > 8 ? 1 : 3)
                                            : Elements <= (sizeof(T) == 2 ? 24 : 16) ? 2
                                                                                     : 1;

/// What a row's gradient needs besides its elements.
struct NormStatistics {
  float mean, rstd, mean_g, mean_gn;
};

/// From the sums over a row of the squares of x - mean, of g, and of g (x - mean).
__device__ __forceinline__ NormStatistics norm_statistics(float mean, const float (&sums)[3], int cols,
                                                          float eps) {
  const auto count = static_cast<float>(cols);
  const float rstd = reciprocal_sqrt(sums[0] / count + eps);
  return {mean, rstd, sums[1] / count, sums[2] / count * rstd};
}

/// rstd (g - mean(g) - n mean(g n)) for one element.
template <bool Centred>
__device__ __forceinline__ float norm_gradient(const NormStatistics& s, float g, float n) {
  return s.rstd * ((Centred ? g - s.mean_g : g) - n * s.mean_gn);
}

/// partials: (blocks of rows, cols, then cols again for dbeta when Centred), or null when not wanted.
/// grid = blocks of rows. A warp a row: block = 256, shared memory = 8 rows of floats of whole groups;
/// WholeBlock: block = as many warps as the groups need, row_scratch floats.
template <class T, bool Centred, bool Aligned, bool WholeBlock, int Elements>
__global__ void __launch_bounds__(norm_backward_threads<WholeBlock, Elements>,
                                  norm_backward_blocks<T, WholeBlock, Elements>)
    norm_backward_kernel(NormGradient<T> a, float* partials) {
  constexpr int size = vec_size<T>, groups = Elements / size;
  const Shared<float> scratch(0, WholeBlock ? row_scratch : 0);
  const int lanes = WholeBlock ? static_cast<int>(blockDim.x) : 32;
  const int lane = WholeBlock ? thread_index() : lane_index();
  const int warp = warp_index();
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * row_block;
  const int rows = static_cast<int>(a.rows - first < row_block ? a.rows - first : row_block);

  float sum_gamma[Elements] = {}, sum_beta[Centred ? Elements : 1] = {};
  int turn = 0;
  for (int r = WholeBlock ? 0 : warp; r < rows; r += WholeBlock ? 1 : norm_backward_warps) {
    const std::int64_t offset = (first + r) * a.cols;
    // With many elements registers are short: dy, which the cache has by then, is read again, and what is
    // added to is read last.
    constexpr bool keep = Elements <= 16;
    Group<T> x[groups], kept_dy[keep ? groups : 1], kept_before[keep ? groups : 1];
#pragma unroll
    for (int i = 0; i < groups; ++i) {
      const int column = (i * lanes + lane) * size;
      x[i] = load_group<Aligned>(a.x + offset + column, a.cols - column);
      if constexpr (keep) {
        kept_dy[i] = load_group<Aligned>(a.dy + offset + column, a.cols - column);
        kept_before[i] = load_group<Aligned>(a.before + offset + column, a.cols - column);
      }
    }
    const auto dy_of = [&](int i) {
      if constexpr (keep) return kept_dy[i];
      const int column = (i * lanes + lane) * size;
      return load_group<Aligned>(a.dy + offset + column, a.cols - column);
    };
    const auto before_of = [&](int i) {
      if constexpr (keep) return kept_before[i];
      const int column = (i * lanes + lane) * size;
      return load_group<Aligned>(a.before + offset + column, a.cols - column);
    };
    float mean = 0;
    if constexpr (Centred) {
      float sum[1] = {0};
#pragma unroll
      for (int i = 0; i < groups; ++i) {
#pragma unroll
        for (int e = 0; e < size; ++e) sum[0] += to_float(x[i][e]);
      }
      reduce_row<WholeBlock>(sum, scratch, turn++, Add{});
      mean = sum[0] / static_cast<float>(a.cols);
    }
    float sums[3] = {};
#pragma unroll
    for (int i = 0; i < groups; ++i) {
      const int column = (i * lanes + lane) * size;
      const Group<T> gamma = load_group<Aligned>(a.gamma + column, a.cols - column), dy = dy_of(i);
#pragma unroll
      for (int e = 0; e < size; ++e) {
        const float from_mean = to_float(x[i][e]) - mean, g = to_float(dy[e]) * to_float(gamma[e]);
        if (column + (Aligned ? 0 : e) < a.cols) sums[0] += from_mean * from_mean;
        if (Centred) sums[1] += g;
        sums[2] += g * from_mean;  // g is 0 behind the row
      }
    }
    reduce_row<WholeBlock>(sums, scratch, turn++, Add{});
    const NormStatistics s = norm_statistics(mean, sums, a.cols, a.eps);
#pragma unroll
    for (int i = 0; i < groups; ++i) {
      const int column = (i * lanes + lane) * size;
      const Group<T> gamma = load_group<Aligned>(a.gamma + column, a.cols - column), dy = dy_of(i);
      const Group<T> before = before_of(i);
      Group<T> dx;
#pragma unroll
      for (int e = 0; e < size; ++e) {
        const float d = to_float(dy[e]), n = (to_float(x[i][e]) - mean) * s.rstd;
        dx[e] = round_to<T>(to_float(before[e]) + norm_gradient<Centred>(s, d * to_float(gamma[e]), n));
        sum_gamma[i * size + e] += d * n;
        if constexpr (Centred) sum_beta[i * size + e] += d;
      }
      store_group<Aligned>(a.dx + offset + column, dx, a.cols - column);
    }
  }

  if (partials == nullptr) return;
  float* out = partials + static_cast<std::int64_t>(blockIdx.x) * (Centred ? 2 : 1) * a.cols;
  if constexpr (WholeBlock) {
#pragma unroll
    for (int i = 0; i < Elements; ++i) {
      const int column = (i / size * lanes + lane) * size + i % size;
      if (column < a.cols) {
        out[column] = sum_gamma[i];
        if constexpr (Centred) out[a.cols + column] = sum_beta[i];
      }
    }
  } else {
    const int width = static_cast<int>(groups_in<T>(a.cols)) * size;
    const Shared<float> sums(0, norm_backward_warps * width);
    const auto combine = [&](const auto& mine, float* to) {
#pragma unroll
      for (int i = 0; i < Elements; i += 4) {
        const int column = (i / size * lanes + lane) * size + i % size;
        if (column < width)
          sums.store(warp * width + column, Vec<float, 4>{mine[i], mine[i + 1], mine[i + 2], mine[i + 3]});
      }
      sync_threads();
      for (int column = thread_index(); column < a.cols; column += 32 * norm_backward_warps) {
        float sum = sums[column];
#pragma unroll
        for (int w = 1; w < norm_backward_warps; ++w) sum += sums[w * width + column];
        to[column] = sum;
      }
    };
    combine(sum_gamma, out);
    if constexpr (Centred) {
      sync_threads();
      combine(sum_beta, out + a.cols);
    }
  }
}

/// Any number of columns. dx, and each row's mean and rstd for norm_parameters_kernel; statistics: (rows, 2).
/// grid = rows, block = 512, shared memory = row_scratch floats.
template <class T, bool Centred>
__global__ void __launch_bounds__(512) norm_backward_long_kernel(NormGradient<T> a, float* statistics) {
  const Shared<float> scratch(0, row_scratch);
  const std::int64_t offset = static_cast<std::int64_t>(blockIdx.x) * a.cols;
  const int threads = static_cast<int>(blockDim.x);
  const T *x = a.x + offset, *dy = a.dy + offset;
  float mean = 0;
  if constexpr (Centred) {
    float sum[1] = {0};
    for (int c = thread_index(); c < a.cols; c += threads) sum[0] += to_float(x[c]);
    reduce_row<true>(sum, scratch, 0, Add{});
    mean = sum[0] / static_cast<float>(a.cols);
  }
  float sums[3] = {};
  for (int c = thread_index(); c < a.cols; c += threads) {
    const float from_mean = to_float(x[c]) - mean, g = to_float(dy[c]) * to_float(a.gamma[c]);
    sums[0] += from_mean * from_mean;
    sums[1] += g;
    sums[2] += g * from_mean;
  }
  reduce_row<true>(sums, scratch, 1, Add{});
  const NormStatistics s = norm_statistics(mean, sums, a.cols, a.eps);
  for (int c = thread_index(); c < a.cols; c += threads) {
    const float g = to_float(dy[c]) * to_float(a.gamma[c]), n = (to_float(x[c]) - mean) * s.rstd;
    a.dx[offset + c] = round_to<T>(to_float(a.before[offset + c]) + norm_gradient<Centred>(s, g, n));
  }
  if (thread_index() == 0) {
    statistics[2 * static_cast<std::int64_t>(blockIdx.x)] = mean;
    statistics[2 * static_cast<std::int64_t>(blockIdx.x) + 1] = s.rstd;
  }
}

/// The partials of norm_backward_kernel from the statistics. A thread a column; grid = (blocks of rows,
/// cols / 256), block = 256.
template <class T, bool Centred>
__global__ void __launch_bounds__(256)
    norm_parameters_kernel(NormGradient<T> a, const float* statistics, float* partials) {
  const int column = static_cast<int>(blockIdx.y) * 256 + thread_index();
  if (column >= a.cols) return;
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * row_block;
  const std::int64_t end = first + row_block < a.rows ? first + row_block : a.rows;
  float sum_gamma = 0, sum_beta = 0;
  for (std::int64_t r = first; r < end; ++r) {
    const float d = to_float(a.dy[r * a.cols + column]);
    sum_gamma += d * ((to_float(a.x[r * a.cols + column]) - statistics[2 * r]) * statistics[2 * r + 1]);
    sum_beta += d;
  }
  float* out = partials + static_cast<std::int64_t>(blockIdx.x) * (Centred ? 2 : 1) * a.cols;
  out[column] = sum_gamma;
  if constexpr (Centred) out[a.cols + column] = sum_beta;
}

}  // namespace adlib::kernels::cuda
