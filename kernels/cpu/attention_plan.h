// kernels/cpu/attention_plan.h: the work of one call of attention, cut into tasks for threads.
#pragma once

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "kernels/attention.h"

namespace adlib::kernels::cpu {

inline constexpr std::int64_t task_rows = 48;  // a multiple of every tile's height

/// How many keys a row of a segment sees, were there no mask.
inline std::int64_t visible_keys(const AttentionSegment& segment, std::int64_t query, bool causal) {
  return causal ? std::clamp<std::int64_t>(segment.position + query + 1, 0, segment.keys) : segment.keys;
}

/// What one thread does in one go: rows of one segment, or the only row of each of several segments that
/// begin with the same pages.
struct AttentionTask {
  std::span<const AttentionSegment* const> segments;
  std::int64_t first, rows;        // of one segment's rows times the heads of a group; or all of several
  std::int64_t shared_blocks = 0;  // with which several segments begin: taken for all rows at once
  std::int64_t cost = 0;           // pairs of rows and keys of a head
  std::int64_t kv_head = 0, kv_heads = 1;
};

/// Sequences of one new row each, in an order that puts those together which begin with the same pages.
inline std::vector<const AttentionSegment*> single_rows(std::span<const AttentionSegment> segments) {
  std::vector<const AttentionSegment*> single;
  for (const AttentionSegment& segment : segments)
    if (segment.rows == 1) single.push_back(&segment);
  const auto pages = [](const AttentionSegment* segment) {
    return std::span(segment->pages, static_cast<std::size_t>(segment->keys / attention_block));
  };
  std::stable_sort(single.begin(), single.end(), [&](const AttentionSegment* a, const AttentionSegment* b) {
    const auto x = pages(a), y = pages(b);
    return std::lexicographical_compare(x.begin(), x.end(), y.begin(), y.end());
  });
  return single;
}

/// How many whole blocks at the beginning of both are seen by the rows of both and stand in the same pages.
inline std::int64_t shared_blocks(const AttentionSegment& a, const AttentionSegment& b, bool causal) {
  const std::int64_t most =
      std::min(visible_keys(a, 0, causal), visible_keys(b, 0, causal)) / attention_block;
  std::int64_t count = 0;
  while (count < most && a.pages[count] == b.pages[count]) ++count;
  return count;
}

/// The work of one call in tasks, the longest first: threads take them in turn, and so end together.
class AttentionPlan {
 public:
  AttentionPlan(const KeyValuePages& pages, std::span<const AttentionSegment> segments, std::int64_t group,
                bool causal, bool masked, int threads)
      : kv_heads_(pages.kv_heads), group_(group), causal_(causal) {
    all_.reserve(segments.size());
    for (const AttentionSegment& segment : segments)
      if (segment.rows > 1 || masked) all_.push_back(&segment);
    for (std::size_t i = 0; i < all_.size(); ++i) add_rows({&all_[i], 1});
    if (!masked) {  // a mask has rows of its own for each segment
      single_ = single_rows(segments);
      for (std::size_t begin = 0; begin < single_.size();) begin = add_sharing(begin, threads);
    }
    spread(threads);
  }

  AttentionPlan(const AttentionPlan&) = delete;  // tasks point into it
  AttentionPlan& operator=(const AttentionPlan&) = delete;

  const std::vector<AttentionTask>& tasks() const { return tasks_; }
  std::int64_t cost() const { return cost_; }  // pairs of rows and keys, of all heads

 private:
  // The rows of one segment, in tasks of up to task_rows.
  void add_rows(std::span<const AttentionSegment* const> one) {
    const std::int64_t all = one.front()->rows * group_;
    for (std::int64_t first = 0; first < all; first += task_rows) {
      const std::int64_t rows = std::min(task_rows, all - first);
      const std::int64_t keys = visible_keys(*one.front(), (first + rows - 1) / group_, causal_);
      add({.segments = one, .first = first, .rows = rows, .cost = rows * keys});
    }
  }
  // The segments from `begin` on that share as many pages as the first two do, but so few that every thread
  // has tasks; returns where they end.
  std::size_t add_sharing(std::size_t begin, int threads) {
    const std::int64_t fair = std::ssize(single_) * kv_heads_ / (4 * threads);
    const auto most = static_cast<std::size_t>(
        std::clamp<std::int64_t>(task_rows / group_, 1, std::max<std::int64_t>(fair, 2)));
    const auto shared = [&](std::size_t i, std::size_t j) {
      return shared_blocks(*single_[i], *single_[j], causal_);
    };
    std::int64_t blocks = 0;
    std::size_t end = begin + 1;
    for (; end < single_.size() && end - begin < most; ++end) {
      const std::int64_t with = shared(begin, end);
      if (with == 0 || with < blocks) break;
      // The first is better alone than to keep the others from what they share beyond it.
      if (end == begin + 1 && end + 1 < single_.size() && shared(end, end + 1) > with) break;
      blocks = end == begin + 1 ? with : blocks;
    }
    const auto segments = std::span(std::as_const(single_)).subspan(begin, end - begin);
    if (segments.size() == 1) {
      add_rows(segments);
      return end;
    }
    AttentionTask task{
        .segments = segments, .first = 0, .rows = std::ssize(segments) * group_, .shared_blocks = blocks};
    for (const AttentionSegment* segment : segments) task.cost += group_ * visible_keys(*segment, 0, causal_);
    add(task);
    return end;
  }
  void add(const AttentionTask& task) {
    tasks_.push_back(task);
    cost_ += task.cost * kv_heads_;
  }
  // One task for each head. A single row is soon done with a head, so it stays with the same thread for as
  // many heads as leave each thread four tasks, which lets it fetch the next head's pages in time.
  void spread(int threads) {
    std::vector<AttentionTask> tasks;
    for (AttentionTask task : tasks_) {
      const std::int64_t fair = cost_ / (4 * threads) / std::max<std::int64_t>(1, task.cost);
      const std::int64_t run = task.rows > 1 ? 1 : std::clamp<std::int64_t>(fair, 1, kv_heads_);
      for (task.kv_head = 0; task.kv_head < kv_heads_; task.kv_head += run) {
        task.kv_heads = std::min(run, kv_heads_ - task.kv_head);
        tasks.push_back(task);
      }
    }
    std::stable_sort(tasks.begin(), tasks.end(), [](const AttentionTask& a, const AttentionTask& b) {
      return a.cost * a.kv_heads > b.cost * b.kv_heads;
    });
    tasks_ = std::move(tasks);
  }

  std::int64_t kv_heads_, group_;
  bool causal_;
  std::vector<const AttentionSegment*> all_, single_;
  std::vector<AttentionTask> tasks_;
  std::int64_t cost_ = 0;
};

}  // namespace adlib::kernels::cpu
