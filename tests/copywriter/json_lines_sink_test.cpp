#include "copywriter/write/json_lines_sink.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "support.h"
#include "support/files.h"

using namespace adlib;
using namespace adlib::copywriter;
using adlib::test::message_of;
using adlib::test::read_text;
using adlib::test::TempDir;
using adlib::test::write_text;
using Start = JsonLinesSink::Start;

namespace {

std::vector<std::string> records(const JsonLinesSink& sink) {
  std::vector<std::string> lines;
  sink.for_each_record([&](const io::Json& record, const std::string&) { lines.push_back(record.dump()); });
  return lines;
}
using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("An output appears only when it is finished", "[copywriter][sink]") {
  TempDir dir;
  const auto out = dir / "copies.jsonl";
  write_text(out, "old\n");
  {
    JsonLinesSink sink(out, Start::fresh);
    sink.write({{"z", 1}, {"a", "茶\n"}});
    CHECK(read_text(sink.partial()) == "{\"z\":1,\"a\":\"茶\\n\"}\n");  // already with the operating system
    CHECK(read_text(out) == "old\n");
    sink.write({{"b", "\xFF"}});
    sink.finish();
    CHECK(read_text(out) == "{\"z\":1,\"a\":\"茶\\n\"}\n{\"b\":\"\uFFFD\"}\n");
    CHECK_FALSE(std::filesystem::exists(sink.partial()));
    CHECK_THAT(message_of([&] { sink.write({}); }), ContainsSubstring("already finished"));
    CHECK_THAT(message_of([&] { sink.finish(); }), ContainsSubstring("already finished"));
  }
}

TEST_CASE("A symbolic link stays a link, and no device or pipe is renamed over", "[copywriter][sink]") {
  TempDir dir;
  std::filesystem::create_directory(dir / "store");
  write_text(dir / "store" / "real.jsonl", "old\n");
  std::filesystem::create_symlink(dir / "store" / "real.jsonl", dir / "o.jsonl");
  JsonLinesSink sink(dir / "o.jsonl", Start::fresh);
  sink.write({{"n", 1}});
  sink.finish();
  CHECK(std::filesystem::is_symlink(dir / "o.jsonl"));
  CHECK(read_text(dir / "store" / "real.jsonl") == "{\"n\":1}\n");

  REQUIRE(::mkfifo((dir / "pipe").c_str(), 0600) == 0);
  CHECK_THAT(message_of([&] { JsonLinesSink(dir / "pipe", Start::fresh); }),
             ContainsSubstring("pipe is a device or a pipe"));
  CHECK(std::filesystem::is_fifo(dir / "pipe"));
  CHECK_FALSE(std::filesystem::exists(dir / "pipe.partial"));
}

TEST_CASE("A fresh start does not throw away what an interrupted run left", "[copywriter][sink]") {
  TempDir dir;
  { JsonLinesSink(dir / "o.jsonl", Start::fresh).write({{"n", 1}}); }
  CHECK_FALSE(std::filesystem::exists(dir / "o.jsonl"));
  CHECK_THAT(message_of([&] { JsonLinesSink(dir / "o.jsonl", Start::fresh); }),
             ContainsSubstring("o.jsonl.partial: an interrupted run left this file; go on with --resume"));
  JsonLinesSink again(dir / "o.jsonl", Start::resume);
  CHECK(records(again) == Lines{"{\"n\":1}"});
}

TEST_CASE("A torn last line is cut off and its work is done again", "[copywriter][sink]") {
  TempDir dir;
  const std::string whole = "{\"n\":1}\n{\"n\":2}\n";
  const auto torn = GENERATE(as<std::string>(), "", "{", "{\"n\":3", "{\"n\":3}", "{\"text\":\"\xE8\x8C",
                             std::string(9000, 'x'), std::string(5, '\0'));
  write_text(dir / "o.jsonl.partial", whole + torn);
  JsonLinesSink sink(dir / "o.jsonl", Start::resume);
  CHECK(records(sink) == Lines{"{\"n\":1}", "{\"n\":2}"});
  sink.write({{"n", 3}});
  sink.finish();
  CHECK(read_text(dir / "o.jsonl") == whole + "{\"n\":3}\n");
}

TEST_CASE("An output of nothing but a torn line starts over", "[copywriter][sink]") {
  TempDir dir;
  write_text(dir / "o.jsonl.partial", std::string(10000, 'x'));
  JsonLinesSink sink(dir / "o.jsonl", Start::resume);
  CHECK(std::filesystem::file_size(sink.partial()) == 0);
}

TEST_CASE("A finished output can be gone on with, and is not touched before the end", "[copywriter][sink]") {
  TempDir dir;
  write_text(dir / "o.jsonl", "{\"n\":1}\n");
  JsonLinesSink sink(dir / "o.jsonl", Start::resume);
  CHECK(records(sink) == Lines{"{\"n\":1}"});
  sink.write({{"n", 2}});
  CHECK(read_text(dir / "o.jsonl") == "{\"n\":1}\n");
  sink.finish();
  CHECK(read_text(dir / "o.jsonl") == "{\"n\":1}\n{\"n\":2}\n");
}

TEST_CASE("A damaged whole line is named", "[copywriter][sink]") {
  TempDir dir;
  write_text(dir / "o.jsonl.partial", "{\"n\":1}\nnot json\n");
  JsonLinesSink sink(dir / "o.jsonl", Start::resume);
  CHECK_THAT(message_of([&] { records(sink); }), ContainsSubstring("o.jsonl.partial:2:"));
}

TEST_CASE("Two runs cannot write one output", "[copywriter][sink]") {
  TempDir dir;
  JsonLinesSink first(dir / "o.jsonl", Start::fresh);
  CHECK_THAT(message_of([&] { JsonLinesSink(dir / "o.jsonl", Start::resume); }),
             ContainsSubstring("another process is writing this output"));
}

TEST_CASE("An output that cannot be opened is named", "[copywriter][sink]") {
  TempDir dir;
  CHECK_THAT(message_of([&] { JsonLinesSink(dir / "none/o.jsonl", Start::fresh); }),
             ContainsSubstring("none/o.jsonl.partial: opening failed: No such file or directory"));
  CHECK_THAT(message_of([&] { JsonLinesSink(dir.path(), Start::fresh); }),
             ContainsSubstring("is a directory"));
}

TEST_CASE("What was written before a kill is there afterwards", "[copywriter][sink]") {
  TempDir dir;
  const auto out = dir / "o.jsonl";
  const pid_t child = ::fork();
  if (child == 0) {
    JsonLinesSink sink(out, Start::fresh);
    sink.write({{"n", 1}});
    sink.write({{"n", 2}});
    ::kill(::getpid(), SIGKILL);
  }
  REQUIRE(child > 0);
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFSIGNALED(status));
  JsonLinesSink sink(out, Start::resume);
  CHECK(records(sink) == Lines{"{\"n\":1}", "{\"n\":2}"});
}
