// adlib prepare: what a person and a script see of it.
#include "adlib/io/json.h"
#include "cli/program.h"
#include "support/catch.h"
#include "support/files.h"

using namespace adlib::test;
using adlib::io::Json;

namespace {

// Two customers, one of whom is under age, and what they did.
struct Prepared {
  TempDir dir;
  std::string store = (dir / "shop.db").string();

  Prepared() {
    write_text(dir / "p.csv", "id,title,category,price,currency\np1,山序 红茶,茶叶,68.00,CNY\n");
    write_text(dir / "c.csv", "id,age\na,30\nb,16\n");
    write_text(dir / "e.csv", "user,item,behaviour,time\na,p1,buy,2026-10-01\nb,p1,buy,2026-10-01\n");
    const Finished run = adlib_tool({"collect", store, "--products", (dir / "p.csv").string(), "--customers",
                                     (dir / "c.csv").string(), "--events", (dir / "e.csv").string()});
    CAPTURE(run.err);
    REQUIRE(run.exit_code == 0);
  }
};

}  // namespace

TEST_CASE("prepare prints one JSON object, and again that nothing has changed", "[cli][prepare]") {
  const Prepared shop;
  const Finished first = adlib_tool({"prepare", shop.store, "--now", "2026-11-01"});
  CAPTURE(first.err);
  REQUIRE(first.exit_code == 0);
  CHECK(first.err.empty());  // no terminal, no progress
  REQUIRE(lines_of(first.out).size() == 1);
  CHECK(Json::parse(first.out) ==
        Json({{"customers", 1}, {"cold_starts", 1}, {"unprofiled", 1}, {"changed", 1}}));
  const Finished again = adlib_tool({"prepare", shop.store, "--now", "2026-11-01"});
  CHECK(Json::parse(again.out)["changed"] == 0);
  const Finished later = adlib_tool({"prepare", shop.store, "--now", "2026-11-02"});
  CHECK(Json::parse(later.out)["changed"] == 1);
  // The clock of a rehearsal.
  RunOptions rehearsal;
  rehearsal.environment = {"ADLIB_NOW=2026-11-02"};
  CHECK(Json::parse(adlib_tool({"prepare", shop.store}, rehearsal).out)["changed"] == 0);
}

TEST_CASE("prepare writes training pairs to a file that is whole or not there", "[cli][prepare]") {
  const Prepared shop;
  const std::string pairs = (shop.dir / "pairs.jsonl").string();
  const Finished run = adlib_tool({"prepare", shop.store, "--now", "2026-11-01", "--pairs", pairs});
  CAPTURE(run.err);
  REQUIRE(run.exit_code == 0);
  const Json summary = Json::parse(run.out);
  const auto count =
      summary["pairs"]["purchases"].get<std::size_t>() + summary["pairs"]["past_copy"].get<std::size_t>();
  CHECK(lines_of(read_text(pairs)).size() == count);
  for (const std::string& line : lines_of(read_text(pairs))) CHECK(Json::parse(line).contains("prompt"));
  const Finished none =
      adlib_tool({"prepare", shop.store, "--pairs", (shop.dir / "no" / "such" / "folder.jsonl").string()});
  CHECK(none.exit_code == 1);
}

TEST_CASE("prepare says what is wrong with its command line and its input", "[cli][prepare]") {
  const Prepared shop;
  const auto error = [](const std::vector<std::string>& arguments, int exit_code) {
    const Finished run = adlib_tool(arguments);
    CAPTURE(arguments);
    CHECK(run.exit_code == exit_code);
    CHECK(run.out.empty());
    return run.err;
  };
  CHECK_THAT(error({"prepare"}, 2), ContainsSubstring("STORE"));
  CHECK_THAT(error({"prepare", shop.store, "--now", "soon"}, 2), ContainsSubstring("--now is 'soon'"));
  CHECK_THAT(error({"prepare", shop.store, "--half-life", "0"}, 2), ContainsSubstring("--half-life"));
  CHECK_THAT(error({"prepare", shop.store, "--interests", "0"}, 2), ContainsSubstring("--interests"));
  CHECK_THAT(error({"prepare", shop.store, "--pairs", "-"}, 2), ContainsSubstring("--pairs needs a file"));
  CHECK_THAT(error({"prepare", shop.store, "--allow", "age"}, 2), ContainsSubstring("--pairs"));
  CHECK_THAT(
      error({"prepare", shop.store, "--pairs", (shop.dir / "p.jsonl").string(), "--allow", "shoe size"}, 2),
      ContainsSubstring("--allow") && ContainsSubstring("shoe size"));
  CHECK_FALSE(std::filesystem::exists(shop.dir / "p.jsonl"));
  CHECK_THAT(error({"prepare", (shop.dir / "none.db").string()}, 1),
             ContainsSubstring("there is no such file"));
  CHECK_THAT(error({"prepare", (shop.dir / "c.csv").string()}, 1), ContainsSubstring("c.csv"));
  CHECK_THAT(error({"prepare", shop.store, "--lexicon", (shop.dir / "none").string()}, 1),
             ContainsSubstring("none"));
}
