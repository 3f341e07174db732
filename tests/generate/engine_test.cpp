#include "adlib/generate/engine.h"

#include <atomic>
#include <future>
#include <random>
#include <thread>

#include "adlib/core/parallel.h"
#include "generate/tiny.h"
#include "support/catch.h"
#include "support/devices.h"
#include "support/error_of.h"

namespace adlib {
namespace {

using test::available_devices;
using test::error_of;
using test::is_emulated;
using test::same;
using test::sampled;
using test::tiny_generator;

std::vector<TokenId> prompt_of(std::string_view text) { return tiny_generator().tokenizer().encode(text); }

EngineRequest request(std::string_view text, std::uint64_t seed, std::int64_t tokens = 40) {
  return {.prompt = prompt_of(text), .config = sampled(seed, tokens)};
}

/// What is asked of the engine, and what Generator makes of each alone.
struct Load {
  std::vector<EngineRequest> requests;
  std::vector<Result> alone;

  explicit Load(const Generator& generator, std::size_t count, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    const std::uint64_t most_tokens = is_emulated(generator.decoder().device()) ? 6 : 40;
    const std::string begin = "a product that all of these customers are told about: ";
    for (std::size_t i = 0; i < count; ++i) {
      std::string text = random() % 3 != 0 ? begin.substr(0, 10 + random() % (begin.size() - 10)) : "";
      for (std::size_t n = 1 + random() % 30; n > 0; --n) text += static_cast<char>('a' + random() % 26);
      EngineRequest one = request(text, random(), 1 + static_cast<std::int64_t>(random() % most_tokens));
      if (random() % 5 == 0) one.config.num_return_sequences = 1 + static_cast<std::int64_t>(random() % 3);
      if (random() % 5 == 0) one.config.stop_strings = {"e"};
      if (random() % 4 == 0) one.config.repetition_penalty = 1.3f;
      if (random() % 7 == 0) one.config.do_sample = false;
      one.config.num_return_sequences = one.config.do_sample ? one.config.num_return_sequences : 1;
      one.priority = static_cast<int>(random() % 3);
      alone.push_back(generator.generate(one.prompt, one.config));
      requests.push_back(std::move(one));
    }
  }
  void run(const Generator& generator, const EngineOptions& options,
           EngineStatistics* statistics = nullptr) const {
    Engine engine(generator, options);
    std::vector<Engine::Ticket> tickets;
    for (const EngineRequest& one : requests) tickets.push_back(engine.submit(one));
    for (std::size_t i = 0; i < tickets.size(); ++i) {
      INFO("request " << i);
      CHECK(same(tickets[i].result.get(), alone[i]));
    }
    engine.drain();
    if (statistics) *statistics = engine.statistics();
  }
};

/// Makes the engine stand still at the n-th piece of a request until open(): what a test asks for meanwhile
/// is there, however slow the machine is.
class Gate {
 public:
  explicit Gate(int piece) : piece_(piece) {}
  OnPiece hold() {
    return [this](std::string_view) {
      if (++seen_ == piece_) {
        reached_.set_value();
        open_.get_future().wait();
      }
      return true;
    };
  }
  void wait() { reached_.get_future().wait(); }
  void open() { open_.set_value(); }

 private:
  int piece_, seen_ = 0;
  std::promise<void> reached_, open_;
};

std::size_t page_bytes(const Generator& generator) {
  return generator.decoder().make_cache(1, 0, {}, 1).bytes();
}

}  // namespace

TEST_CASE("a text does not depend on what else is in the batch", "[generate][engine][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const Generator generator = tiny_generator(device);
  const std::int64_t count = is_emulated(device) ? 6 : 60;
  const Load load(generator, static_cast<std::size_t>(count), 1);
  for (const std::int64_t sequences : {3, 7, 64}) {
    if (is_emulated(device) && sequences > 3) continue;
    for (const bool share : {false, true}) {
      EngineStatistics statistics;
      load.run(generator, {.max_sequences = sequences, .share_prefixes = share}, &statistics);
      CHECK(statistics.finished == count);
      CHECK(statistics.waiting == 0);
      CHECK(statistics.running == 0);
      CHECK((statistics.shared_tokens > 0) == share);
    }
  }
}

TEST_CASE("the number of threads changes no text", "[generate][engine]") {
  const Generator generator = tiny_generator();
  const Load load(generator, 20, 2);
  const int before = num_threads();
  for (const int threads : {1, 2}) {
    set_num_threads(threads);
    load.run(generator, {.max_sequences = 8});
  }
  set_num_threads(before);
}

TEST_CASE("quantised weights and caches promise the same", "[generate][engine][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const Generator plain = tiny_generator(device);
  const Decoder& decoder = plain.decoder();
  const char* format = GENERATE("int8", "bf16");
  CAPTURE(format);
  const auto quantised = std::make_shared<const Decoder>(
      decoder.config(), Weights::from(decoder.named_tensors()), WeightFormats::parse(format));
  const Generator generator(quantised, std::make_shared<test::TinyTokenizer>());
  const Load load(generator, is_emulated(device) ? 4 : 24, 5);
  for (const bool share : {false, true}) load.run(generator, {.max_sequences = 7, .share_prefixes = share});
  // A cache in i8 changes texts, but not with the neighbours.
  const auto alone = [&](const EngineRequest& one) {
    Engine engine(generator, {.max_sequences = 3, .cache_dtype = DType::i8, .share_prefixes = false});
    return engine.submit(one).result.get();
  };
  Engine engine(generator, {.max_sequences = 9, .cache_dtype = DType::i8});
  std::vector<Engine::Ticket> tickets;
  for (const EngineRequest& one : load.requests) tickets.push_back(engine.submit(one));
  for (std::size_t i = 0; i < tickets.size(); ++i)
    CHECK(same(tickets[i].result.get(), alone(load.requests[i])));
}

TEST_CASE("when the pages run out, requests wait or begin again, and no text changes",
          "[generate][engine][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const Generator generator = tiny_generator(device);
  const Load load(generator, is_emulated(device) ? 6 : 60, 3);
  const std::int64_t context = (generator.decoder().config().context + 63) / 64;
  EngineStatistics statistics;
  load.run(
      generator,
      {.max_sequences = 16, .cache_bytes = static_cast<std::size_t>(context + 2) * page_bytes(generator)},
      &statistics);
  CHECK(statistics.pages == context + 2);
  CHECK(statistics.pages_in_use <= statistics.pages);
  CHECK_THAT(error_of([&] {
               Engine(generator, {.cache_bytes = static_cast<std::size_t>(context) * page_bytes(generator)});
             }),
             ContainsSubstring("one full context needs"));
}

TEST_CASE("preempted texts go on as if nothing had happened", "[generate][engine][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const Generator generator = tiny_generator(device);
  const std::int64_t context = generator.decoder().config().context, pages = (context + 63) / 64;
  const std::string text(60, 'x');
  std::vector<EngineRequest> requests;
  // Each begins with one page and soon needs another.
  const std::int64_t count = is_emulated(device) ? 3 : 12, tokens = is_emulated(device) ? 8 : 100;
  for (std::int64_t i = 0; i < count; ++i) {
    requests.push_back(
        request(concat(text, i), static_cast<std::uint64_t>(i), std::min(context - 70, tokens)));
  }
  Engine engine(generator,
                {.max_sequences = count,
                 .cache_bytes = static_cast<std::size_t>(std::max(pages, count) + 1) * page_bytes(generator),
                 .share_prefixes = false});
  Gate gate(1);
  requests[0].on_piece = gate.hold();
  std::vector<Engine::Ticket> tickets;
  for (const EngineRequest& one : requests) tickets.push_back(engine.submit(one));
  gate.open();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    CHECK(same(tickets[i].result.get(), generator.generate(requests[i].prompt, requests[i].config)));
  }
  engine.drain();
  CHECK(engine.statistics().preemptions > 0);
}

TEST_CASE("a common beginning is read once", "[generate][engine][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const Generator generator = tiny_generator(device);
  const std::string product(80, 'p');
  Engine engine(generator, {.max_sequences = 32});
  std::vector<Engine::Ticket> tickets;
  const std::uint64_t count = is_emulated(device) ? 4 : 30;
  for (std::uint64_t i = 0; i < count; ++i)
    tickets.push_back(engine.submit(request(concat(product, static_cast<char>('a' + i % 26)), i, 4)));
  for (auto& ticket : tickets) ticket.result.get();
  engine.drain();
  const EngineStatistics statistics = engine.statistics();
  const auto others = static_cast<std::int64_t>(count - 1);
  CHECK(statistics.shared_tokens >= others * 80);
  CHECK(statistics.prompt_tokens <= 81 + others * 2);
}

TEST_CASE("a long prompt is read in parts while others write", "[generate][engine]") {
  const Generator generator = tiny_generator();
  Gate gate(3);
  std::atomic<bool> reading{false};
  std::int64_t during = 0;  // of the engine's thread, until it is done
  Engine engine(generator, {.max_sequences = 4, .target_step_seconds = 1e-9});
  EngineRequest running = request("short", 1, 100);
  running.on_piece = [&, hold = gate.hold()](std::string_view piece) {
    hold(piece);
    during += reading ? 1 : 0;
    return true;
  };
  auto first = engine.submit(running);
  gate.wait();
  EngineRequest arriving = request(std::string(120, 'q'), 2, 1);
  arriving.on_piece = [&](std::string_view) {
    reading = false;
    return true;
  };
  auto second = engine.submit(arriving);
  reading = true;
  gate.open();
  second.result.get();
  first.result.get();
  CHECK(during >= 4);  // 120 tokens in parts of 16
}

TEST_CASE("the highest priority goes first", "[generate][engine]") {
  const Generator generator = tiny_generator();
  std::vector<int> order;  // written by the engine's thread, read when it is done
  Engine engine(generator, {.max_sequences = 1});
  Gate gate(1);
  EngineRequest first = request("first", 0, 60);
  first.on_piece = gate.hold();
  auto running = engine.submit(first);
  gate.wait();
  std::vector<Engine::Ticket> tickets;
  for (const int priority : {0, 2, 1, 2}) {
    EngineRequest one = request(concat("p", priority), 7, 3);
    one.priority = priority;
    one.on_piece = [&order, priority](std::string_view) {
      if (order.empty() || order.back() != priority) order.push_back(priority);
      return true;
    };
    tickets.push_back(engine.submit(one));
  }
  gate.open();
  running.result.get();
  for (auto& ticket : tickets) ticket.result.get();
  CHECK(order == std::vector<int>{2, 1, 0});
}

TEST_CASE("a request that fails takes nobody with it", "[generate][engine]") {
  const Generator generator = tiny_generator();
  const Load load(generator, 10, 5);
  Engine engine(generator, {.max_sequences = 8});
  std::vector<Engine::Ticket> good;
  EngineRequest broken = request("broken", 1);
  broken.on_piece = [](std::string_view) -> bool { throw Error(ErrorCode::io, "the pipe is gone"); };
  auto bad = engine.submit(broken);
  for (const EngineRequest& one : load.requests) good.push_back(engine.submit(one));
  CHECK_THAT(error_of([&] { bad.result.get(); }), ContainsSubstring("the pipe is gone"));
  for (std::size_t i = 0; i < good.size(); ++i) CHECK(same(good[i].result.get(), load.alone[i]));
  engine.drain();
  CHECK(engine.statistics().failed == 1);
  CHECK_THAT(error_of([&] { engine.submit({.prompt = {1'000'000}, .config = {}}); }),
             ContainsSubstring("1000000"));
  GenerationConfig beams;
  beams.num_beams = 2;
  CHECK_THAT(error_of([&] { engine.submit({.prompt = prompt_of("x"), .config = beams}); }),
             ContainsSubstring("num_beams"));
  CHECK_THAT(error_of([&] { Engine(generator, {.max_sequences = 0}); }),
             ContainsSubstring("max_sequences is 0"));
}

TEST_CASE("a cancelled request keeps what it has written", "[generate][engine]") {
  const Generator generator = tiny_generator();
  Gate gate(3);
  Engine engine(generator, {.max_sequences = 2});
  EngineRequest long_one = request("long", 1, 100);
  const Result whole = generator.generate(long_one.prompt, long_one.config);
  long_one.on_piece = gate.hold();
  auto ticket = engine.submit(long_one);
  gate.wait();
  engine.cancel(ticket.id);
  gate.open();
  const Result result = ticket.result.get();
  CHECK(result.completions[0].finish_reason == FinishReason::cancelled);
  CHECK(whole.text().starts_with(result.text()));
  engine.cancel(ticket.id);  // it has finished: nothing happens
  engine.cancel(12345);
  EngineRequest waiting = request("waits", 2, 5);
  waiting.on_piece = [](std::string_view) { return false; };
  CHECK(engine.submit(waiting).result.get().completions[0].finish_reason == FinishReason::cancelled);
}

TEST_CASE("an engine that goes away cancels what is left", "[generate][engine]") {
  const Generator generator = tiny_generator();
  Gate gate(1);
  std::vector<Engine::Ticket> tickets;
  {
    Engine engine(generator, {.max_sequences = 2});
    EngineRequest first = request("x", 99, 100);
    first.on_piece = gate.hold();
    tickets.push_back(engine.submit(first));
    for (std::uint64_t i = 0; i < 20; ++i) tickets.push_back(engine.submit(request("x", i, 100)));
    gate.open();
  }
  int cancelled = 0;
  for (auto& ticket : tickets) {
    cancelled += ticket.result.get().completions[0].finish_reason == FinishReason::cancelled ? 1 : 0;
  }
  CHECK(cancelled > 0);
}

TEST_CASE("submit waits while the queue is full", "[generate][engine]") {
  const Generator generator = tiny_generator();
  Engine engine(generator, {.max_sequences = 1, .max_waiting = 2});
  Gate gate(1);
  EngineRequest first = request("x", 0, 60);
  first.on_piece = gate.hold();
  std::vector<std::future<Result>> results;
  results.push_back(engine.submit(first).result);
  gate.wait();
  for (std::uint64_t i = 0; i < 2; ++i) {
    auto ticket = engine.try_submit(request("x", i, 60));
    REQUIRE(ticket);
    results.push_back(std::move(ticket->result));
  }
  CHECK_FALSE(engine.try_submit(request("x", 9, 60)));
  gate.open();
  for (std::uint64_t i = 0; i < 5; ++i) results.push_back(engine.submit(request("y", i, 5)).result);
  for (auto& result : results) CHECK(result.get().completions.size() == 1);
}

TEST_CASE("threads share an engine, whatever they ask and take back", "[generate][engine][threads]") {
  const Generator generator = tiny_generator();
  const std::int64_t pages = (generator.decoder().config().context + 63) / 64;
  std::atomic<int> observed{0}, answered{0}, asked{0};
  {
    Engine engine(generator, {.max_sequences = 5,
                              .cache_bytes = static_cast<std::size_t>(pages + 3) * page_bytes(generator),
                              .max_waiting = 6,
                              .observer = [&](const EngineStatistics&) { ++observed; }});
    std::vector<std::thread> threads;
    for (std::uint64_t t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        std::mt19937_64 random(t);
        std::vector<Engine::Ticket> mine;
        for (int i = 0; i < 15; ++i) {
          mine.push_back(engine.submit(request(std::string(1 + random() % 90, 'z'), random(),
                                               1 + static_cast<std::int64_t>(random() % 20))));
          ++asked;
          if (random() % 3 == 0) engine.cancel(mine[random() % mine.size()].id);
          if (random() % 5 == 0) engine.statistics();
        }
        for (auto& ticket : mine) {
          ticket.result.get();
          ++answered;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    engine.drain();
    const EngineStatistics statistics = engine.statistics();
    CHECK(statistics.finished + statistics.cancelled == asked);
  }
  CHECK(answered == asked);
  CHECK(observed > 0);
}

}  // namespace adlib
