// A whole campaign by the tool: the demonstration shop, a shop's real files, and processes that die.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "adlib/io/json.h"

#include "cli/program.h"
#include "support/catch.h"
#include "support/files.h"

namespace adlib::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

fs::path demo_shop() { return demo("shop"); }

// The copies of a store as they are, without what tells when and in which run.
std::vector<std::string> copies_of(const fs::path& store) {
  const Finished audit = adlib_tool({"audit", store.string()});
  REQUIRE(audit.exit_code == 0);
  std::vector<std::string> out;
  for (const std::string& line : lines_of(audit.out)) {
    Json copy = Json::parse(line);
    out.push_back(Json{copy["customer"], copy["product"], copy["channel"], copy["language"], copy["arm"],
                       copy["text"], copy["written"], copy["status"], copy["findings"].size(), copy["seed"]}
                      .dump());
  }
  std::sort(out.begin(), out.end());
  return out;
}

// The campaign of the demonstration with its outputs in a directory of its own.
std::string campaign_in(const TempDir& directory) {
  std::string text = read_text(demo_shop() / "campaign.toml");
  const auto replace = [&](const std::string& from, const std::string& to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
      text.replace(at, from.size(), to);
  };
  replace("{here}", demo_shop().string());
  replace("\"push.jsonl\"", "\"" + (directory / "push.jsonl").string() + "\"");
  replace("\"report.html\"", "\"" + (directory / "report.html").string() + "\"");
  const fs::path file = directory / "campaign.toml";
  write_text(file, text);
  return file.string();
}

TEST_CASE("the campaign of the demonstration runs from the files to the report, and again changes nothing",
          "[cli][campaign]") {
  const TempDir directory;
  const std::string file = campaign_in(directory), store = (directory / "shop.db").string();
  const Finished first = adlib_tool({"campaign", file, store});
  CAPTURE(first.err);
  REQUIRE(first.exit_code == 0);
  const std::string report = read_text(directory / "report.html");
  CHECK_THAT(report, ContainsSubstring("</html>"));
  const std::vector<std::string> published = lines_of(read_text(directory / "push.jsonl"));
  CHECK(published.size() > 30);
  for (const std::string& line : published) {
    const Json item = Json::parse(line);
    CHECK_THAT(item["text"].get<std::string>(), ContainsSubstring("AI"));  // the label of the law
  }
  const std::vector<std::string> copies = copies_of(store);
  CHECK(copies.size() > 100);

  const Finished second = adlib_tool({"campaign", file, store});
  CAPTURE(second.err);
  REQUIRE(second.exit_code == 0);
  CHECK(copies_of(store) == copies);
  CHECK(lines_of(read_text(directory / "push.jsonl")) == published);

  const Finished same = adlib_tool({"reproduce", store, "1", "2", "3"});
  CAPTURE(same.out, same.err);
  CHECK(same.exit_code == 0);
}

TEST_CASE("a campaign that is killed at any moment goes on to the same copies", "[cli][campaign]") {
  const TempDir whole_directory;
  const std::string whole = (whole_directory / "shop.db").string();
  REQUIRE(adlib_tool({"campaign", campaign_in(whole_directory), whole, "--until", "polish"}).exit_code == 0);
  const std::vector<std::string> expected = copies_of(whole);

  const TempDir directory;
  const std::string file = campaign_in(directory), store = (directory / "shop.db").string();
  int killed = 0;
  for (const int milliseconds : {30, 150, 400, 700, 1100, 1600, 2300}) {
    const Finished run = adlib_tool({"campaign", file, store, "--until", "polish"},
                                    {.input = {}, .environment = {}, .kill_after_ms = milliseconds});
    killed += run.exit_code == 128 + 9 ? 1 : 0;
    if (run.exit_code == 0) break;
  }
  CHECK(killed > 0);
  REQUIRE(adlib_tool({"campaign", file, store, "--until", "polish"}).exit_code == 0);
  CHECK(copies_of(store) == expected);
}

TEST_CASE("a campaign of a real export and a real log runs to the report", "[cli][campaign]") {
  const fs::path shopify = shared_dir() / "data/shopify";
  const fs::path log = shared_dir() / "data/taobao_behavior/user_behavior.csv";
  if (!have(shopify) || !have(log)) return;
  const TempDir directory;
  std::string exports;
  for (const auto& entry : fs::directory_iterator(shopify)) {
    if (entry.path().extension() == ".csv")
      exports += (exports.empty() ? "\"" : ", \"") + entry.path().string() + "\"";
  }
  write_text(
      directory / "c.toml",
      "now = \"2017-12-05\"\n[collect]\nproducts = [" + exports + "]\nevents = \"" + log.string() +
          "\"\n[prepare]\n[recommend]\n[write]\nchannel = \"mi-push\"\nlanguage = \"en\"\nlimit = 24\n"
          "[polish]\n[[review]]\ndo = \"approve\"\nall-clean = true\naccept = \"caution\"\nwho = \"test\"\n"
          "[assign]\n[[publish]]\nto = \"push\"\noutput = \"" +
          (directory / "push.jsonl").string() + "\"\n[measure]\n[report]\noutput = \"" +
          (directory / "report.html").string() + "\"\n");
  const std::string store = (directory / "shop.db").string();
  const Finished run = adlib_tool({"campaign", (directory / "c.toml").string(), store});
  CAPTURE(run.err);
  REQUIRE(run.exit_code == 0);
  CHECK(copies_of(store).size() == 24);
  CHECK_THAT(run.err, ContainsSubstring("popular"));  // what these people did says nothing of their taste
  CHECK_THAT(read_text(directory / "report.html"), ContainsSubstring("</html>"));
}

TEST_CASE("a campaign stops where a stage fails, and says where", "[cli][campaign]") {
  const TempDir directory;
  write_text(directory / "c.toml", "[collect]\nproducts = \"none.csv\"\n[prepare]\n");
  const Finished run =
      adlib_tool({"campaign", (directory / "c.toml").string(), (directory / "s.db").string()});
  CHECK(run.exit_code == 1);
  CHECK_THAT(run.err, ContainsSubstring("c.toml:1:1: the campaign stops here"));
  write_text(directory / "c.toml", "[collect]\nprodcts = \"none.csv\"\n");
  const Finished wrong =
      adlib_tool({"campaign", (directory / "c.toml").string(), (directory / "s.db").string()});
  CHECK(wrong.exit_code == 2);
  CHECK_THAT(wrong.err, ContainsSubstring("did you mean --products?"));
  const Finished nothing =
      adlib_tool({"campaign", (directory / "c.toml").string(), (directory / "s.db").string(), "--from",
                  "publish", "--until", "write"});
  CHECK(nothing.exit_code == 2);
  CHECK_THAT(nothing.err, ContainsSubstring("no stage is left"));
}

}  // namespace
}  // namespace adlib::test
