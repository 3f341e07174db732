#include <algorithm>
#include <istream>
#include <streambuf>

#include "support.h"

using namespace adlib;
using namespace adlib::copywriter;
using adlib::test::message_of;
using adlib::test::read_rows;
using adlib::test::Rows;

namespace {

std::string csv_error(const std::string& text, CsvOptions options = {}) {
  return message_of([&] { read_rows(text, options); });
}

// Hands out a text in pieces of a few bytes, as a slow pipe does.
class DripBuffer final : public std::streambuf {
 public:
  explicit DripBuffer(std::string text) : text_(std::move(text)) {}

 private:
  int_type underflow() override {
    if (at_ == text_.size()) return traits_type::eof();
    const std::size_t count = std::min<std::size_t>(3, text_.size() - at_);
    setg(&text_[at_], &text_[at_], &text_[at_] + count);
    at_ += count;
    return traits_type::to_int_type(*gptr());
  }
  std::string text_;
  std::size_t at_ = 0;
};

}  // namespace

TEST_CASE("The CSV reader reads what RFC 4180 allows", "[copywriter][csv]") {
  CHECK(read_rows("a,b\n1,2\n") == Rows{{"a", "b"}, {"1", "2"}});
  CHECK(read_rows("a,b\r\n1,2") == Rows{{"a", "b"}, {"1", "2"}});
  CHECK(read_rows("a,b\r1,2\r") == Rows{{"a", "b"}, {"1", "2"}});
  CHECK(read_rows("\xEF\xBB\xBF"
                  "a,b\n") == Rows{{"a", "b"}});
  CHECK(read_rows(",\n") == Rows{{"", ""}});
  CHECK(read_rows("a,,\n") == Rows{{"a", "", ""}});
  CHECK(read_rows("\"\",\"\"\n") == Rows{{"", ""}});
  CHECK(read_rows("\"a,b\",\"c\nd\",\"e \"\"f\"\"\"\n") == Rows{{"a,b", "c\nd", "e \"f\""}});
  CHECK(read_rows("\"c\r\nd\",x") == Rows{{"c\r\nd", "x"}});
  CHECK(read_rows("\"\"\"\"") == Rows{{"\""}});
  CHECK(read_rows(" a , b ") == Rows{{" a ", " b "}});
  CHECK(read_rows("\n\r\n\na\n\n\nb\n\n") == Rows{{"a"}, {"b"}});
  CHECK(read_rows("").empty());
  CHECK(read_rows("\xEF\xBB\xBF").empty());
  CHECK(read_rows("用户ID,品牌\n1,优衣库\n") == Rows{{"用户ID", "品牌"}, {"1", "优衣库"}});
}

TEST_CASE("The CSV reader takes other delimiters only when told", "[copywriter][csv]") {
  CsvOptions options;
  options.delimiter = '\t';
  CHECK(read_rows("a,b\tc\n", options) == Rows{{"a,b", "c"}});
  options.delimiter = ';';
  CHECK(read_rows("a,b;c\n", options) == Rows{{"a,b", "c"}});
  options.delimiter = 'x';
  CHECK_THAT(csv_error("a", options), ContainsSubstring("the delimiter is 'x', expected a comma"));
}

TEST_CASE("A quote that never closes is named by the line it opened on", "[copywriter][csv]") {
  CHECK(csv_error("a,b\n1,\"x\ny\nz\n") == "t.csv:2: the quote that opens here is never closed");
  CHECK(csv_error("\"") == "t.csv:1: the quote that opens here is never closed");
}

TEST_CASE("Lines are counted through quoted newlines of every kind", "[copywriter][csv]") {
  std::istringstream in("h\n\"a\nb\"\n\"c\r\nd\"\r\n\"e\rf\"\n\nlast\n");
  CsvReader reader(in, "t.csv");
  std::vector<std::int64_t> lines;
  for (std::vector<std::string> row; reader.next(row);) lines.push_back(reader.line());
  CHECK(lines == std::vector<std::int64_t>{1, 2, 4, 6, 9});
}

TEST_CASE("Malformed CSV is refused with file and line", "[copywriter][csv]") {
  CHECK_THAT(csv_error("a\n\"b\"c\n"), ContainsSubstring("t.csv:2: text after the closing quote"));
  CHECK_THAT(csv_error("a\nb\n5\" pipe\n"), ContainsSubstring("t.csv:3: a quote inside an unquoted cell"));
  CHECK_THAT(csv_error(std::string("a\nb\0c\n", 6)), ContainsSubstring("t.csv:2: a NUL byte"));
  CHECK_THAT(csv_error(std::string("\"\0\"", 3)), ContainsSubstring("t.csv:1: a NUL byte"));
  CHECK_THAT(csv_error("a,b\nx,\xC4\xE3\n"), ContainsSubstring("t.csv:2: cell 2 is not UTF-8"));
  CHECK_THAT(csv_error("\xED\xA0\x80\n"), ContainsSubstring("not UTF-8"));
}

TEST_CASE("The limits of the CSV reader hold for cells, rows and columns", "[copywriter][csv]") {
  CsvOptions options;
  options.max_cell_bytes = 8;
  options.max_row_bytes = 20;
  options.max_columns = 4;
  CHECK(read_rows("12345678,1\n", options) == Rows{{"12345678", "1"}});
  CHECK_THAT(csv_error("123456789\n", options), ContainsSubstring("t.csv:1: a cell is longer than 8 bytes"));
  CHECK_THAT(csv_error("x\n\"1\n2\n3\n4\n5\n", options),
             ContainsSubstring("t.csv:2: a cell is longer than 8"));
  CHECK_THAT(csv_error("1234567,1234567,1234567\n", options),
             ContainsSubstring("the row is longer than 20 bytes"));
  CHECK(read_rows("1,2,3,4\n", options).size() == 1);
  CHECK_THAT(csv_error("1,2,3,4,5\n", options), ContainsSubstring("more than 4 columns"));
}

TEST_CASE("Rows do not depend on how the bytes arrive", "[copywriter][csv]") {
  // Longer than the reader's buffer, so that quotes, CRLF and UTF-8 fall on every boundary.
  std::string text;
  Rows expected;
  for (int i = 0; i < 9000; ++i) {
    text += std::string(static_cast<std::size_t>(i % 7), 'x') + ",\"品 \"\"牌\"\"\r\n二\"\r\n";
    expected.push_back({std::string(static_cast<std::size_t>(i % 7), 'x'), "品 \"牌\"\r\n二"});
  }
  CHECK(read_rows(text) == expected);
  DripBuffer drip("\xEF\xBB\xBF" + text);
  std::istream in(&drip);
  CsvReader reader(in, "t.csv");
  Rows rows;
  for (std::vector<std::string> row; reader.next(row);) rows.push_back(row);
  CHECK(rows == expected);
}

TEST_CASE("A table refuses ragged rows and headers that cannot name columns", "[copywriter][csv]") {
  const auto table_error = [](const std::string& text) {
    return message_of([&] {
      std::istringstream in(text);
      CsvTable table(in, "t.csv");
      while (table.next()) {
      }
    });
  };
  CHECK_THAT(table_error("a,b\n1,2\n1\n"),
             ContainsSubstring("t.csv:3: the row has 1 cell, the header has 2"));
  CHECK_THAT(table_error("a,b\n1,2,3\n"),
             ContainsSubstring("t.csv:2: the row has 3 cells, the header has 2"));
  CHECK_THAT(table_error("a,,c\n"), ContainsSubstring("t.csv:1: column 2 of the header has no name"));
  CHECK_THAT(table_error("a,b,a\n"), ContainsSubstring("t.csv:1: the header has two columns 'a'"));
  CHECK_THAT(table_error(""), ContainsSubstring("t.csv: the file is empty"));

  std::istringstream in(" ID ,名\n7,x\n");
  CsvTable table(in, "t.csv");
  REQUIRE(table.next());
  CHECK(table.cell(table.find({"other", "id"})) == "7");
  CHECK(table.cell(table.find({"名"})) == "x");
  CHECK(table.cell(table.find({"nothing"})).empty());
  CHECK_FALSE(table.next());
}
