#include "copywriter/rules/toml_table.h"

#include <algorithm>

#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

// Behind the string that begins at a quotation mark; a string of one line that is not closed ends with the
// line.
std::size_t behind_string(std::string_view text, std::size_t at) {
  const char mark = text[at];
  const std::string_view three = mark == '"' ? "\"\"\"" : "'''";
  const bool lines = text.substr(at).starts_with(three);
  const std::string_view end = lines ? three : three.substr(0, 1);
  for (at += end.size(); at < text.size(); ++at) {
    if (mark == '"' && text[at] == '\\') {
      ++at;
    } else if (text.substr(at).starts_with(end)) {
      return at + end.size();
    } else if (!lines && text[at] == '\n') {
      return at;
    }
  }
  return text.size();
}

// Outside of quotes and comments TOML is ASCII. Said here, because people type “ for ", and because
// toml++ 3.3 meets such a character with undefined behaviour.
void refuse_outside_quotes(std::string_view text, const std::string& file) {
  for (std::size_t at = text.starts_with("\xEF\xBB\xBF") ? 3 : 0; at < text.size();) {
    const char c = text[at];
    if (c == '#') {
      at = std::min(text.find('\n', at), text.size());
    } else if (c == '"' || c == '\'') {
      at = behind_string(text, at);
    } else if (static_cast<unsigned char>(c) >= 0x80) {
      const std::size_t line_begin = at == 0 ? 0 : text.rfind('\n', at - 1) + 1;  // npos + 1 is 0
      const auto line = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n') + 1;
      std::size_t column = 1, end = at;
      for (std::size_t i = line_begin; i < at; ++column) next_code_point(text, i);
      next_code_point(text, end);
      fail(ErrorCode::bad_format, file, ":", line, ":", column, ": '", text.substr(at, end - at),
           "' stands outside of quotes; texts stand between two \"");
    } else {
      ++at;
    }
  }
}

}  // namespace

toml::table parse_toml(std::string_view text, const std::string& file) {
  if (!is_utf8(text)) fail(ErrorCode::bad_format, file, ":1:1: is not UTF-8");
  refuse_outside_quotes(text, file);
  try {
    return toml::parse(text, file);
  } catch (const toml::parse_error& error) {
    const toml::source_position at = error.source().begin;
    fail(ErrorCode::bad_format, file, ":", at.line, ":", at.column, ": ", error.description());
  }
}

}  // namespace adlib::copywriter
