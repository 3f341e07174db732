#include "copywriter/campaign/campaign.h"
#include "campaign/support.h"

namespace {

using namespace adlib;
using namespace adlib::copywriter;
using adlib::test::TempDir;

std::vector<CampaignStage> read(const std::string& text) {
  const TempDir directory;
  test::write_text(directory / "campaign.toml", text);
  return read_campaign(directory / "campaign.toml", "shop.db").stages;
}
std::string message_of(const std::string& text) {
  return test::error_of([&] { read(text); });
}

TEST_CASE("sections are stages in their order, and keys their flags", "[campaign]") {
  const auto stages = read(
      "[report]\noutput = 'r.html'\n"
      "[write]\nscene = ['ad', 'member']\nvariants = 3\nno-guard = false\nprogress = true\n"
      "[[publish]]\nto = 'sms'\n[[publish]]\nto = 'push'\n"
      "[review]\ndo = 'approve'\nall-clean = true\n"
      "[assign]\ncontrol = 0.1\n[prepare]\nnow = 2026-11-01\n");
  std::vector<std::string> lines;
  for (const CampaignStage& stage : stages) lines.push_back(command_line(stage));
  CHECK(lines == std::vector<std::string>{
                     "adlib prepare shop.db --now 2026-11-01",
                     "adlib write shop.db --progress --scene ad --scene member --variants 3",
                     "adlib review approve shop.db --all-clean",
                     "adlib assign shop.db --control 0.1",
                     "adlib publish shop.db --to sms",
                     "adlib publish shop.db --to push",
                     "adlib report shop.db --output r.html",
                 });
}

TEST_CASE("{here} is the folder of the file", "[campaign]") {
  const TempDir directory;
  test::write_text(directory / "c.toml", "[collect]\nproducts = '{here}/p.csv'\n");
  const auto stages = read_campaign(directory / "c.toml", "shop.db").stages;
  REQUIRE(stages.size() == 1);
  CHECK(stages[0].arguments.back() == (directory / "p.csv").string());
}

TEST_CASE("a campaign can have a clock of its own", "[campaign]") {
  const TempDir directory;
  test::write_text(directory / "c.toml", "now = 2026-11-01\n[prepare]\n");
  CHECK(read_campaign(directory / "c.toml", "shop.db").now == "2026-11-01");
  CHECK_THAT(message_of("now = 'tomorrow'\n"), Catch::Contains("campaign.toml:1:7: 'now' is neither"));
}

TEST_CASE("a line for a shell has the quotes that it needs", "[campaign]") {
  CHECK(command_line({"write", {"write", "my shop.db", "--ending", "it's; rm -rf *", ""}, ""}) ==
        "adlib write 'my shop.db' --ending 'it'\\''s; rm -rf *' ''");
}

TEST_CASE("mistakes in a campaign's file are told with their place", "[campaign]") {
  CHECK_THAT(message_of("[wirte]\n"),
             Catch::Contains("campaign.toml:1:1: 'wirte' is no stage, expected one of"));
  CHECK_THAT(message_of("write = 3\n"), Catch::Contains("begins with [write]"));
  CHECK_THAT(message_of("[write]\nscene = {a = 1}\n"), Catch::Contains(":2:"));
  CHECK_THAT(message_of("[write\n"), Catch::Contains("campaign.toml:1:"));
  CHECK_THAT(message_of("[review]\ndo = 3\n"), Catch::Contains("'do' is not a text"));
}

}  // namespace
