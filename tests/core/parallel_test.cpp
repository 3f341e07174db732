#include "adlib/core/parallel.h"

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include "adlib/core/error.h"
#include "support/catch.h"

using adlib::parallel_for;

TEST_CASE("parallel_for calls every task once, for any number of threads and tasks", "[core][threads]") {
  for (int threads = 1; threads <= 5; ++threads) {
    for (int repeat = 0; repeat < 200; ++repeat) {
      const int count = repeat % 23;
      std::vector<int> calls(static_cast<std::size_t>(count), 0);
      parallel_for(threads, count, [&](std::int64_t i) { ++calls[static_cast<std::size_t>(i)]; });
      REQUIRE(calls == std::vector<int>(static_cast<std::size_t>(count), 1));
    }
  }
}

TEST_CASE("parallel_for finishes all tasks before it rethrows the first exception", "[core][threads]") {
  std::atomic<int> calls{0};
  const auto work = [&](std::int64_t i) {
    ++calls;
    if (i % 3 == 1) throw std::runtime_error("task failed");
  };
  CHECK_THROWS_AS(parallel_for(3, 30, work), std::runtime_error);
  CHECK(calls == 30);
  parallel_for(3, 30, [&](std::int64_t) { ++calls; });  // the pool is as good as new
  CHECK(calls == 60);
}

TEST_CASE("parallel_for may be called inside a task and by many threads at once", "[core][threads]") {
  std::atomic<int> calls{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t) {
    callers.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        parallel_for(2, 3, [&](std::int64_t) { parallel_for(2, 5, [&](std::int64_t) { ++calls; }); });
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(calls == 4 * 100 * 3 * 5);
}

TEST_CASE("set_num_threads replaces the default until it is given 0", "[core]") {
  const int fallback = adlib::num_threads();
  CHECK(fallback >= 1);
  adlib::set_num_threads(fallback + 1);
  CHECK(adlib::num_threads() == fallback + 1);
  adlib::set_num_threads(0);
  CHECK(adlib::num_threads() == fallback);
  CHECK_THROWS_AS(adlib::set_num_threads(-1), adlib::Error);
  CHECK_THROWS_AS(adlib::set_num_threads(1025), adlib::Error);
}
