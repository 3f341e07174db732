#include <algorithm>
#include <cmath>

#include "generate/chi_square.h"
#include "generate/tiny.h"
#include "support/catch.h"
#include "support/devices.h"

namespace adlib {
namespace {

using test::available_devices;
using test::Ids;
using test::is_emulated;

const io::Json& golden() {
  static const io::Json json = io::read_json(test::generate_data() / "generation.json");
  return json;
}

TEST_CASE("greedy texts equal transformers'", "[generate][golden][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const Generator generator = test::tiny_generator(device);
  REQUIRE(golden().at("greedy").size() == 9);
  for (const io::Json& c : golden().at("greedy")) {
    INFO(c.at("options").dump());
    REQUIRE(c.at("smallest_gap").get<double>() > 1e-3);  // far above rounding
    const auto prompt = c.at("prompt").get<Ids>();
    GenerationConfig config = test::config_of(c.at("options"));
    auto wanted = c.at("ids")[0].get<Ids>();
    if (is_emulated(device)) {
      config.max_new_tokens = 16;
      wanted.resize(std::min<std::size_t>(16, wanted.size()));
    }
    CHECK(generator.generate(prompt, config).completions[0].ids == wanted);
  }
  for (std::size_t i = 0; i < 4; ++i) CHECK(golden().at("greedy")[i].at("distinct").get<int>() >= 20);
}

TEST_CASE("beam texts and scores equal transformers'", "[generate][beams][golden][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const Generator generator = test::tiny_generator(device);
  REQUIRE(golden().at("beams").size() == 48);
  for (std::size_t at = 0; at < 48; at += is_emulated(device) ? 23 : 1) {
    const io::Json& c = golden().at("beams")[at];
    INFO(c.at("options").dump());
    const auto prompt = c.at("prompt").get<Ids>();
    const Result result = generator.generate(prompt, test::config_of(c.at("options")));
    REQUIRE(result.completions.size() == c.at("ids").size());
    for (std::size_t i = 0; i < result.completions.size(); ++i) {
      CHECK(result.completions[i].ids == c.at("ids")[i].get<Ids>());
      CHECK(result.completions[i].score == Approx(c.at("scores")[i].get<double>()).epsilon(1e-4));
    }
  }
}

TEST_CASE("10,000 first tokens follow transformers' probabilities", "[generate][sampler][golden]") {
  const Generator generator = test::tiny_generator();
  std::vector<std::vector<double>> all;
  for (const io::Json& c : golden().at("first_token"))
    all.push_back(c.at("probabilities").get<std::vector<double>>());
#ifdef ADLIB_SANITIZED
  const std::size_t drawn = 2;  // a minute each
#else
  const std::size_t drawn = all.size();
#endif
  for (std::size_t i = 0; i < drawn; ++i) {
    const io::Json& c = golden().at("first_token")[i];
    INFO(c.at("options").dump());
    GenerationConfig config = test::config_of(c.at("options"));
    config.num_return_sequences = 10'000;
    config.seed = i;
    const auto prompt = c.at("prompt").get<Ids>();
    std::vector<std::int64_t> counts(300, 0);
    for (const Completion& completion : generator.generate(prompt, config).completions) {
      ++counts[static_cast<std::size_t>(completion.ids.at(0))];
    }
    for (std::size_t other = 0; other < all.size(); ++other) {
      CHECK((test::chi_square_ratio(counts, all[other]) < 1) == (other == i));
    }
  }
}

TEST_CASE("Hugging Face's tiny-random-gpt2 gives its recorded greedy and beam texts", "[generate][golden]") {
  const std::filesystem::path dir = test::shared_dir() / "vectors/models/tiny-random";
  if (!test::have(dir)) return;
  const auto decoder = std::make_shared<const Decoder>(load_decoder(dir));
  const Generator generator(decoder, std::make_shared<test::TinyTokenizer>());
  const io::Json expected = io::read_json(dir / "expected.json");
  for (const char* kind : {"greedy", "beam"}) {
    const io::Json& cases = expected.at(kind);
    for (std::size_t i = 0; i < cases.at("input_ids").size(); ++i) {
      const auto prompt = cases.at("input_ids")[i].get<Ids>();
      GenerationConfig config;
      config.max_new_tokens = cases.at("max_length").get<std::int64_t>() - std::ssize(prompt);
      config.num_beams = cases.value("num_beams", 1);
      config.length_penalty = cases.value("length_penalty", 1.0f);
      Ids text = prompt;
      const Result result = generator.generate(prompt, config);
      text.insert(text.end(), result.completions[0].ids.begin(), result.completions[0].ids.end());
      CHECK(text == cases.at("output_ids")[i].get<Ids>());
    }
  }
}

}  // namespace
}  // namespace adlib
