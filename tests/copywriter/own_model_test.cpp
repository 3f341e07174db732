// adlib's own model: the one in the repository, as transformers sees it
// (tests/data/copywriter/make_own_model.py).
#include <algorithm>
#include <cmath>
#include <filesystem>

#include "adlib/generate/generator.h"
#include "adlib/io/json.h"
#include "copywriter/write/prompt.h"
#include "copywriter/write/write_copy.h"
#include "support/catch.h"
#include "support/files.h"

namespace adlib::copywriter {
namespace {

namespace fs = std::filesystem;

const fs::path own_model = test::source_dir() / "examples/copywriter/model";

const io::Json& golden() {
  static const io::Json json = io::read_json(test::source_dir() / "tests/data/copywriter/own_model.json");
  return json;
}

// In f32, so that only the order of sums differs from transformers'.
const Generator& generator_f32() {
  static const Generator loaded = Generator::from_directory(own_model, {.dtype = DType::f32});
  return loaded;
}

TEST_CASE("The own model has the shape that its card tells, in at most 20 MiB", "[copywriter][own_model]") {
  const DecoderConfig& config = generator_f32().decoder().config();
  CHECK(config.family == DecoderConfig::Family::gpt2);
  CHECK(config.context >= 512);
  CHECK((parameter_count(config) > 8'000'000 && parameter_count(config) < 9'500'000));
  CHECK(config.vocab_size == generator_f32().tokenizer().vocab_size());
  CHECK(has_prompt_tags(generator_f32().tokenizer()));
  std::uintmax_t bytes = 0;
  for (const auto& file : fs::recursive_directory_iterator(own_model))
    if (file.is_regular_file()) bytes += file.file_size();
  CHECK(bytes < std::uintmax_t{20} << 20);
}

TEST_CASE("The own model's tokenizer gives transformers' ids", "[copywriter][own_model][golden]") {
  REQUIRE(golden().at("texts").size() == 150);
  for (const io::Json& text : golden().at("texts")) {
    CAPTURE(text.at("text"));
    const std::string words = text.at("text");
    CHECK(generator_f32().tokenizer().encode(words) == text.at("ids").get<std::vector<TokenId>>());
    CHECK(generator_f32().tokenizer().decode(text.at("ids").get<std::vector<TokenId>>()) == words);
  }
}

TEST_CASE("The own model's scores are transformers'", "[copywriter][own_model][golden]") {
  REQUIRE(golden().at("prompts").size() == 12);
  const Decoder& decoder = generator_f32().decoder();
  for (const io::Json& prompt : golden().at("prompts")) {
    const auto ids = prompt.at("ids").get<std::vector<TokenId>>();
    const auto length = static_cast<std::int64_t>(ids.size());
    Cache cache = decoder.make_cache(1);
    const Row row{.sequence = 0, .start = 0, .length = length};
    const Tensor tokens = Tensor::from<std::int32_t>(ids, {length});
    const Tensor hidden = decoder.hidden({.ids = tokens, .rows = {&row, 1}}, cache);
    const std::vector<std::int32_t> last = {static_cast<std::int32_t>(length) - 1};
    const Tensor logits = decoder.logits(hidden, last).to(DType::f32).contiguous();
    const auto scores = logits.data<float>();
    const float most = *std::max_element(scores.begin(), scores.end());
    double sum = 0;
    for (const float score : scores) sum += std::exp(double{score} - most);
    CHECK(most + std::log(sum) == Approx(prompt.at("log_sum_exp").get<double>()).margin(1e-3));
    for (std::size_t i = 0; i < 10; ++i) {
      const auto id = prompt.at("best")[i].get<std::size_t>();
      CHECK(scores[id] == Approx(prompt.at("scores")[i].get<double>()).margin(1e-3));
    }
  }
}

TEST_CASE("The own model writes whole copy in the language that was asked for", "[copywriter][own_model]") {
  const Generator quantised = Generator::from_directory(own_model, {.weights = WeightFormats::parse("int8")});
  Product product;
  product.title = "Q2";
  Customer customer;
  for (const Language language : {Language::zh, Language::en}) {
    product.title = language == Language::zh ? "静谷 Q2 降噪耳机" : "Quiet Valley Q2 Headphones";
    const TaggedPrompt prompt = tagged_prompt({language, Scene::recommendation, {}, {}}, product, customer);
    for (const Generator* writer : {&generator_f32(), &quantised}) {
      GenerationConfig config = writer->defaults();
      config.do_sample = false;
      const Result result = writer->generate(encode(prompt, writer->tokenizer()), config);
      INFO(result.text());
      CHECK(result.completions.front().finish_reason == FinishReason::eos);
      const bool chinese =
          std::any_of(result.text().begin(), result.text().end(), [](char c) { return c < 0; });
      CHECK(result.text().size() > 20);
      CHECK((chinese || language == Language::en));
      CHECK(result.text().find("<|") == std::string::npos);
    }
  }
}

}  // namespace
}  // namespace adlib::copywriter
