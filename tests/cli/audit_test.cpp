// adlib audit and reproduce.
#include <filesystem>

#include "adlib/io/json.h"
#include "cli/small_shop.h"
#include "support/catch.h"

using namespace adlib::test;
using adlib::io::Json;

TEST_CASE("audit prints a JSON object a copy: all, some, or those that went out", "[cli][audit]") {
  const SmallShop shop;
  const std::string all = shop.output_of({"audit", "STORE"});
  CHECK(lines_of(all).size() == SmallShop::kCopies);
  const std::string blocked = shop.output_of({"audit", "STORE", "25"});
  REQUIRE(lines_of(blocked).size() == 1);
  const Json copy = Json::parse(blocked);
  CHECK(copy["copy"] == 25);
  CHECK(copy["status"] == "blocked");
  CHECK_FALSE(copy["findings"].empty());
  CHECK(copy["publications"].empty());
  CHECK(shop.output_of({"audit", "STORE", "--published"}).empty());
  shop.output_of({"review", "approve", "STORE", "1", "--who", "the editor", "--note", "good"});
  shop.output_of({"publish", "STORE", "--to", "push", "-o", "DIR/push.jsonl"});
  const Json sent = Json::parse(shop.output_of({"audit", "STORE", "--published"}));
  CHECK(sent["copy"] == 1);
  CHECK(sent["decisions"].back()["who"] == "the editor");
  CHECK(sent["decisions"].back()["note"] == "good");
  CHECK(sent["publications"][0]["target"] == "push");
  CHECK(shop.output_of({"audit", "STORE", "-o", "DIR/audit.jsonl"}).empty());
  CHECK(lines_of(read_text(shop / "audit.jsonl")).size() == SmallShop::kCopies);
  CHECK(shop.output_of({"audit", "STORE"}) == read_text(shop / "audit.jsonl"));

  const Finished none = shop.run({"audit", "STORE", "1", "99"});
  CHECK(none.exit_code == 1);
  CHECK_THAT(none.err, ContainsSubstring("there is no copy 99"));
  CHECK(shop.run({"audit", "STORE", "first"}).exit_code == 2);
}

TEST_CASE("reproduce writes the same bytes, and says where they differ", "[cli][audit]") {
  const SmallShop shop;
  CHECK(shop.run({"reproduce", "STORE"}).exit_code == 2);
  const Finished none = shop.run({"reproduce", "STORE", "99"});
  CHECK(none.exit_code == 1);
  CHECK(none.out.empty());
  CHECK_THAT(none.err, ContainsSubstring("there is no copy 99"));

  const Finished write = shop.run(
      {"write", "STORE", "--scene", "ad", "--channel", "google-headline", "--product", "lanye-shell"});
  CAPTURE(write.err);
  REQUIRE(write.exit_code == 0);
  CHECK(write.out.empty());
  const Finished same = shop.run({"reproduce", "STORE", "27"});
  CAPTURE(same.err);
  REQUIRE(same.exit_code == 0);
  const Json result = Json::parse(same.out);
  CHECK(result["copy"] == 27);
  CHECK(result["same"] == true);
  CHECK(result["text"] == Json::parse(shop.output_of({"audit", "STORE", "27"}))["written"]);

  shop.execute("UPDATE copy SET written = written || '!' WHERE id = 27");
  const Finished other = shop.run({"reproduce", "STORE", "27"});
  CHECK(other.exit_code == 1);
  CHECK(Json::parse(other.out)["same"] == false);
  CHECK_THAT(other.err, ContainsSubstring("not every text came out as it was written"));
  const Finished gone = shop.run({"reproduce", "STORE", "27", "--model", "DIR/none"});
  CHECK(gone.exit_code == 1);
  CHECK_THAT(gone.err, ContainsSubstring("the model is no longer there; give --model DIR"));
}
