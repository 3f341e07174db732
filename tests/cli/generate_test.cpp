// adlib generate: text, JSON Lines, seeds, and what is refused.
#include "adlib/io/json.h"
#include "adlib/models/checkpoint.h"
#include "adlib/models/decoder.h"
#include "cli/program.h"
#include "support/catch.h"
#include "support/files.h"

using namespace adlib::test;
using adlib::io::Json;
using Arguments = std::vector<std::string>;

namespace {

Finished generate(Arguments more, const std::string& input = {}) {
  more.insert(more.begin(), {"generate", tiny_model().string()});
  return adlib_tool(more, {.input = input, .environment = {}});
}

Finished json_lines(const std::string& input, Arguments more = {}) {
  more.insert(more.end(), {"--jsonl", "--input", "-"});
  return generate(more, input);
}

// An answer without what the clock and its place in the input decide.
Json timeless(const std::string& line) {
  Json json = Json::parse(line);
  json.erase("timings");
  json.erase("line");
  return json;
}

}  // namespace

TEST_CASE("generate writes the same text for the same seed and says which seed that was", "[cli]") {
  const Arguments sampled = {"Hello", "--max-new-tokens", "24", "--temperature", "1", "--top-k", "0"};
  const auto with_seed = [&](const char* seed) {
    Arguments all = sampled;
    all.insert(all.end(), {"--seed", seed});
    return generate(all);
  };
  const Finished first = with_seed("7");
  INFO(first.err);
  REQUIRE(first.exit_code == 0);
  CHECK(first.out.size() > 1);
  CHECK(first.out == with_seed("7").out);
  CHECK(first.out != with_seed("8").out);
  CHECK_THAT(first.err, ContainsSubstring("seed 7\n"));
  CHECK_THAT(first.err, ContainsSubstring("untrained"));
  CHECK_THAT(first.err, ContainsSubstring("tokens/s"));

  // Without a seed one is drawn; repeating it repeats the text.
  const Finished drawn = generate(sampled);
  REQUIRE(drawn.exit_code == 0);
  const std::size_t at = drawn.err.find("seed ");
  REQUIRE(at != std::string::npos);
  const std::string seed = drawn.err.substr(at + 5, drawn.err.find('\n', at) - at - 5);
  CHECK(drawn.out == with_seed(seed.c_str()).out);
}

TEST_CASE("generate writes the same text with any number of threads", "[cli]") {
  const auto with_threads = [&](const char* threads) {
    return generate({"Hello", "--max-new-tokens", "24", "--seed", "7", "--threads", threads});
  };
  const Finished one = with_threads("1");
  REQUIRE(one.exit_code == 0);
  CHECK(one.out == with_threads("2").out);
  CHECK(one.out == with_threads("5").out);
  CHECK(with_threads("0").exit_code == 2);
}

TEST_CASE("generate takes its prompt from words, a file or stdin alike", "[cli]") {
  const TempDir dir;
  write_text(dir / "prompt.txt", "two words");
  const Finished words = generate({"two", "words", "--max-new-tokens", "8"});
  REQUIRE(words.exit_code == 0);
  CHECK(words.out == generate({"--input", (dir / "prompt.txt").string(), "--max-new-tokens", "8"}).out);
  CHECK(words.out == generate({"--input", "-", "--max-new-tokens", "8"}, "two words").out);
  CHECK(words.out != generate({"another", "sentence", "--max-new-tokens", "8"}).out);
}

TEST_CASE("generate --quiet says nothing but warnings, before and after the command", "[cli]") {
  const std::string model = tiny_model().string();
  for (const Arguments& arguments : {Arguments{"--quiet", "generate", model, "x", "--max-new-tokens", "1"},
                                     Arguments{"generate", model, "x", "--max-new-tokens", "1", "--quiet"}}) {
    const Finished finished = adlib_tool(arguments);
    CHECK(finished.exit_code == 0);
    CHECK(lines_of(finished.err).size() == 1);
    CHECK_THAT(finished.err, ContainsSubstring("warning"));
  }
}

TEST_CASE("generate writes its output file whole and nothing to stdout", "[cli]") {
  const TempDir dir;
  const std::string file = (dir / "out.txt").string();
  const Finished finished = generate({"Hello", "--max-new-tokens", "4", "--output", file});
  CHECK(finished.exit_code == 0);
  CHECK(finished.out.empty());
  CHECK(read_text(file) == generate({"Hello", "--max-new-tokens", "4"}).out);
  // A failure leaves what was there.
  write_text(dir / "bad.jsonl", "{\"prompt\": \"a\"}\nnot json\n");
  const Finished failed = generate({"--input", (dir / "bad.jsonl").string(), "--output", file});
  CHECK(failed.exit_code == 1);
  CHECK_THAT(failed.err, ContainsSubstring("bad.jsonl:2"));
  CHECK(read_text(file) == generate({"Hello", "--max-new-tokens", "4"}).out);
}

TEST_CASE("generate answers JSON Lines with OpenAI's field names and passes the id through", "[cli]") {
  const Finished finished = json_lines(
      R"({"id": {"order": [1, "x"]}, "prompt": "Hello", "max_tokens": 6, "n": 2, "temperature": 0.9, "seed": 11, "logprobs": 2})"
      "\n\n"
      R"({"prompt": "世界", "max_tokens": 3, "temperature": 0})"
      "\n",
      {"--seed", "100"});
  INFO(finished.err);
  REQUIRE(finished.exit_code == 0);
  const auto lines = lines_of(finished.out);
  REQUIRE(lines.size() == 2);
  const Json first = Json::parse(lines[0]);
  CHECK(first["id"] == Json::parse(R"({"order": [1, "x"]})"));
  CHECK(first["prompt"] == "Hello");
  CHECK(first["seed"] == 11);
  REQUIRE(first["choices"].size() == 2);
  CHECK(first["choices"][1]["index"] == 1);
  CHECK(first["choices"][0]["text"] != first["choices"][1]["text"]);
  const Json& logprobs = first["choices"][0]["logprobs"];
  CHECK(logprobs["token_logprobs"].size() == logprobs["tokens"].size());
  CHECK(logprobs["top_logprobs"][0].size() == 2);
  for (const auto& value : logprobs["token_logprobs"]) CHECK(value.get<double>() <= 0);
  CHECK(first["usage"]["prompt_tokens"] == 5);
  CHECK(first["usage"]["total_tokens"] == 5 + first["usage"]["completion_tokens"].get<int>());
  CHECK(first["timings"].contains("decode_ms"));
  const Json second = Json::parse(lines[1]);
  CHECK_FALSE(second.contains("id"));
  CHECK(second["seed"] == 101);  // --seed and its place among the requests
  CHECK(second["usage"]["prompt_tokens"] == 6);
  CHECK_FALSE(second["choices"][0].contains("logprobs"));
}

TEST_CASE("generate reports log-probabilities of ids that pad the model's vocabulary", "[cli]") {
  const TempDir dir;  // as Qwen2's: the model knows 300 ids, its tokenizer 257
  adlib::DecoderConfig config = adlib::read_config(tiny_model());
  config.vocab_size = 300;
  adlib::save(adlib::Decoder(config, adlib::random_weights(config, 1)), dir.path());
  for (const char* file : {"vocab.json", "merges.txt", "tokenizer_config.json"})
    std::filesystem::copy_file(tiny_model() / file, dir / file);
  const Finished finished = adlib_tool({"generate", dir.path().string(), "Hello", "--jsonl", "--top-logprobs",
                                        "300", "--max-new-tokens", "2", "--seed", "1"});
  INFO(finished.err);
  REQUIRE(finished.exit_code == 0);
  const Json top = Json::parse(finished.out)["choices"][0]["logprobs"]["top_logprobs"][0];
  CHECK(top.size() == 300);
  CHECK(top.contains("token_id:299"));
}

TEST_CASE("generate reads a setting under both of its names alike", "[cli]") {
  const std::string openai =
      R"({"prompt": "Hello", "max_tokens": 12, "n": 2, "temperature": 1.2, "top_p": 0.9, "stop": ["e", "\n"],)"
      R"( "presence_penalty": 0.5, "frequency_penalty": 0.25, "logit_bias": {"32": -100}, "logprobs": 1, "seed": 3})";
  const std::string hugging_face =
      R"({"prompt": "Hello", "max_new_tokens": 12, "num_return_sequences": 2, "do_sample": true, "temperature": 1.2,)"
      R"( "top_p": 0.9, "stop_strings": ["e", "\n"], "presence_penalty": 0.5, "frequency_penalty": 0.25,)"
      R"( "logit_bias": {"32": -100}, "top_logprobs": 1, "seed": 3})";
  const Finished finished = json_lines(openai + "\n" + hugging_face + "\n");
  INFO(finished.err);
  REQUIRE(finished.exit_code == 0);
  const auto lines = lines_of(finished.out);
  REQUIRE(lines.size() == 2);
  CHECK(timeless(lines[0]) == timeless(lines[1]));
}

TEST_CASE("generate gives each line of a file the text that it gives that line alone", "[cli]") {
  const std::string a = R"({"prompt": "first", "max_tokens": 8, "temperature": 1, "seed": 5})";
  const std::string b = R"({"prompt": "the second one", "max_tokens": 8, "temperature": 1, "seed": 6})";
  const auto together = lines_of(json_lines(a + "\n" + b + "\n").out);
  REQUIRE(together.size() == 2);
  CHECK(timeless(together[1]) == timeless(json_lines(b + "\n").out));
  CHECK(timeless(together[0]) == timeless(json_lines(a + "\n").out));
}

TEST_CASE("generate refuses a bad request by file, line and field, before the first answer of a file",
          "[cli]") {
  struct Case {
    const char* line;
    const char* says;
  };
  const auto [line, says] = GENERATE(values<Case>({
      {R"({"prompt": "x", "max_token": 5})", "field 'max_token' is unknown"},
      {R"({"max_tokens": 5})", "prompt"},
      {R"({"prompt": 5})", "prompt"},
      {R"({"prompt": "x", "max_tokens": "five"})", "field 'max_tokens' is \"five\""},
      {R"({"prompt": "x", "max_tokens": 5, "max_new_tokens": 6})", "a second time"},
      {R"({"prompt": "x", "stop": 7})", "field 'stop' is 7"},
      {R"({"prompt": "x", "stop_strings": ["a", 7]})", "field 'stop_strings'"},
      {R"({"prompt": "x", "logit_bias": {"a": 1}})", "logit_bias"},
      {R"({"prompt": "x", "logit_bias": {"999": 1}})", "logit_bias"},
      {R"({"prompt": "x", "seed": -1})", "seed"},
      {R"({"prompt": "x", "temperature": -1})", "temperature"},
      {R"({"prompt": "x", "top_p": 2})", "top_p"},
      {R"({"prompt": "x", "top_p": 0.5, "do_sample": false})", "do_sample"},
      {R"({"prompt": "x", "n": 0})", "num_return_sequences"},
      {R"({"prompt": "x", "too_long": "cut"})", "too_long"},
      {R"(["prompt"])", "object"},
      {R"({"prompt": "x")", ":2:"},
  }));
  const TempDir dir;
  write_text(dir / "requests.jsonl",
             std::string("{\"prompt\": \"good\", \"max_tokens\": 1}\n") + line + "\n");
  const Finished finished = generate({"--input", (dir / "requests.jsonl").string()});
  INFO(line << "\n" << finished.err);
  CHECK(finished.exit_code == 1);
  CHECK(finished.out.empty());
  CHECK_THAT(finished.err, ContainsSubstring("requests.jsonl:2"));
  CHECK_THAT(finished.err, ContainsSubstring(says));
}

TEST_CASE("generate refuses a prompt that is too long, or cuts it when asked by name", "[cli]") {
  const std::string prompt(3000, 'a');  // the tiny model's context is 2048
  const Finished refused = generate({prompt, "--max-new-tokens", "4"});
  CHECK(refused.exit_code == 1);
  CHECK_THAT(refused.err, ContainsSubstring("2048"));
  CHECK(generate({prompt, "--max-new-tokens", "4", "--too-long", "keep_end"}).exit_code == 0);
}

TEST_CASE("generate writes for one of each of its settings", "[cli]") {
  const auto arguments = GENERATE(values<Arguments>({
      {"--num-beams", "3", "--length-penalty", "0.5", "--early-stopping", "true"},
      {"--min-new-tokens", "4", "--repetition-penalty", "1.3", "--no-repeat-ngram-size", "2"},
      {"--do-sample", "--min-p", "0.05", "--seed", "1"},
      {"--bad-words", "e", "--logit-bias", "97:-5", "--logit-bias", "98:2.5"},
      {"--eos-token-id", "256,10"},
      {"--stop-strings", "a", "--stop-strings", "b"},
      {"--dtype", "bf16"},
      {"--num-return-sequences", "2", "--temperature", "1"},
  }));
  Arguments all = {"Hello", "--max-new-tokens", "6"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  const Finished finished = generate(all);
  INFO(arguments[0] << ": " << finished.err);
  CHECK(finished.exit_code == 0);
}
