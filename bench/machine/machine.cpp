#include "bench/machine/machine.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>
#include <thread>
#include <vector>

#include "adlib/core/random.h"
#include "bench/machine/loops.h"
#include "kernels/cpu/isa.h"

namespace adlib::bench {
namespace {

constexpr int trials = 12;
constexpr double trial_seconds = 0.01;
constexpr std::int64_t memory_bytes = 512 << 20;

/// work(thread, rounds) on every thread at once. The seconds of one round, of the fastest trial.
double best_round(int threads, const std::function<void(int, std::int64_t)>& work) {
  using Clock = std::chrono::steady_clock;
  // From the first thread's start to the last one's end, by their own clocks: on a busy machine whoever waits
  // for them may wake when they are nearly done.
  const auto together = [&](std::int64_t rounds) {
    std::barrier start(threads);
    std::vector<Clock::time_point> begins(static_cast<std::size_t>(threads)), ends(begins.size());
    std::vector<std::thread> pool;
    for (int thread = 0; thread < threads; ++thread) {
      pool.emplace_back([&, thread] {
        start.arrive_and_wait();
        begins[static_cast<std::size_t>(thread)] = Clock::now();
        work(thread, rounds);
        ends[static_cast<std::size_t>(thread)] = Clock::now();
      });
    }
    for (std::thread& thread : pool) thread.join();
    return std::chrono::duration<double>(*std::max_element(ends.begin(), ends.end()) -
                                         *std::min_element(begins.begin(), begins.end()))
        .count();
  };
  std::int64_t rounds = 1;
  while (together(rounds) < trial_seconds && rounds < (std::int64_t{1} << 40)) rounds *= 2;
  double best = together(rounds);
  for (int trial = 1; trial < trials; ++trial) best = std::min(best, together(rounds));
  return best / static_cast<double>(rounds);
}

const loops::Loops& chosen_loops() {
  using kernels::cpu::Isa;
#if defined(__x86_64__)
  switch (kernels::cpu::isa()) {
    case Isa::bf16:
      return loops::bf16;
    case Isa::vnni:
      return loops::vnni;
    case Isa::avx512:
      return loops::avx512;
    case Isa::avx2:
      return loops::avx2;
    case Isa::baseline:
      break;
  }
#endif
  return loops::baseline;
}

struct Free {
  void operator()(void* p) const { std::free(p); }
};

constexpr std::int64_t huge_page = 2 << 20;

/// Random bytes: pages of zeros may all be the same one, and hardware may treat zeros apart. In huge pages
/// where the system has them, since the walks for small ones would count as memory's slowness.
class Buffer {
 public:
  explicit Buffer(std::int64_t bytes)
      : bytes_(bytes / huge_page * huge_page),
        data_(std::aligned_alloc(static_cast<std::size_t>(huge_page), static_cast<std::size_t>(bytes_))) {
#if defined(__linux__)
    ::madvise(data_.get(), static_cast<std::size_t>(bytes_), MADV_HUGEPAGE);
#endif
    const Philox random(1);
    auto* words = static_cast<std::uint32_t*>(data_.get());
    constexpr std::int64_t drawn = 1 << 12;
    for (std::int64_t i = 0; i < bytes_ / 4; ++i) {
      words[i] = i < drawn ? random.block(static_cast<std::uint64_t>(i))[0]
                           : words[i - drawn] * 1664525u + 1013904223u;
    }
  }
  const char* data() const { return static_cast<const char*>(data_.get()); }
  std::int64_t bytes() const { return bytes_; }

 private:
  std::int64_t bytes_;
  std::unique_ptr<void, Free> data_;
};

template <class Loop>
double operations_per_second(int threads, Loop* loop, std::int64_t operations) {
  std::vector<double> sinks(static_cast<std::size_t>(threads) * 16);  // a cache line for each
  constexpr std::int64_t steps = 1 << 12;
  const double seconds = best_round(threads, [&](int thread, std::int64_t rounds) {
    sinks[static_cast<std::size_t>(thread) * 16] = static_cast<double>(loop(rounds * steps));
  });
  return static_cast<double>(threads) * steps * static_cast<double>(operations) / seconds;
}

/// Each thread reads a stretch of its own.
double bytes_per_second(int threads, const Buffer& buffer, std::int64_t bytes, const loops::Loops& loop) {
  const std::int64_t share = bytes / threads / 4096 * 4096;
  std::vector<double> sinks(static_cast<std::size_t>(threads) * 16);
  const double seconds = best_round(threads, [&](int thread, std::int64_t rounds) {
    std::int32_t seen = 0;
    for (std::int64_t i = 0; i < rounds; ++i) seen |= loop.read(buffer.data() + thread * share, share);
    sinks[static_cast<std::size_t>(thread) * 16] = seen;
  });
  return static_cast<double>(share * threads) / seconds;
}

/// Of the first processor, as Linux tells it: sysconf() reports the sum of all L3 caches of a host. 0 where
/// there is none.
std::int64_t cache_bytes(int level) {
  for (int index = 0;; ++index) {
    const std::string dir = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/";
    int found = 0;
    if (!(std::ifstream(dir + "level") >> found)) return 0;
    std::int64_t size = 0;
    char unit = 0;
    if (found == level && std::ifstream(dir + "size") >> size >> unit) {
      return size << (unit == 'M' ? 20 : unit == 'K' ? 10 : 0);
    }
  }
}

}  // namespace

double Limits::bandwidth(double working_set) const {
  const std::string_view where = level(working_set);
  return where == "L2" ? l2 : where == "L3" ? l3 : memory;
}

std::string_view Limits::level(double working_set) const {
  // Up to the whole of a cache: a kernel just over half of it still finds most of its bytes there, and the
  // stricter limit is the honest one.
  if (l2_bytes > 0 && working_set <= static_cast<double>(l2_bytes) * threads) return "L2";
  if (l3_bytes > 0 && working_set <= static_cast<double>(l3_bytes)) return "L3";
  return "memory";
}

Limits measure_limits(int threads) {
  const loops::Loops& loop = chosen_loops();
  Limits out{.threads = threads};
  out.l2_bytes = cache_bytes(2);
  out.l3_bytes = cache_bytes(3);
  out.f32 = operations_per_second(threads, loop.f32, loop.f32_operations);
  out.bf16 = loop.bf16 != nullptr ? operations_per_second(threads, loop.bf16, loop.bf16_operations) : out.f32;
  out.i8 = loop.i8 != nullptr ? operations_per_second(threads, loop.i8, loop.i8_operations) : out.f32;
  const Buffer buffer(std::max(memory_bytes, 4 * out.l3_bytes));
  out.memory = bytes_per_second(threads, buffer, buffer.bytes(), loop);
  // Half of a cache, so that whatever else lives there does not push the buffer out.
  out.l3 = out.l3_bytes > 0 ? bytes_per_second(threads, buffer, out.l3_bytes / 2, loop) : out.memory;
  out.l2 = out.l2_bytes > 0 ? bytes_per_second(threads, buffer, out.l2_bytes / 2 * threads, loop) : out.l3;
  return out;
}

const Limits& limits(int threads) {
  static std::mutex mutex;
  static std::map<int, Limits> measured;
  const std::lock_guard lock(mutex);
  const auto [at, absent] = measured.try_emplace(threads);
  if (absent) at->second = measure_limits(threads);
  return at->second;
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

std::string to_json(const Limits& l) {
  std::ostringstream out;
  out.precision(6);
  out << "{\"threads\": " << l.threads << ", \"memory\": " << l.memory << ", \"l3\": " << l.l3
      << ", \"l2\": " << l.l2 << ", \"f32\": " << l.f32 << ", \"bf16\": " << l.bf16 << ", \"i8\": " << l.i8
      << ", \"l3_bytes\": " << l.l3_bytes << ", \"l2_bytes\": " << l.l2_bytes << "}";
  return out.str();
}

}  // namespace adlib::bench
