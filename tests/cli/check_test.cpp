// adlib check: what a person, a script and a pipeline see of it.
#include "adlib/io/json.h"
#include "cli/program.h"
#include "support/catch.h"
#include "support/files.h"

using namespace adlib::test;
using adlib::io::Json;

namespace {

constexpr const char* products =
    R"({"id":"q2","title":"静谷 Q2 降噪耳机","category":"耳机","price":"399","currency":"CNY","attributes":{"续航":"30小时"}})"
    "\n";

RunOptions input(const std::string& text) {
  RunOptions options;
  options.input = text;
  return options;
}

}  // namespace

TEST_CASE("check underlines what is not allowed, with the statute, and fails", "[cli][check]") {
  const TempDir dir;
  write_text(dir / "copy.txt", "戴上它。\n全国最佳的降噪耳机。\n");
  const Finished bad = adlib_tool({"check", (dir / "copy.txt").string()});
  CAPTURE(bad.out, bad.err);
  CHECK(bad.exit_code == 1);
  CHECK_THAT(bad.out, ContainsSubstring("copy.txt:2:"));
  CHECK_THAT(bad.out, ContainsSubstring("^^"));
  CHECK_THAT(bad.out, ContainsSubstring("《广告法》第九条第（三）项"));
  CHECK_THAT(bad.err, ContainsSubstring("1 text, "));

  write_text(dir / "copy.txt", "戴上它，最近的路也安静下来。\n");
  const Finished good = adlib_tool({"check", (dir / "copy.txt").string()});
  CAPTURE(good.out);
  CHECK(good.exit_code == 0);
  CHECK(good.out.empty());
}

TEST_CASE("check holds the records of a run against the shop's products", "[cli][check]") {
  const TempDir dir;
  write_text(dir / "products.jsonl", products);
  write_text(
      dir / "copies.jsonl",
      R"({"product":"q2","language":"zh","channel":"sms","text":"静谷 Q2 降噪耳机续航40小时。拒收请回复R"})"
      "\n\n"
      R"({"product":"q2","language":"zh","text":"静谷 Q2 降噪耳机，399元。"})"
      "\n");
  const std::vector<std::string> command = {"check",      (dir / "copies.jsonl").string(),
                                            "--products", (dir / "products.jsonl").string(),
                                            "--format",   "json"};
  const Finished run = adlib_tool(command);
  CAPTURE(run.out, run.err);
  CHECK(run.exit_code == 1);
  const auto lines = lines_of(run.out);
  REQUIRE(lines.size() == 2);
  const Json first = Json::parse(lines[0]), second = Json::parse(lines[1]);
  CHECK(first["line"] == 1);
  CHECK(second["line"] == 3);
  bool number = false;
  for (const Json& finding : first["findings"]) number = number || finding["rule"] == "facts/number";
  CHECK(number);
  for (const Json& finding : second["findings"]) CHECK(finding["level"] != "error");

  write_text(dir / "copies.jsonl", "{\"product\":\"q3\",\"text\":\"好\"}\n");
  const Finished unknown = adlib_tool(command);
  CHECK(unknown.exit_code == 1);
  CHECK_THAT(unknown.err, ContainsSubstring("copies.jsonl:1: product 'q3' is not in"));
}

TEST_CASE("check --fix mends files in place, shows each change, and finds nothing to mend again",
          "[cli][check]") {
  const TempDir dir;
  const std::string record =
      R"({"id":7,"n": {"text":1e5},"x":0.10, "text" : "戴上它,安静下来。。","note":"\u4e2d"})";
  write_text(dir / "copy.txt", "戴上它,安静下来。。\r\n");
  write_text(dir / "copies.jsonl", record + "\n");
  const std::vector<std::string> command = {"check", (dir / "copy.txt").string(),
                                            (dir / "copies.jsonl").string(), "--fix"};
  const Finished run = adlib_tool(command);
  CAPTURE(run.out, run.err);
  CHECK(run.exit_code == 0);
  CHECK_THAT(run.out, ContainsSubstring("-戴上它,安静下来。。\n+戴上它，安静下来。\n"));
  CHECK(read_text(dir / "copy.txt") == "戴上它，安静下来。\r\n");
  CHECK(read_text(dir / "copies.jsonl") ==
        R"({"id":7,"n": {"text":1e5},"x":0.10, "text" : "戴上它，安静下来。","note":"\u4e2d"})"
        "\n");
  CHECK(adlib_tool(command).out.empty());

  const Finished piped = adlib_tool({"check", "-", "--fix"}, input("戴上它,安静下来。。\n"));
  CHECK(piped.out == "戴上它，安静下来。\n");
  CHECK_THAT(piped.err, ContainsSubstring("+戴上它，安静下来。"));
  const std::string out = (dir / "out.txt").string();
  CHECK(adlib_tool({"check", "-", "--fix", "-o", out}, input("戴上它,安静下来。\n")).exit_code == 0);
  CHECK(read_text(out) == "戴上它，安静下来。\n");
}

TEST_CASE("check says what is wrong with its command line and input", "[cli][check]") {
  const auto error = [](const std::vector<std::string>& arguments, int exit_code,
                        const std::string& given = "") {
    const Finished run = adlib_tool(arguments, input(given));
    CHECK(run.exit_code == exit_code);
    CHECK(run.out.empty());
    return run.err;
  };
  CHECK_THAT(error({"check"}, 2), ContainsSubstring("name the files to check"));
  CHECK_THAT(error({"check", "/nonexistent.txt"}, 1), ContainsSubstring("/nonexistent.txt"));
  CHECK_THAT(error({"check", "-", "--product", "q2"}, 2), ContainsSubstring("--products"));
  CHECK_THAT(error({"check", "-", "--kind", "fod"}, 2), ContainsSubstring("expected one of"));
  CHECK_THAT(error({"check", "-", "--channel", "fax"}, 2), ContainsSubstring("channel 'fax' is unknown"));
  CHECK_THAT(error({"check", "-"}, 1, "{\"tekst\":\"x\"}\n"), ContainsSubstring("stdin:1"));
  CHECK_THAT(error({"check", "-"}, 1, "{\"text\":\n"), ContainsSubstring("stdin:1"));
  CHECK_THAT(error({"check", "-"}, 1, "\xff\xfe"), ContainsSubstring("not UTF-8"));
}

TEST_CASE("check writes SARIF, lists rules and channels, and tries the rules on their examples",
          "[cli][check]") {
  const Finished sarif = adlib_tool({"check", "-", "--format", "sarif"}, input("全国最佳的耳机。"));
  const Json log = Json::parse(sarif.out);
  CHECK(log["runs"][0]["results"].size() >= 1);
  CHECK_THAT(adlib_tool({"check", "--list-rules"}).out, ContainsSubstring("《广告法》第九条第（三）项"));
  CHECK_THAT(adlib_tool({"check", "--list-channels"}).out, ContainsSubstring("vivo-push  push"));
  const Finished examples = adlib_tool({"check", "--test-rules"});
  CHECK(examples.exit_code == 0);
  CHECK(examples.out.empty());
}
