// A task is one head of one document. Blocks of 64 keys are the outer loop, so that dk and dv of a block stay
// at hand while all queries that see it pass; dq is summed over the passes. The five products of a pair of
// blocks are f32 tiles: scores and gradients of the weights want keys and values transposed, which is done
// once a block; the rest reads rows as they lie, and a tile takes the transpose of its left operand for
// nothing. Rows are copied first, as floats and end to end: those of a fused projection lie kilobytes apart,
// in so few sets of L1 that they would drive each other out.
//
// Cost of a pair of blocks at head_dim 64 with 16 lanes and one multiply-add a cycle: 82,000 cycles of
// products, of which the tiles reach 90%, and 5,000 of exponentials. On the diagonal the tiles skip what no
// row sees, up to their own width and height: 3.5 products instead of 5, of which 2.5 are of use.
#include "kernels/attention_backward.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <vector>

#include "adlib/core/parallel.h"
#include "kernels/attention.h"
#include "kernels/cpu/attention.h"
#include "kernels/cpu/convert.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/rows.h"
#include "kernels/cpu/vector.h"

namespace adlib::kernels {
namespace {

constexpr std::int64_t block = attention_block;
constexpr std::int64_t serial_limit = 1 << 16;  // multiply-adds that are not worth waking a thread for

// Rows of floats that lie end to end.
struct Rows {
  float* data;
  std::int64_t width;

  float* at(std::int64_t r) const { return data + r * width; }
  Rows from(std::int64_t r) const { return {at(r), width}; }
};

// A left operand: element (r, k) stands at data[r * row + k * column].
struct Left {
  const float* data;
  std::int64_t row, column;
};
Left plain(const Rows& rows) { return {rows.data, rows.width, 1}; }
Left transposed(const Rows& rows, std::int64_t column) { return {rows.data + column, 1, rows.width}; }

// Rows [begin, begin + rows) of a head.
template <class T>
void gather(const Rows& out, const HeadRows<const T>& from, std::int64_t begin, std::int64_t rows,
            std::int64_t head, std::int64_t dim) {
  for (std::int64_t r = 0; r < rows; ++r) {
    cpu::to_float(out.at(r), from.at(begin + r, head), dim);
  }
}

template <class T>
void scatter(const HeadRows<T>& out, std::int64_t begin, std::int64_t rows, std::int64_t head,
             std::int64_t dim, const Rows& from, float scale) {
  for (std::int64_t r = 0; r < rows; ++r) {
    T* to = out.at(begin + r, head);
    const float* row = from.at(r);
    for (std::int64_t c = 0; c < dim; ++c) to[c] = static_cast<T>(row[c] * scale);
  }
}

// (n, dim) to (dim, 64); columns past n repeat the last one.
void transpose(const Rows& out, const Rows& in, std::int64_t n, std::int64_t dim) {
  for (std::int64_t j = 0; j < n; j += 4) {
    std::array<const float*, 4> four;
    for (std::int64_t r = 0; r < 4; ++r) four[static_cast<std::size_t>(r)] = in.at(std::min(j + r, n - 1));
    cpu::transpose_rows4(out.data + j, out.width, four, dim);
  }
}

// One head of one document, rows [begin, begin + rows). Buffers are the thread's.
template <class T>
class HeadBackward {
 public:
  HeadBackward(const AttentionBackwardArgs<T>& args, std::int64_t begin, std::int64_t rows, std::int64_t head)
      : args_(args), begin_(begin), rows_(rows), head_(head), kv_head_(head / (args.heads / args.kv_heads)) {}

  // Writes dq, and to head `to` of dk and dv what this head's queries give.
  template <class Out>
  void run(const HeadRows<Out>& dk, const HeadRows<Out>& dv, std::int64_t to) {
    load_queries();
    for (std::int64_t key = 0; key < rows_; key += block) {
      const std::int64_t keys = std::min(block, rows_ - key);
      load_keys(key, keys);
      for (std::int64_t query = key; query < rows_; query += block) {
        add_pair(query, std::min(block, rows_ - query), key, keys);
      }
      scatter(dk, begin_ + key, keys, to, args_.head_dim, dk_, args_.scale);
      scatter(dv, begin_ + key, keys, to, args_.value_dim, dv_, 1.0f);
    }
    scatter(args_.dq, begin_, rows_, head_, args_.head_dim, dq_, args_.scale);
  }

 private:
  template <class Tag>
  static Rows buffer(std::int64_t rows, std::int64_t width) {
    return {cpu::scratch<Tag>(rows * width), width};
  }

  void load_queries() {
    const std::int64_t dim = args_.value_dim;
    gather(q_, args_.q, begin_, rows_, head_, args_.head_dim);
    gather(dout_, args_.dout, begin_, rows_, head_, dim);
    float* widened = cpu::scratch<struct OutRow>(dim);
    for (std::int64_t r = 0; r < rows_; ++r) {
      const float* out = cpu::as_float(args_.out.at(begin_ + r, head_), dim, widened);
      const float* dout = dout_.at(r);
      delta_[r] = cpu::ordered_sum(dim, [&](std::int64_t c) { return dout[c] * out[c]; });
      lse_[r] = args_.lse[(begin_ + r) * args_.heads + head_];
    }
  }

  void load_keys(std::int64_t key, std::int64_t keys) {
    gather(k_, args_.k, begin_ + key, keys, kv_head_, args_.head_dim);
    gather(v_, args_.v, begin_ + key, keys, kv_head_, args_.value_dim);
    transpose(k_transposed_, k_, keys, args_.head_dim);
    transpose(v_transposed_, v_, keys, args_.value_dim);
  }

  // What a block of queries and a block of keys that is not after it give each other. On the diagonal row r
  // sees keys 0 ... r of the block, and tiles that no row sees are left out.
  void add_pair(std::int64_t query, std::int64_t queries, std::int64_t key, std::int64_t keys) {
    const bool diagonal = query == key;
    for (std::int64_t r = 0; r < queries; r += tiles_.rows) {
      const std::int64_t m = std::min(tiles_.rows, queries - r), seen = diagonal ? r + m : keys;
      multiply(weights_.from(r), plain(q_.from(query + r)), k_transposed_, m, seen, args_.head_dim, false);
      multiply(gradients_.from(r), plain(dout_.from(query + r)), v_transposed_, m, seen, args_.value_dim,
               false);
      softmax_backward(query, r, m, diagonal ? r + 1 : block);
      multiply(dq_.from(query + r), plain(gradients_.from(r)), k_, m, k_.width, seen, key > 0);
    }
    for (std::int64_t j = 0; j < keys; j += tiles_.rows) {
      const std::int64_t m = std::min(tiles_.rows, keys - j), first = diagonal ? j : 0;
      multiply(dv_.from(j), transposed(weights_.from(first), j), dout_.from(query + first), m, dv_.width,
               queries - first, !diagonal);
      multiply(dk_.from(j), transposed(gradients_.from(first), j), q_.from(query + first), m, dk_.width,
               queries - first, !diagonal);
    }
  }

  // Rows [r, r + m) of the block at `query`; the first one sees `visible` keys, each other one more.
  void softmax_backward(std::int64_t query, std::int64_t r, std::int64_t m, std::int64_t visible) {
    const Rows weights = weights_.from(r), slopes = slopes_.from(r);
    const bool capped = args_.softcap > 0;
    for (std::int64_t i = 0; capped && i < m; ++i) {
      for (std::int64_t j = 0; j < std::min(block, visible + i); ++j) {
        const float tanh = std::tanh(weights.at(i)[j] * args_.scale / args_.softcap);
        weights.at(i)[j] = args_.softcap * tanh;
        slopes.at(i)[j] = 1 - tanh * tanh;
      }
    }
    lanes_.softmax_backward({.weights = weights.data,
                             .gradients = gradients_.at(r),
                             .slopes = capped ? slopes.data : nullptr,
                             .lse = lse_ + query + r,
                             .delta = delta_ + query + r,
                             .scale = capped ? 1.0f : args_.scale,
                             .m = m,
                             .visible = visible});
  }

  // sums (m, n) = or += a (m, k) · panel (k, n), with n rounded up to whole tiles.
  void multiply(const Rows& sums, const Left& a, const Rows& panel, std::int64_t m, std::int64_t n,
                std::int64_t k, bool add) const {
    for (std::int64_t c = 0; c < n; c += tiles_.columns) {
      tiles_.tile({.sums = sums.data + c,
                   .sums_row = sums.width,
                   .a = a.data,
                   .a_row = a.row,
                   .a_k = a.column,
                   .panel = panel.data + c,
                   .panel_row = panel.width,
                   .m = m,
                   .k = k,
                   .add = add});
    }
  }

  const AttentionBackwardArgs<T>& args_;
  const simd::GemmF32& tiles_ = cpu::gemm_f32();
  const simd::Attention& lanes_ = cpu::attention_lanes();
  std::int64_t begin_, rows_, head_, kv_head_;
  std::int64_t key_width_ = cpu::round_up(args_.head_dim, tiles_.columns);
  std::int64_t value_width_ = cpu::round_up(args_.value_dim, tiles_.columns);
  // Rows are rounded up to whole tiles; what stands there goes nowhere.
  // Of all queries.
  Rows q_ = buffer<struct Queries>(rows_, key_width_);
  Rows dq_ = buffer<struct QueryGradients>(rows_, key_width_);
  Rows dout_ = buffer<struct OutGradients>(rows_, value_width_);
  float* lse_ = cpu::scratch<struct Lse>(rows_);
  float* delta_ = cpu::scratch<struct Delta>(rows_);  // Σ weight · gradient of a row, which is dout·out
  // Of a block of keys.
  Rows k_ = buffer<struct Keys>(block, key_width_);
  Rows dk_ = buffer<struct KeyGradients>(block, key_width_);
  Rows k_transposed_ = buffer<struct TransposedKeys>(args_.head_dim, block);
  Rows v_ = buffer<struct Values>(block, value_width_);
  Rows dv_ = buffer<struct ValueGradients>(block, value_width_);
  Rows v_transposed_ = buffer<struct TransposedValues>(args_.value_dim, block);
  // Of a pair of blocks: products of queries and keys, then weights; gradients by them, then by the scores.
  Rows weights_ = buffer<struct Weights>(block, block);
  Rows gradients_ = buffer<struct Gradients>(block, block);
  Rows slopes_ = buffer<struct Slopes>(block, block);  // of softcap
};

// One head of a document.
struct Task {
  std::int64_t begin, rows, head;
};

// The longest documents first: threads take tasks in turn, and so end together.
std::vector<Task> cut(std::span<const std::int64_t> offsets, std::int64_t heads) {
  std::vector<Task> tasks;
  for (std::size_t s = 1; s < offsets.size(); ++s) {
    const std::int64_t rows = offsets[s] - offsets[s - 1];
    for (std::int64_t head = 0; rows > 0 && head < heads; ++head) {
      tasks.push_back({.begin = offsets[s - 1], .rows = rows, .head = head});
    }
  }
  std::stable_sort(tasks.begin(), tasks.end(), [](const Task& a, const Task& b) { return a.rows > b.rows; });
  return tasks;
}

// Sums over the heads of each group. parts (rows, heads, dim), out (rows, kv_heads, dim)
template <class T>
void sum_groups(CpuContext& context, const HeadRows<T>& out, const HeadRows<float>& parts, std::int64_t rows,
                std::int64_t kv_heads, std::int64_t group, std::int64_t dim) {
  cpu::for_each_run(context, rows, kv_heads * group * dim, [&](std::int64_t first, std::int64_t n) {
    for (std::int64_t r = first; r < first + n; ++r) {
      for (std::int64_t h = 0; h < kv_heads; ++h) {
        float* sum = parts.at(r, h * group);
        for (std::int64_t g = 1; g < group; ++g) {
          const float* part = parts.at(r, h * group + g);
          for (std::int64_t c = 0; c < dim; ++c) sum[c] += part[c];
        }
        cpu::from_float(out.at(r, h), sum, dim);
      }
    }
  });
}

}  // namespace

template <class T>
void varlen_attention_backward(CpuContext& context, std::span<const std::int64_t> offsets,
                               const AttentionBackwardArgs<T>& args) {
  const std::vector<Task> tasks = cut(offsets, args.heads);
  std::int64_t cost = 0;
  for (const Task& task : tasks) cost += task.rows * (task.rows + 1) / 2;
  cost *= 3 * args.head_dim + 2 * args.value_dim;
  CpuContext ours{.threads = cost < serial_limit ? 1 : context.threads};
  const auto run = [&](const auto& dk, const auto& dv) {
    parallel_for(ours.threads, std::ssize(tasks), [&](std::int64_t i) {
      const auto [begin, rows, head] = tasks[static_cast<std::size_t>(i)];
      HeadBackward<T>(args, begin, rows, head).run(dk, dv, head);
    });
  };
  const std::int64_t group = args.heads / args.kv_heads;
  if (group == 1) return run(args.dk, args.dv);
  // Each head's part on its own, so that there are as many tasks as heads.
  const std::int64_t rows = offsets.back(), k_row = args.heads * args.head_dim,
                     v_row = args.heads * args.value_dim;
  const auto parts =
      std::make_unique_for_overwrite<float[]>(static_cast<std::size_t>(rows * (k_row + v_row)));
  const HeadRows<float> dk{parts.get(), k_row, args.head_dim},
      dv{parts.get() + rows * k_row, v_row, args.value_dim};
  run(dk, dv);
  sum_groups(ours, args.dk, dk, rows, args.kv_heads, group, args.head_dim);
  sum_groups(ours, args.dv, dv, rows, args.kv_heads, group, args.value_dim);
}

template void varlen_attention_backward(CpuContext&, std::span<const std::int64_t>,
                                        const AttentionBackwardArgs<float>&);
template void varlen_attention_backward(CpuContext&, std::span<const std::int64_t>,
                                        const AttentionBackwardArgs<float16>&);
template void varlen_attention_backward(CpuContext&, std::span<const std::int64_t>,
                                        const AttentionBackwardArgs<bfloat16>&);

}  // namespace adlib::kernels
