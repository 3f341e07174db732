#include "adlib/io/json.h"

#include <limits>
#include <sstream>
#include <streambuf>
#include <vector>

#include "error_of.h"
#include "support/catch.h"
#include "support/files.h"

using namespace adlib;
using io::Json;
using io::JsonFields;
using io::parse_json;

TEST_CASE("parse_json keeps every kind of value", "[io][json]") {
  const Json json = parse_json(
      R"( {"a": [1, -2, 1.5e3, true, false, null, "é\n\u4e2d\ud83d\ude00"], "b": {}, "": [[]]} )", "x.json");
  CHECK(json["a"] == Json::array({1, -2, 1500.0, true, false, nullptr, "é\n中😀"}));
  CHECK(json["a"][0].is_number_unsigned());
  CHECK(json["b"] == Json::object());
  CHECK(json[""] == Json::array({Json::array()}));
  CHECK(parse_json("18446744073709551615", "x").get<std::uint64_t>() == 18446744073709551615u);
  CHECK(parse_json("\xEF\xBB\xBF[]", "x") == Json::array());
}

TEST_CASE("parse_json says in plain words what is wrong and where", "[io][json]") {
  struct Case {
    std::string text, message;
  };
  const auto item = GENERATE(values<Case>({
      {"", "x.json:1:1: the text is empty"},
      {" \n ", "x.json:1:1: the text is empty"},
      {"{\n \"a\": 1,\n \"a\": 2}", "x.json:3:4: the key 'a' is there twice"},
      {"{\"a\": {\"b\": 1, \"b\": 1}}", "the key 'b' is there twice"},
      {"{\"中文\": tru}", "x.json:1:11: invalid literal"},
      {"{\"a\": 1", "the file may be incomplete"},
      {"[1, 2", "the file may be incomplete"},
      {"\"abc", "the file may be incomplete"},
      {"{\"a\" 1}", "expected ':'"},
      {"[1,]", "x.json:1:4: unexpected ']'"},
      {"[1] 2", "expected end of input"},
      {"{} {}", "expected end of input"},
      {"NaN", "invalid literal"},
      {"[01]", "unexpected number literal; expected ']'"},
      {"'a'", "invalid literal"},
      {"// c\n1", "invalid literal"},
      {"1e999", "a number is too large"},
      {"\"a\nb\"", "control character"},
      {"\"\\x\"", "x.json:1:3"},
      {"\"\\ud800\"", "x.json:1:"},
      {"\"\xff\"", "not valid UTF-8"},
      {"\"\xc0\xaf\"", "not valid UTF-8"},
      {"\"\xed\xa0\x80\"", "not valid UTF-8"},
      {std::string("{}\0garbage", 10), "x.json:1:3: the text holds a NUL byte"},
      {std::string("\xff\xfe{\0}\0", 6), "UTF-16"},
  }));
  CAPTURE(item.text);
  CHECK_ERROR(parse_json(item.text, "x.json"), ErrorCode::bad_format, item.message);
}

TEST_CASE("parse_json accepts 256 levels and refuses 257", "[io][json]") {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK_NOTHROW(parse_json(nested(256), "x"));
  CHECK_ERROR(parse_json(nested(257), "x"), ErrorCode::bad_format, "nested deeper than 256");
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  CHECK_ERROR(parse_json(objects, "x"), ErrorCode::bad_format, "nested deeper than 256");
}

TEST_CASE("a message stays short and printable whatever the text holds", "[io][json]") {
  const std::string text =
      "{\"" + std::string(100'000, 'k') + "\":1,\"" + std::string(100'000, 'k') + "\":2}";
  const auto error = test::error_of([&] { parse_json(text, "x"); });
  REQUIRE(error);
  CHECK(std::string(error->what()).size() < 300);
  const auto binary = test::error_of([] { parse_json("tr\x01\x02\x7f", "x"); });
  REQUIRE(binary);
  CHECK(std::string(binary->what()).find('\x01') == std::string::npos);
}

TEST_CASE("read_json names the file", "[io][json]") {
  test::TempDir dir;
  test::write_text(dir / "config.json", "{\n  \"n_head\": 12,,\n}");
  CHECK_ERROR(io::read_json(dir / "config.json"), ErrorCode::bad_format, "config.json:2:");
  CHECK_ERROR(io::read_json(dir / "none.json"), ErrorCode::not_found, "none.json");
}

TEST_CASE("JsonFields returns typed values and fallbacks", "[io][json]") {
  const Json json = parse_json(
      R"({"i": 12, "neg": -3, "f": 1e-5, "b": true, "s": "gelu", "n": null, "big": 9223372036854775807})",
      "c");
  const JsonFields fields(json, "config.json");
  CHECK(fields.has("i"));
  CHECK_FALSE(fields.has("n"));
  CHECK_FALSE(fields.has("missing"));
  CHECK(fields.integer("i", 1, 1024) == 12);
  CHECK(fields.integer("neg", -3, 0) == -3);
  CHECK(fields.integer("big", 0, std::numeric_limits<std::int64_t>::max()) ==
        std::numeric_limits<std::int64_t>::max());
  CHECK(fields.integer_or("n", 7, 0, 10) == 7);
  CHECK(fields.number("f") == 1e-5);
  CHECK(fields.number("i") == 12.0);
  CHECK(fields.number_or("missing", 0.5) == 0.5);
  CHECK(fields.boolean_or("b", false));
  CHECK(fields.boolean_or("n", true));
  CHECK(fields.string("s") == "gelu");
  CHECK(fields.string_or("missing", "x") == "x");
  CHECK(fields.at("missing").is_null());
}

TEST_CASE("JsonFields says which field is what and what was expected", "[io][json]") {
  const Json json = parse_json(
      R"({"s": "12", "f": 1.5, "i": 12, "big": 18446744073709551615, "list": [1], "o": {}, "b": true})", "c");
  const JsonFields fields(json, "config.json");
  const auto code = ErrorCode::bad_format;
  CHECK_ERROR(fields.integer("s", 1, 1024), code,
              "config.json: field 's' is \"12\", expected an integer from 1 to 1024");
  CHECK_ERROR(fields.integer("missing", 1, 2), code,
              "field 'missing' is missing, expected an integer from 1 to 2");
  CHECK_ERROR(fields.integer("f", 1, 2), code, "field 'f' is 1.5");
  CHECK_ERROR(fields.integer("i", 13, 20), code, "field 'i' is 12, expected an integer from 13 to 20");
  CHECK_ERROR(fields.integer("big", 0, std::numeric_limits<std::int64_t>::max()), code,
              "18446744073709551615");
  CHECK_ERROR(fields.integer("b", 0, 1), code, "field 'b' is true");
  CHECK_ERROR(fields.integer_or("list", 1, 0, 1), code, "field 'list' is an array");
  CHECK_ERROR(fields.number("o"), code, "field 'o' is an object, expected a number");
  CHECK_ERROR(fields.number_or("s", 1), code, "expected a number");
  CHECK_ERROR(fields.boolean_or("i", true), code, "expected true or false");
  CHECK_ERROR(fields.string("i"), code, "expected a string");
  CHECK_ERROR(fields.string_or("b", ""), code, "expected a string");
  const Json array = Json::array();
  CHECK_ERROR(JsonFields(array, "config.json"), code, "config.json: got an array, expected a JSON object");
}

namespace {

struct Lines {
  std::vector<std::pair<std::int64_t, Json>> read;
  std::vector<std::string> errors;
};

Lines lines_of(const std::string& text, bool skip_errors = false) {
  Lines out;
  std::istringstream in(text);
  const auto keep = [&](Json&& object, std::int64_t number) {
    out.read.emplace_back(number, std::move(object));
  };
  const auto skip = [&](std::int64_t, const std::string& message) {
    out.errors.push_back(message);
    return true;
  };
  if (skip_errors) {
    io::for_each_json_line(in, "u.jsonl", keep, skip);
  } else {
    io::for_each_json_line(in, "u.jsonl", keep);
  }
  return out;
}

}  // namespace

TEST_CASE("JSON Lines come with byte order marks, CRLF, blank lines and no last newline", "[io][json]") {
  const Lines lines = lines_of("\xEF\xBB\xBF{\"a\":1}\r\n\r\n   \n{\"a\":2}\n\n{\"a\":\"\xEF\xBB\xBF\"}");
  REQUIRE(lines.read.size() == 3);
  CHECK(lines.read[0] == std::pair<std::int64_t, Json>(1, {{"a", 1}}));
  CHECK(lines.read[1] == std::pair<std::int64_t, Json>(4, {{"a", 2}}));
  CHECK(lines.read[2] == std::pair<std::int64_t, Json>(6, {{"a", "\xEF\xBB\xBF"}}));
  CHECK(lines_of("").read.empty());
  CHECK(lines_of("\xEF\xBB\xBF").read.empty());
  CHECK(lines_of("\n\n").read.empty());
}

TEST_CASE("a bad line of JSON Lines is named by its number", "[io][json]") {
  CHECK_ERROR(lines_of("{}\n{\"a\":}\n"), ErrorCode::bad_format, "u.jsonl:2:6: ");
  CHECK_ERROR(lines_of("{}\n\n[1]\n"), ErrorCode::bad_format,
              "u.jsonl:3: got an array, expected one JSON object { … } a line");
  CHECK_ERROR(lines_of("{\n\"a\":1}\n"), ErrorCode::bad_format, "u.jsonl:1:");
  CHECK_ERROR(lines_of(std::string("{}\0\n", 4)), ErrorCode::bad_format, "NUL byte");
  CHECK_ERROR(lines_of("{\"a\":1,\"a\":2}"), ErrorCode::bad_format, "twice");
  CHECK_ERROR(lines_of(std::string("\xff\xfe{\0}\0\n\0", 8)), ErrorCode::bad_format, "UTF-16");
}

TEST_CASE("on_error skips bad lines and sees each of them", "[io][json]") {
  const Lines lines = lines_of("{\"a\":1}\nnot json\n7\n{\"a\":2}", /*skip_errors=*/true);
  CHECK(lines.read.size() == 2);
  REQUIRE(lines.errors.size() == 2);
  CHECK_THAT(lines.errors[0], ContainsSubstring("u.jsonl:2:"));
  CHECK_THAT(lines.errors[1], ContainsSubstring("u.jsonl:3: got 7"));
}

TEST_CASE("what the callback throws passes through, even with on_error", "[io][json]") {
  std::istringstream in("{}\n{}");
  const auto throws = [](Json&&, std::int64_t) { fail(ErrorCode::cancelled, "stop"); };
  const auto skip = [](std::int64_t, const std::string&) { return true; };
  CHECK_ERROR(io::for_each_json_line(in, "u", throws, skip), ErrorCode::cancelled, "stop");
}

TEST_CASE("a line of 5 MB is read, and one over 64 MiB is refused before it fills the memory", "[io][json]") {
  CHECK(lines_of("{\"a\":\"" + std::string(5'000'000, 'x') + "\"}").read.size() == 1);

  /// An endless line.
  class Endless : public std::streambuf {
    int_type underflow() override {
      setg(block_.data(), block_.data(), block_.data() + block_.size());
      return traits_type::to_int_type(block_[0]);
    }
    std::string block_ = std::string(4096, ' ');
  } endless;
  std::istream in(&endless);
  CHECK_ERROR(io::for_each_json_line(in, "u.jsonl", [](Json&&, std::int64_t) {}), ErrorCode::bad_format,
              "u.jsonl:1: the line is over the limit of 64 MiB");
}

TEST_CASE("a directory opened as JSON Lines is an error, not an empty file", "[io][json]") {
  test::TempDir dir;
  std::ifstream in(dir.path());
  CHECK_ERROR(io::for_each_json_line(in, "dir", [](Json&&, std::int64_t) {}), ErrorCode::io, "cannot read");
}
