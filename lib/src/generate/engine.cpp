#include "adlib/generate/engine.h"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "adlib/core/error.h"
#include "generate/prompt.h"
#include "generate/scheduler.h"

namespace adlib {

namespace {

void check(const EngineOptions& options) {
  require(options.max_sequences > 0, "engine: max_sequences is ", options.max_sequences,
          ", expected 1 or more");
  require(options.max_waiting > 0, "engine: max_waiting is ", options.max_waiting, ", expected 1 or more");
  require(options.target_step_seconds > 0, "engine: target_step_seconds is ", options.target_step_seconds,
          ", expected more than 0");
}

constexpr std::size_t default_cache_bytes = std::size_t{1} << 30;

Cache make_cache(const Decoder& decoder, const EngineOptions& options) {
  const std::size_t page_bytes = decoder.make_cache(1, 0, options.cache_dtype, 1).bytes();
  const std::int64_t context = nn::PageBook::pages_for(decoder.config().context);
  // One more than a context takes: a shared page is copied before its first reader lets go of it.
  const std::int64_t least = context + 1;
  const bool given = options.cache_bytes > 0;
  auto pages = static_cast<std::int64_t>((given ? options.cache_bytes : default_cache_bytes) / page_bytes);
  if (!given) pages = std::max(std::min(pages, options.max_sequences * context), least);
  require(pages >= least, "engine: cache_bytes is ", options.cache_bytes, ", which holds ", pages,
          " pages of 64 tokens; one full context needs ", least);
  return decoder.make_cache(options.max_sequences, 0, options.cache_dtype, pages);
}

}  // namespace

struct Engine::Impl {
  Impl(const Generator& from, EngineOptions given)
      : generator(from),
        options((check(given), std::move(given))),
        scheduler(generator.decoder(), generator.tokenizer(), options,
                  make_cache(generator.decoder(), options)),
        thread([this] { run(); }) {}

  // Hands over a checked request and lets go of the lock.
  Ticket take(std::unique_lock<std::mutex>& lock, std::unique_ptr<generate::Job> job,
              std::function<void()> on_end) {
    auto promise = std::make_shared<std::promise<Result>>();
    Ticket ticket{next_id++, promise->get_future()};
    job->id = ticket.id;
    job->submitted = generate::Scheduler::now();
    if (!on_end) on_end = [] {};
    job->done = [promise, on_end](Result&& result) {
      promise->set_value(std::move(result));
      on_end();
    };
    job->failed = [promise, on_end](std::exception_ptr error) {
      promise->set_exception(std::move(error));
      on_end();
    };
    arrived.push_back(std::move(job));
    lock.unlock();
    wake.notify_one();
    return ticket;
  }

  std::unique_ptr<generate::Job> checked(EngineRequest&& request) const {
    const Decoder& decoder = generator.decoder();
    auto job = std::make_unique<generate::Job>();
    job->config = generate::complete(std::move(request.config), generator.defaults(), decoder.config());
    require(job->config.num_beams == 1, "engine: num_beams is ", job->config.num_beams,
            "; beams are searched by Generator::generate, one prompt at a time");
    require(job->config.num_return_sequences <= options.max_sequences, "engine: num_return_sequences is ",
            job->config.num_return_sequences, ", max_sequences is ", options.max_sequences);
    job->prompt = generate::fit_prompt(request.prompt, job->config, decoder.config(), generator.tokenizer());
    for (const TokenId id : job->prompt) {
      require(id >= 0 && id < decoder.config().vocab_size, "engine: the prompt has token ", id,
              ", the vocabulary ends at ", decoder.config().vocab_size);
    }
    job->priority = request.priority;
    job->on_piece = std::move(request.on_piece);
    return job;
  }

  // Callers' locks are never held while the model runs or callbacks are called.
  void run() {
    std::unique_lock lock(mutex);
    for (;;) {
      wake.wait(lock, [&] { return stopping || !arrived.empty() || !cancelled.empty() || busy; });
      std::vector<std::unique_ptr<generate::Job>> jobs = std::exchange(arrived, {});
      const std::vector<std::uint64_t> ended = std::exchange(cancelled, {});
      const bool last = stopping;
      statistics.waiting += std::ssize(jobs);
      busy = busy || !jobs.empty();
      lock.unlock();
      for (auto& job : jobs) scheduler.add(std::move(job));
      for (const std::uint64_t id : ended) scheduler.cancel(id);
      if (last) scheduler.cancel_all();
      scheduler.admit();
      publish();
      if (!scheduler.idle()) step();
      if (options.observer) options.observer(scheduler.statistics());
      publish();
      lock.lock();
      if (last && arrived.empty()) return;
    }
  }

  void publish() {
    const std::lock_guard lock(mutex);
    statistics = scheduler.statistics();
    busy = !scheduler.idle();
    room.notify_all();
  }

  // What the model itself cannot do fails every request that is there, and no later one.
  void step() {
    try {
      scheduler.step();
    } catch (...) {
      scheduler.fail_all(std::current_exception());
    }
  }

  std::int64_t waiting() const { return statistics.waiting + std::ssize(arrived); }

  Generator generator;
  EngineOptions options;
  generate::Scheduler scheduler;  // of the thread alone

  mutable std::mutex mutex;  // of what follows
  std::condition_variable wake, room;
  std::vector<std::unique_ptr<generate::Job>> arrived;
  std::vector<std::uint64_t> cancelled;
  EngineStatistics statistics;
  std::uint64_t next_id = 1;
  bool busy = false, stopping = false;

  std::thread thread;  // last: it uses all of the above
};

Engine::Engine(const Generator& generator, EngineOptions options)
    : impl_(std::make_unique<Impl>(generator, std::move(options))) {}

Engine::~Engine() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->wake.notify_one();
  impl_->thread.join();
}

Engine::Ticket Engine::submit(EngineRequest request) {
  auto on_end = std::move(request.on_end);
  auto job = impl_->checked(std::move(request));
  std::unique_lock lock(impl_->mutex);
  impl_->room.wait(lock, [&] { return impl_->waiting() < impl_->options.max_waiting; });
  return impl_->take(lock, std::move(job), std::move(on_end));
}

std::optional<Engine::Ticket> Engine::try_submit(EngineRequest request) {
  auto on_end = std::move(request.on_end);
  auto job = impl_->checked(std::move(request));
  std::unique_lock lock(impl_->mutex);
  if (impl_->waiting() >= impl_->options.max_waiting) return std::nullopt;
  return impl_->take(lock, std::move(job), std::move(on_end));
}

void Engine::cancel(std::uint64_t id) {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->cancelled.push_back(id);
  }
  impl_->wake.notify_one();
}

void Engine::drain() {
  std::unique_lock lock(impl_->mutex);
  impl_->room.wait(lock, [&] { return !impl_->busy && impl_->arrived.empty(); });
}

EngineStatistics Engine::statistics() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->statistics;
}

}  // namespace adlib
