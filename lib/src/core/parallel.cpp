#include "adlib/core/parallel.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "adlib/core/error.h"

namespace adlib {
namespace {

constexpr int most_threads = 1024;
constexpr auto spin_time = std::chrono::microseconds(50);

int default_threads() {
  if (const char* text = std::getenv("ADLIB_NUM_THREADS"); text != nullptr && *text != '\0') {
    char* end = nullptr;
    const long value = std::strtol(text, &end, 10);
    require(*end == '\0' && value >= 1 && value <= most_threads, "ADLIB_NUM_THREADS: '", text,
            "' is not a number from 1 to ", most_threads);
    return static_cast<int>(value);
  }
#if defined(__linux__)
  cpu_set_t allowed;  // fewer than the machine has, in a container or under taskset
  if (::sched_getaffinity(0, sizeof allowed, &allowed) == 0) return CPU_COUNT(&allowed);
#endif
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

std::atomic<int> chosen_threads{0};

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/// Spins until `ready`, for spin_time at most; true when it became so.
template <class Ready>
bool spin(Ready ready) {
  const auto end = std::chrono::steady_clock::now() + spin_time;
  do {
    for (int i = 0; i < 64; ++i) {
      if (ready()) return true;
      pause();
    }
  } while (std::chrono::steady_clock::now() < end);
  return ready();
}

/// One job at a time. `state_` packs all that workers and caller must agree on: the job's number, whether it
/// may still be joined, and how many workers are in it. The job's fields change only when nobody is in it and
/// nobody may join.
class Pool {
 public:
  static Pool& instance() {
    static Pool pool;
    return pool;
  }

  void run(int threads, std::int64_t count, detail::Task task, void* context) {
    // A task that asks again must not try a mutex which its own thread may hold.
    const std::unique_lock lock =
        inside_task ? std::unique_lock<std::mutex>() : std::unique_lock(busy_, std::try_to_lock);
    if (!lock.owns_lock()) {
      for (std::int64_t i = 0; i < count; ++i) task(context, i);
      return;
    }
    grow(static_cast<std::size_t>(threads - 1));
    task_ = task;
    context_ = context;
    count_ = count;
    places_.store(threads - 1, std::memory_order_relaxed);
    next_.store(0, std::memory_order_relaxed);
    error_ = nullptr;
    const std::uint64_t number = (state_.load(std::memory_order_relaxed) >> number_shift) + 1;
    state_.store(number << number_shift | open_bit, std::memory_order_release);
    state_.notify_all();

    work();
    state_.fetch_and(~open_bit, std::memory_order_acq_rel);
    const auto empty = [&] { return (state_.load(std::memory_order_acquire) & inside_mask) == 0; };
    while (!spin(empty)) std::this_thread::yield();
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

 private:
  static constexpr int number_shift = 32;
  static constexpr std::uint64_t open_bit = std::uint64_t{1} << 31;
  static constexpr std::uint64_t inside_mask = open_bit - 1;
  static inline thread_local bool inside_task = false;

  Pool() = default;
  ~Pool() {
    stop_.store(true, std::memory_order_relaxed);
    state_.fetch_add(std::uint64_t{1} << number_shift, std::memory_order_release);
    state_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  void grow(std::size_t workers) {
    while (workers_.size() < workers) workers_.emplace_back([this] { serve(); });
  }

  void work() {
    inside_task = true;
    for (;;) {
      const std::int64_t i = next_.fetch_add(1, std::memory_order_relaxed);
      if (i >= count_) break;
      try {
        task_(context_, i);
      } catch (...) {
        const std::lock_guard lock(error_mutex_);
        if (!error_) error_ = std::current_exception();
      }
    }
    inside_task = false;
  }

  void serve() {
    std::uint64_t seen = 0;  // the number of the last job looked at
    for (;;) {
      const auto news = [&] { return state_.load(std::memory_order_acquire) >> number_shift != seen; };
      if (!spin(news)) {
        for (auto state = state_.load(std::memory_order_acquire); state >> number_shift == seen;
             state = state_.load(std::memory_order_acquire)) {
          state_.wait(state, std::memory_order_acquire);
        }
      }
      if (stop_.load(std::memory_order_relaxed)) return;
      std::uint64_t state = state_.load(std::memory_order_acquire);
      seen = state >> number_shift;
      while ((state & open_bit) != 0) {
        if (!state_.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel)) continue;
        seen = state >> number_shift;
        if (places_.fetch_sub(1, std::memory_order_relaxed) > 0) work();
        state_.fetch_sub(1, std::memory_order_acq_rel);
        break;
      }
    }
  }

  std::mutex busy_;  // held by the caller whose job runs
  std::vector<std::thread> workers_;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> state_{0};
  detail::Task task_ = nullptr;
  void* context_ = nullptr;
  std::int64_t count_ = 0;
  std::atomic<int> places_{0};  // how many workers may still join: fewer threads than the pool has
  std::atomic<std::int64_t> next_{0};
  std::mutex error_mutex_;
  std::exception_ptr error_;
};

}  // namespace

int num_threads() {
  const int chosen = chosen_threads.load(std::memory_order_relaxed);
  if (chosen > 0) return chosen;
  static const int fallback = default_threads();
  return fallback;
}

void set_num_threads(int threads) {
  require(threads >= 0 && threads <= most_threads, "set_num_threads: ", threads, " is not from 0 to ",
          most_threads);
  chosen_threads.store(threads, std::memory_order_relaxed);
}

namespace detail {

void parallel_for(int threads, std::int64_t count, Task task, void* context) {
  if (threads <= 1 || count <= 1) {
    for (std::int64_t i = 0; i < count; ++i) task(context, i);
    return;
  }
  Pool::instance().run(threads, count, task, context);
}

}  // namespace detail
}  // namespace adlib
