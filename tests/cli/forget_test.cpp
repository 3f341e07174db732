// adlib forget: what a person and a script see of it.
#include <string>
#include <tuple>
#include <vector>

#include "adlib/io/json.h"
#include "cli/program.h"
#include "cli/small_shop.h"
#include "support/catch.h"
#include "support/files.h"

using namespace adlib::test;
using adlib::io::Json;

TEST_CASE("forget says what is wrong with its command line", "[cli][forget]") {
  const TempDir dir;
  const std::string store = (dir / "none.db").string();
  for (const auto& [arguments, exit_code, why] :
       std::vector<std::tuple<std::vector<std::string>, int, const char*>>{
           {{"forget"}, 2, "STORE"},
           {{"forget", store}, 2, "USER"},
           {{"forget", store, "c1", "c2"}, 2, ""},
           {{"forget", store, "c1"}, 1, "there is no such file"},
           {{"forget", dir.path().string(), "c1"}, 1, dir.path().c_str()}}) {
    CAPTURE(arguments);
    const Finished run = adlib_tool(arguments);
    CHECK(run.exit_code == exit_code);
    CHECK(run.out.empty());
    CHECK_THAT(run.err, ContainsSubstring(why));
  }
  CHECK_FALSE(std::filesystem::exists(store));
}

TEST_CASE("forget erases a person, twice without harm, and nobody else", "[cli][forget]") {
  const TempDir dir;
  const std::string store = (dir / "shop.db").string();
  RunOptions piped;
  piped.input = "{\"id\":\"c1\",\"name\":\"小林\"}\n{\"id\":\"c2\",\"age\":30}\n";
  REQUIRE(adlib_tool({"collect", store, "--customers", "-"}, piped).exit_code == 0);
  const Finished nobody = adlib_tool({"forget", store, "c9"});
  CHECK(nobody.exit_code == 1);
  CHECK_THAT(nobody.err, ContainsSubstring("there is no user 'c9'"));
  CHECK(nobody.out.empty());
  const Finished first = adlib_tool({"forget", store, "c1"});
  CHECK(first.exit_code == 0);
  CHECK(Json::parse(first.out) == Json::parse(R"({"erased":true,"published":[]})"));
  CHECK_THAT(first.err, ContainsSubstring("the user is erased") && !ContainsSubstring("warning"));
  const Finished second = adlib_tool({"forget", store, "c1"});
  CHECK(second.exit_code == 0);
  CHECK(Json::parse(second.out)["erased"] == false);
  CHECK_THAT(second.err, ContainsSubstring("erased before"));
  CHECK(adlib_tool({"forget", store, "c1", "--quiet"}).err.empty());
  CHECK(read_text(store).find("小林") == std::string::npos);
  const Finished again = adlib_tool({"collect", store, "--customers", "-"}, piped);
  CHECK(Json::parse(again.out)["forgotten"] == 1);
  CHECK(Json::parse(again.out)["new_rows"] == 0);
  CHECK_THAT(again.err, ContainsSubstring("people who were forgotten"));
}

TEST_CASE("forget names what was published, once, and goes on by itself in a script", "[cli][forget]") {
  const SmallShop shop;
  shop.execute(
      "INSERT INTO publication(copy, target, destination, idempotency_key, status, attempts, time) "
      "SELECT c.id, 'push', '/out/push.jsonl', 'k' || c.id, 'sent', 1, 1 FROM copy c JOIN placement p ON "
      "p.id = "
      "c.placement JOIN user u ON u.id = p.user WHERE u.shop_id IN ('c001', 'c002')");
  const std::int64_t copies = shop.count(
      "SELECT count(*) FROM copy c JOIN placement p ON p.id = c.placement JOIN user u ON u.id = p.user WHERE "
      "u.shop_id = 'c001'");
  REQUIRE(copies > 0);
  const Finished first = shop.run({"forget", "STORE", "c001", "--quiet"});
  CAPTURE(first.out, first.err);
  REQUIRE(first.exit_code == 0);
  CHECK(
      Json::parse(first.out) ==
      Json({{"erased", true},
            {"published",
             Json::array({{{"target", "push"}, {"destination", "/out/push.jsonl"}, {"copies", copies}}})}}));
  CHECK_THAT(first.err, ContainsSubstring("warning: ") &&
                            ContainsSubstring("went to /out/push.jsonl (push)") &&
                            ContainsSubstring("erase the person there"));
  const Finished second = shop.run({"forget", "STORE", "c001"});
  CHECK(Json::parse(second.out)["published"].empty());
  CHECK(shop.count("SELECT count(*) FROM publication") > 0);  // the other person's stay
  CHECK(shop.count("SELECT count(*) FROM user WHERE shop_id = 'c002'") == 1);
}
