#include "adlib/generate/generator.h"

#include <cmath>
#include <limits>
#include <thread>

#include "adlib/io/safetensors.h"
#include "generate/tiny.h"
#include "support/catch.h"
#include "support/devices.h"
#include "support/error_of.h"

namespace adlib {
namespace {

using test::available_devices;
using test::error_of;
using test::Ids;
using test::is_emulated;
using test::same;
using test::sampled;
using test::tiny_generator;

/// True where a character begins or the text ends.
bool boundary(const std::string& text, std::size_t at) {
  return at == text.size() || (static_cast<unsigned char>(text[at]) & 0xC0u) != 0x80u;
}

std::string joined_pieces(const Generator& generator, const GenerationConfig& config,
                          Result* result = nullptr) {
  std::string joined;
  const Result out = generator.generate("prompt", config, [&](std::string_view piece) {
    CHECK_FALSE(piece.empty());
    joined += piece;
    return true;
  });
  if (result != nullptr) *result = out;
  return joined;
}

TEST_CASE("streamed pieces join to the text, and streaming changes nothing", "[generate]") {
  const Generator generator = tiny_generator();
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    Result streamed;
    const std::string joined = joined_pieces(generator, sampled(seed), &streamed);
    CHECK(joined == streamed.text());
    CHECK(same(streamed, generator.generate("prompt", sampled(seed))));
    CHECK(streamed.completions[0].finish_reason == FinishReason::length);
    CHECK(streamed.completions[0].ids.size() == 40);
    CHECK(streamed.prompt_tokens == 6);
  }
}

TEST_CASE("a stop string ends the text wherever tokens part", "[generate]") {
  const Generator generator = tiny_generator();
  const std::string full = generator.generate("prompt", sampled(3)).text();
  int tried = 0;
  for (std::size_t begin = 0; begin < full.size(); ++begin) {
    for (const std::size_t length : {3u, 5u, 9u, 20u}) {
      if (begin + length > full.size() || !boundary(full, begin) || !boundary(full, begin + length)) continue;
      GenerationConfig config = sampled(3);
      config.stop_strings = {full.substr(begin, length), full.substr(begin, length) + "never"};
      Result result;
      const std::string joined = joined_pieces(generator, config, &result);
      CHECK(result.text() == full.substr(0, full.find(config.stop_strings[0])));
      CHECK(joined == result.text());
      CHECK(result.completions[0].finish_reason == FinishReason::stop);
      ++tried;
    }
  }
  CHECK(tried > 50);
  GenerationConfig missed = sampled(3);
  std::size_t end = 3;
  while (!boundary(full, end)) ++end;
  missed.stop_strings = {full.substr(0, end) + "never", full.substr(end) + "never"};
  CHECK(generator.generate("prompt", missed).text() == full);
}

TEST_CASE("an end-of-text token ends the text and is among its ids, not in its text", "[generate]") {
  const Generator generator = tiny_generator();
  const Completion full = generator.generate("prompt", sampled(5)).completions[0];
  const TokenId end = full.ids[9];
  const auto first =
      static_cast<std::size_t>(std::find(full.ids.begin(), full.ids.end(), end) - full.ids.begin());
  GenerationConfig config = sampled(5);
  config.eos_token_id = {299, end};
  const Completion cut = generator.generate("prompt", config).completions[0];
  CHECK(cut.finish_reason == FinishReason::eos);
  CHECK(cut.ids == Ids(full.ids.begin(), full.ids.begin() + static_cast<std::ptrdiff_t>(first) + 1));
  CHECK(full.text.starts_with(cut.text.substr(0, cut.text.find("\xEF\xBF\xBD"))));
  CHECK(cut.text.size() < full.text.size());

  GenerationConfig defaults;
  defaults.eos_token_id = {end};  // the directory's holds where the caller names none
  CHECK(tiny_generator(defaults).generate("prompt", sampled(5)).completions[0].ids == cut.ids);
}

TEST_CASE("a callback that returns false stops", "[generate]") {
  const Generator generator = tiny_generator();
  GenerationConfig config = sampled(1, 100);
  config.num_return_sequences = 3;
  int calls = 0;
  std::string seen;
  const Result result = generator.generate("prompt", config, [&](std::string_view piece) {
    seen += piece;
    return ++calls < 4;
  });
  CHECK(calls == 4);
  for (const Completion& completion : result.completions) {
    CHECK(completion.finish_reason == FinishReason::cancelled);
    CHECK(completion.ids.size() < 20);
  }
  CHECK(result.text().starts_with(seen));
  CHECK(to_string(FinishReason::cancelled) == "cancelled");
}

TEST_CASE("several sequences of one prompt differ, and each is that of its index", "[generate][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const Generator generator = tiny_generator(device);
  const std::int64_t tokens = is_emulated(device) ? 8 : 40;
  GenerationConfig config = sampled(11, tokens);
  config.num_return_sequences = 4;
  const Result four = generator.generate("prompt", config);
  REQUIRE(four.completions.size() == 4);
  config.num_return_sequences = 2;
  const Result two = generator.generate("prompt", config);
  for (std::size_t i = 0; i < 2; ++i) CHECK(same(two.completions[i], four.completions[i]));
  CHECK(four.completions[0].ids != four.completions[1].ids);
  CHECK(four.completions[2].ids != four.completions[3].ids);
  CHECK(four.completions[0].ids != generator.generate("prompt", sampled(12, tokens)).completions[0].ids);
}

TEST_CASE("log-probabilities are the model's own, before penalties and temperature", "[generate][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const Generator generator = tiny_generator(device);
  GenerationConfig config = sampled(2, 8);
  config.temperature = 3;
  config.repetition_penalty = 2;
  config.logit_bias = {{5, 4.0f}};
  config.top_logprobs = 3;
  const Ids prompt = {1, 2, 3};
  const Completion out = generator.generate(prompt, config).completions[0];
  REQUIRE(out.logprobs.size() == 8);
  Ids all = prompt;
  for (std::size_t i = 0; i < out.ids.size(); ++i) {
    const Tensor ids = Tensor::from<std::int32_t>(all, {1, std::ssize(all)});
    const Tensor scores =
        generator.decoder().forward(ids).select(1, std::ssize(all) - 1).to(Device::cpu).contiguous();  // (1,
                                                                                                       // V)
    const auto row = scores.data<float>();
    double sum = 0;
    for (const float score : row) sum += std::exp(static_cast<double>(score));
    const TokenLogprob& got = out.logprobs[i];
    const auto expected = [&](TokenId id) {
      return Approx(static_cast<double>(row[static_cast<std::size_t>(id)]) - std::log(sum)).margin(1e-5);
    };
    CHECK(got.id == out.ids[i]);
    CHECK(static_cast<double>(got.logprob) == expected(got.id));
    REQUIRE(got.top.size() == 3);
    CHECK(got.top[0].first == std::max_element(row.begin(), row.end()) - row.begin());
    for (const auto& [id, logprob] : got.top) CHECK(static_cast<double>(logprob) == expected(id));
    CHECK(got.top[0].second >= got.top[1].second);
    CHECK(got.top[1].second >= got.top[2].second);
    all.push_back(out.ids[i]);
  }
  config.top_logprobs = 0;
  CHECK(generator.generate(prompt, config).completions[0].logprobs[0].top.empty());
  config.top_logprobs = -1;
  CHECK(generator.generate(prompt, config).completions[0].logprobs.empty());
}

TEST_CASE("a text is given up where a window of tokens is too unlikely, and not before", "[generate]") {
  const Generator generator = tiny_generator();
  int given_up = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    GenerationConfig config = sampled(seed, 24);
    config.top_k = 0, config.temperature = 2;
    config.repetition_penalty = 1.3f;  // changes scores, not the model's own distribution
    config.top_logprobs = 0;
    const Completion whole = generator.generate("prompt", config).completions[0];
    config.logprob_window = 3;
    for (const float threshold : {-20.0f, -6.5f, -6.0f, -5.5f}) {
      std::size_t end = whole.ids.size();
      for (std::size_t i = whole.ids.size(); i >= 3; --i) {
        float sum = 0;
        for (std::size_t j = i - 3; j < i; ++j) sum += whole.logprobs[j].logprob;
        if (sum / 3 < threshold) end = i;
      }
      config.logprob_threshold = threshold;
      const Completion got = generator.generate("prompt", config).completions[0];
      const bool gave_up = end < whole.ids.size();
      CHECK(got.ids == Ids(whole.ids.begin(), whole.ids.begin() + static_cast<std::ptrdiff_t>(end)));
      if (gave_up) CHECK(to_string(got.finish_reason) == "unlikely");
      given_up += gave_up ? 1 : 0;
    }
  }
  CHECK(given_up > 5);
  CHECK(given_up < 75);
}

TEST_CASE("a prompt that is too long is an error or cut as asked for", "[generate]") {
  const Generator generator = tiny_generator();
  Ids prompt(100);
  for (std::size_t i = 0; i < prompt.size(); ++i) prompt[i] = static_cast<TokenId>(i);
  GenerationConfig config = sampled(1, 64);
  CHECK(error_of([&] { generator.generate(prompt, config); }) ==
        "invalid_argument: generate: the prompt has 100 tokens and max_new_tokens is 64, the model's context "
        "is 128; "
        "shorten the prompt, lower max_new_tokens or set too_long");
  config.too_long = GenerationConfig::TooLong::keep_end;
  const Result end = generator.generate(prompt, config);
  CHECK(end.prompt_tokens == 64);
  CHECK(end.completions[0].ids ==
        generator.generate(Ids(prompt.end() - 64, prompt.end()), config).completions[0].ids);
  config.too_long = GenerationConfig::TooLong::keep_begin;
  const Result begin = generator.generate(prompt, config);
  CHECK(begin.completions[0].ids ==
        generator.generate(Ids(prompt.begin(), prompt.begin() + 64), config).completions[0].ids);
  CHECK(begin.completions[0].ids != end.completions[0].ids);

  Ids kept(prompt.end() - 64, prompt.end());
  kept.front() = 0;  // a BOS token stays in front
  config.too_long = GenerationConfig::TooLong::keep_end;
  CHECK(tiny_generator({}, TokenId{0}).generate(prompt, config).completions[0].ids ==
        generator.generate(kept, config).completions[0].ids);

  config.max_new_tokens = 128;
  CHECK_THAT(error_of([&] { generator.generate(prompt, config); }),
             ContainsSubstring("leaves no room for a prompt"));
  config.max_new_tokens = 28;  // exactly the context
  CHECK(generator.generate(prompt, config).completions[0].ids.size() == 28);
}

TEST_CASE("an empty prompt begins with BOS, or is refused without one", "[generate]") {
  const GenerationConfig config = sampled(1, 8);
  CHECK_THAT(error_of([&] { tiny_generator().generate("", config); }),
             ContainsSubstring("the prompt is empty"));
  CHECK(tiny_generator({}, TokenId{17}).generate("", config).completions[0].ids ==
        tiny_generator().generate(Ids{17}, config).completions[0].ids);
}

TEST_CASE("a prompt keeps what its tokenizer puts in front, not what it puts behind", "[generate]") {
  // As BERT's [CLS] text [SEP], of which the Chinese GPT-2s have [SEP] as their end of text.
  struct Bracketing : test::TinyTokenizer {
    std::vector<TokenId> encode_with_special(std::string_view text) const override {
      std::vector<TokenId> ids = encode(text);
      ids.insert(ids.begin(), 128);
      ids.push_back(129);
      return ids;
    }
    bool is_special(TokenId id) const override { return id == 128 || id == 129; }
  };
  const Generator generator(test::tiny_decoder(), std::make_shared<Bracketing>(), {});
  const GenerationConfig config = sampled(1, 8);
  CHECK(generator.generate("ab", config).prompt_tokens == 3);
  CHECK(same(generator.generate("ab", config), generator.generate(Ids{128, 'a', 'b'}, config)));
  CHECK_THAT(error_of([&] { generator.generate("", config); }), ContainsSubstring("the prompt is empty"));
}

TEST_CASE("ids outside the vocabulary are refused by name", "[generate]") {
  const Generator generator = tiny_generator();
  const auto refusal = [&](auto change) {
    GenerationConfig config;
    change(config);
    return error_of([&] { generator.generate(Ids{1}, config); });
  };
  CHECK_THAT(refusal([](auto& c) { c.eos_token_id = {300}; }),
             ContainsSubstring("eos_token_id 300 is outside"));
  CHECK_THAT(refusal([](auto& c) {
               c.logit_bias = {{300, 1.0f}};
             }),
             ContainsSubstring("logit_bias of token 300"));
  CHECK_THAT(refusal([](auto& c) {
               c.bad_words_ids = {{1, 300}};
             }),
             ContainsSubstring("bad_words_ids: token 300"));
  CHECK_THAT(error_of([&] { generator.generate(Ids{1, 300}, {}); }), ContainsSubstring("prompt token 300"));
  CHECK_THAT(error_of([&] { generator.generate(Ids{-1}, {}); }), ContainsSubstring("prompt token -1"));
}

TEST_CASE("a text ends when every token is forbidden", "[generate]") {
  const Generator generator = tiny_generator();
  GenerationConfig config = sampled(1, 40);
  for (TokenId id = 4; id < 300; ++id) config.bad_words_ids.push_back({id});
  config.no_repeat_ngram_size = 1;  // each of the four tokens left can come once, less what the prompt holds
  for (const bool sample : {true, false}) {
    config.do_sample = sample;
    const Completion out = generator.generate(Ids{2}, config).completions[0];
    CHECK(out.finish_reason == FinishReason::length);
    CHECK(out.ids.size() == 3);
  }
  config.do_sample = false;
  config.num_beams = 3;
  const Completion beams = generator.generate(Ids{2}, config).completions.at(0);
  CHECK(beams.ids.size() == 3);
  CHECK(std::isfinite(beams.score));
}

TEST_CASE("beam search ends texts at stop strings and calls back once", "[generate][beams]") {
  const Generator generator = tiny_generator();
  GenerationConfig config;
  config.num_beams = 4;
  config.num_return_sequences = 4;
  config.max_new_tokens = 20;
  const std::string full = generator.generate("prompt", config).text();
  std::size_t begin = 4;
  while (!boundary(full, begin)) ++begin;
  std::size_t end = begin + 4;
  while (!boundary(full, end)) ++end;
  config.stop_strings = {full.substr(begin, end - begin)};
  config.length_penalty = 0;  // so that shorter texts win
  int calls = 0;
  std::string seen;
  const Result result = generator.generate("prompt", config, [&](std::string_view piece) {
    ++calls;
    seen = piece;
    return true;
  });
  CHECK(calls == (result.text().empty() ? 0 : 1));
  CHECK(seen == result.text());
  for (const Completion& completion : result.completions) {
    CHECK(completion.text.find(config.stop_strings[0]) == std::string::npos);
    CHECK((completion.finish_reason == FinishReason::stop) == (completion.ids.size() < 20));
  }
  CHECK(result.completions[0].finish_reason == FinishReason::stop);
}

TEST_CASE("a model that produces NaN is an error that says so", "[generate][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const auto file = io::SafetensorsFile::open(test::generate_data() / "tiny-gpt2" / "model.safetensors");
  std::map<std::string, Tensor> tensors;
  for (const auto& info : file.tensors()) tensors[info.name] = file.tensor(info.name).clone();
  tensors.at("transformer.ln_f.bias").data<float>()[3] = std::numeric_limits<float>::quiet_NaN();
  auto decoder = std::make_shared<const Decoder>(read_config(test::generate_data() / "tiny-gpt2"),
                                                 Weights::from(tensors).to(device));
  const Generator generator(decoder, std::make_shared<test::TinyTokenizer>());
  GenerationConfig beams;
  beams.num_beams = 2;
  for (const GenerationConfig& config : {GenerationConfig{}, sampled(1), beams}) {
    CHECK_THAT(error_of([&] { generator.generate("x", config); }),
               ContainsSubstring("the model produced NaN"));
  }
}

TEST_CASE("one Generator used by 8 threads gives the same bytes as one thread", "[generate][threads]") {
  const Generator generator = tiny_generator();
  const auto run = [&](std::size_t i) {
    GenerationConfig config = sampled(i, 24);
    config.top_logprobs = 1;
    if (i % 4 == 3) {
      config = {};
      config.num_beams = 3;
      config.max_new_tokens = 12;
    }
    return generator.generate("prompt " + std::to_string(i % 5), config);
  };
  constexpr std::size_t count = 16;
  std::vector<Result> alone;
  for (std::size_t i = 0; i < count; ++i) alone.push_back(run(i));
  std::vector<Result> together(count);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = t; i < count; i += 8) together[i] = run(i);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < count; ++i) CHECK(same(alone[i], together[i]));
}

}  // namespace
}  // namespace adlib
