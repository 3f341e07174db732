// adlib/io/json.h: JSON with errors that name the file, the line and the field. Not part of adlib.h: it needs
// nlohmann-json, which the rest of the library's public headers do not.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <istream>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace adlib::io {

using Json = nlohmann::json;

/// Parses one document. Throws Error(bad_format) "where:line:column: …", never nlohmann's own exceptions.
/// Refuses duplicate keys, invalid UTF-8 and nesting deeper than 256.
Json parse_json(std::string_view text, const std::string& where);
Json read_json(const std::filesystem::path& path);

/// Typed access to the fields of one object, with messages such as
/// "config.json: field 'n_head' is \"12\", expected an integer from 1 to 1024".
class JsonFields {
 public:
  /// `object` must outlive this. Throws Error(bad_format) when it is no object.
  JsonFields(const Json& object, std::string where);

  /// True for a field that is there and not null.
  bool has(const char* name) const;
  std::int64_t integer(const char* name, std::int64_t low, std::int64_t high) const;
  std::int64_t integer_or(const char* name, std::int64_t fallback, std::int64_t low, std::int64_t high) const;
  double number(const char* name) const;  ///< finite
  double number_or(const char* name, double fallback) const;
  bool boolean_or(const char* name, bool fallback) const;
  std::string string(const char* name) const;
  std::string string_or(const char* name, std::string fallback) const;
  /// The raw value, or null.
  const Json& at(const char* name) const;
  const std::string& where() const { return where_; }
  const Json& object() const { return object_; }

 private:
  const Json& object_;
  std::string where_;
};

/// Calls `line` for every line that is not blank: its object, its number from 1, and the file name for
/// messages. Accepts a UTF-8 byte order mark and CRLF. Throws Error(bad_format) "where:17: …" for a line that
/// is no JSON object unless `on_error` is given and returns true, which skips the line.
void for_each_json_line(
    std::istream& in, const std::string& where,
    const std::function<void(Json&& object, std::int64_t number)>& line,
    const std::function<bool(std::int64_t number, const std::string& message)>& on_error = {});

}  // namespace adlib::io
