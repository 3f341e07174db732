// adlib measure and report.
#include <filesystem>
#include <sstream>

#include "adlib/io/json.h"
#include "cli/small_shop.h"
#include "support/catch.h"

using namespace adlib::test;
using adlib::io::Json;

namespace {

// To the point where messages are with the customers.
void publish(const SmallShop& shop) {
  shop.output_of({"review", "approve", "STORE", "--all-clean", "--accept", "caution", "--who", "me"});
  shop.output_of({"assign", "STORE", "--policy", "uniform", "--control", "0"});
  shop.output_of({"publish", "STORE", "--to", "push", "-o", "DIR/push.jsonl"});
}

// An impression of each message, and every other one clicked.
std::string outcomes(const SmallShop& shop) {
  std::ostringstream out;
  out << "copy,kind,time,value\n";
  int at = 0;
  for (const std::string& line : lines_of(read_text(shop / "push.jsonl"))) {
    const std::string copy = Json::parse(line)["copy"].dump();
    out << copy << ",impression,2026-11-01T06:00:00Z,\n";
    if (at++ % 2 == 0) out << copy << ",click,2026-11-01T06:00:05Z,\n";
  }
  return out.str();
}

}  // namespace

TEST_CASE("measure takes outcomes once and prints tables, or one JSON object", "[cli][measure]") {
  const SmallShop shop;
  CHECK_THAT(shop.output_of({"measure", "STORE"}), ContainsSubstring("No copy has been seen yet"));
  publish(shop);
  write_text(shop / "o.csv", outcomes(shop));
  const Finished first = shop.run({"measure", "STORE", "--outcomes", "DIR/o.csv", "--json"});
  CAPTURE(first.err);
  REQUIRE(first.exit_code == 0);
  CHECK_THAT(first.err, ContainsSubstring("o.csv: 18 rows, 18 new, 0 left out"));
  const Json results = Json::parse(first.out);
  CHECK(results["impressions"] == 12);
  CHECK(results["clicks"] == 6);
  CHECK(results["all"]["seen"] == 12);
  CHECK(results["all"]["clicked"] == 6);
  const Finished second = shop.run({"measure", "STORE", "--outcomes", "DIR/o.csv", "--json"});
  CHECK(second.out == first.out);
  CHECK_THAT(second.err, ContainsSubstring("18 rows, 0 new"));
  CHECK(shop.run({"measure", "STORE", "--quiet"}).err.empty());
  RunOptions piped;
  piped.input = outcomes(shop);
  CHECK_THAT(shop.run({"measure", "STORE", "--outcomes", "-"}, piped).err,
             ContainsSubstring("stdin: 18 rows"));
  CHECK(shop.output_of({"measure", "STORE", "--json", "-o", "DIR/r.json"}).empty());
  CHECK(read_text(shop / "r.json") == first.out);
}

TEST_CASE("measure reports bad outcomes by file, line and reason, and takes nothing of too many",
          "[cli][measure]") {
  const SmallShop shop;
  publish(shop);
  const std::int64_t sent = shop.count("SELECT min(copy) FROM publication");
  const std::int64_t unsent =
      shop.count("SELECT min(id) FROM copy WHERE id NOT IN (SELECT copy FROM publication)");
  write_text(shop / "o.csv", "copy,kind,time\n" + std::to_string(unsent) + ",click,2026-11-01\n" +
                                 std::to_string(sent) + ",impression,2026-11-01\n" + std::to_string(sent) +
                                 ",click,2030-01-01\n");
  const auto report = [&] {
    std::vector<Json> rows;
    for (const std::string& line : lines_of(read_text(shop / "bad.jsonl"))) rows.push_back(Json::parse(line));
    return rows;
  };
  const Finished strict = shop.run(
      {"measure", "STORE", "--outcomes", "DIR/o.csv", "--max-errors", "1", "--rejected", "DIR/bad.jsonl"});
  CHECK(strict.exit_code == 1);
  CHECK(strict.out.empty());
  CHECK_THAT(strict.err, ContainsSubstring("o.csv:4: the time is in the future") &&
                             ContainsSubstring("that is bad row 2, and nothing of the file was taken") &&
                             ContainsSubstring("--max-errors N"));
  CHECK(report().size() == 2);
  CHECK(shop.count("SELECT count(*) FROM outcome") == 0);

  const Finished lax = shop.run(
      {"measure", "STORE", "--outcomes", "DIR/o.csv", "--max-errors", "2", "--rejected", "DIR/bad.jsonl"});
  CHECK(lax.exit_code == 0);
  CHECK_THAT(lax.err, ContainsSubstring("o.csv:2: the copy was never published") &&
                          ContainsSubstring("3 rows, 1 new, 2 left out"));
  REQUIRE(report().size() == 2);
  CHECK(report()[0]["line"] == 2);
  CHECK_THAT(report()[0]["file"].get<std::string>(), ContainsSubstring("o.csv"));
  CHECK_THAT(report()[0]["reason"].get<std::string>(), ContainsSubstring("never published"));
  CHECK(shop.count("SELECT count(*) FROM rejected") == 2);
  // On a clock that is further, the last row is none of the future.
  const Finished later =
      shop.run({"measure", "STORE", "--outcomes", "DIR/o.csv", "--max-errors", "1", "--now", "2030-01-02"});
  CHECK(later.exit_code == 0);
  CHECK_THAT(later.err, ContainsSubstring("3 rows, 1 new, 1 left out"));

  CHECK(shop.run({"measure", "STORE", "--rejected", "DIR/bad.jsonl"}).exit_code == 2);
  CHECK(shop.run({"measure", "STORE", "--max-errors", "-1"}).exit_code == 2);
  CHECK(shop.run({"measure", "STORE", "--now", "soon"}).exit_code == 2);
  CHECK(shop.run({"measure", "STORE", "--outcomes", "DIR/none.csv"}).exit_code == 1);
}

TEST_CASE("measure --preferences to stdout writes the pairs and nothing else", "[cli][measure]") {
  const SmallShop shop;
  const Finished run = shop.run({"measure", "STORE", "--preferences", "-"});
  CHECK(run.exit_code == 0);
  CHECK(run.out.empty());
  CHECK_THAT(run.err, ContainsSubstring("0 pairs of copies"));
  CHECK(shop.run({"measure", "STORE", "--preferences", "-", "--probability", "0.2"}).exit_code == 2);
}

TEST_CASE("a report has the same bytes again, also after the same outcomes", "[cli][report]") {
  const SmallShop shop;
  publish(shop);
  write_text(shop / "o.csv", outcomes(shop));
  const std::vector<std::string> measure = {"measure", "STORE", "--outcomes", "DIR/o.csv"};
  shop.output_of(measure);
  const std::string page = shop.output_of({"report", "STORE"});
  CHECK(page.starts_with("<!DOCTYPE html>"));
  CHECK(page.ends_with("</html>\n"));
  shop.output_of(measure);
  const Finished file = shop.run({"report", "STORE", "-o", "DIR/report.html"});
  CHECK(file.exit_code == 0);
  CHECK(file.out.empty());
  CHECK(read_text(shop / "report.html") == page);
  CHECK_THAT(shop.output_of({"report", "STORE", "--language", "zh", "--now", "2026-12-24"}),
             ContainsSubstring("<html lang=\"zh-Hans\">") && ContainsSubstring("2026-12-24"));
  CHECK(shop.run({"report", "STORE", "--language", "fr"}).exit_code == 2);
  CHECK(shop.run({"report", "STORE", "-o", "DIR/none/report.html"}).exit_code == 1);
}

TEST_CASE("what a report tells people to type is a command", "[cli][report]") {
  const SmallShop shop;
  int commands = 0;
  const auto try_all = [&] {
    const std::string page = shop.output_of({"report", "STORE"});
    const std::string begin = "<code>adlib ";
    for (std::size_t at = 0; (at = page.find(begin, at)) != std::string::npos; ++commands) {
      at += begin.size();
      std::istringstream words(page.substr(at, page.find("</code>", at) - at));
      std::vector<std::string> arguments;
      for (std::string word; words >> word;) {
        if (word == "shop.db") word = "STORE";
        if (word == "FILE" || word == "sheet.csv" || word == "pairs.jsonl") word = "DIR/" + word;
        if (word == "CHANNEL") word = "no-such-channel";  // which is wrong use by a message of its own
        if (word == "TARGET") word = "push";
        arguments.push_back(word);
      }
      CAPTURE(arguments);
      const Finished run = shop.run(arguments);
      CAPTURE(run.err);
      if (arguments.front() == "write") {
        CHECK_THAT(run.err, ContainsSubstring("no-such-channel"));
      } else {
        CHECK(run.exit_code != 2);
      }
    }
  };
  try_all();  // polished: review
  shop.execute("UPDATE copy SET status = 'written' WHERE id = 1");
  try_all();
  publish(shop);
  try_all();  // published: measure
  write_text(shop / "o.csv", outcomes(shop));
  shop.output_of({"measure", "STORE", "--outcomes", "DIR/o.csv"});
  try_all();  // measured: learn
  shop.execute("DELETE FROM copy; DELETE FROM placement");
  try_all();  // recommended: write
  shop.execute("DELETE FROM recommendation");
  try_all();
  CHECK(commands > 10);
}
