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
    for (const char* field :
         {"customer", "product", "scene", "language", "prompt", "text", "seed", "model", "prompt_tokens",
          "generated_tokens", "seconds", "finish_reason", "guarded", "personalised"}) {
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
  const Finished finished =
      write({"--products", demo("products.jsonl"), "--customers", demo("customers.jsonl"), "--max-new-tokens",
             "1", "--allow", "age,gender,finance"});
  INFO(finished.err);
  REQUIRE(finished.exit_code == 0);
  CHECK(records(finished.out).size() == lines_of(read_text(demo("customers.jsonl"))).size() *
                                            lines_of(read_text(demo("products.jsonl"))).size());
  const std::string prompt = records(finished.out)[0]["prompt"];
  for (const char* word : {"推荐一款适合", "25岁", "科技", "游戏", "电影", "产品"})
    CHECK_THAT(prompt, ContainsSubstring(word));
}

TEST_CASE("write leaves age, gender and spending out unless they are allowed", "[cli]") {
  const auto prompts = [](Arguments more) {
    more.insert(more.begin(), {"--products", demo("products.csv"), "--customers", demo("customers.jsonl"),
                               "--max-new-tokens", "1"});
    const Finished finished = write(more);
    INFO(finished.err);
    REQUIRE(finished.exit_code == 0);
    std::string all;
    for (const Json& record : records(finished.out)) all += record["prompt"].get<std::string>() + "\n";
    return std::pair(all, finished.err);
  };
  const auto [without, told] = prompts({});
  for (const char* word : {"25岁", "41岁", "男性", "女性", "3280.50", "累计消费"})
    CHECK_THAT(without, !ContainsSubstring(word));
  for (const char* word : {"科技", "爱喝茶的猫", "金卡"}) CHECK_THAT(without, ContainsSubstring(word));
  CHECK_THAT(told, ContainsSubstring("not used without --allow: age (4 customers), finance (3 customers), "
                                     "gender (4 customers)"));
  CHECK_THAT(told, ContainsSubstring("of 1 customer nothing is used"));
  const auto [with, silent] = prompts({"--allow", "age,gender", "--allow", "finance"});
  for (const char* word : {"25岁", "41岁", "男性", "女性", "3280.50"})
    CHECK_THAT(with, ContainsSubstring(word));
  CHECK_THAT(silent, !ContainsSubstring("--allow"));
}

TEST_CASE("write gives a person who opted out the text of the product alone", "[cli]") {
  const TempDir dir;
  write_text(dir / "c.csv",
             "id,name,age,interests,退出个性化\na,Ann,40,tea,是\nb,Bob,12,games,\nc,,,,\nd,Dee,40,tea,否\n");
  const Finished finished =
      write({"--products", demo("products.csv"), "--customers", (dir / "c.csv").string(), "--language", "en",
             "--scene", "member", "--limit", "24"});
  INFO(finished.err);
  REQUIRE(finished.exit_code == 0);
  const auto copies = records(finished.out);
  REQUIRE(copies.size() == 24);
  for (std::size_t p = 0; p < 6; ++p) {
    const Json &opted_out = copies[p], &minor = copies[6 + p], &unknown = copies[12 + p],
               &known = copies[18 + p];
    CHECK(opted_out["personalised"] == false);
    CHECK(minor["personalised"] == false);
    CHECK(known["personalised"] == true);
    for (const char* field : {"prompt", "text", "seed"}) CHECK(opted_out[field] == minor[field]);
    CHECK(opted_out["prompt"] == unknown["prompt"]);
    CHECK_THAT(known["prompt"].get<std::string>(), ContainsSubstring("Dee") && ContainsSubstring("tea"));
  }
  write_text(dir / "bad.csv", "id,opt_out\na,no\nb,perhaps\n");
  const Finished bad = write({"--products", demo("products.csv"), "--customers", (dir / "bad.csv").string()});
  CHECK(bad.exit_code == 1);
  CHECK_THAT(bad.err, ContainsSubstring("bad.csv:3: field 'opt_out' is \"perhaps\""));
}

TEST_CASE("write tells a template that needs what is withheld how to get it", "[cli]") {
  const TempDir dir;
  std::filesystem::create_directories(dir / "zh");
  write_text(dir / "zh/recommendation.txt", "写给{{customer.age}}岁的人：{{product.title}}\n");
  const auto with = [&](Arguments more) {
    more.insert(more.begin(), {"--products", demo("products.csv"), "--customers", demo("customers.jsonl"),
                               "--templates", dir.path().string(), "--limit", "1"});
    return write(more);
  };
  const Finished without = with({});
  CHECK(without.exit_code == 1);
  CHECK_THAT(without.err, ContainsSubstring("customers.jsonl:1: field 'age' is withheld") &&
                              ContainsSubstring("give --allow age"));
  const Finished allowed = with({"--allow", "age"});
  INFO(allowed.err);
  CHECK(allowed.exit_code == 0);
}

TEST_CASE("write does not go on with a run that was allowed more", "[cli]") {
  const TempDir dir;
  const auto to_file = [&](Arguments more) {
    more.insert(more.begin(), {"--products", demo("products.csv"), "--customers", demo("customers.jsonl"),
                               "--limit", "2", "--output", (dir / "o.jsonl").string()});
    return write(more);
  };
  REQUIRE(to_file({"--allow", "age"}).exit_code == 0);
  const Finished mixed = to_file({"--resume"});
  CHECK(mixed.exit_code == 1);
  CHECK_THAT(mixed.err, ContainsSubstring("another prompt, seed or model"));
  CHECK(to_file({"--resume", "--allow", "age"}).exit_code == 0);
}

TEST_CASE("write needs to know what is sensitive", "[cli]") {
  const TempDir dir;
  const Finished finished = write({"--products", demo("products.csv"), "--customers", demo("customers.jsonl"),
                                   "--rules", dir.path().string()});
  CHECK(finished.exit_code == 1);
  CHECK_THAT(finished.err, ContainsSubstring("sensitive-*.toml: there is no such file"));
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
