// adlib tokenizer train.
#include "cli/program.h"
#include "support/catch.h"
#include "support/files.h"

using namespace adlib::test;

namespace {

std::string corpus() { return (data_dir() / "tokenizer/spm_corpus.jsonl").string(); }

Finished train(const std::string& dir, std::vector<std::string> more) {
  std::vector<std::string> arguments = {"tokenizer", "train", dir, corpus(), "--vocab-size", "480"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return adlib_tool(arguments);
}

}  // namespace

TEST_CASE("tokenizer train makes the same files each time, which tokenize reads", "[cli][tokenizer]") {
  const TempDir dir;
  write_text(dir / "tags.txt", "<text>\r\n¶\n");
  const auto made =
      train((dir / "a").string(), {"--tag", "<title>", "--tags-from", (dir / "tags.txt").string()});
  CHECK(made.exit_code == 0);
  CHECK(made.out.empty());
  CHECK_THAT(made.err, ContainsSubstring("480 ids, 3 tags"));
  // The model that the tests keep was made like this.
  for (const char* name : {"tokenizer.model", "tokenizer_config.json", "special_tokens_map.json"}) {
    CHECK((read_text(dir / "a" / name) == read_text(data_dir() / "tokenizer/spm" / name)));
  }
  const std::string text = "<title>一  （，▁\t½</s>";
  CHECK(adlib_tool({"tokenize", (dir / "a").string(), text, "--check"}).exit_code == 0);
  CHECK(adlib_tool({"tokenize", (dir / "a").string(), "<title>"}).out == "4\n");
  CHECK(adlib_tool({"tokenize", (dir / "a").string(), "<title>", "--as-data"}).out != "4\n");
  CHECK(adlib_tool({"tokenize", (dir / "a").string(), text, "--check", "--as-data"}).exit_code == 0);

  const auto again = train((dir / "a").string(), {});
  CHECK(again.exit_code == 1);
  CHECK_THAT(again.err, ContainsSubstring("--force replaces it"));
  CHECK(train((dir / "a").string(), {"--force", "-q"}).err.empty());
  CHECK((read_text(dir / "a/tokenizer.model") != read_text(data_dir() / "tokenizer/spm/tokenizer.model")));
}

TEST_CASE("tokenizer train learns from the fields and files that it is told", "[cli][tokenizer]") {
  const TempDir dir;
  write_text(dir / "a.jsonl", R"({"name": "甲乙丙丁", "other": "戊己"})");
  write_text(dir / "b.txt", "庚辛\r\n");
  const auto made = adlib_tool({"tokenizer", "train", (dir / "t").string(), (dir / "a.jsonl").string(),
                                (dir / "b.txt").string(), "--field", "name", "--vocab-size", "268"});
  CHECK(made.exit_code == 0);  // 4 special, the newline, 256 bytes, ▁, and six characters
  CHECK(adlib_tool({"tokenize", (dir / "t").string(), "甲庚", "--json"}).out.find(R"(["甲","庚"])") !=
        std::string::npos);
  CHECK(adlib_tool({"tokenize", (dir / "t").string(), "戊", "--json"}).out.find("<0xE6>") !=
        std::string::npos);
  const auto wrong = adlib_tool({"tokenizer", "train", (dir / "u").string(), (dir / "a.jsonl").string()});
  CHECK(wrong.exit_code == 1);
  CHECK_THAT(wrong.err, ContainsSubstring(":1: none of the fields 'prompt'"));
}

TEST_CASE("tokenizer train refuses wrong use", "[cli][tokenizer]") {
  CHECK(adlib_tool({"tokenizer"}).exit_code == 2);
  CHECK(adlib_tool({"tokenizer", "train", "dir"}).exit_code == 2);
  CHECK(adlib_tool({"tokenizer", "train", "dir", corpus(), "--model", "word"}).exit_code == 2);
  CHECK(adlib_tool({"tokenizer", "train", "dir", corpus(), "--character-coverage", "0.5"}).exit_code == 2);
  CHECK(adlib_tool({"tokenize", "dir", "x", "--as-data", "--special"}).exit_code == 2);
  const auto large = adlib_tool({"tokenizer", "train", "dir", corpus(), "--vocab-size", "500000"});
  CHECK_THAT(large.err, ContainsSubstring("of 500000 is more than the text gives: at most "));
  const auto small = adlib_tool({"tokenizer", "train", "dir", corpus(), "--vocab-size", "7"});
  CHECK_THAT(small.err, ContainsSubstring("of 7 is too small"));
  const auto missing = adlib_tool({"tokenizer", "train", "dir", "no-such-file.jsonl"});
  CHECK(missing.exit_code == 1);
  CHECK_THAT(missing.err, ContainsSubstring("no-such-file.jsonl"));
}
