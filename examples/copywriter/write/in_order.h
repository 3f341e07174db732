// copywriter/write/in_order.h: many texts under way, taken in the order in which they were asked for.
#pragma once

#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <future>
#include <utility>

#include "copywriter/write/text_writer.h"

namespace adlib::copywriter {

/// Keeps up to `ahead` texts under way. What begin or a text itself throws comes when its turn has come.
template <class Job>
class InOrder {
 public:
  using Begin = std::function<std::future<GeneratedText>(const Job& job)>;
  /// Gets the job and its text, whose get() may throw; returns false to stop.
  using Take = std::function<bool(const Job& job, std::future<GeneratedText>& text)>;

  InOrder(std::size_t ahead, Begin begin, Take take)
      : ahead_(ahead), begin_(std::move(begin)), take_(std::move(take)) {}

  /// False when `take` has stopped it.
  bool push(Job&& job) {
    pending_.push_back({std::move(job), {}});
    Pending& last = pending_.back();
    try {
      last.text = begin_(last.job);
    } catch (...) {
      std::promise<GeneratedText> failed;
      failed.set_exception(std::current_exception());
      last.text = failed.get_future();
    }
    return pending_.size() < ahead_ || take_first();
  }
  /// Takes what is left.
  bool finish() {
    while (!pending_.empty()) {
      if (!take_first()) return false;
    }
    return true;
  }

 private:
  struct Pending {
    Job job;
    std::future<GeneratedText> text;
  };
  bool take_first() {
    const bool goes_on = take_(pending_.front().job, pending_.front().text);
    pending_.pop_front();
    return goes_on;
  }

  std::size_t ahead_;
  Begin begin_;
  Take take_;
  std::deque<Pending> pending_;
};

}  // namespace adlib::copywriter
