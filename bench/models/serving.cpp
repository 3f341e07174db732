#include "models/serving.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "adlib/generate/engine.h"
#include "support/no_text.h"
#include "support/random.h"

namespace adlib::bench {
namespace {

std::vector<EngineRequest> requests_of(const ServingCase& c, std::uint64_t seed) {
  const auto vocab = static_cast<std::int32_t>(c.model.config.vocab_size);
  const auto take = [&](std::int64_t tokens, std::uint64_t stream) {
    const Tensor ids = test::random_ids({tokens}, stream, vocab);
    const auto values = ids.data<std::int32_t>();
    return std::vector<TokenId>(values.begin(), values.end());
  };
  std::vector<TokenId> common;
  if (c.common_tokens > 0) common = take(c.common_tokens, seed);
  std::vector<EngineRequest> requests;
  for (std::int64_t i = 0; i < c.requests; ++i) {
    EngineRequest request;
    request.prompt = common;
    const std::vector<TokenId> own = take(c.own_tokens, seed + 1 + static_cast<std::uint64_t>(i));
    request.prompt.insert(request.prompt.end(), own.begin(), own.end());
    request.config.max_new_tokens = c.new_tokens;
    request.config.min_new_tokens = c.new_tokens;
    requests.push_back(std::move(request));
  }
  return requests;
}

// Room for all requests whole, shared or not.
std::size_t cache_bytes(const Decoder& decoder, const ServingCase& c) {
  const std::int64_t each = nn::PageBook::pages_for(c.common_tokens + c.own_tokens + c.new_tokens);
  const std::int64_t pages =
      std::max(c.requests * each, nn::PageBook::pages_for(decoder.config().context)) + 1;
  return static_cast<std::size_t>(pages) * decoder.make_cache(1, 0, {}, 1).bytes();
}

}  // namespace

void serve(benchmark::State& state, const ServingCase& c) {
  const std::shared_ptr<const Decoder> decoder = decoder_of(c.model, c.format);
  const Generator generator(decoder, std::make_shared<test::NoText>(decoder->config().vocab_size));
  double model_seconds = 0, step_seconds = 0;
  std::uint64_t seed = 0;
  for (auto _ : state) {
    state.PauseTiming();  // a fresh engine: nothing of the last round stands in its cache
    Engine engine(generator,
                  {.max_sequences = c.requests,
                   .cache_bytes = cache_bytes(*decoder, c),
                   .max_waiting = c.requests,
                   .share_prefixes = c.share_prefixes,
                   .target_step_seconds = 1e9});  // all tokens as soon as possible, as the peers do
    std::vector<EngineRequest> requests = requests_of(c, seed += 1000);
    state.ResumeTiming();
    std::vector<Engine::Ticket> tickets;
    for (EngineRequest& request : requests) tickets.push_back(engine.submit(std::move(request)));
    for (Engine::Ticket& ticket : tickets) {
      const Result result = ticket.result.get();
      if (std::ssize(result.completions.front().ids) != c.new_tokens) {
        state.SkipWithError("a text is too short");
        return;
      }
    }
    state.PauseTiming();
    engine.drain();
    const EngineStatistics statistics = engine.statistics();
    model_seconds += statistics.model_seconds, step_seconds += statistics.step_seconds;
    if (statistics.preemptions > 0) {
      state.SkipWithError("the cache is too small");
      return;
    }
    state.ResumeTiming();
  }
  state.counters["tok/s"] = benchmark::Counter(static_cast<double>(c.requests * c.new_tokens),
                                               benchmark::Counter::kIsIterationInvariantRate);
  state.counters["engine%"] = 100 * (step_seconds - model_seconds) / step_seconds;
}

}  // namespace adlib::bench
