// adlib write: on the demonstration shop, and on real exports where they are at hand.
#include <algorithm>
#include <set>

#include "adlib/io/json.h"
#include "cli/program.h"
#include "support/catch.h"
#include "support/files.h"

using namespace adlib::test;
using adlib::io::Json;
using Arguments = std::vector<std::string>;

namespace {

std::string demo(const char* file) { return (source_dir() / "examples/copywriter/demo" / file).string(); }

Finished write(Arguments more) {
  if (std::find(more.begin(), more.end(), "--max-new-tokens") == more.end())
    more.insert(more.end(), {"--max-new-tokens", "8"});
  more.insert(more.begin(), {"write", "--model", tiny_model().string()});
  return adlib_tool(more);
}

std::vector<Json> records(const std::string& text) {
  std::vector<Json> out;
  for (const std::string& line : lines_of(text)) out.push_back(Json::parse(line));
  return out;
}

std::string without_seconds(const std::string& text) {
  std::string out;
  for (Json record : records(text)) {
    record.erase("seconds");
    out += record.dump() + "\n";
  }
  return out;
}

}  // namespace

TEST_CASE("write makes one record for each customer, product, scene and language", "[cli]") {
  const Finished finished = write({"--products", demo("products.csv"), "--customers", demo("customers.jsonl"),
                                   "--scene", "recommendation,ad", "--language", "zh,en", "--limit", "8"});
  INFO(finished.err);
  REQUIRE(finished.exit_code == 0);
  CHECK_THAT(finished.err, ContainsSubstring("untrained"));
  CHECK_THAT(finished.err, ContainsSubstring("8 texts"));
  const auto copies = records(finished.out);
  REQUIRE(copies.size() == 8);
  std::set<std::string> prompts;
  std::set<std::uint64_t> seeds;
  for (const Json& copy : copies) {
    for (const char* field : {"customer", "product", "scene", "language", "prompt", "text", "seed", "model",
                              "prompt_tokens", "generated_tokens", "seconds", "finish_reason", "guarded"}) {
      INFO(field);
      CHECK(copy.contains(field));
    }
    CHECK(copy["model"] == "model");
    CHECK(copy["generated_tokens"].get<int>() <= 8);
    prompts.insert(copy["prompt"].get<std::string>());
    seeds.insert(copy["seed"].get<std::uint64_t>());
  }
  CHECK(prompts.size() == 8);
  CHECK(seeds.size() == 8);
}

TEST_CASE("write puts the canonical customer and every single field into its prompts", "[cli]") {
  const Finished finished = write({"--products", demo("products.jsonl"), "--customers",
                                   demo("customers.jsonl"), "--max-new-tokens", "1"});
  INFO(finished.err);
  REQUIRE(finished.exit_code == 0);
  CHECK(records(finished.out).size() == lines_of(read_text(demo("customers.jsonl"))).size() *
                                            lines_of(read_text(demo("products.jsonl"))).size());
  const std::string prompt = records(finished.out)[0]["prompt"];
  for (const char* word : {"推荐一款适合", "25岁", "科技", "游戏", "电影", "产品"})
    CHECK_THAT(prompt, ContainsSubstring(word));
}

TEST_CASE("write gives the same bytes for the same seed, whatever else is written", "[cli]") {
  const Arguments base = {
      "--products", demo("products.csv"), "--customers", demo("customers.jsonl"), "--limit", "3"};
  const auto with = [&](Arguments more) {
    more.insert(more.begin(), base.begin(), base.end());
    const Finished finished = write(more);
    INFO(finished.err);
    REQUIRE(finished.exit_code == 0);
    return without_seconds(finished.out);
  };
  const std::string first = with({"--seed", "9"});
  CHECK(first == with({"--seed", "9"}));
  CHECK(first != with({"--seed", "10"}));
  CHECK(first.starts_with(without_seconds(write({"--products", demo("products.csv"), "--customers",
                                                 demo("customers.jsonl"), "--limit", "1", "--seed", "9"})
                                              .out)));
}

TEST_CASE("write goes on after an interruption with the same file in the end", "[cli]") {
  const TempDir dir;
  const std::string whole = (dir / "whole.jsonl").string();
  const std::string resumed = (dir / "resumed.jsonl").string();
  const auto to = [&](const std::string& file, const char* limit, Arguments more = {}) {
    more.insert(more.begin(), {"--products", demo("products.csv"), "--customers", demo("customers.jsonl"),
                               "--limit", limit, "--output", file});
    const Finished finished = write(more);
    INFO(finished.err);
    CHECK(finished.exit_code == 0);
    CHECK(finished.out.empty());
    return finished;
  };
  to(whole, "4");
  to(resumed, "2");
  const Finished rest = to(resumed, "4", {"--resume"});
  CHECK_THAT(rest.err, ContainsSubstring("2 were there already"));
  CHECK(without_seconds(read_text(whole)) == without_seconds(read_text(resumed)));
}

TEST_CASE("write names file and line of a field that a template needs and a customer lacks", "[cli]") {
  const TempDir dir;
  std::filesystem::create_directories(dir / "zh");
  write_text(dir / "zh/recommendation.txt", "写给{{customer.name}}：{{product.title}}\n");
  const Finished finished = write({"--products", demo("products.csv"), "--customers", demo("customers.jsonl"),
                                   "--templates", dir.path().string()});
  INFO(finished.err);
  CHECK(finished.exit_code == 1);
  CHECK(finished.out.empty());
  CHECK_THAT(finished.err, ContainsSubstring("customers.jsonl:1") && ContainsSubstring("name"));
}

TEST_CASE("write reads a Shopify export and a behaviour log as they come", "[cli][golden]") {
  const auto products = shared_dir() / "data/shopify/apparel.csv";
  const auto customers = shared_dir() / "data/taobao_behavior/user_behavior.csv";
  if (!have(products) || !have(customers)) return;
  for (const char* language : {"zh", "en"}) {
    const Finished finished = write({"--products", products.string(), "--customers", customers.string(),
                                     "--currency", "USD", "--language", language, "--limit", "3"});
    INFO(finished.err);
    REQUIRE(finished.exit_code == 0);
    CHECK(records(finished.out).size() == 3);
  }
  const Finished log_only =
      write({"--products", customers.string(), "--customers", customers.string(), "--limit", "2"});
  INFO(log_only.err);
  CHECK(log_only.exit_code == 0);
  CHECK(records(log_only.out).size() == 2);
}
