// adlib generate --input FILE.jsonl: many requests at once, interrupted, resumed, and some that fail.
#include <algorithm>
#include <random>

#include "adlib/io/json.h"
#include "cli/program.h"
#include "support/catch.h"
#include "support/files.h"

using namespace adlib::test;
using adlib::io::Json;
using Arguments = std::vector<std::string>;

namespace {

std::string requests(int count) {
  std::string lines;
  for (int i = 0; i < count; ++i) {
    Json request = {
        {"prompt", "customer " + std::to_string(i % 5) + " likes tea number " + std::to_string(i)},
        {"max_tokens", 4 + i * 7 % 29},
        {"temperature", 1.0},
        {"id", i}};
    if (i % 4 == 3) request["seed"] = 1000 + i;
    if (i % 6 == 5) request["n"] = 2;
    lines += request.dump() + "\n";
    if (i % 10 == 0) lines += "\n";  // blank lines are counted and passed over
  }
  return lines;
}

Finished answer(const std::filesystem::path& input, const std::filesystem::path& output, Arguments more = {},
                int kill_after_ms = 0) {
  more.insert(more.begin(), {"generate", tiny_model().string(), "--input", input.string()});
  if (!output.empty()) more.insert(more.end(), {"--output", output.string()});
  return adlib_tool(more, {.input = {}, .environment = {}, .kill_after_ms = kill_after_ms});
}

// The answers without what the clock decides.
std::vector<Json> timeless_records(const std::string& text) {
  std::vector<Json> records;
  for (const std::string& line : lines_of(text)) {
    records.push_back(Json::parse(line));
    records.back().erase("timings");
  }
  return records;
}

std::vector<Json> by_line(std::vector<Json> records) {
  std::sort(records.begin(), records.end(),
            [](const Json& a, const Json& b) { return a["line"] < b["line"]; });
  return records;
}

}  // namespace

TEST_CASE("generate answers a file's requests in order, however many are under way", "[cli][engine]") {
  const TempDir dir;
  write_text(dir / "in.jsonl", requests(40));
  const Finished alone = answer(dir / "in.jsonl", {}, {"--seed", "5", "--max-sequences", "1"});
  INFO(alone.err);
  REQUIRE(alone.exit_code == 0);
  const std::vector<Json> expected = timeless_records(alone.out);
  REQUIRE(expected.size() == 40);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(expected[i]["id"] == i);
    CHECK(expected[i]["line"] == i + 1 + (i + 9) / 10);
    CHECK(expected[i]["seed"] == (i % 4 == 3 ? 1000 + i : 5 + i));
    CHECK(expected[i]["choices"].size() == (i % 6 == 5 ? 2 : 1));
  }
  CHECK(timeless_records(answer(dir / "in.jsonl", {}, {"--seed", "5"}).out) == expected);
  CHECK(timeless_records(
            answer(dir / "in.jsonl", {}, {"--seed", "5", "--threads", "2", "--max-sequences", "7"}).out) ==
        expected);
  const Finished any = answer(dir / "in.jsonl", {}, {"--seed", "5", "--unordered", "--progress"});
  CHECK(by_line(timeless_records(any.out)) == expected);
  CHECK_THAT(any.err, ContainsSubstring("tokens/s") && ContainsSubstring("cache"));
}

TEST_CASE("generate killed at any moment and resumed answers every line once", "[cli][engine]") {
  const TempDir dir;
  const std::string in = (dir / "in.jsonl").string();
  const auto output = dir / "out.jsonl";
  write_text(in, requests(60));
  const Arguments how = GENERATE(Arguments{}, Arguments{"--unordered"});
  Arguments resume = how;
  resume.push_back("--resume");
  std::mt19937 random(7);
  Finished run = answer(in, output, how, 150);  // draws its seed
  int kills = 0;
  for (; !std::filesystem::exists(output); ++kills) {
    REQUIRE(kills < 200);
    run = answer(in, output, resume, 100 + 10 * kills + static_cast<int>(random() % 150));
  }
  INFO("killed " << kills << " times\n" << run.err);
  CHECK_FALSE(std::filesystem::exists(output.string() + ".partial"));
  const std::vector<Json> answers = timeless_records(read_text(output));
  REQUIRE(answers.size() == 60);
  const std::string seed =
      std::to_string(answers.front()["line"] == 1 ? answers.front()["seed"].get<std::uint64_t>()
                                                  : by_line(answers)[0]["seed"].get<std::uint64_t>());
  const std::vector<Json> expected = timeless_records(answer(in, {}, {"--seed", seed}).out);
  CHECK(by_line(answers) == expected);
  if (how.empty()) CHECK(answers == expected);
  // Resuming what is whole answers nothing again.
  const std::string whole = read_text(output);
  const Finished again = answer(in, output, resume);
  CHECK(again.exit_code == 0);
  CHECK_THAT(again.err, ContainsSubstring("60 were answered already"));
  CHECK(read_text(output) == whole);
}

TEST_CASE("generate answers what it can and tells at the end what it cannot", "[cli][engine]") {
  const TempDir dir;
  const std::string long_prompt(3000, 'a');  // the tiny model's context is 2048
  std::string lines;
  for (int i = 0; i < 30; ++i) {
    const bool bad = i % 2 == 1 && i > 2;
    lines += Json({{"id", i}, {"prompt", bad ? long_prompt : "short"}, {"max_tokens", 3}}).dump() + "\n";
  }
  write_text(dir / "in.jsonl", lines);
  const Finished run = answer(dir / "in.jsonl", dir / "out.jsonl", {"--seed", "1"});
  INFO(run.err);
  CHECK(run.exit_code == 1);
  CHECK_THAT(run.err, ContainsSubstring("in.jsonl:4: ") && ContainsSubstring("2048") &&
                          ContainsSubstring("14 of 30 requests could not be answered") &&
                          ContainsSubstring("the first 10 are shown"));
  const std::vector<Json> answers = timeless_records(read_text(dir / "out.jsonl"));
  REQUIRE(answers.size() == 30);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    CAPTURE(i);
    CHECK(answers[i]["id"] == i);
    CHECK(answers[i].contains("error") == (i % 2 == 1 && i > 2));
    CHECK(answers[i].contains("error") != answers[i].contains("choices"));
  }
  CHECK_THAT(answers[3]["error"]["message"].get<std::string>(), ContainsSubstring("2048"));
  const Finished again = answer(dir / "in.jsonl", dir / "out.jsonl", {"--resume"});
  CHECK(again.exit_code == 1);
  CHECK_THAT(again.err, ContainsSubstring("14 of 30 requests could not be answered"));
}

TEST_CASE("generate --resume refuses to mix two runs", "[cli][engine][errors]") {
  const TempDir dir;
  const std::string in = (dir / "in.jsonl").string(), out = (dir / "out.jsonl").string();
  write_text(in, requests(3));
  REQUIRE(answer(in, out, {"--seed", "4"}).exit_code == 0);
  const std::string whole = read_text(out);
  const auto refused = [&](const char* says, Arguments more = {}) {
    more.push_back("--resume");
    const Finished run = answer(in, out, more);
    INFO(run.err);
    CHECK(run.exit_code == 1);
    CHECK_THAT(run.err, ContainsSubstring(says) && ContainsSubstring("two runs must not mix"));
    CHECK(read_text(out) == whole);
    CHECK_FALSE(std::filesystem::exists(out + ".partial"));  // nothing stands in the way of the next run
  };
  refused("another seed", {"--seed", "5"});
  write_text(in, requests(1));
  refused("lines that the input does not have");
  write_text(in, "{\"prompt\": \"another\"}\n" + requests(3));
  refused("of another prompt");
  const auto usage = [&](Arguments arguments) {
    const Finished run = adlib_tool(arguments);
    CHECK(run.exit_code == 2);
    CHECK_THAT(run.err, ContainsSubstring("needs --input"));
  };
  const std::string model = tiny_model().string();
  usage({"generate", model, "--input", in, "--resume"});
  usage({"generate", model, "--input", "-", "--jsonl", "--output", out, "--resume"});
  usage({"generate", model, "text", "--output", out, "--resume"});
  usage({"generate", model, "text", "--unordered"});
}

TEST_CASE("generate answers what came down a pipe before a bad line", "[cli][engine][errors]") {
  const Finished run =
      adlib_tool({"generate", tiny_model().string(), "--jsonl", "--input", "-", "--seed", "1"},
                 {.input = "{\"prompt\": \"a\", \"max_tokens\": 2}\n{\"prompt\": 5}\n", .environment = {}});
  CHECK(run.exit_code == 1);
  CHECK(lines_of(run.out).size() == 1);
  CHECK_THAT(run.err, ContainsSubstring("stdin:2"));
  const TempDir dir;
  const std::string out = (dir / "out.jsonl").string();
  CHECK(adlib_tool({"generate", tiny_model().string(), "--jsonl", "--input", "-", "--output", out},
                   {.input = "{\"prompt\": \"a\", \"max_tokens\": 2}\nno\n", .environment = {}})
            .exit_code == 1);
  CHECK(lines_of(read_text(out)).size() == 1);  // it is not asked for again, so it is whole
}

TEST_CASE("An input with a bad line leaves nothing beside the output", "[cli][engine][errors]") {
  const TempDir dir;
  write_text(dir / "in.jsonl", requests(2) + "no json\n");
  CHECK(answer(dir / "in.jsonl", dir / "out.jsonl").exit_code == 1);
  CHECK_FALSE(std::filesystem::exists(dir / "out.jsonl"));
  CHECK_FALSE(std::filesystem::exists((dir / "out.jsonl").string() + ".partial"));
  write_text(dir / "in.jsonl", requests(2));
  CHECK(answer(dir / "in.jsonl", dir / "out.jsonl", {"--cache-bytes", "1K"}).exit_code == 1);
  CHECK_FALSE(std::filesystem::exists((dir / "out.jsonl").string() + ".partial"));
}
