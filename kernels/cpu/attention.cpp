// For each key-value head and tile of queries, blocks of 64 keys and values are packed as floats (keys
// transposed) and shared by all queries of the tile and of the head's group. A query keeps its running
// maximum, sum and output.
//
// Scores are summed over the head's elements, and outputs over keys, in ascending order, one lane a result:
// the same bits for one query as for many.
#include "kernels/attention.h"

#include <algorithm>
#include <cmath>

#include "adlib/core/parallel.h"
#include "kernels/cpu/convert.h"
#include "kernels/cpu/row.h"
#include "kernels/cpu/vector.h"

namespace adlib::kernels {
namespace {

using cpu::Float4;

constexpr std::int64_t tile_rows = 64;          // queries that share one packing of a block
constexpr std::int64_t serial_limit = 1 << 16;  // multiply-adds that are not worth waking a thread for
constexpr float minus_infinity = -std::numeric_limits<float>::infinity();

constexpr std::int64_t round_up4(std::int64_t n) { return (n + 3) / 4 * 4; }

// y[0…4 Vectors) += Σ_i weights[i] rows[i][0…4 Vectors). A weight of zero is skipped: the row may be poison.
template <int Vectors>
void accumulate(float* y, const float* weights, const float* rows, std::int64_t stride, std::int64_t n,
                bool skip_zeros) {
  Float4 sums[Vectors];
  for (int c = 0; c < Vectors; ++c) sums[c] = cpu::load4(y + 4 * c);
  for (std::int64_t i = 0; i < n; ++i) {
    const float weight = weights[i];
    if (skip_zeros && weight == 0.0f) continue;
    for (int c = 0; c < Vectors; ++c) sums[c] += weight * cpu::load4(rows + i * stride + 4 * c);
  }
  for (int c = 0; c < Vectors; ++c) cpu::store4(y + 4 * c, sums[c]);
}

// The same for any multiple of 4 columns.
void accumulate_columns(float* y, const float* weights, const float* rows, std::int64_t stride,
                        std::int64_t n, std::int64_t columns, bool skip_zeros) {
  std::int64_t c = 0;
  for (; c + 32 <= columns; c += 32) accumulate<8>(y + c, weights, rows + c, stride, n, skip_zeros);
  for (; c < columns; c += 4) accumulate<1>(y + c, weights, rows + c, stride, n, skip_zeros);
}

// What a query knows of the keys seen so far.
struct Running {
  float max = minus_infinity;
  float sum = 0;
};

// packed[d][j] = keys[j][d] for j < n, in rows of 64.
template <class T>
void pack_keys(float* packed, const T* keys, std::int64_t stride, std::int64_t n, std::int64_t dim,
               float* buffer) {
  for (std::int64_t j = 0; j < n; j += 4) {
    std::array<const float*, 4> rows;
    for (std::int64_t r = 0; r < 4; ++r) {
      // The last key stands in for lanes past n; no query looks at them.
      rows[static_cast<std::size_t>(r)] =
          cpu::as_float(keys + std::min(j + r, n - 1) * stride, dim, buffer + r * dim);
    }
    cpu::transpose_rows4(packed + j, attention_block, rows, dim);
  }
}

template <class T>
void pack_values(float* packed, const T* values, std::int64_t stride, std::int64_t n, std::int64_t dim) {
  const std::int64_t padded = round_up4(dim);
  for (std::int64_t j = 0; j < n; ++j, packed += padded) {
    cpu::to_float(packed, values + j * stride, dim);
    std::fill(packed + dim, packed + padded, 0.0f);
  }
}

// scores[0…n) from raw products: scale, softcap, mask. A hidden key gets -inf even if its score is NaN.
template <class T>
void finish_scores(float* scores, const AttentionArgs<T>& args, std::int64_t head, std::int64_t row,
                   std::int64_t first_key, std::int64_t n) {
  for (std::int64_t j = 0; j < n; ++j) scores[j] *= args.scale;
  if (args.softcap > 0) {
    for (std::int64_t j = 0; j < n; ++j) scores[j] = args.softcap * std::tanh(scores[j] / args.softcap);
  }
  const std::int64_t offset = head * args.mask_head + row * args.mask_row + first_key * args.mask_key;
  if (args.mask != nullptr) {
    for (std::int64_t j = 0; j < n; ++j) {
      const float added = args.mask[offset + j * args.mask_key];
      scores[j] = added == minus_infinity ? minus_infinity : scores[j] + added;
    }
  }
  if (args.visible != nullptr) {
    for (std::int64_t j = 0; j < n; ++j) {
      if (!args.visible[offset + j * args.mask_key]) scores[j] = minus_infinity;
    }
  }
}

// The largest score, but NaN if the scores are all NaN or hidden and one is NaN: it must not pass for "sees
// no key".
float max_score(const float* scores, std::int64_t n) {
  const float largest = cpu::max_of(scores, n);
  if (largest != minus_infinity) return largest;
  for (std::int64_t j = 0; j < n; ++j) {
    if (std::isnan(scores[j])) return scores[j];
  }
  return largest;
}

// Takes one block of scores and packed values into the running result (Milakov & Gimelshein 2018, algorithm
// 3).
void update(Running& running, float* output, float* scores, const float* values, std::int64_t n,
            std::int64_t value_columns) {
  const float block_max = max_score(scores, n);
  const float max = block_max > running.max || std::isnan(block_max) ? block_max : running.max;
  if (max == minus_infinity) return;                  // nothing visible yet
  const float rescale = std::exp(running.max - max);  // 0 the first time
  for (std::int64_t j = 0; j < n; ++j)
    scores[j] = scores[j] == minus_infinity ? 0.0f : std::exp(scores[j] - max);
  const float block_sum = cpu::ordered_sum(n, [&](std::int64_t j) { return scores[j]; });
  running.max = max;
  running.sum = running.sum * rescale + block_sum;
  if (rescale != 1.0f) cpu::Row(output, value_columns) *= rescale;
  accumulate_columns(output, scores, values, value_columns, n, value_columns, /*skip_zeros=*/true);
}

template <class T>
void attend_tile(const AttentionArgs<T>& args, std::int64_t kv_head, std::int64_t first_row,
                 std::int64_t rows) {
  const std::int64_t group = args.heads / args.kv_heads;
  const std::int64_t columns = round_up4(args.value_dim);
  float* keys = cpu::scratch<struct AttentionKeys>(args.head_dim * attention_block);
  float* values = cpu::scratch<struct AttentionValues>(columns * attention_block);
  float* buffer = cpu::scratch<struct AttentionBuffer>(4 * args.head_dim);
  float* queries = cpu::scratch<struct AttentionQueries>(group * rows * args.head_dim);
  float* outputs = cpu::scratch<struct AttentionOutputs>(group * rows * columns);
  thread_local std::vector<Running> running;
  running.assign(static_cast<std::size_t>(group * rows), Running{});
  std::fill_n(outputs, group * rows * columns, 0.0f);
  for (std::int64_t g = 0; g < group; ++g) {
    for (std::int64_t i = 0; i < rows; ++i) {
      cpu::to_float(queries + (g * rows + i) * args.head_dim,
                    args.q + (kv_head * group + g) * args.q_head + (first_row + i) * args.q_row,
                    args.head_dim);
    }
  }

  // How many keys row i of the tile sees, were there no mask.
  const auto visible_keys = [&](std::int64_t i) {
    return args.causal ? std::clamp<std::int64_t>(args.position + first_row + i + 1, 0, args.keys)
                       : args.keys;
  };
  const std::int64_t last_key = visible_keys(rows - 1);
  for (std::int64_t first_key = 0; first_key < last_key; first_key += attention_block) {
    const std::int64_t block = std::min(attention_block, last_key - first_key);
    pack_keys(keys, args.k + kv_head * args.k_head + first_key * args.k_row, args.k_row, block, args.head_dim,
              buffer);
    pack_values(values, args.v + kv_head * args.v_head + first_key * args.v_row, args.v_row, block,
                args.value_dim);
    for (std::int64_t g = 0; g < group; ++g) {
      for (std::int64_t i = 0; i < rows; ++i) {
        const std::int64_t n = std::min(block, visible_keys(i) - first_key);
        if (n <= 0) continue;
        float scores[attention_block] = {};
        const std::int64_t at = g * rows + i;
        accumulate_columns(scores, queries + at * args.head_dim, keys, attention_block, args.head_dim,
                           round_up4(n),
                           /*skip_zeros=*/false);
        finish_scores(scores, args, kv_head * group + g, first_row + i, first_key, n);
        update(running[static_cast<std::size_t>(at)], outputs + at * columns, scores, values, n, columns);
      }
    }
  }

  for (std::int64_t g = 0; g < group; ++g) {
    for (std::int64_t i = 0; i < rows; ++i) {
      const std::int64_t at = g * rows + i;
      const float sum = running[static_cast<std::size_t>(at)].sum;
      const float scale = sum == 0.0f ? 0.0f : 1.0f / sum;
      T* out = args.out + (kv_head * group + g) * args.out_head + (first_row + i) * args.out_row;
      const float* output = outputs + at * columns;
      for (std::int64_t c = 0; c < args.value_dim; ++c) out[c] = static_cast<T>(output[c] * scale);
    }
  }
}

}  // namespace

template <class T>
void attention(CpuContext& context, const AttentionArgs<T>& args) {
  const std::int64_t tiles = (args.rows + tile_rows - 1) / tile_rows;
  const std::int64_t work = args.heads * args.rows * args.keys * (args.head_dim + args.value_dim);
  parallel_for(work < serial_limit ? 1 : context.threads, args.kv_heads * tiles, [&](std::int64_t task) {
    const std::int64_t row = task % tiles * tile_rows;
    attend_tile(args, task / tiles, row, std::min(tile_rows, args.rows - row));
  });
}

template void attention(CpuContext&, const AttentionArgs<float>&);
template void attention(CpuContext&, const AttentionArgs<float16>&);
template void attention(CpuContext&, const AttentionArgs<bfloat16>&);

}  // namespace adlib::kernels
