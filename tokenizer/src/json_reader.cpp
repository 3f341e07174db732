#include "json_reader.h"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace adlib::tok {

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in.is_open() || in.bad()) fail(ErrorCode::io, path.string(), ": could not be read");
  return text;
}

Json parse_json(std::string_view text, const std::string& where) {
  try {
    return Json::parse(text);
  } catch (const Json::exception& e) {
    fail(ErrorCode::bad_format, where, ": not valid JSON: ", e.what(), "; the download may be incomplete");
  }
}

Node::Node(const Json& json, std::string where) : json_(json), where_(std::move(where)) {
  if (!json.is_object())
    fail(ErrorCode::bad_format, where_, " is ", json.type_name(), ", expected an object");
}

void Node::allow(std::initializer_list<std::string_view> known) const {
  for (const auto& [key, value] : json_.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      fail(ErrorCode::unsupported, where_, ": field '", key, "' is not supported");
    }
  }
}

const Json* Node::find(const char* key) const {
  const auto it = json_.find(key);
  return it == json_.end() || it->is_null() ? nullptr : &*it;
}

const Json& Node::at(const char* key) const {
  const Json* value = find(key);
  if (value == nullptr) fail(ErrorCode::bad_format, where_, ": field '", key, "' is missing");
  return *value;
}

void Node::mistyped(const char* key, const char* expected) const {
  fail(ErrorCode::bad_format, where_, ": field '", key, "' is ", at(key).type_name(), ", expected ",
       expected);
}

bool Node::flag(const char* key, bool otherwise) const {
  const Json* value = find(key);
  if (value == nullptr) return otherwise;
  if (!value->is_boolean()) mistyped(key, "a boolean");
  return value->get<bool>();
}

std::string Node::text(const char* key) const {
  const Json& value = at(key);
  if (!value.is_string()) mistyped(key, "a string");
  return value.get<std::string>();
}

std::string Node::text(const char* key, std::string otherwise) const {
  return find(key) == nullptr ? otherwise : text(key);
}

std::int64_t Node::integer(const char* key) const {
  const Json& value = at(key);
  if (!value.is_number_integer()) mistyped(key, "an integer");
  return value.get<std::int64_t>();
}

std::int64_t Node::integer(const char* key, std::int64_t otherwise) const {
  return find(key) == nullptr ? otherwise : integer(key);
}

const Json& Node::array(const char* key) const {
  const Json& value = at(key);
  if (!value.is_array()) mistyped(key, "an array");
  return value;
}

}  // namespace adlib::tok
