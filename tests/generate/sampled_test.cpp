// Tokens that ops::sample chooses where the scores are, and those that the host chooses: the same.
#include "adlib/generate/engine.h"
#include "generate/tiny.h"
#include "support/catch.h"
#include "support/devices.h"

namespace adlib {
namespace {

using test::available_devices;
using test::is_emulated;
using test::same;
using test::tiny_generator;

std::vector<GenerationConfig> ways_to_choose(std::int64_t tokens) {
  std::vector<GenerationConfig> out(7, test::sampled(3, tokens));
  out[0].do_sample = false;
  out[1].top_k = 0, out[1].temperature = 1.5f;
  out[2].top_p = 0.8f;
  out[3].top_k = 5, out[3].min_p = 0.1f;
  out[4].repetition_penalty = 1.5f, out[4].frequency_penalty = 0.5f;
  out[5].do_sample = false, out[5].presence_penalty = 2;
  // The host chooses until the text may end.
  out[6].min_new_tokens = tokens / 2;
  for (TokenId id = 0; id < 300; id += 7) out[6].eos_token_id.push_back(id);
  return out;
}

}  // namespace

TEST_CASE("tokens chosen where the scores are equal those of the host", "[generate][batch][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const Generator generator = tiny_generator(device);
  const std::vector<std::string> prompts = {"a", "bcd", "and a longer one"};
  for (GenerationConfig config : ways_to_choose(is_emulated(device) ? 4 : 24)) {
    const std::vector<Result> there = generator.generate(prompts, config);
    config.top_logprobs = 0;  // asks for all scores of each step
    const std::vector<Result> host = generator.generate(prompts, config);
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      CHECK(there[i].completions[0].ids == host[i].completions[0].ids);
      CHECK(there[i].text() == host[i].text());
      CHECK(there[i].completions[0].finish_reason == host[i].completions[0].finish_reason);
    }
  }
}

TEST_CASE("in one batch some tokens are chosen where the scores are, some by the host",
          "[generate][engine][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const Generator generator = tiny_generator(device);
  std::vector<EngineRequest> requests;
  std::size_t n = 0;
  for (const GenerationConfig& config : ways_to_choose(is_emulated(device) ? 3 : 20)) {
    EngineRequest one{.prompt = generator.encode(std::string(1 + n, 'q')), .config = config};
    requests.push_back(one);
    if (n % 3 == 0) one.config.top_logprobs = 1;
    if (n % 3 == 1) one.config.logit_bias = {{5, 3.0f}};
    if (n % 3 == 2) one.config.no_repeat_ngram_size = 2;
    requests.push_back(one);
    ++n;
  }
  Engine engine(generator);
  std::vector<Engine::Ticket> tickets;
  for (const EngineRequest& one : requests) tickets.push_back(engine.submit(one));
  for (std::size_t i = 0; i < tickets.size(); ++i) {
    INFO("request " << i);
    CHECK(same(tickets[i].result.get(), generator.generate(requests[i].prompt, requests[i].config)));
  }
}

}  // namespace adlib
