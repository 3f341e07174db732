// tokenizer/src/json_reader.h: reading the JSON files of a tokenizer with errors that name the place.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "adlib/core/error.h"

namespace adlib::tok {

using Json = nlohmann::json;

/// The whole file; Error(io) if it cannot be read.
std::string read_file(const std::filesystem::path& path);
/// Error(bad_format) naming `where` unless `text` is JSON.
Json parse_json(std::string_view text, const std::string& where);

/// An object and the path that leads to it ("tokenizer.json: pre_tokenizer").
class Node {
 public:
  /// Throws Error(bad_format) unless `json` is an object. Keeps a reference to it.
  Node(const Json& json, std::string where);

  /// Throws Error(unsupported) naming the first field that is not in `known`: what is not understood is not
  /// ignored.
  void allow(std::initializer_list<std::string_view> known) const;
  /// The field; nullptr when it is missing or null.
  const Json* find(const char* key) const;
  const Json& at(const char* key) const;  ///< Error(bad_format) when it is missing or null

  bool flag(const char* key, bool otherwise) const;
  std::string text(const char* key) const;
  std::string text(const char* key, std::string otherwise) const;
  std::int64_t integer(const char* key) const;
  std::int64_t integer(const char* key, std::int64_t otherwise) const;
  const Json& array(const char* key) const;
  Node child(const char* key) const { return {at(key), where_ + "." + key}; }

  const Json& json() const { return json_; }
  const std::string& where() const { return where_; }
  std::string field(const char* key) const { return where_ + "." + key; }

 private:
  [[noreturn]] void mistyped(const char* key, const char* expected) const;

  const Json& json_;
  std::string where_;
};

}  // namespace adlib::tok
