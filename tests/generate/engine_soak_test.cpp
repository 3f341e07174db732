// The engine under random requests, cancellations, failures and budgets from several threads. ADLIB_SOAK=N
// runs N engines in the place of 4 (.ci/nightly); memory is held to what the first ones took.
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <random>
#include <thread>

#include "adlib/core/parallel.h"
#include "adlib/generate/engine.h"
#include "generate/tiny.h"
#include "support/catch.h"

namespace adlib {
namespace {

using test::sampled;
using test::tiny_generator;

int engines() {
  const char* asked = std::getenv("ADLIB_SOAK");
  return asked == nullptr ? 4 : std::max(1, std::atoi(asked));
}

std::int64_t resident_bytes() {
  std::int64_t pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

/// A request, what becomes of it, and what Generator writes for it alone.
struct Asked {
  EngineRequest request;
  Result alone;
  bool fails = false;
  std::atomic<int> ended{0};
  Engine::Ticket ticket;
};

EngineRequest random_request(std::mt19937_64& random, const Generator& generator) {
  static const std::string begin(60, 'b');
  std::string text = begin.substr(0, random() % begin.size());
  for (std::size_t n = 1 + random() % 20; n > 0; --n) text += static_cast<char>('a' + random() % 26);
  EngineRequest request{.prompt = generator.tokenizer().encode(text),
                        .config = sampled(random(), 1 + static_cast<std::int64_t>(random() % 40))};
  request.config.num_return_sequences = 1 + static_cast<std::int64_t>(random() % 3);
  if (random() % 4 == 0) request.config.stop_strings = {"e"};
  request.priority = static_cast<int>(random() % 3);
  return request;
}

/// What happened, over all engines.
struct Seen {
  std::int64_t finished = 0, failed = 0, cancelled = 0, preemptions = 0, shared_tokens = 0;
  void add(const EngineStatistics& statistics) {
    finished += statistics.finished, failed += statistics.failed, cancelled += statistics.cancelled;
    preemptions += statistics.preemptions, shared_tokens += statistics.shared_tokens;
  }
};

void run(const Generator& generator, std::uint64_t seed, Seen& seen) {
  std::mt19937_64 random(seed);
  EngineOptions options;
  options.max_sequences = 3 + static_cast<std::int64_t>(random() % 14);
  options.max_waiting = 1 + static_cast<std::int64_t>(random() % 8);
  options.share_prefixes = random() % 4 != 0;
  const auto context = static_cast<std::size_t>((generator.decoder().config().context + 63) / 64);
  if (random() % 2 == 0) {
    options.cache_bytes = (context + 1 + random() % 6) * generator.decoder().make_cache(1, 0, {}, 1).bytes();
  }
  std::deque<Asked> asked(24);
  for (Asked& one : asked) {
    one.request = random_request(random, generator);
    one.alone = generator.generate(one.request.prompt, one.request.config);
    one.fails = random() % 8 == 0 && !one.alone.text().empty();
  }
  std::atomic<bool> cancelling{true};
  std::atomic<std::uint64_t> latest{0};
  {
    Engine engine(generator, options);
    const auto submit = [&](std::size_t from) {
      for (std::size_t i = from; i < asked.size(); i += 2) {
        Asked& one = asked[i];
        EngineRequest request = one.request;
        request.on_end = [&one] { ++one.ended; };
        if (one.fails)
          request.on_piece = [](std::string_view) -> bool { throw std::runtime_error("of a caller"); };
        one.ticket = engine.submit(std::move(request));
        latest = one.ticket.id;
      }
    };
    std::thread first(submit, 0), second(submit, 1);
    std::thread canceller([&, chance = std::mt19937_64(seed + 1)]() mutable {
      while (cancelling) {
        if (latest > 0) engine.cancel(1 + chance() % latest);
        std::this_thread::sleep_for(std::chrono::microseconds(500 + chance() % 4000));
      }
    });
    first.join(), second.join();
    if (random() % 3 != 0) engine.drain();  // else the engine goes away with what is under way
    seen.add(engine.statistics());
    cancelling = false;
    canceller.join();
  }
  for (Asked& one : asked) {
    REQUIRE(one.ended == 1);
    REQUIRE(one.ticket.result.wait_for(std::chrono::seconds(0)) == std::future_status::ready);
    try {
      const Result result = one.ticket.result.get();
      for (std::size_t n = 0; n < result.completions.size(); ++n) {
        const Completion &got = result.completions[n], &whole = one.alone.completions[n];
        if (got.finish_reason != FinishReason::cancelled) {
          REQUIRE(got.ids == whole.ids);
          REQUIRE_FALSE(one.fails);
        } else {  // what it had written is the beginning of what it would have written
          REQUIRE(std::equal(
              got.ids.begin(), got.ids.end(), whole.ids.begin(),
              whole.ids.begin() + static_cast<std::ptrdiff_t>(std::min(got.ids.size(), whole.ids.size()))));
        }
      }
    } catch (const std::runtime_error& error) {
      REQUIRE(one.fails);
      REQUIRE(std::string(error.what()) == "of a caller");
    }
  }
}

}  // namespace

TEST_CASE("an engine tells every request its end once, whatever happens", "[generate][engine][threads]") {
  const Generator generator = tiny_generator();
  const int count = engines();
  std::int64_t settled = 0;
  Seen seen;
  for (int i = 0; i < count; ++i) {
    CAPTURE(i);
    set_num_threads(1 + i % 2);
    run(generator, 100 + static_cast<std::uint64_t>(i), seen);
    if (i == count / 4) settled = resident_bytes();
  }
  set_num_threads(0);
  CHECK(seen.finished > 0);
  CHECK(seen.failed > 0);
  CHECK(seen.cancelled > 0);
  CHECK(seen.preemptions > 0);
  CHECK(seen.shared_tokens > 0);
  // Sanitizers keep freed memory for a while; a leak of every engine's cache would show all the same.
  if (count >= 100) CHECK(resident_bytes() < settled + (std::int64_t{64} << 20));
}

}  // namespace adlib
