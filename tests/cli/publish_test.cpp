// adlib assign and publish.
#include <filesystem>
#include <set>

#include "adlib/io/json.h"
#include "cli/small_shop.h"
#include "support/catch.h"

using namespace adlib::test;
using adlib::io::Json;

namespace {

void approve_all(const SmallShop& shop) {
  shop.output_of({"review", "approve", "STORE", "--all-clean", "--accept", "caution", "--who", "me"});
}

}  // namespace

TEST_CASE("assign draws for each placement once, and counts people and placements", "[cli][assign]") {
  const SmallShop shop;
  Json result = Json::parse(shop.output_of({"assign", "STORE"}));
  CHECK(result["assigned"] == 0);  // nothing is approved
  approve_all(shop);
  result = Json::parse(shop.output_of({"assign", "STORE", "--control", "0.4", "--seed", "3"}));
  CHECK(result["assigned"].get<int>() + result["held_out"].get<int>() == SmallShop::kCustomers);
  CHECK(result["users"] == SmallShop::kCustomers);
  CHECK(result["users_held_out"] == result["held_out"]);  // each has one placement
  CHECK(result["held_out"].get<int>() == shop.count("SELECT count(*) FROM assignment WHERE copy IS NULL"));
  const Finished again = shop.run({"assign", "STORE", "--control", "0.9", "--seed", "4"});
  CHECK(again.exit_code == 0);
  CHECK(Json::parse(again.out)["before"] == SmallShop::kCustomers);
  CHECK(Json::parse(again.out)["assigned"] == 0);
  CHECK_THAT(again.err, ContainsSubstring("0 placements got a variant"));
  for (const auto& [flag, value] : {std::pair("--control", "0.95"), std::pair("--policy", "luck"),
                                    std::pair("--seed", "-1"), std::pair("--allow", "age")}) {
    const Finished wrong = shop.run({"assign", "STORE", flag, value});
    CHECK(wrong.exit_code == 2);
    CHECK(wrong.out.empty());
    CHECK_THAT(wrong.err, ContainsSubstring(value));
  }
}

TEST_CASE("publish writes what was approved, and nothing twice", "[cli][publish]") {
  const SmallShop shop;
  const std::vector<std::string> publish = {"publish", "STORE", "--to", "push", "-o", "DIR/push.jsonl"};
  Finished run = shop.run(publish);
  CHECK(run.exit_code == 0);
  CHECK(Json::parse(run.out)["items"] == 0);  // nobody has decided yet
  approve_all(shop);
  shop.output_of({"assign", "STORE", "--control", "0"});

  const std::string preview = shop.output_of({"publish", "STORE", "--to", "push", "--dry-run"});
  CHECK(lines_of(preview).size() == SmallShop::kCustomers);
  CHECK(shop.count("SELECT count(*) FROM publication") == 0);
  run = shop.run(publish);
  CAPTURE(run.err);
  REQUIRE(run.exit_code == 0);
  const Json result = Json::parse(run.out);
  CHECK(result["items"] == SmallShop::kCustomers);
  CHECK(result["not_chosen"] == SmallShop::kCustomers);  // of two variants each got one
  CHECK_THAT(run.err, ContainsSubstring("published"));
  const std::string file = read_text(shop / "push.jsonl");
  CHECK(file == preview);
  std::set<std::string> users;
  for (const std::string& line : lines_of(file)) users.insert(Json::parse(line)["user"].get<std::string>());
  CHECK(users.size() == SmallShop::kCustomers);

  const Json again = Json::parse(shop.output_of(publish));
  CHECK(again["items"] == 0);
  CHECK(again["before"].get<int>() == SmallShop::kCustomers);
  CHECK(read_text(shop / "push.jsonl") == file);
  CHECK(shop.count("SELECT count(*) FROM publication WHERE status = 'sent'") == SmallShop::kCustomers);
}

TEST_CASE("publish refuses what cannot work before it changes anything", "[cli][publish]") {
  const SmallShop shop;
  approve_all(shop);
  const std::vector<std::pair<std::vector<std::string>, const char*>> cases = {
      {{"publish", "STORE"}, "--to"},
      {{"publish", "STORE", "--to", "fax", "-o", "DIR/x"}, "fax"},
      {{"publish", "STORE", "--to", "push", "-o", "DIR/x", "--language", "fr"}, "--language: fr"},
      {{"publish", "STORE", "--to", "push", "-o", "DIR/x", "--scene", "fair"}, "--scene: fair"},
      {{"publish", "STORE", "--to", "push"}, "--to push needs --output"},
      {{"publish", "STORE", "--to", "webhook"}, "--to webhook needs --url"},
      {{"publish", "STORE", "--to", "push", "--url", "https://x.example"}, "--url is for --to webhook"},
      {{"publish", "STORE", "--to", "webhook", "--url", "https://x.example"}, "ADLIB_WEBHOOK_SECRET"},
      {{"publish", "STORE", "--to", "email", "-o", "DIR/out"}, "--from"},
      {{"publish", "STORE", "--to", "push", "-o", "DIR/x", "--retry-dead"}, "--retry-dead is for"}};
  for (const auto& [arguments, says] : cases) {
    CAPTURE(arguments);
    const Finished run = shop.run(arguments);
    CHECK(run.exit_code == 2);
    CHECK(run.out.empty());
    CHECK_THAT(run.err, ContainsSubstring(says));
  }
  const Finished nowhere = shop.run({"publish", "STORE", "--to", "push", "-o", "DIR/none/push.jsonl"});
  CHECK(nowhere.exit_code == 1);
  CHECK(nowhere.out.empty());
  CHECK_THAT(nowhere.err, ContainsSubstring("none"));
  CHECK(shop.count("SELECT count(*) FROM publication WHERE status = 'sent'") == 0);
}
