// adlib recommend, and what all commands on a store have in common.
#include "adlib/io/json.h"
#include "cli/small_shop.h"
#include "support/catch.h"

using namespace adlib::test;
using adlib::io::Json;

TEST_CASE("every command on a store refuses wrong use, a missing store and what is none", "[cli][store]") {
  using Arguments = std::vector<std::string>;
  const auto arguments = GENERATE(values<Arguments>({{"prepare", "STORE"},
                                                     {"recommend", "STORE"},
                                                     {"polish", "STORE"},
                                                     {"review", "list", "STORE"},
                                                     {"review", "export", "STORE"},
                                                     {"review", "reject", "STORE", "1", "--who", "me"},
                                                     {"assign", "STORE"},
                                                     {"publish", "STORE", "--to", "push", "-o", "DIR/x"},
                                                     {"measure", "STORE"},
                                                     {"report", "STORE"},
                                                     {"audit", "STORE"},
                                                     {"reproduce", "STORE", "1"},
                                                     {"forget", "STORE", "c001"}}));
  CAPTURE(arguments);
  const SmallShop shop;
  const auto changed = [&](const std::string& store) {
    Arguments out = arguments;
    for (std::string& argument : out) {
      if (argument == "STORE") argument = store;
    }
    return out;
  };
  const Finished missing = shop.run(changed("DIR/none.db"));
  CHECK(missing.exit_code == 1);
  CHECK(missing.out.empty());
  CHECK_THAT(missing.err, ContainsSubstring("none.db: there is no such file; 'adlib collect' makes one"));
  CHECK_FALSE(std::filesystem::exists(shop / "none.db"));

  write_text(shop / "text.db", "this is a text and no database, however long it is");
  const Finished text = shop.run(changed("DIR/text.db"));
  CHECK(text.exit_code == 1);
  CHECK(text.out.empty());
  CHECK_THAT(text.err, ContainsSubstring("text.db"));
  CHECK(read_text(shop / "text.db") == "this is a text and no database, however long it is");

  Arguments without;
  for (const std::string& argument : arguments) {
    if (argument == "STORE") break;
    without.push_back(argument);
  }
  const Finished bare = shop.run(without);
  CHECK(bare.exit_code == 2);
  CHECK(bare.out.empty());
  CHECK_THAT(bare.err, ContainsSubstring("STORE"));  // by the name that --help has for it
  Arguments unknown = arguments;
  unknown.push_back("--no-such-flag");
  const Finished flag = shop.run(unknown);
  CHECK(flag.exit_code == 2);
  CHECK_THAT(flag.err, ContainsSubstring("there is no option --no-such-flag"));
}

TEST_CASE("recommend prints one JSON object, tells why on stderr, and changes nothing the second time",
          "[cli][recommend]") {
  const SmallShop shop;
  const Finished first = shop.run({"recommend", "STORE"});
  CAPTURE(first.err);
  REQUIRE(first.exit_code == 0);
  REQUIRE(lines_of(first.out).size() == 1);
  const Json result = Json::parse(first.out);
  CHECK(result["changed"] == 0);  // the store was made with it
  CHECK(result["customers"].get<int>() > 30);
  CHECK(result["recommendations"].get<int>() > 100);
  CHECK_THAT(first.err, ContainsSubstring("method: ") && ContainsSubstring("hit@10"));

  const Json less = Json::parse(shop.output_of({"recommend", "STORE", "--top", "1", "--method", "popular"}));
  CHECK(less["changed"].get<int>() > 0);
  CHECK(less["method"] == "popular");
  CHECK(shop.count("SELECT count(*) FROM recommendation WHERE rank > 1") == 0);
  CHECK(shop.count("SELECT count(*) FROM recommendation WHERE method <> 'popular'") == 0);
  CHECK(shop.run({"recommend", "STORE", "--quiet"}).err.empty());
}

TEST_CASE("recommend --evaluate leaves the store as it is", "[cli][recommend]") {
  const SmallShop shop;
  const std::string before = read_text(shop / "shop.db");
  const Json result = Json::parse(shop.output_of({"recommend", "STORE", "--evaluate"}));
  CHECK(result.contains("evaluation"));
  CHECK(read_text(shop / "shop.db") == before);
}

TEST_CASE("recommend refuses what it cannot do, by name", "[cli][recommend]") {
  const SmallShop shop;
  for (const auto& [flag, value] : {std::pair("--method", "magic"), std::pair("--top", "0"),
                                    std::pair("--seed", "-1"), std::pair("--half-life", "-3")}) {
    const Finished run = shop.run({"recommend", "STORE", flag, value});
    CHECK(run.exit_code == 2);
    CHECK(run.out.empty());
    CHECK_THAT(run.err, ContainsSubstring(value));
  }
  const Finished when = shop.run({"recommend", "STORE", "--now", "someday"});
  CHECK(when.exit_code == 2);
  CHECK_THAT(when.err, ContainsSubstring("--now is 'someday', expected Unix seconds or a date"));
}
