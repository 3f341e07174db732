// Four beams on every golden: decoder, cache copies and beam search together.
#include <memory>

#include "adlib/generate/generator.h"
#include "models/golden.h"
#include "support/no_text.h"

using namespace adlib;
using namespace adlib::test;

TEST_CASE("four beams find transformers' texts and scores", "[models][golden][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const std::string name = GENERATE_COPY(from_range(golden_names(device)));
  CAPTURE(name);
  const Golden golden(name);
  const auto decoder =
      std::make_shared<const Decoder>(load_decoder(golden.dir, {.device = device, .dtype = DType::f32}));
  const Generator generator(decoder, std::make_shared<NoText>(decoder->config().vocab_size));
  const io::Json& beam = golden.expected.at("beam");
  const auto prompt = beam.at("prompt").get<std::vector<TokenId>>();
  REQUIRE(beam.at("runs").size() == 4);
  for (std::size_t r = 0; r < (is_emulated(device) ? 1 : 4); ++r) {
    const io::Json& run = beam.at("runs")[r];
    CAPTURE(run.at("length_penalty").get<double>(), run.at("early_stopping").get<bool>());
    GenerationConfig config;
    config.max_new_tokens = run.at("max_new_tokens");
    config.num_beams = beam.at("num_beams");
    config.num_return_sequences = config.num_beams;
    config.length_penalty = run.at("length_penalty");
    config.early_stopping = run.at("early_stopping").get<bool>() ? GenerationConfig::EarlyStopping::yes
                                                                 : GenerationConfig::EarlyStopping::no;
    if (!run.at("eos_token_id").is_null()) config.eos_token_id = {run.at("eos_token_id").get<TokenId>()};
    const Result result = generator.generate(prompt, config);
    const auto wanted = run.at("tokens").get<std::vector<std::vector<TokenId>>>();
    REQUIRE(result.completions.size() == wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      CAPTURE(i);
      CHECK(result.completions[i].ids == wanted[i]);
      CHECK(result.completions[i].score == Approx(run.at("scores")[i].get<double>()).epsilon(1e-4));
    }
  }
}
