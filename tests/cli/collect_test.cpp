// adlib collect: what a person, a script and a power cut see of it.
#include <cstdint>
#include <sstream>

#include "adlib/core/error.h"
#include "adlib/io/json.h"
#include "cli/program.h"
#include "support/catch.h"
#include "support/files.h"

using namespace adlib::test;
using adlib::io::Json;

namespace {

constexpr const char* customers =
    "{\"id\":\"c1\",\"name\":\"小林\",\"phone\":\"13812345678\"}\n{\"id\":\"c2\",\"age\":30}\n";

// 200,000 events of 5,000 users and 500 products, without a random number.
std::string big_log() {
  std::ostringstream log;
  log << "用户ID,商品ID,商品名称,商品类别,行为类型,时间戳,售价\n";
  const char* behaviours[] = {"pv", "pv", "fav", "cart", "buy"};
  for (std::int64_t i = 0; i < 200'000; ++i) {  // in an int the product would overflow
    const std::int64_t user = i * 7919 % 5000, item = i * 104'729 % 500;
    log << "u" << user << ",p" << item << ",商品 " << item << ",类别 " << item % 20 << ","
        << behaviours[i % 5] << "," << 1'512'000'000 + i * 31 << "," << item % 90 << ".50\n";
  }
  return log.str();
}

}  // namespace

TEST_CASE("collect prints a JSON object a file, and reads stdin", "[cli][collect]") {
  const TempDir dir;
  const std::string store = (dir / "shop.db").string();
  write_text(dir / "p.csv", "id,title,price\np1,Tea,5.00\n");
  RunOptions piped;
  piped.input = customers;
  const Finished run =
      adlib_tool({"collect", store, "--customers", "-", "--products", (dir / "p.csv").string()}, piped);
  CAPTURE(run.out, run.err);
  REQUIRE(run.exit_code == 0);
  const auto lines = lines_of(run.out);
  REQUIRE(lines.size() == 2);
  const Json products = Json::parse(lines[0]), people = Json::parse(lines[1]);
  CHECK(products["kind"] == "products");
  CHECK(products["rows"] == 1);
  CHECK(people["file"] == "stdin");
  CHECK(people["new_rows"] == 2);
  CHECK(people["contacts"] == 1);
  CHECK(people["rejected"] == 0);
  CHECK(people["forgotten"] == 0);
  CHECK_THAT(run.err, ContainsSubstring("1 piece of contact data taken out"));
  CHECK(adlib_tool({"collect", store, "--customers", "-", "--quiet"}, piped).err.empty());
}

TEST_CASE("collect reports bad rows, and keeps nothing of a file with too many", "[cli][collect]") {
  const TempDir dir;
  const std::string store = (dir / "shop.db").string(), report = (dir / "bad.jsonl").string();
  write_text(dir / "c.csv", "id,age\na,1\nb,SECRET\nc,3\n");
  const Finished strict =
      adlib_tool({"collect", store, "--customers", (dir / "c.csv").string(), "--rejected", report});
  CHECK(strict.exit_code == 1);
  CHECK(strict.out.empty());
  CHECK_THAT(strict.err,
             ContainsSubstring(
                 "c.csv:3: field 'age': expected an integer from 0 to 150; nothing of the file was kept"));
  const Json bad = Json::parse(read_text(report));
  CHECK(bad["line"] == 3);
  CHECK(bad["reason"] == "field 'age': expected an integer from 0 to 150");
  const Finished lenient = adlib_tool(
      {"collect", store, "--customers", (dir / "c.csv").string(), "--max-errors", "1", "--rejected", report});
  CHECK(lenient.exit_code == 0);
  CHECK(Json::parse(lenient.out)["new_rows"] == 2);
  CHECK(Json::parse(lenient.out)["rejected"] == 1);
  CHECK_THAT(read_text(report), ContainsSubstring("\"line\":3") && !ContainsSubstring("SECRET"));
}

TEST_CASE("collect tells of consents that it does not take, and leaves no store where nothing was read",
          "[cli][collect]") {
  const TempDir dir;
  const std::string store = (dir / "shop.db").string();
  RunOptions piped;
  piped.input = "id,age\na,old\n";
  CHECK(adlib_tool({"collect", store, "--customers", "-"}, piped).exit_code == 1);
  CHECK(adlib_tool({"collect", store, "--customers", (dir / "none.csv").string()}).exit_code == 1);
  CHECK(std::filesystem::is_empty(dir.path()));
  piped.input = "id,do_not_contact,privacy_consent\na,yes,v2\n";
  CHECK_THAT(adlib_tool({"collect", store, "--customers", "-"}, piped).err,
             ContainsSubstring("stdin: column 'privacy_consent'") && !ContainsSubstring("v2"));
  piped.input = "id,marketing_consent\na,yes\n";
  CHECK_THAT(adlib_tool({"collect", store, "--customers", "-"}, piped).err,
             ContainsSubstring("stdin: 1 consent not taken, of people who had refused"));
  write_text(dir / "empty.db", "");
  const Finished prepare = adlib_tool({"prepare", (dir / "empty.db").string()});
  CHECK(prepare.exit_code == 1);
  CHECK_THAT(prepare.err, ContainsSubstring("the file is empty; 'adlib collect' makes a store"));
}

TEST_CASE("collect says what is wrong with its command line", "[cli][collect]") {
  const TempDir dir;
  const std::string store = (dir / "shop.db").string();
  const auto error = [](const std::vector<std::string>& arguments, int exit_code) {
    const Finished run = adlib_tool(arguments);
    CHECK(run.exit_code == exit_code);
    CHECK(run.out.empty());
    return run.err;
  };
  CHECK_THAT(error({"collect"}, 2), ContainsSubstring("STORE"));
  for (const char* memory : {"", ":memory:"})
    CHECK_THAT(error({"collect", memory, "--products", "-"}, 2), ContainsSubstring("no file for a store"));
  CHECK_THAT(error({"collect", store}, 2), ContainsSubstring("--products"));
  CHECK_THAT(error({"collect", store, "--customers", "-", "--events", "-"}, 2), ContainsSubstring("stdin"));
  CHECK_THAT(error({"collect", store, "--events", "x", "--currency", "yuan"}, 2),
             ContainsSubstring("ISO 4217"));
  CHECK_THAT(error({"collect", store, "--events", "x", "--encoding", "latin"}, 2),
             ContainsSubstring("--encoding"));
  CHECK_THAT(error({"collect", store, "--events", "x", "--max-errors", "-1"}, 2),
             ContainsSubstring("--max-errors"));
  CHECK_THAT(error({"collect", store, "--events", (dir / "none.csv").string()}, 1),
             ContainsSubstring("there is no such file"));
}

TEST_CASE("collect tells of a misspelt column on stderr and in the report, and results alone on stdout",
          "[cli][collect]") {
  const TempDir dir;
  const std::string store = (dir / "shop.db").string(), report = (dir / "bad.jsonl").string(),
                    file = (dir / "c.csv").string();
  write_text(dir / "c.csv", "id,intrests,age\na,tea,old\nb,tea,30\n");
  const Finished run = adlib_tool(
      {"collect", store, "--customers", file, "--max-errors", "1", "--rejected", report, "--quiet"});
  CAPTURE(run.out, run.err);
  REQUIRE(run.exit_code == 0);
  CHECK(lines_of(run.out).size() == 1);
  CHECK(Json::parse(run.out)["new_rows"] == 1);
  CHECK(run.err == "adlib: warning: " + file + ": nobody reads 'intrests'; did you mean 'interests'?\n");
  const auto lines = lines_of(read_text(report));
  REQUIRE(lines.size() == 2);
  CHECK(
      Json::parse(lines[0]) ==
      Json({{"file", file}, {"line", 1}, {"warning", "nobody reads 'intrests'; did you mean 'interests'?"}}));
  CHECK(Json::parse(lines[1])["line"] == 2);
  CHECK(Json::parse(lines[1]).contains("reason"));
}

TEST_CASE("collect refuses a misspelt consent and a swapped file, and says what to do", "[cli][collect]") {
  const TempDir dir;
  const std::string store = (dir / "shop.db").string();
  write_text(dir / "c.csv", "id,name,age,sms_concent\na,Lin,30,no\n");
  write_text(dir / "people.csv", "id,name,age\na,Lin,30\n");
  write_text(dir / "map.toml", "[customers.columns]\nsms_concent = \"sms_consent\"\n");
  const auto refused = [&](const std::vector<std::string>& arguments) {
    std::vector<std::string> all{"collect", store};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const Finished run = adlib_tool(all);
    CHECK(run.exit_code == 1);
    CHECK(run.out.empty());
    CHECK_FALSE(std::filesystem::exists(store));
    return run.err;
  };
  const std::string misspelt = (dir / "c.csv").string(), people = (dir / "people.csv").string();
  CHECK_THAT(refused({"--customers", misspelt, "--max-errors", "9"}),
             ContainsSubstring("error: " + misspelt +
                               ":1: nobody reads the column 'sms_concent'; did you mean 'sms_consent'?"));
  CHECK_THAT(refused({"--products", people}), ContainsSubstring("give it with --customers"));
  CHECK_THAT(refused({"--events", people}), ContainsSubstring("give it with --customers"));
  CHECK_THAT(refused({"--copy", people}), ContainsSubstring("give it with --customers"));
  CHECK(adlib_tool({"collect", store, "--customers", misspelt, "--map", (dir / "map.toml").string()})
            .exit_code == 0);
}

TEST_CASE("collecting again changes nothing, and the next file goes on where one was refused",
          "[cli][collect]") {
  const TempDir dir;
  const std::string store = (dir / "shop.db").string(), good = (dir / "a.csv").string(),
                    bad = (dir / "b.csv").string();
  write_text(dir / "a.csv", "id,age\na,30\nb,31\n");
  write_text(dir / "b.csv", "id,age\nc,30\nd,old\ne,older\n");
  const Finished first = adlib_tool({"collect", store, "--customers", good, bad, "--max-errors", "1"});
  CHECK(first.exit_code == 1);
  REQUIRE(lines_of(first.out).size() == 1);  // the file before is in, and was reported
  CHECK(Json::parse(first.out)["new_rows"] == 2);
  CHECK_THAT(first.err, ContainsSubstring("b.csv:4: ") && ContainsSubstring("--max-errors allows more"));
  const Finished again = adlib_tool({"collect", store, "--customers", good, bad, "--max-errors", "2"});
  CHECK(again.exit_code == 0);
  const auto lines = lines_of(again.out);
  REQUIRE(lines.size() == 2);
  CHECK(Json::parse(lines[0])["new_rows"] == 0);
  CHECK(Json::parse(lines[1])["new_rows"] == 1);
  CHECK(Json::parse(lines[1])["rejected"] == 2);
  CHECK_THAT(again.err, ContainsSubstring("was read before"));
}

TEST_CASE("collect keeps the shop's own name without a file", "[cli][collect]") {
  const TempDir dir;
  const std::string store = (dir / "shop.db").string();
  const Finished run = adlib_tool({"collect", store, "--shop", "山序", "--shop", "Hill & Tea"});
  CAPTURE(run.err);
  CHECK(run.exit_code == 0);
  CHECK(run.out.empty());
  CHECK(std::filesystem::exists(store));
  CHECK(adlib_tool({"collect", store, "--shop", " "}).exit_code != 0);
}

TEST_CASE("an import that is killed holds nothing of the file or all of it, and the next one ends the same",
          "[cli][collect]") {
  const TempDir dir;
  write_text(dir / "log.csv", big_log());
  const std::string log = (dir / "log.csv").string();
  const Finished whole = adlib_tool({"collect", (dir / "whole.db").string(), "--events", log});
  CAPTURE(whole.err);
  REQUIRE(whole.exit_code == 0);
  const auto total = Json::parse(whole.out)["new_rows"].get<std::int64_t>();
  CHECK(total == 200'000);

  int killed = 0, number = 0;
  for (const int after : {5, 40, 120, 250, 400, 600, 900, 1300, 1800}) {
    CAPTURE(after);
    const auto store = dir / adlib::concat("killed", number++, ".db");
    RunOptions options;
    options.kill_after_ms = after;
    const Finished cut = adlib_tool({"collect", store.string(), "--events", log}, options);
    killed += cut.exit_code == 128 + 9 ? 1 : 0;
    const Finished rest = adlib_tool({"collect", store.string(), "--events", log});
    CAPTURE(rest.err);
    REQUIRE(rest.exit_code == 0);
    const auto fresh = Json::parse(rest.out)["new_rows"].get<std::int64_t>();
    CHECK((fresh == 0 || fresh == total));
    if (cut.exit_code == 0) CHECK(fresh == 0);  // what was reported done is there
    const Finished last = adlib_tool({"collect", store.string(), "--events", log});
    CHECK(Json::parse(last.out)["new_rows"] == 0);
    std::filesystem::remove(store);
  }
  CHECK(killed > 0);
}
