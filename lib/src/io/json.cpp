#include "adlib/io/json.h"

#include <cmath>
#include <iterator>
#include <utility>
#include <vector>

#include "adlib/core/error.h"
#include "adlib/io/atomic_file.h"
#include "io/text.h"

namespace adlib::io {

std::string excerpt(std::string_view text, std::size_t limit) {
  std::string shown(text.substr(0, limit));
  if (text.size() > limit) {
    while (!shown.empty() && (static_cast<unsigned char>(shown.back()) & 0xC0u) == 0x80u) shown.pop_back();
    if (!shown.empty() && static_cast<unsigned char>(shown.back()) >= 0x80u) shown.pop_back();
    shown += "…";
  }
  const std::string quoted = Json(shown).dump(-1, ' ', false, Json::error_handler_t::replace);
  return quoted.substr(1, quoted.size() - 2);
}

bool is_utf8(std::string_view text) {
  try {
    Json(std::string(text)).dump();
    return true;
  } catch (const Json::exception&) {
    return false;
  }
}

namespace {

constexpr std::size_t depth_limit = 256;
constexpr std::size_t line_limit = std::size_t{64} << 20;
constexpr std::string_view utf8_mark = "\xEF\xBB\xBF";

/// A value as it would stand in a JSON text, short.
std::string show(const Json& value) {
  if (value.is_string()) return '"' + excerpt(value.get_ref<const std::string&>()) + '"';
  if (value.is_object()) return "an object";
  if (value.is_array()) return "an array";
  return value.dump();
}

/// "12:7": line and column, both from 1, the column in characters as editors count them.
std::string position_of(std::string_view text, std::size_t offset, std::int64_t first_line) {
  std::int64_t line = first_line;
  std::int64_t column = 1;
  for (const char c : text.substr(0, offset)) {
    if (c == '\n') {
      ++line;
      column = 1;
    } else if ((static_cast<unsigned char>(c) & 0xC0u) != 0x80u) {
      ++column;
    }
  }
  return std::to_string(line) + ':' + std::to_string(column);
}

/// The parser's own words, without its prefix and in plainer terms.
std::string cause_of(std::string_view message) {
  if (message.find("ill-formed UTF-8") != message.npos)
    return "the text is not valid UTF-8; save the file as UTF-8";
  if (message.find("unexpected end of input") != message.npos ||
      message.find("missing closing quote") != message.npos) {
    return "the text ends in the middle of a value; the file may be incomplete";
  }
  if (message.find("control character") != message.npos) {
    return "a control character stands inside a string; write it as an escape such as \\n";
  }
  if (message.find("number overflow") != message.npos) return "a number is too large";
  // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error while parsing value -
  // unexpected
  // '}'; expected '[', '{', or a literal": what follows the last dash is the cause.
  const auto dash = message.find(" - ");
  const auto bracket = message.find("] ");
  if (dash != message.npos)
    message.remove_prefix(dash + 3);
  else if (bracket != message.npos)
    message.remove_prefix(bracket + 2);
  return excerpt(message, 200);
}

/// Walks the text and remembers how far the parser has read: callbacks are not told their position.
class Cursor {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Cursor(const char* at, const char** reached) : at_(at), reached_(reached) {}
  reference operator*() const { return *at_; }
  Cursor& operator++() {
    *reached_ = ++at_;
    return *this;
  }
  Cursor operator++(int) {
    Cursor before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const Cursor& a, const Cursor& b) { return a.at_ == b.at_; }

 private:
  const char* at_;
  const char** reached_;
};

/// Builds the document from the parser's events; stops at a duplicate key and at too deep nesting, which the
/// parser's own builder accepts.
class Builder final : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    const auto [place, fresh] = open_.back()->get_ref<Json::object_t&>().emplace(name, nullptr);
    if (!fresh) {
      problem = "the key '" + excerpt(name) + "' is there twice";
      return false;
    }
    member_ = &place->second;
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const Json::exception& error) override {
    problem = cause_of(error.what());
    return false;
  }

  Json document;
  std::string problem;

 private:
  template <class T>
  bool add(T&& value) {
    place(Json(std::forward<T>(value)));
    return true;
  }
  Json* place(Json value) {
    if (open_.empty()) return &(document = std::move(value));
    if (open_.back()->is_object()) return &(*member_ = std::move(value));
    return &open_.back()->get_ref<Json::array_t&>().emplace_back(std::move(value));
  }
  bool open(Json container) {
    if (open_.size() == depth_limit) {
      problem = "values are nested deeper than " + std::to_string(depth_limit);
      return false;
    }
    // The pointer stays good: an array grows only after the containers inside it are closed.
    open_.push_back(place(std::move(container)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  std::vector<Json*> open_;
  Json* member_ = nullptr;
};

Json parse(std::string_view text, const std::string& where, std::int64_t first_line) {
  const auto refuse = [&](std::size_t offset, std::string_view problem) {
    fail(ErrorCode::bad_format, where, ':', position_of(text, offset, first_line), ": ", problem);
  };
  if (text.substr(0, 2) == "\xFF\xFE" || text.substr(0, 2) == "\xFE\xFF") {
    refuse(0, "the text is UTF-16; save the file as UTF-8");
  }
  if (text.find_first_not_of(" \t\r\n") == text.npos) refuse(0, "the text is empty, expected a JSON value");
  // The parser takes a NUL byte for the end of the text and would accept anything after it.
  if (const auto nul = text.find('\0'); nul != text.npos) refuse(nul, "the text holds a NUL byte");

  const char* reached = text.data();
  const char* end = text.data() + text.size();
  Builder builder;
  if (!Json::sax_parse(Cursor(text.data(), &reached), Cursor(end, &reached), &builder)) {
    const auto read = static_cast<std::size_t>(reached - text.data());
    refuse(read == 0 ? 0 : read - 1, builder.problem);
  }
  return std::move(builder.document);
}

}  // namespace

Json parse_json(std::string_view text, const std::string& where) { return parse(text, where, 1); }

Json read_json(const std::filesystem::path& path) {
  return parse_json(read_file(path), path.filename().string());
}

JsonFields::JsonFields(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
  if (!object.is_object()) {
    fail(ErrorCode::bad_format, where_, ": got ", show(object), ", expected a JSON object { … }");
  }
}

bool JsonFields::has(const char* name) const { return !at(name).is_null(); }

const Json& JsonFields::at(const char* name) const {
  static const Json null;
  const auto found = object_.find(name);
  return found == object_.end() ? null : *found;
}

namespace {

[[noreturn]] void wrong_field(const JsonFields& fields, const char* name, const std::string& expected) {
  if (!fields.has(name)) {
    fail(ErrorCode::bad_format, fields.where(), ": field '", name, "' is missing, expected ", expected);
  }
  fail(ErrorCode::bad_format, fields.where(), ": field '", name, "' is ", show(fields.at(name)),
       ", expected ", expected);
}

}  // namespace

std::int64_t JsonFields::integer(const char* name, std::int64_t low, std::int64_t high) const {
  const Json& value = at(name);
  if (value.is_number_integer()) {
    // An unsigned value over 2^63 would turn negative.
    const bool fits = !value.is_number_unsigned() || value.get<std::uint64_t>() <= std::uint64_t{INT64_MAX};
    if (fits && value.get<std::int64_t>() >= low && value.get<std::int64_t>() <= high) {
      return value.get<std::int64_t>();
    }
  }
  wrong_field(*this, name, concat("an integer from ", low, " to ", high));
}

std::int64_t JsonFields::integer_or(const char* name, std::int64_t fallback, std::int64_t low,
                                    std::int64_t high) const {
  return has(name) ? integer(name, low, high) : fallback;
}

double JsonFields::number(const char* name) const {
  const Json& value = at(name);
  if (value.is_number() && std::isfinite(value.get<double>())) return value.get<double>();
  wrong_field(*this, name, "a number");
}

double JsonFields::number_or(const char* name, double fallback) const {
  return has(name) ? number(name) : fallback;
}

bool JsonFields::boolean_or(const char* name, bool fallback) const {
  if (!has(name)) return fallback;
  if (at(name).is_boolean()) return at(name).get<bool>();
  wrong_field(*this, name, "true or false");
}

std::string JsonFields::string(const char* name) const {
  if (at(name).is_string()) return at(name).get<std::string>();
  wrong_field(*this, name, "a string");
}

std::string JsonFields::string_or(const char* name, std::string fallback) const {
  return has(name) ? string(name) : std::move(fallback);
}

namespace {

/// Reads up to the next '\n', which is dropped. False at the end of the stream with nothing read. Character
/// by character, so that a line typed into a pipe is handed on at once and none may fill the memory.
bool read_line(std::istream& in, const std::string& where, std::int64_t number, std::string& line) {
  using Traits = std::istream::traits_type;
  line.clear();
  try {
    for (auto c = in.rdbuf()->sbumpc(); !Traits::eq_int_type(c, Traits::eof()); c = in.rdbuf()->sbumpc()) {
      if (c == '\n') return true;
      if (line.size() == line_limit) {
        fail(ErrorCode::bad_format, where, ':', number, ": the line is over the limit of ", line_limit >> 20,
             " MiB; write one JSON object a line");
      }
      line += Traits::to_char_type(c);
    }
  } catch (const std::ios_base::failure& error) {  // a directory, or a disk that fails
    fail(ErrorCode::io, where, ':', number, ": cannot read: ", error.what());
  }
  return !line.empty();
}

}  // namespace

void for_each_json_line(
    std::istream& in, const std::string& where,
    const std::function<void(Json&& object, std::int64_t number)>& line,
    const std::function<bool(std::int64_t number, const std::string& message)>& on_error) {
  std::string text;
  for (std::int64_t number = 1; read_line(in, where, number, text); ++number) {
    std::string_view body = text;
    if (number == 1 && body.substr(0, utf8_mark.size()) == utf8_mark) body.remove_prefix(utf8_mark.size());
    if (body.find_first_not_of(" \t\r") == body.npos) continue;
    Json object;
    try {
      object = parse(body, where, number);
      if (!object.is_object()) {
        fail(ErrorCode::bad_format, where, ':', number, ": got ", show(object),
             ", expected one JSON object { … } a line");
      }
    } catch (const Error& error) {
      if (on_error && on_error(number, error.what())) continue;
      throw;
    }
    line(std::move(object), number);
  }
}

}  // namespace adlib::io
