#include "adlib/generate/config.h"

#include <limits>

#include "generate/tiny.h"
#include "support/catch.h"
#include "support/error_of.h"

namespace adlib {
namespace {

using test::error_of;
using EarlyStopping = GenerationConfig::EarlyStopping;

/// What validate() says of the defaults with one change.
template <class Change>
std::string refusal(Change change) {
  GenerationConfig config;
  change(config);
  return error_of([&] { validate(config); });
}

std::string reading(const std::string& json) {
  const test::TempDir dir;
  test::write_text(dir / "generation_config.json", json);
  return error_of([&] { read_generation_config(dir.path()); });
}

TEST_CASE("the defaults are valid and are Hugging Face's", "[generate][config]") {
  CHECK(refusal([](auto&) {}) == "no error");
  const test::TempDir empty;
  const GenerationConfig config = read_generation_config(empty.path());
  CHECK_FALSE(config.do_sample);
  CHECK(config.top_k == 50);
  CHECK(config.temperature == 1);
}

TEST_CASE("a value out of range is refused with its field", "[generate][config]") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(refusal([](auto& c) { c.top_p = 1.5f; }) ==
        "invalid_argument: generate: top_p is 1.5, expected a number in (0, 1]");
  CHECK_THAT(refusal([](auto& c) { c.top_p = 0; }), ContainsSubstring("top_p is 0"));
  CHECK_THAT(refusal([&](auto& c) { c.top_p = nan; }), ContainsSubstring("top_p is nan"));
  CHECK_THAT(refusal([&](auto& c) { c.temperature = nan; }), ContainsSubstring("temperature is nan"));
  CHECK_THAT(refusal([](auto& c) { c.temperature = -1; }), ContainsSubstring("temperature is -1"));
  CHECK_THAT(refusal([](auto& c) { c.top_k = -1; }), ContainsSubstring("top_k is -1"));
  CHECK_THAT(refusal([](auto& c) { c.min_p = 1.1f; }), ContainsSubstring("min_p is 1.1"));
  CHECK_THAT(refusal([](auto& c) { c.repetition_penalty = 0; }),
             ContainsSubstring("repetition_penalty is 0"));
  CHECK_THAT(refusal([&](auto& c) { c.presence_penalty = nan; }), ContainsSubstring("presence_penalty"));
  CHECK_THAT(refusal([&](auto& c) { c.frequency_penalty = nan; }), ContainsSubstring("frequency_penalty"));
  CHECK_THAT(refusal([&](auto& c) { c.length_penalty = nan; }), ContainsSubstring("length_penalty"));
  CHECK_THAT(refusal([&](auto& c) { c.logprob_threshold = 0.5f; }), ContainsSubstring("logprob_threshold"));
  CHECK_THAT(refusal([&](auto& c) { c.logprob_threshold = nan; }), ContainsSubstring("logprob_threshold"));
  CHECK_THAT(refusal([&](auto& c) { c.logprob_window = 0; }), ContainsSubstring("logprob_window"));
  CHECK_THAT(refusal([](auto& c) { c.max_new_tokens = 0; }), ContainsSubstring("max_new_tokens is 0"));
  CHECK_THAT(refusal([](auto& c) { c.min_new_tokens = -1; }), ContainsSubstring("min_new_tokens is -1"));
  CHECK_THAT(refusal([](auto& c) { c.no_repeat_ngram_size = -2; }),
             ContainsSubstring("no_repeat_ngram_size is -2"));
  CHECK_THAT(refusal([](auto& c) { c.num_beams = 0; }), ContainsSubstring("num_beams is 0"));
  CHECK_THAT(refusal([](auto& c) { c.num_return_sequences = 0; }),
             ContainsSubstring("num_return_sequences is 0"));
  CHECK_THAT(refusal([](auto& c) { c.eos_token_id = {-3}; }), ContainsSubstring("eos_token_id is -3"));
  CHECK_THAT(refusal([](auto& c) { c.bad_words_ids = {{}}; }), ContainsSubstring("bad_words_ids"));
  CHECK_THAT(refusal([](auto& c) { c.bad_words_ids = {{1, -1}}; }), ContainsSubstring("bad_words_ids is -1"));
  CHECK_THAT(refusal([&](auto& c) {
               c.logit_bias = {{4, nan}};
             }),
             ContainsSubstring("logit_bias of token 4"));
  CHECK_THAT(refusal([](auto& c) { c.stop_strings = {""}; }), ContainsSubstring("empty string"));
  CHECK_THAT(refusal([](auto& c) { c.stop_strings = {"\x80x"}; }), ContainsSubstring("not UTF-8"));
}

TEST_CASE("contradictions are refused with both fields", "[generate][config]") {
  const auto both = [](const std::string& message, const char* a, const char* b) {
    CHECK_THAT(message,
               ContainsSubstring(a) && ContainsSubstring(b) && ContainsSubstring("invalid_argument"));
  };
  both(refusal([](auto& c) { c.min_new_tokens = 65; }), "min_new_tokens is 65",
       "max_new_tokens, which is 64");
  both(refusal([](auto& c) { c.do_sample = true, c.temperature = 0; }), "temperature is 0", "do_sample");
  both(refusal([](auto& c) { c.do_sample = true, c.num_beams = 2; }), "num_beams is 2", "do_sample");
  both(refusal([](auto& c) { c.num_return_sequences = 2; }), "num_return_sequences is 2", "do_sample");
  both(refusal([](auto& c) { c.num_return_sequences = 3, c.num_beams = 2; }), "num_return_sequences is 3",
       "num_beams");
  both(refusal([](auto& c) { c.num_beams = 2, c.top_logprobs = 0; }), "top_logprobs is 0", "num_beams is 2");
  CHECK(refusal([](auto& c) { c.temperature = 0; }) == "no error");  // greedy does not use it
}

TEST_CASE("every field of generation_config.json that adlib knows is read", "[generate][config]") {
  const GenerationConfig c = test::config_of(io::Json::parse(R"({
    "max_new_tokens": 7, "min_new_tokens": 2, "do_sample": true, "temperature": 0.6, "top_k": 20, "top_p": 0.8,
    "min_p": 0.05, "repetition_penalty": 1.05, "presence_penalty": 0.5, "frequency_penalty": -0.25,
    "no_repeat_ngram_size": 3, "bad_words_ids": [[1, 2], [3]], "num_beams": 4, "length_penalty": 0.6,
    "early_stopping": "never", "num_return_sequences": 2, "eos_token_id": [5, 6], "stop_strings": ["a", "b"],
    "sequence_bias": [[[9], -1.5]], "transformers_version": "5.0", "_from_model_config": true, "pad_token_id": 0,
    "bos_token_id": 1, "use_cache": true, "max_length": 4096, "typical_p": 1.0, "num_beam_groups": 1,
    "logprob_threshold": -2.5, "logprob_window": 4,
    "suppress_tokens": null, "renormalize_logits": false, "epsilon_cutoff": 0.0, "a_field_of_tomorrow": null})"));
  CHECK(c.max_new_tokens == 7);
  CHECK(c.min_new_tokens == 2);
  CHECK(c.do_sample);
  CHECK(c.temperature == 0.6f);
  CHECK(c.top_k == 20);
  CHECK(c.top_p == 0.8f);
  CHECK(c.min_p == 0.05f);
  CHECK(c.repetition_penalty == 1.05f);
  CHECK(c.presence_penalty == 0.5f);
  CHECK(c.frequency_penalty == -0.25f);
  CHECK(c.no_repeat_ngram_size == 3);
  CHECK(c.bad_words_ids == std::vector<std::vector<TokenId>>{{1, 2}, {3}});
  CHECK(c.num_beams == 4);
  CHECK(c.length_penalty == 0.6f);
  CHECK(c.logprob_threshold == -2.5f);
  CHECK(c.logprob_window == 4);
  CHECK(c.early_stopping == EarlyStopping::never);
  CHECK(c.num_return_sequences == 2);
  CHECK(c.eos_token_id == test::Ids{5, 6});
  CHECK(c.stop_strings == std::vector<std::string>{"a", "b"});
  CHECK(c.logit_bias == std::map<TokenId, float>{{9, -1.5f}});
}

TEST_CASE("what would change the text and is not supported is refused by name", "[generate][config]") {
  for (const char* field : {R"("typical_p": 0.9)",
                            R"("epsilon_cutoff": 0.001)",
                            R"("eta_cutoff": 0.001)",
                            R"("penalty_alpha": 0.6)",
                            R"("guidance_scale": 1.5)",
                            R"("forced_bos_token_id": 3)",
                            R"("forced_eos_token_id": 3)",
                            R"("suppress_tokens": [1])",
                            R"("begin_suppress_tokens": [1])",
                            R"("num_beam_groups": 2)",
                            R"("diversity_penalty": 0.5)",
                            R"("encoder_repetition_penalty": 1.2)",
                            R"("encoder_no_repeat_ngram_size": 2)",
                            R"("exponential_decay_length_penalty": [5, 1.1])",
                            R"("renormalize_logits": true)",
                            R"("min_length": 10)",
                            R"("max_time": 3.5)",
                            R"("top_h": 0.4)",
                            R"("watermarking_config": {})",
                            R"("token_healing": true)",
                            R"("remove_invalid_values": true)",
                            R"("force_words_ids": [[1]])",
                            R"("dola_layers": "low")",
                            R"("constraints": [1])",
                            R"("forced_decoder_ids": [[1, 2]])"}) {
    const std::string text(field);
    const std::string name = text.substr(1, text.find('"', 1) - 1);
    CHECK_THAT(reading("{" + text + "}"),
               ContainsSubstring("unsupported") && ContainsSubstring(name + " = "));
  }
  CHECK_THAT(reading(R"({"sequence_bias": [[[1, 2], 1.0]]})"), ContainsSubstring("sequence_bias of [1,2]"));
}

TEST_CASE("malformed fields are refused by name", "[generate][config]") {
  CHECK_THAT(reading(R"({"eos_token_id": "x"})"), ContainsSubstring("'eos_token_id' holds \"x\""));
  CHECK_THAT(reading(R"({"eos_token_id": [1, -1]})"), ContainsSubstring("'eos_token_id' holds -1"));
  CHECK_THAT(reading(R"({"eos_token_id": 3000000000})"), ContainsSubstring("'eos_token_id'"));
  CHECK_THAT(reading(R"({"bad_words_ids": 3})"), ContainsSubstring("'bad_words_ids' is 3"));
  CHECK_THAT(reading(R"({"early_stopping": 1})"), ContainsSubstring("'early_stopping' is 1"));
  CHECK_THAT(reading(R"({"stop_strings": [1]})"), ContainsSubstring("'stop_strings' holds 1"));
  CHECK_THAT(reading(R"({"sequence_bias": [[1, 2]]})"), ContainsSubstring("'sequence_bias' holds"));
  CHECK_THAT(reading(R"({"temperature": "hot"})"), ContainsSubstring("temperature"));
  CHECK_THAT(reading(R"({"do_sample": 1})"), ContainsSubstring("do_sample"));
  CHECK_THAT(reading("{"), ContainsSubstring("generation_config.json"));
}

TEST_CASE("end-of-text comes from config.json where generation_config.json names none",
          "[generate][config]") {
  const test::TempDir dir;
  test::write_text(dir / "config.json", R"({"eos_token_id": 11})");
  CHECK(read_generation_config(dir.path()).eos_token_id == test::Ids{11});
  test::write_text(dir / "generation_config.json", R"({"temperature": 0.5})");
  CHECK(read_generation_config(dir.path()).eos_token_id == test::Ids{11});
  test::write_text(dir / "generation_config.json", R"({"eos_token_id": [7]})");
  CHECK(read_generation_config(dir.path()).eos_token_id == test::Ids{7});
}

TEST_CASE("a written configuration reads back the same", "[generate][config]") {
  GenerationConfig c;
  c.do_sample = true;
  c.max_new_tokens = 99;
  c.temperature = 0.1f;
  c.top_k = 0;
  c.top_p = 0.95f;
  c.repetition_penalty = 1.1f;
  c.presence_penalty = 0.3f;
  c.eos_token_id = {3, 4};
  c.stop_strings = {"。", "\n"};
  c.bad_words_ids = {{5, 6}};
  c.logit_bias = {{1, 2.5f}, {2, -std::numeric_limits<float>::infinity()}};
  c.early_stopping = EarlyStopping::yes;
  const std::string text = generation_config_to_json(c);
  CHECK_THAT(text, ContainsSubstring("\"temperature\": 0.1,"));
  const GenerationConfig back = test::config_of(io::Json::parse(text));
  CHECK(generation_config_to_json(back) == text);
  CHECK(back.logit_bias.at(1) == 2.5f);
  CHECK(back.logit_bias.at(2) == std::numeric_limits<float>::lowest());
  CHECK(back.stop_strings == c.stop_strings);
  CHECK(back.early_stopping == EarlyStopping::yes);
  CHECK(back.top_k == 0);
}

}  // namespace
}  // namespace adlib
