#include <numeric>

#include "adlib/core/random.h"
#include "generate/tiny.h"
#include "lib/src/generate/runner.h"
#include "support/catch.h"
#include "support/devices.h"

namespace adlib {
namespace {

using generate::Runner;
using test::available_devices;
using test::Ids;
using test::is_emulated;
using test::same;
using test::tiny_generator;

Ids some_ids(std::uint64_t seed, std::size_t length) {
  const Philox random(seed);
  Ids ids;
  for (std::size_t i = 0; i < length; ++i) ids.push_back(static_cast<TokenId>(random.uniform(i) * 300));
  return ids;
}

TEST_CASE("prompts of a batch get the same bytes as each alone", "[generate][batch][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const Generator generator = tiny_generator(device);
  std::vector<std::string> prompts;
  for (std::size_t i = 0; i < (is_emulated(device) ? 4 : 70); ++i)
    prompts.push_back(std::string(1 + i * 7 % 60, static_cast<char>('a' + i % 26)));
  GenerationConfig config;
  config.max_new_tokens = is_emulated(device) ? 4 : 12;
  config.top_logprobs = 2;
  config.eos_token_id = {5, 131, 67};  // so that rows leave the batch at different times
  const auto kind = GENERATE(0, 1, 2);
  if (kind > 0) config.do_sample = true;
  if (kind == 2) config.num_return_sequences = 3;
  const std::vector<Result> together = generator.generate(prompts, config);
  REQUIRE(together.size() == prompts.size());
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const Result alone = generator.generate(prompts[i], config);
    CHECK(same(together[i], alone));
    CHECK(together[i].prompt_tokens == alone.prompt_tokens);
  }
}

TEST_CASE("a batch of beam searches gives the same bytes as each alone", "[generate][batch][beams][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const Generator generator = tiny_generator(device);
  const std::vector<std::string> prompts = {"a", "some longer prompt", "b"};
  GenerationConfig config;
  config.num_beams = 3;
  config.num_return_sequences = 2;
  config.max_new_tokens = is_emulated(device) ? 3 : 10;
  const std::vector<Result> together = generator.generate(prompts, config);
  for (std::size_t i = 0; i < prompts.size(); ++i)
    CHECK(same(together[i], generator.generate(prompts[i], config)));
}

TEST_CASE("no prompts give no results", "[generate][batch]") {
  CHECK(tiny_generator().generate(std::vector<std::string>{}, GenerationConfig{}).empty());
}

TEST_CASE("feeding in chunks gives the same scores as feeding whole", "[generate][batch][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  // 9 prompts of up to 120 tokens are more than one chunk holds; pieces end anywhere in it.
  std::vector<Ids> prompts;
  for (std::size_t i = 0; i < 9; ++i) prompts.push_back(some_ids(i, 120 - i * 11));
  REQUIRE(std::accumulate(prompts.begin(), prompts.end(), std::int64_t{0},
                          [](std::int64_t sum, const Ids& ids) { return sum + std::ssize(ids); }) >
          Runner::chunk_tokens);
  const auto decoder = test::tiny_decoder(device);
  Runner together(*decoder, std::ssize(prompts), 128);
  std::vector<Runner::Piece> pieces;
  for (std::size_t i = 0; i < prompts.size(); ++i)
    pieces.push_back({static_cast<std::int64_t>(i), prompts[i]});
  Tensor scores = together.feed(pieces);
  for (std::size_t i = 0; i < prompts.size(); i += is_emulated(device) ? 4 : 1) {
    Runner alone(*decoder, 1, 128);
    const Runner::Piece whole{0, prompts[i]};
    Tensor expected = alone.feed(std::span(&whole, 1));
    Runner split(*decoder, 1, 128);
    const Runner::Piece head{0, std::span(prompts[i]).first(7)};
    const Runner::Piece tail{0, std::span(prompts[i]).subspan(7)};
    split.feed(std::span(&head, 1));
    Tensor in_two = split.feed(std::span(&tail, 1));
    const auto want = generate::row(expected, 0);
    CHECK(std::equal(want.begin(), want.end(), generate::row(scores, i).begin()));
    CHECK(std::equal(want.begin(), want.end(), generate::row(in_two, 0).begin()));
  }
}

}  // namespace
}  // namespace adlib
