// A task is one key-value head and up to 48 rows of a segment: its queries times the heads of the group, so
// that grouped heads share each block of keys. Blocks of 64 keys are the pages: scores by the f32 tiles
// (positions are lanes), the softmax of all rows, outputs by the tiles again. Blocks that no row sees are
// skipped, and on the causal edge only the tiles and keys that a row sees are multiplied. Pages in f32 are
// read where they lie, others are widened once for all rows of the task; a single row, which decoding is,
// multiplies pages as they are stored and fetches the next ones meanwhile. Sequences of one row that begin
// with the same pages (a prompt's common beginning) are one task: they take those pages together, as rows of
// a tile, and then each its own.
//
// Cost of a row and block at head_dim 64 with 16 lanes and one multiply-add a cycle: 2 x 256 cycles of
// products, of which the tiles reach 90%, and 80 of softmax. Prefill can thus reach 78% of the peak; the
// causal edge, where columns and rows of tiles are rounded up, leaves 65% at 512 tokens and 52% at 128, where
// half the blocks are on it. Decoding is bound by reading pages from memory in every type. Pages that L3
// holds could come at 100 GB/s: f32 reaches that, bf16 60 and i8 40, for widening takes two instructions for
// each multiply-add; by then all layers together take 0.1 ms of a step of 4.
#include "kernels/attention.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "adlib/core/parallel.h"
#include "kernels/cpu/attention.h"
#include "kernels/cpu/attention_plan.h"
#include "kernels/cpu/convert.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/isa.h"
#include "kernels/cpu/vector.h"

namespace adlib::kernels {

namespace cpu {

const simd::Attention& attention_lanes() {
#if defined(__x86_64__)
  if (isa() >= Isa::avx512) return simd::attention_avx512;
  if (isa() >= Isa::avx2) return simd::attention_avx2;
#endif
  return simd::attention_baseline;
}

}  // namespace cpu

namespace {

constexpr std::int64_t most_tile_rows = 12;     // multiplied at once
constexpr std::int64_t serial_limit = 1 << 16;  // multiply-adds that are not worth waking a thread for
constexpr float minus_infinity = -std::numeric_limits<float>::infinity();

std::size_t stored(DType dtype) {
  switch (dtype) {
    case DType::f16:
      return static_cast<std::size_t>(simd::Stored::f16);
    case DType::bf16:
      return static_cast<std::size_t>(simd::Stored::bf16);
    case DType::i8:
      return static_cast<std::size_t>(simd::Stored::i8);
    default:
      return static_cast<std::size_t>(simd::Stored::f32);
  }
}

// One block of keys and values as the tiles read them.
struct Block {
  const float* keys;    // (head_dim, 64)
  const float* values;  // (n, columns)
  const float* key_scales;
  const float* value_scales;
  std::int64_t first;  // position of its first key
};

// The rows of one task for one head and their running results. Row r is query r / group of head r % group,
// both counted from the task's first: rows of a segment see ever more keys.
template <class T>
class Tile {
 public:
  Tile(const KeyValuePages& pages, const cpu::AttentionTask& task, const AttentionArgs<T>& args,
       std::int64_t kv_head)
      : pages_(pages),
        task_(task),
        args_(args),
        kv_head_(kv_head),
        group_(args.heads / pages.kv_heads),
        rows_(task.rows),
        columns_((pages.value_dim + tiles_.columns - 1) / tiles_.columns * tiles_.columns),
        queries_(cpu::scratch<struct Queries>(rows_ * pages.head_dim)),
        out_(cpu::scratch<struct Outputs>(rows_ * columns_)) {
    for (std::int64_t r = 0; r < rows_; ++r) {
      cpu::to_float(queries_ + r * pages.head_dim, args.q + row(r) * args.q_row + head(r) * args.q_head,
                    pages.head_dim);
    }
    std::fill_n(out_, rows_ * columns_, 0.0f);
    std::fill_n(max_, rows_, minus_infinity);
    std::fill_n(sum_, rows_, 0.0f);
    for (std::int64_t r = 0; r < rows_; ++r) {
      visible_[r] = cpu::visible_keys(segment(r), query(r), args.causal);
    }
  }

  void attend() {
    const std::int64_t shared = task_.shared_blocks * attention_block;
    for (std::int64_t first = 0; first < shared; first += attention_block) {
      add_block({0, rows_}, load(0, first, attention_block));
    }
    if (!several()) return attend_from(shared, {0, rows_});
    for (std::int64_t r = 0; r < rows_; r += group_) attend_from(shared, {r, r + group_});
  }

  void store() {
    for (std::int64_t r = 0; r < rows_; ++r) {
      const float scale = sum_[r] == 0.0f ? 0.0f : 1.0f / sum_[r];
      T* to = args_.out + row(r) * args_.out_row + head(r) * args_.out_head;
      const float* from = out_ + r * columns_;
      for (std::int64_t c = 0; c < pages_.value_dim; ++c) to[c] = static_cast<T>(from[c] * scale);
      if (args_.lse != nullptr) {
        args_.lse[row(r) * args_.lse_row + head(r) * args_.lse_head] =
            sum_[r] == 0.0f ? minus_infinity : max_[r] + std::log(sum_[r]);
      }
    }
  }

 private:
  struct Rows {  // [begin, end) of the task's, all of one segment unless they take shared blocks
    std::int64_t begin, end;
  };

  bool several() const { return task_.segments.size() > 1; }
  const AttentionSegment& segment(std::int64_t r) const {
    return *task_.segments[several() ? static_cast<std::size_t>((task_.first + r) / group_) : 0];
  }
  std::int64_t query(std::int64_t r) const { return several() ? 0 : (task_.first + r) / group_; }
  std::int64_t row(std::int64_t r) const { return segment(r).begin + query(r); }
  std::int64_t head(std::int64_t r) const { return kv_head_ * group_ + (task_.first + r) % group_; }
  // Of the page and head in the pool of the block at `first` of row r's sequence.
  std::int64_t slot(std::int64_t r, std::int64_t first) const {
    return segment(r).pages[first / attention_block] * pages_.kv_heads + kv_head_;
  }
  // What follows that block: the sequence's next one, or the next head's first one.
  std::int64_t slot_after(std::int64_t r, std::int64_t first) const {
    if (first + attention_block < visible_[r]) return slot(r, first + attention_block);
    return kv_head_ + 1 < pages_.kv_heads ? slot(r, 0) + 1 : slot(r, first);
  }
  void attend_from(std::int64_t first, Rows rows) {
    const bool direct = rows.end - rows.begin == 1 && columns_ == pages_.value_dim;
    const std::int64_t last = rows.end - 1, end = visible_[last];
    for (; first < end; first += attention_block) {
      if (direct) {
        add_stored(last, first);
      } else {
        add_block(rows, load(last, first, std::min(attention_block, end - first)));
      }
    }
  }
  const char* stored_keys(std::int64_t slot) const {
    return static_cast<const char*>(pages_.keys) + slot * pages_.head_dim * attention_block * element_;
  }
  const char* stored_values(std::int64_t slot) const {
    return static_cast<const char*>(pages_.values) + slot * pages_.value_dim * attention_block * element_;
  }
  const float* scales(const float* of, std::int64_t slot) const {
    return of == nullptr ? nullptr : of + slot * attention_block;
  }

  // The first n positions of the block at `first` of row r's sequence.
  Block load(std::int64_t r, std::int64_t first, std::int64_t n) const {
    const std::int64_t at = slot(r, first), dim = pages_.value_dim;
    Block block{.keys = reinterpret_cast<const float*>(stored_keys(at)),
                .values = reinterpret_cast<const float*>(stored_values(at)),
                .key_scales = scales(pages_.key_scales, at),
                .value_scales = scales(pages_.value_scales, at),
                .first = first};
    if (pages_.dtype != DType::f32) {
      float* keys = cpu::scratch<struct Keys>(pages_.head_dim * attention_block);
      widen_(keys, stored_keys(at), pages_.head_dim * attention_block);
      block.keys = keys;
    }
    if (pages_.dtype != DType::f32 || columns_ != dim) {
      float* values = cpu::scratch<struct Values>(columns_ * attention_block);
      for (std::int64_t j = 0; j < n; ++j) {
        widen_(values + j * columns_, stored_values(at) + j * dim * element_, dim);
        std::fill(values + j * columns_ + dim, values + (j + 1) * columns_, 0.0f);
      }
      block.values = values;
    }
    return block;
  }

  // Takes a block into the results of `rows`, as many at a time as a tile has.
  void add_block(Rows rows, const Block& block) {
    float scores[most_tile_rows * attention_block];
    bool checked = false, finite = true;  // whether the block's values are known to be, where it matters
    const std::int64_t step = std::min(tiles_.rows, most_tile_rows);
    for (std::int64_t r = rows.begin; r < rows.end; r += step) {
      const std::int64_t m = std::min(step, rows.end - r);
      std::int32_t seen[most_tile_rows];
      for (std::int64_t i = 0; i < m; ++i) {
        seen[i] = static_cast<std::int32_t>(
            std::clamp<std::int64_t>(visible_[r + i] - block.first, 0, attention_block));
      }
      const std::int64_t n = seen[m - 1];
      if (n == 0) continue;
      for (std::int64_t j = 0; j < n; j += tiles_.columns) {
        tiles_.tile({.sums = scores + j,
                     .sums_row = attention_block,
                     .a = queries_ + r * pages_.head_dim,
                     .a_row = pages_.head_dim,
                     .a_k = 1,
                     .panel = block.keys + j,
                     .panel_row = attention_block,
                     .m = m,
                     .k = pages_.head_dim,
                     .add = false});
      }
      softmax(block, r, m, scores, seen);
      // A weight of 0 does not keep NaN or infinity out of a sum.
      if (masked() || seen[0] < n) {
        if (!checked) finite = all_finite(block, visible_[rows.end - 1]);
        checked = true;
      }
      if (finite) {
        multiply_values(r, m, scores, n, block.values);
      } else {
        for (std::int64_t i = 0; i < m; ++i)
          multiply_visible(r + i, scores + i * attention_block, seen[i], block);
      }
    }
  }

  // add_block() for one row that sees pages without conversion in between: the same bits.
  void add_stored(std::int64_t r, std::int64_t first) {
    const std::int64_t at = slot(r, first), after = slot_after(r, first);
    const std::int64_t n = std::min(attention_block, visible_[r] - first);
    float scores[attention_block];
    const auto row_product = lanes_.row[stored(pages_.dtype)];
    row_product({.sums = scores,
                 .a = queries_ + r * pages_.head_dim,
                 .panel = stored_keys(at),
                 .panel_row = attention_block,
                 .k = pages_.head_dim,
                 .columns = attention_block,
                 .add = false,
                 .ahead = stored_keys(after)});
    const Block block{.keys = nullptr,
                      .values = nullptr,
                      .key_scales = scales(pages_.key_scales, at),
                      .value_scales = scales(pages_.value_scales, at),
                      .first = first};
    const auto seen = static_cast<std::int32_t>(n);
    softmax(block, r, 1, scores, &seen);
    if (masked()) return multiply_visible(r, scores, n, load(r, first, n));
    row_product({.sums = out_ + r * columns_,
                 .a = scores,
                 .panel = stored_values(at),
                 .panel_row = pages_.value_dim,
                 .k = n,
                 .columns = columns_,
                 .add = true,
                 .ahead = stored_values(after)});
  }

  bool masked() const { return args_.mask != nullptr || args_.visible != nullptr; }
  bool is_hidden(std::int64_t r, std::int64_t key) const {
    const std::int64_t at = head(r) * args_.mask_head + query(r) * args_.mask_row + key * args_.mask_key;
    return args_.mask != nullptr ? args_.mask[at] == minus_infinity
                                 : args_.visible != nullptr && !args_.visible[at];
  }
  bool all_finite(const Block& block, std::int64_t visible) const {
    return lanes_.all_finite(block.values, std::min(attention_block, visible - block.first) * columns_);
  }

  void softmax(const Block& block, std::int64_t r, std::int64_t m, float* scores, const std::int32_t* seen) {
    const bool adjust = masked() || args_.softcap > 0;
    if (adjust) {
      for (std::int64_t i = 0; i < m; ++i) adjust_scores(block, r + i, scores + i * attention_block, seen[i]);
    }
    lanes_.softmax({.scores = scores,
                    .visible = seen,
                    .max = max_ + r,
                    .sum = sum_ + r,
                    .out = out_ + r * columns_,
                    .out_row = columns_,
                    .columns = columns_,
                    .scale = adjust ? 1.0f : args_.scale,
                    .key_scales = adjust ? nullptr : block.key_scales,
                    .value_scales = block.value_scales,
                    .m = m});
  }

  // Scale, softcap, mask. A hidden key gets -inf even if its score is NaN.
  void adjust_scores(const Block& block, std::int64_t r, float* scores, std::int64_t n) const {
    for (std::int64_t j = 0; j < n; ++j) {
      scores[j] *= args_.scale;
      if (block.key_scales != nullptr) scores[j] *= block.key_scales[j];
    }
    if (args_.softcap > 0) {
      for (std::int64_t j = 0; j < n; ++j) scores[j] = args_.softcap * std::tanh(scores[j] / args_.softcap);
    }
    if (!masked()) return;
    const std::int64_t at =
        head(r) * args_.mask_head + query(r) * args_.mask_row + block.first * args_.mask_key;
    for (std::int64_t j = 0; j < n; ++j) {
      if (is_hidden(r, block.first + j)) {
        scores[j] = minus_infinity;
      } else if (args_.mask != nullptr) {
        scores[j] += args_.mask[at + j * args_.mask_key];
      }
    }
  }

  void multiply_values(std::int64_t r, std::int64_t m, const float* weights, std::int64_t n,
                       const float* values) {
    for (std::int64_t c = 0; c < columns_; c += tiles_.columns) {
      tiles_.tile({.sums = out_ + r * columns_ + c,
                   .sums_row = columns_,
                   .a = weights,
                   .a_row = attention_block,
                   .a_k = 1,
                   .panel = values + c,
                   .panel_row = columns_,
                   .m = m,
                   .k = n,
                   .add = true});
    }
  }

  // The same for one row, from the weights and values of the keys that it sees and nothing else.
  void multiply_visible(std::int64_t r, const float* weights, std::int64_t n, const Block& block) {
    float* values = cpu::scratch<struct VisibleValues>(columns_ * attention_block);
    float visible_weights[attention_block];
    std::int64_t count = 0;
    for (std::int64_t j = 0; j < n; ++j) {
      if (is_hidden(r, block.first + j)) continue;
      visible_weights[count] = weights[j];
      std::copy_n(block.values + j * columns_, columns_, values + count * columns_);
      ++count;
    }
    multiply_values(r, 1, visible_weights, count, values);
  }

  const KeyValuePages& pages_;
  const cpu::AttentionTask& task_;
  const AttentionArgs<T>& args_;
  const simd::GemmF32& tiles_ = cpu::gemm_f32();
  const simd::Attention& lanes_ = cpu::attention_lanes();
  std::int64_t kv_head_, group_, rows_, columns_;
  std::int64_t element_ = pages_.dtype == DType::f32 ? 4 : pages_.dtype == DType::i8 ? 1 : 2;
  void (*widen_)(float*, const void*, std::int64_t) = lanes_.widen[stored(pages_.dtype)];
  float* queries_;  // (rows, head_dim)
  float* out_;      // (rows, columns)
  float max_[cpu::task_rows], sum_[cpu::task_rows];
  std::int64_t visible_[cpu::task_rows];  // how many keys a row sees, were there no mask
};

}  // namespace

template <class T>
void attention(CpuContext& context, const KeyValuePages& pages, std::span<const AttentionSegment> segments,
               const AttentionArgs<T>& args) {
  const cpu::AttentionPlan plan(pages, segments, args.heads / pages.kv_heads, args.causal,
                                args.mask != nullptr || args.visible != nullptr, context.threads);
  const std::vector<cpu::AttentionTask>& tasks = plan.tasks();
  const bool serial = plan.cost() * (pages.head_dim + pages.value_dim) < serial_limit;
  parallel_for(serial ? 1 : context.threads, std::ssize(tasks), [&](std::int64_t i) {
    const cpu::AttentionTask& task = tasks[static_cast<std::size_t>(i)];
    for (std::int64_t head = task.kv_head; head < task.kv_head + task.kv_heads; ++head) {
      Tile<T> tile(pages, task, args, head);
      tile.attend();
      tile.store();
    }
  });
}

template void attention(CpuContext&, const KeyValuePages&, std::span<const AttentionSegment>,
                        const AttentionArgs<float>&);
template void attention(CpuContext&, const KeyValuePages&, std::span<const AttentionSegment>,
                        const AttentionArgs<float16>&);
template void attention(CpuContext&, const KeyValuePages&, std::span<const AttentionSegment>,
                        const AttentionArgs<bfloat16>&);

}  // namespace adlib::kernels
