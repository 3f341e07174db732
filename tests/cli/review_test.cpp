// adlib review: list, export, import, approve, reject, edit.
#include <filesystem>

#include "adlib/io/json.h"
#include "cli/small_shop.h"
#include "support/catch.h"

using namespace adlib::test;
using adlib::io::Json;

namespace {

constexpr const char* kHead = "id,decision,new_text,note,digest\n";

// The digest of a copy, as the sheet has it in its last column.
std::string digest_of(const SmallShop& shop, int copy) {
  for (const std::string& line : lines_of(
           shop.output_of({"review", "export", "STORE", "--status", "ready,blocked,approved,rejected"}))) {
    if (line.starts_with(std::to_string(copy) + ",")) {
      const std::size_t begin = line.rfind(',') + 1;
      return line.substr(begin, line.find('\r') - begin);
    }
  }
  FAIL("the sheet has no copy " << copy);
  return {};
}

std::int64_t with_status(const SmallShop& shop, const std::string& status) {
  return shop.count("SELECT count(*) FROM copy WHERE status = '" + status + "'");
}

}  // namespace

TEST_CASE("review list shows each copy on a line, or as a JSON object", "[cli][review]") {
  const SmallShop shop;
  const Finished text = shop.run({"review", "list", "STORE", "--status", "blocked"});
  REQUIRE(text.exit_code == 0);
  CHECK_THAT(text.out, ContainsSubstring("25  blocked  mi-push") && ContainsSubstring("    ban: "));
  CHECK(text.err == "1 copy\n");
  const std::string all = shop.output_of({"review", "list", "STORE", "--format", "json"});
  REQUIRE(lines_of(all).size() == SmallShop::kCopies);
  for (const std::string& line : lines_of(all)) {
    const Json copy = Json::parse(line);
    CHECK((copy["status"] == "blocked") == (copy["id"] == SmallShop::kBlocked));
    CHECK(copy["customer"].get<std::string>().empty() == (copy["id"] == SmallShop::kHeadline));
  }
  CHECK(lines_of(
            shop.output_of({"review", "list", "STORE", "--channel", "google-headline", "--format", "json"}))
            .size() == 1);
  CHECK(shop.run({"review", "list", "STORE", "--status", "good"}).exit_code == 2);
  CHECK(shop.run({"review"}).exit_code == 2);
}

TEST_CASE("a decision is made once, by somebody, and not on what a rule forbids", "[cli][review]") {
  const SmallShop shop;
  Json result = Json::parse(shop.output_of({"review", "approve", "STORE", "1", "2", "--who", "the editor"}));
  CHECK(result["approved"] == 2);
  result = Json::parse(shop.output_of({"review", "approve", "STORE", "1", "2", "--who", "the editor"}));
  CHECK(result["approved"] == 0);
  CHECK(result["unchanged"] == 2);
  CHECK(shop.count("SELECT count(*) FROM decision WHERE action = 'approve' AND who = 'the editor'") == 2);

  // All or nothing: copy 3 stays as it was.
  Finished run = shop.run({"review", "approve", "STORE", "3", "25", "--who", "the editor"});
  CHECK(run.exit_code == 1);
  CHECK(run.out.empty());
  CHECK_THAT(run.err, ContainsSubstring("copy 25 has a finding of level ban") &&
                          ContainsSubstring("nothing was changed"));
  CHECK(with_status(shop, "approved") == 2);
  run = shop.run({"review", "reject", "STORE", "99", "--who", "the editor"});
  CHECK(run.exit_code == 1);
  CHECK_THAT(run.err, ContainsSubstring("there is no copy 99; 'adlib review list' shows them"));
  result = Json::parse(shop.output_of({"review", "reject", "STORE", "2", "25", "--who", "the lawyer"}));
  CHECK(result["rejected"] == 2);

  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{"review", "approve", "STORE", "1"},
        {"review", "approve", "STORE", "--who", "me"},
        {"review", "approve", "STORE", "1", "--all-clean", "--who", "me"},
        {"review", "approve", "STORE", "--all-clean", "--accept", "ban", "--who", "me"},
        {"review", "reject", "STORE", "--who", "me"},
        {"review", "edit", "STORE", "1", "--who", "me"}}) {
    CAPTURE(wrong);
    run = shop.run(wrong);
    CHECK(run.exit_code == 2);
    CHECK(run.out.empty());
    CHECK_FALSE(run.err.empty());
  }
  CHECK(shop.run({"review", "approve", "STORE", "1", "--who", ""}).exit_code == 1);
  CHECK(shop.run({"review", "approve", "STORE", "1", "--who", "polish"}).exit_code == 1);
}

TEST_CASE("all that is clean is approved in one call, and an edit is checked again", "[cli][review]") {
  const SmallShop shop;
  Finished run =
      shop.run({"review", "approve", "STORE", "--all-clean", "--accept", "caution", "--who", "me"});
  REQUIRE(run.exit_code == 0);
  CHECK(Json::parse(run.out)["approved"].get<int>() == with_status(shop, "approved"));
  CHECK(with_status(shop, "approved") >= 24);
  CHECK(with_status(shop, "blocked") == 1);

  run = shop.run(
      {"review", "edit", "STORE", "25", "--text", "静谷 Q2 降噪耳机，销量第一。（AI 生成）", "--who", "me"});
  CHECK(run.exit_code == 0);
  CHECK(Json::parse(run.out)["blocked"] == 1);
  CHECK_THAT(run.err, ContainsSubstring("1 of the new texts break a rule and are blocked"));
  run = shop.run(
      {"review", "edit", "STORE", "25", "--text", "静谷 Q2 降噪耳机，慢慢听。（AI 生成）", "--who", "me"});
  CHECK(Json::parse(run.out)["blocked"] == 0);
  CHECK_THAT(run.err, ContainsSubstring("edited texts need approval"));
  CHECK(with_status(shop, "blocked") == 0);
  CHECK(shop.run({"review", "edit", "STORE", "25", "--text", " ", "--who", "me"}).exit_code == 1);
}

TEST_CASE("a sheet goes out to stdout or a file, and comes back once", "[cli][review]") {
  const SmallShop shop;
  const std::string sheet = shop.output_of({"review", "export", "STORE"});
  CHECK(sheet.starts_with("\xEF\xBB\xBFid,customer,product,"));
  CHECK(lines_of(sheet).size() == 1 + static_cast<std::size_t>(with_status(shop, "ready")));
  const Finished file = shop.run({"review", "export", "STORE", "-o", "DIR/sheet.csv"});
  CHECK(file.exit_code == 0);
  CHECK(file.out.empty());
  CHECK_THAT(file.err, ContainsSubstring("copies to decide on"));
  CHECK(read_text(shop / "sheet.csv") == sheet);

  write_text(shop / "done.csv",
             kHead + ("1,approve,,good," + digest_of(shop, 1) + "\n2,reject,,," + digest_of(shop, 2) + "\n"));
  Json result = Json::parse(shop.output_of({"review", "import", "STORE", "DIR/done.csv", "--who", "me"}));
  CHECK(result["approved"] == 1);
  CHECK(result["rejected"] == 1);
  result = Json::parse(shop.output_of({"review", "import", "STORE", "DIR/done.csv", "--who", "me"}));
  CHECK(result["unchanged"] == 2);
  CHECK(result["approved"] == 0);
  // From stdin, and with a mistake: all of it, or nothing.
  const std::string wrong = kHead + ("3,approve,,," + digest_of(shop, 3) + "\n4,perhaps,,,d0\n");
  RunOptions piped;
  piped.input = wrong;
  const Finished refused = shop.run({"review", "import", "STORE", "-", "--who", "me"}, piped);
  CHECK(refused.exit_code == 1);
  CHECK(refused.out.empty());
  CHECK_THAT(refused.err, ContainsSubstring("stdin:3: copy 4: decision is 'perhaps'") &&
                              ContainsSubstring("Nothing was changed."));
  CHECK(with_status(shop, "approved") == 1);
  CHECK(shop.run({"review", "import", "STORE", "DIR/none.csv", "--who", "me"}).exit_code == 1);
  CHECK(shop.run({"review", "import", "STORE", "DIR/sheet.csv"}).exit_code == 2);
}

TEST_CASE("review export overwrites no decisions that were not imported", "[cli][review]") {
  const SmallShop shop;
  const std::vector<std::string> again = {"review", "export", "STORE", "-o", "DIR/sheet.csv"};
  CHECK(shop.run(again).exit_code == 0);
  CHECK(shop.run(again).exit_code == 0);  // nobody wrote into it
  const std::string filled =
      kHead + ("1,approve,,," + digest_of(shop, 1) + "\n2,,,ask the lawyer," + digest_of(shop, 2) + "\n");
  write_text(shop / "sheet.csv", filled);
  Finished run = shop.run(again);
  CHECK(run.exit_code == 1);
  CHECK_THAT(run.err, ContainsSubstring("sheet.csv:2: is there already, and 2 rows hold") &&
                          ContainsSubstring("'adlib review import'") && ContainsSubstring("--force"));
  CHECK(read_text(shop / "sheet.csv") == filled);

  write_text(shop / "sheet.csv", kHead + ("1,approve,,," + digest_of(shop, 1) + "\n"));
  CHECK(shop.run({"review", "import", "STORE", "DIR/sheet.csv", "--who", "me"}).exit_code == 0);
  CHECK(shop.run(again).exit_code == 0);  // what it said is done

  write_text(shop / "sheet.csv", "name,age\nx,3\n");
  run = shop.run(again);
  CHECK(run.exit_code == 1);
  CHECK_THAT(run.err, ContainsSubstring("no sheet that can be read"));
  CHECK(shop.run({"review", "export", "STORE", "-o", "DIR/sheet.csv", "--force"}).exit_code == 0);
  CHECK_THAT(read_text(shop / "sheet.csv"), ContainsSubstring("new_text"));
}
