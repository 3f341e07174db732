// copywriter/collect/csv.h: a streaming reader of RFC 4180 CSV that trusts nothing and says where it stopped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <istream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace adlib::copywriter {

struct CsvOptions {
  char delimiter = ',';                               ///< ',', ';' or '\t'
  std::size_t max_cell_bytes = std::size_t{1} << 20;  ///< an unclosed quote must not swallow a whole file
  std::size_t max_row_bytes = std::size_t{16} << 20;
  std::size_t max_columns = 4096;
};

/// Reads rows one at a time: quoted cells with delimiters, newlines and doubled quotes; LF, CRLF or CR; a
/// UTF-8 byte order mark; empty cells. Blank lines are skipped. Everything else throws Error(bad_format)
/// "where:line: …": a quote that never closes (named by the line it opened on), text after a closing quote, a
/// quote inside an unquoted cell, NUL bytes, cells that are not UTF-8, cells or rows over the limits.
class CsvReader {
 public:
  /// `in` must outlive this. `where` is the file's name for messages.
  CsvReader(std::istream& in, std::string where, CsvOptions options = {});

  /// Reads the next row into `row`, whose strings are reused. False at the end of the input. After an Error
  /// it goes on with the line after the one that the Error was found on, unless lost().
  bool next(std::vector<std::string>& row);
  /// True after an Error behind which nobody knows where the next row begins: a quote that never closes, a
  /// cell or row over the limits.
  bool lost() const { return state_ == State::lost; }
  /// The line, from 1, that the last row began on.
  std::int64_t line() const { return row_line_; }
  const std::string& where() const { return where_; }

 private:
  int get();   // the next byte, or -1 at the end
  int peek();  // the same, left in place
  bool fill();
  [[noreturn]] void fail_at(std::int64_t line, const std::string& what) const;
  void append(std::string& cell, int byte);
  void read_quoted(std::string& cell);
  void check(const std::vector<std::string>& row, std::size_t cells) const;
  void skip_line();

  enum class State { between_rows, inside_row, lost };
  State state_ = State::between_rows;
  std::istream& in_;
  std::string where_;
  CsvOptions options_;
  std::vector<char> buffer_;
  std::size_t at_ = 0;
  std::size_t end_ = 0;
  std::int64_t line_ = 1;
  std::int64_t row_line_ = 0;
  std::size_t row_bytes_ = 0;
};

/// A tab for a file whose name ends in .tsv, in any case; else a comma.
char delimiter_of(const std::filesystem::path& file);

/// Rows under a header: cells by column name. Throws Error(bad_format) for an empty file, an empty or
/// repeated column name, and a row with more or fewer cells than the header.
class CsvTable {
 public:
  CsvTable(std::istream& in, const std::string& where, CsvOptions options = {});

  /// Column names, spaces around them removed.
  const std::vector<std::string>& header() const { return header_; }
  /// Gives a column another name; "" leaves it out: find() does not see it, and it has no name. Throws
  /// Error(bad_format) when another column has that name.
  void rename(std::size_t column, const std::string& name);
  bool next();
  std::int64_t line() const { return reader_.line(); }
  bool lost() const { return reader_.lost(); }
  /// "where:line", of the row that next() read.
  std::string place() const;

  /// The first column that is called one of `names` (ASCII case is ignored), if there is one.
  std::optional<std::size_t> find(std::initializer_list<std::string_view> names) const {
    return find(std::span(names.begin(), names.size()));
  }
  std::optional<std::size_t> find(std::span<const std::string_view> names) const;
  const std::string& cell(std::size_t column) const { return row_[column]; }
  /// The cell, or "" when there is no such column.
  std::string_view cell(std::optional<std::size_t> column) const {
    return column ? std::string_view(row_[*column]) : std::string_view();
  }

 private:
  CsvReader reader_;
  std::vector<std::string> header_;
  std::vector<std::string> row_;
};

}  // namespace adlib::copywriter
