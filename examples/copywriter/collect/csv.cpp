#include "copywriter/collect/csv.h"

#include <algorithm>
#include <array>
#include <utility>

#include "adlib/core/error.h"
#include "copywriter/collect/contact.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

constexpr std::size_t kBufferBytes = 1 << 16;

}  // namespace

CsvReader::CsvReader(std::istream& in, std::string where, CsvOptions options)
    : in_(in), where_(std::move(where)), options_(options), buffer_(kBufferBytes) {
  require(options.delimiter == ',' || options.delimiter == ';' || options.delimiter == '\t', where_,
          ": the delimiter is '", options.delimiter, "', expected a comma, a semicolon or a tab");
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  if (fill() && std::string_view(buffer_.data(), std::min(end_, mark.size())) == mark) at_ = mark.size();
}

bool CsvReader::fill() {
  in_.read(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
  at_ = 0;
  end_ = static_cast<std::size_t>(in_.gcount());
  if (in_.bad()) fail(ErrorCode::io, where_, ":", line_, ": reading failed");
  return end_ > 0;
}

int CsvReader::peek() {
  if (at_ == end_ && !fill()) return -1;
  return static_cast<unsigned char>(buffer_[at_]);
}

int CsvReader::get() {
  const int byte = peek();
  if (byte >= 0) ++at_;
  return byte;
}

void CsvReader::fail_at(std::int64_t line, const std::string& what) const {
  fail(ErrorCode::bad_format, where_, ":", line, ": ", what);
}

void CsvReader::append(std::string& cell, int byte) {
  if (byte == 0) fail_at(line_, "a NUL byte; the file is not text (UTF-16 exports must be saved as UTF-8)");
  if (cell.size() >= options_.max_cell_bytes) {
    state_ = State::lost;
    fail_at(row_line_,
            concat("a cell is longer than ", options_.max_cell_bytes, " bytes; is a closing quote missing?"));
  }
  if (++row_bytes_ > options_.max_row_bytes) {
    state_ = State::lost;
    fail_at(row_line_, concat("the row is longer than ", options_.max_row_bytes, " bytes"));
  }
  cell.push_back(static_cast<char>(byte));
}

void CsvReader::read_quoted(std::string& cell) {
  const std::int64_t opened = line_;
  for (;;) {
    const int byte = get();
    if (byte < 0) {
      state_ = State::lost;
      fail_at(opened, "the quote that opens here is never closed");
    }
    if (byte == '"') {
      if (peek() != '"') return;
      ++at_;
    }
    if (byte == '\n' || (byte == '\r' && peek() != '\n')) ++line_;
    append(cell, byte);
  }
}

void CsvReader::check(const std::vector<std::string>& row, std::size_t cells) const {
  for (std::size_t i = 0; i < cells; ++i) {
    if (!is_utf8(row[i])) {
      fail_at(row_line_, concat("cell ", i + 1, " is not UTF-8; save the file as UTF-8"));
    }
  }
}

void CsvReader::skip_line() {
  for (;;) {
    const int byte = get();
    if (byte < 0) return;
    if (byte == '\n' || byte == '\r') {
      if (byte == '\r' && peek() == '\n') ++at_;
      ++line_;
      return;
    }
  }
}

bool CsvReader::next(std::vector<std::string>& row) {
  if (state_ == State::inside_row) skip_line();
  while (peek() == '\n' || peek() == '\r') {  // blank lines
    if (get() == '\r' && peek() == '\n') ++at_;
    ++line_;
  }
  if (peek() < 0) return false;

  state_ = State::inside_row;
  row_line_ = line_;
  row_bytes_ = 0;
  std::size_t cells = 0;
  for (bool more = true; more;) {
    if (cells == options_.max_columns) {
      fail_at(row_line_, concat("more than ", options_.max_columns, " columns"));
    }
    if (cells == row.size()) row.emplace_back();
    std::string& cell = row[cells++];
    cell.clear();

    const bool quoted = peek() == '"';
    if (quoted) {
      ++at_;
      read_quoted(cell);
    }
    for (;;) {
      const int byte = get();
      if (byte == options_.delimiter) break;
      if (byte < 0 || byte == '\n' || byte == '\r') {
        if (byte == '\r' && peek() == '\n') ++at_;
        if (byte >= 0) ++line_;
        more = false;
        break;
      }
      if (quoted) {
        fail_at(line_,
                "text after the closing quote of a cell; quotes inside a quoted cell are doubled (\"\")");
      }
      if (byte == '"') {
        fail_at(line_,
                "a quote inside an unquoted cell; quote the whole cell and double the quotes inside it");
      }
      append(cell, byte);
    }
  }
  state_ = State::between_rows;
  row.resize(cells);
  check(row, cells);
  return true;
}

char delimiter_of(const std::filesystem::path& file) {
  return equal_ignoring_case(file.extension().string(), ".tsv") ? '\t' : ',';
}

CsvTable::CsvTable(std::istream& in, const std::string& where, CsvOptions options)
    : reader_(in, where, options) {
  if (!reader_.next(header_)) {
    fail(ErrorCode::bad_format, where, ": the file is empty, expected a header line");
  }
  for (std::size_t i = 0; i < header_.size(); ++i) {
    header_[i] = std::string(trim(header_[i]));
    if (header_[i].empty()) {
      fail(ErrorCode::bad_format, place(), ": column ", i + 1, " of the header has no name");
    }
    if (std::find(header_.begin(), header_.begin() + static_cast<std::ptrdiff_t>(i), header_[i]) !=
        header_.begin() + static_cast<std::ptrdiff_t>(i)) {
      std::int64_t removed = 0;  // a file without a header has a person's data here
      const std::string shown = first_characters(without_contacts(header_[i], removed), 40);
      fail(ErrorCode::bad_format, place(), ": the header has two columns '", shown, "'");
    }
  }
}

bool CsvTable::next() {
  if (!reader_.next(row_)) return false;
  if (row_.size() != header_.size()) {
    fail(ErrorCode::bad_format, place(), ": the row has ", row_.size(), row_.size() == 1 ? " cell" : " cells",
         ", the header has ", header_.size(), "; is a comma unquoted or a quote missing?");
  }
  return true;
}

std::string CsvTable::place() const { return concat(reader_.where(), ":", reader_.line()); }

void CsvTable::rename(std::size_t column, const std::string& name) {
  const std::array names{std::string_view(name)};
  if (const auto other = find(names); !name.empty() && other && *other != column)
    fail(ErrorCode::bad_format, reader_.where(), ": two columns mean '", name, "'");
  header_[column] = name;
}

std::optional<std::size_t> CsvTable::find(std::span<const std::string_view> names) const {
  for (const std::string_view name : names) {
    if (name.empty()) continue;
    for (std::size_t i = 0; i < header_.size(); ++i) {
      if (equal_ignoring_case(header_[i], name)) return i;
    }
  }
  return std::nullopt;
}

}  // namespace adlib::copywriter
