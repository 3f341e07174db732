// adlib eval: perplexity, texts against references, personalisation, and what is refused.
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "adlib/io/json.h"
#include "adlib/models/checkpoint.h"
#include "cli/program.h"
#include "support/catch.h"
#include "support/files.h"

using namespace adlib::test;
using adlib::io::Json;
using Arguments = std::vector<std::string>;

namespace {

Finished eval(Arguments arguments, const std::string& input = {}) {
  arguments.insert(arguments.begin(), "eval");
  return adlib_tool(arguments, {.input = input, .environment = {}});
}

Json report(Arguments arguments, const std::string& input = {}) {
  arguments.insert(arguments.end(), {"--format", "json"});
  const Finished finished = eval(std::move(arguments), input);
  INFO(finished.err);
  REQUIRE(finished.exit_code == 0);
  return Json::parse(finished.out);
}

// A tiny model whose weights are all zero: every token is as likely as any other.
const std::filesystem::path& even_model() {
  static const TempDir dir;
  static const std::filesystem::path model = [] {
    std::filesystem::copy(tiny_model(), dir / "even", std::filesystem::copy_options::recursive);
    const adlib::Decoder decoder = adlib::load_decoder(tiny_model());
    std::map<std::string, adlib::Tensor> zeros;
    for (const auto& [name, tensor] : decoder.named_tensors())
      zeros[name] = adlib::Tensor::zeros(tensor.shape());
    adlib::save(adlib::Decoder(decoder.config(), adlib::Weights::from(zeros)), dir / "even");
    return dir / "even";
  }();
  return model;
}

const char* two_lines =
    "{\"prompt\":\"写一条广告：静谷耳机\",\"completion\":\"静谷耳机，续航30小时。\","
    "\"attributes\":{\"续航\":\"30小时\",\"防水\":[\"IPX4\"]}}\n"
    "{\"prompt\":\"Write an ad for a lamp of 9 W\",\"completion\":\"A lamp of solid oak, 9 W and 2,700 "
    "K.\"}\n";

}  // namespace

TEST_CASE("eval counts the loss on completions alone, or on whole texts", "[cli][eval]") {
  const double vocabulary = static_cast<double>(adlib::read_config(even_model()).vocab_size);
  const Json completions = report({even_model().string(), "--data", "-"}, two_lines).at("perplexity");
  CHECK(completions["documents"] == 2);
  CHECK(completions["tokens"] == 32 + 37 + 2);  // bytes, and an end behind each
  CHECK(completions["perplexity"].get<double>() == Approx(vocabulary).epsilon(1e-6));
  CHECK(completions["loss"].get<double>() == Approx(std::log(vocabulary)).epsilon(1e-6));
  CHECK(completions["bits_per_byte"].get<double>() ==
        Approx(std::log2(vocabulary) * 71 / (32 + 37)).epsilon(1e-6));
  CHECK(completions["bits_per_character"].get<double>() ==
        Approx(std::log2(vocabulary) * 71 / (12 + 37)).epsilon(1e-6));
  const Arguments plain = {even_model().string(), "--data", "-", "--no-eos"};
  CHECK(report(plain, two_lines).at("perplexity")["tokens"] == 69);
  const Json text = report(plain, "{\"text\":\"four\"}\n{\"text\":\"seven..\"}\n").at("perplexity");
  CHECK(text["tokens"] == 3 + 6);  // nothing stands before the first byte
  CHECK(text["bits_per_byte"].get<double>() == Approx(std::log2(vocabulary)).epsilon(1e-6));
}

TEST_CASE("eval gives the same bytes with any number of threads, and reads long texts in windows",
          "[cli][eval]") {
  std::string text;
  for (int i = 0; i < 120; ++i) text += "long text ";
  const std::string line = "{\"text\":\"" + text + "\"}\n" + two_lines;
  const auto with = [&](Arguments more) {
    more.insert(more.begin(), {tiny_model().string(), "--data", "-"});
    const Finished finished = eval(more, line);
    INFO(finished.err);
    REQUIRE(finished.exit_code == 0);
    return finished.out;
  };
  const std::string one = with({"--threads", "1"});
  CHECK(one == with({"--threads", "3"}));
  CHECK(one != with({"--window", "32"}));
  CHECK(with({"--window", "32", "--stride", "8"}) != with({"--window", "32"}));
}

TEST_CASE("eval writes completions greedily and scores them; the file it leaves gives the same scores",
          "[cli][eval]") {
  const TempDir dir;
  const std::string data = (dir / "data.jsonl").string(), written = (dir / "written.jsonl").string();
  write_text(data, two_lines);
  const Json whole = report(
      {tiny_model().string(), "--data", data, "--generate", "--max-new-tokens", "12", "--output", written});
  for (const char* section : {"perplexity", "texts", "overlap", "facts"}) {
    INFO(section);
    CHECK(whole.contains(section));
  }
  const auto lines = lines_of(read_text(written));
  REQUIRE(lines.size() == 2);
  CHECK(Json::parse(lines[1])["prompt"] == "Write an ad for a lamp of 9 W");
  CHECK(Json::parse(lines[1])["completion"] == "A lamp of solid oak, 9 W and 2,700 K.");
  const Finished direct = adlib_tool({"generate", tiny_model().string(), "Write an ad for a lamp of 9 W",
                                      "--max-new-tokens", "12", "--no-do-sample"});
  CHECK(Json::parse(lines[1])["text"].get<std::string>() + "\n" == direct.out);
  const Json texts = report({"--texts", written, "--references", data});
  for (const char* section : {"texts", "overlap", "facts"}) CHECK(texts.at(section) == whole.at(section));
}

TEST_CASE("eval of texts that are their references gives 100, and tells facts from inventions",
          "[cli][eval]") {
  const TempDir dir;
  const std::string data = (dir / "data.jsonl").string();
  write_text(data, two_lines);
  const Json same = report({"--texts", data, "--field", "completion", "--references", data});
  for (const char* measure :
       {"bleu", "chrf", "rouge_1", "rouge_2", "rouge_l", "rouge_1_words", "rouge_l_words"}) {
    INFO(measure);
    CHECK(same["overlap"][measure].get<double>() == Approx(100).epsilon(1e-12));
  }
  CHECK(same["texts"]["count"] == 2);
  CHECK(same["texts"]["chinese"] == 1);
  CHECK(same["texts"]["distinct_1_characters"] == same["texts"]["references"]["distinct_1_characters"]);
  CHECK(same["facts"]["count"] == 2);
  CHECK(same["facts"]["attribute_coverage"] == 0.5);     // 30小时, not IPX4
  CHECK(same["facts"]["invented_number_texts"] == 0.5);  // 2700, not 9 and not 30
  CHECK(same["facts"]["invented_value_texts"] == 0.0);

  const std::string other = "{\"text\":\"静谷耳机，IPX4\"}\n{\"text\":\"no\"}\n";
  const Json worse = report({"--texts", "-", "--references", data, "--cut", "6"}, other);
  CHECK(worse["overlap"]["bleu"].get<double>() < 50);
  CHECK(worse["overlap"]["rouge_1"].get<double>() == Approx(100 * (2 * 5 / (9.0 + 12)) / 2));
  CHECK(worse["texts"]["cut_characters"] == 6);
  CHECK(worse["texts"]["references"]["cut_characters"] == 6);
}

TEST_CASE("eval draws the same sample for the same seed, of texts and references alike", "[cli][eval]") {
  std::string texts, references;
  for (int i = 0; i < 40; ++i) {
    const std::string word(static_cast<std::size_t>(1 + i), static_cast<char>('a' + i % 26));
    texts += "{\"text\":\"" + word + "\"}\n";
    references += "{\"text\":\"" + word + "\"}\n";
  }
  const TempDir dir;
  write_text(dir / "references.jsonl", references);
  const auto with_seed = [&](const char* seed) {
    return report({"--texts", "-", "--references", (dir / "references.jsonl").string(), "--sample", "10",
                   "--seed", seed},
                  texts);
  };
  const Json first = with_seed("1");
  CHECK(first["texts"]["count"] == 10);
  CHECK(first["overlap"]["rouge_1"].get<double>() == Approx(100));  // the same lines of both
  CHECK(first == with_seed("1"));
  CHECK(first != with_seed("2"));
  CHECK(report({"--texts", "-", "--sample", "100"}, texts)["texts"]["count"] == 40);
}

TEST_CASE("eval measures personalisation by language and scene", "[cli][eval]") {
  const Arguments shop = {
      "--personalisation", "--products", demo("products.csv"), "--customers", demo("customers.jsonl"),
      "--max-new-tokens",  "3"};
  Arguments arguments = shop;
  arguments.insert(arguments.begin(), even_model().string());
  const Json even = report(arguments).at("personalisation_zh_recommendation");
  CHECK(even["products"] == 6);
  CHECK(even["customers"] == 15);
  CHECK(even["products_differ"] == 0.0);  // the model hears nothing
  CHECK(even["pairs_differ"] == 0.0);
  CHECK(even["equal_customers"] == 1.0);
  CHECK(even["match_accuracy"] == 0.25);
  arguments = shop;
  arguments.insert(arguments.begin(), tiny_model().string());
  arguments.insert(arguments.end(), {"--language", "en", "--scene", "ad,social"});
  const Json both = report(arguments);
  CHECK(both.size() == 2);
  CHECK(both.at("personalisation_en_ad")["equal_customers"] == 1.0);
  CHECK(both.contains("personalisation_en_social"));
}

TEST_CASE("eval reports as a table, as Markdown and as JSON", "[cli][eval]") {
  const Finished table = eval({"--texts", "-"}, two_lines),
                 markdown = eval({"--texts", "-", "--format", "markdown"}, two_lines);
  CHECK(table.exit_code == 0);
  CHECK_THAT(table.out, ContainsSubstring("distinct-2 by character  "));
  CHECK(table.out.find(" \n") == std::string::npos);
  CHECK_THAT(markdown.out, ContainsSubstring("| Texts | Value |\n|---|---:|\n| texts | 2 |\n"));
  CHECK(table.err.empty());
}

TEST_CASE("eval names the line that is wrong and exits with 1", "[cli][eval]") {
  struct Case {
    const char* input;
    Arguments arguments;
    const char* says;
  };
  const std::string model = tiny_model().string();
  const auto [input, arguments, says] = GENERATE_COPY(values<Case>({
      {"{\"text\":\"a\"}\n{\"txt\":\"b\"}\n",
       {"--texts", "-"},
       "stdin:2: neither field 'text' nor 'completion'"},
      {"{\"text\":\"a\"}\nnonsense\n", {"--texts", "-"}, "stdin:2"},
      {"{\"text\":5}\n", {"--texts", "-"}, "stdin:1: field 'text'"},
      {"{\"text\":\"a\"}\n", {"--texts", "-", "--field", "body"}, "stdin:1: field 'body'"},
      {"{\"text\":\"a\",\"attributes\":[1]}\n", {"--texts", "-"}, "stdin:1: attributes"},
      {"{\"text\":\"a\",\"attributes\":{\"k\":true}}\n", {"--texts", "-"}, "the value of 'k' is boolean"},
      {"\n", {"--texts", "-"}, "stdin: holds no line"},
      {"{\"text\":\"a\"}\n",
       {"--texts", "-", "--references", demo("customers.jsonl"), "--reference-field", "id"},
       "customers.jsonl:1: field 'id'"},
      {"{\"completion\":\"a\"}\n", {model, "--data", "-"}, "stdin:1: field 'prompt' is missing"},
      {"{\"text\":\"a\"}\n", {model, "--data", "-", "--generate"}, "stdin:1: field 'prompt' is missing"},
      {"{\"prompt\":\"a\",\"completion\":\"b\"}\n",
       {model, "--data", "-", "--generate", "--max-new-tokens", "4000"},
       "stdin:1: the prompt has 1 tokens"},
      {"{\"text\":\"ab\"}\n", {model, "--data", "-", "--window", "8", "--stride", "9"}, "stride < window"},
      {"", {"--texts", "/no/such/file"}, "/no/such/file"},
      {"",
       {model, "--personalisation", "--products", "/no/such/file", "--customers", demo("customers.jsonl")},
       "/no/such/file"},
  }));
  const Finished finished = eval(arguments, input);
  INFO(finished.err);
  CHECK(finished.exit_code == 1);
  CHECK(finished.out.empty());
  CHECK_THAT(finished.err, ContainsSubstring("adlib: error: ") && ContainsSubstring(says));
}

TEST_CASE("eval refuses flags that do not belong together and exits with 2", "[cli][eval]") {
  struct Case {
    Arguments arguments;
    const char* says;
  };
  const auto [arguments, says] = GENERATE(values<Case>({
      {{}, "there is nothing to measure"},
      {{"model"}, "a model is measured with --data FILE or --personalisation"},
      {{"--data", "d"}, "need MODEL_DIR"},
      {{"model", "--data", "d", "--texts", "t"}, "--texts goes without a model"},
      {{"--texts", "t", "--generate"}, "need --data"},
      {{"model", "--data", "d", "--output", "o"}, "--output holds what --generate writes"},
      {{"model", "--data", "d", "--references", "r"}, "--references are for --texts"},
      {{"--texts", "t", "--reference-field", "f"}, "needs --references"},
      {{"model", "--personalisation", "--products", "p"}, "needs --products FILE and --customers FILE"},
      {{"model", "--data", "d", "--products", "p"}, "are for --personalisation"},
      {{"--texts", "-", "--references", "-"}, "only one of"},
      {{"--texts", "t", "--format", "yaml"}, "--format"},
      {{"--texts", "t", "--language", "fr"}, "--language"},
      {{"--texts", "t", "--sample", "-1"}, "--sample"},
      {{"--texts", "t", "--seed", "-1"}, "not an integer from 0"},
  }));
  const Finished finished = eval(arguments);
  INFO(finished.err);
  CHECK(finished.exit_code == 2);
  CHECK(finished.out.empty());
  CHECK_THAT(finished.err, ContainsSubstring("adlib: error: ") && ContainsSubstring(says));
}

TEST_CASE("eval of human copy gives the figures that are known of it", "[cli][eval][golden]") {
  const auto file = shared_dir() / "data/taodescribe/train.jsonl";
  if (!have(file)) return;
  const Json texts = report({"--texts", file.string(), "--field", "description"}).at("texts");
  CHECK(texts["count"] == 4266);
  CHECK(texts["chinese"] == 4266);
  CHECK(texts["repeated_4_texts"].get<double>() == Approx(0.17).margin(0.005));
  const Json sample =
      report({"--texts", file.string(), "--field", "description", "--sample", "500"}).at("texts");
  CHECK(sample["distinct_2_characters"].get<double>() == Approx(0.44).margin(0.01));
}
