#include <array>
#include <cstdint>
#include <utility>

#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
bool is_letter(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }
bool is_alphanumeric(char c) { return is_letter(c) || (c >= '0' && c <= '9'); }

// The entities that product descriptions use; others stay as they are written.
constexpr std::array<std::pair<std::string_view, char32_t>, 48> kEntities{{
    {"amp", '&'},       {"lt", '<'},       {"gt", '>'},       {"quot", '"'},      {"apos", '\''},
    {"nbsp", 0xA0},     {"ensp", 0x2002},  {"emsp", 0x2003},  {"thinsp", 0x2009}, {"shy", 0xAD},
    {"ndash", 0x2013},  {"mdash", 0x2014}, {"lsquo", 0x2018}, {"rsquo", 0x2019},  {"sbquo", 0x201A},
    {"ldquo", 0x201C},  {"rdquo", 0x201D}, {"bdquo", 0x201E}, {"laquo", 0xAB},    {"raquo", 0xBB},
    {"hellip", 0x2026}, {"bull", 0x2022},  {"middot", 0xB7},  {"times", 0xD7},    {"divide", 0xF7},
    {"plusmn", 0xB1},   {"deg", 0xB0},     {"micro", 0xB5},   {"frac12", 0xBD},   {"frac14", 0xBC},
    {"frac34", 0xBE},   {"sup2", 0xB2},    {"sup3", 0xB3},    {"copy", 0xA9},     {"reg", 0xAE},
    {"trade", 0x2122},  {"euro", 0x20AC},  {"pound", 0xA3},   {"yen", 0xA5},      {"cent", 0xA2},
    {"eacute", 0xE9},   {"egrave", 0xE8},  {"agrave", 0xE0},  {"ccedil", 0xE7},   {"auml", 0xE4},
    {"ouml", 0xF6},     {"uuml", 0xFC},    {"szlig", 0xDF},
}};

// Decodes the entity that starts at text[at] == '&'; false leaves `at` where it was.
bool decode_entity(std::string_view text, std::size_t& at, std::string& out) {
  constexpr std::size_t longest = 12;
  const std::size_t semicolon = text.substr(at, longest).find(';');
  if (semicolon == std::string_view::npos || semicolon < 2) return false;
  const std::string_view name = text.substr(at + 1, semicolon - 1);
  char32_t code = 0;
  if (name[0] == '#') {
    const bool hexadecimal = name.size() > 1 && lower(name[1]) == 'x';
    const std::string_view digits = name.substr(hexadecimal ? 2 : 1);
    if (digits.empty()) return false;
    std::uint64_t value = 0;  // at most ten digits, so no overflow
    for (const char c : digits) {
      const char l = lower(c);
      const int digit = c >= '0' && c <= '9'                  ? c - '0'
                        : hexadecimal && l >= 'a' && l <= 'f' ? l - 'a' + 10
                                                              : -1;
      if (digit < 0) return false;
      value = value * (hexadecimal ? 16 : 10) + static_cast<std::uint64_t>(digit);
    }
    const bool scalar = value != 0 && value <= 0x10FFFF && !(value >= 0xD800 && value <= 0xDFFF);
    code = scalar ? static_cast<char32_t>(value) : 0xFFFD;
  } else {
    for (const auto& [known, value] : kEntities) {
      if (known == name) code = value;
    }
    if (code == 0) return false;
  }
  append_utf8(out, code);
  at += semicolon + 1;
  return true;
}

// The name of the tag at text[at] == '<' ("p", "/p"), or "" when this '<' starts no tag.
std::string tag_name(std::string_view text, std::size_t at) {
  std::string name;
  std::size_t i = at + 1;
  if (i < text.size() && text[i] == '/') name += text[i++];
  if (i >= text.size() || !is_letter(text[i])) return "";
  for (; i < text.size() && is_alphanumeric(text[i]); ++i) name += lower(text[i]);
  return name;
}

// Just past the '>' that ends the tag at `at`; a '>' inside a quoted attribute does not end it.
std::size_t tag_end(std::string_view text, std::size_t at) {
  char quote = 0;
  for (std::size_t i = at; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '>') {
      return i + 1;
    } else if ((c == '"' || c == '\'') && i > at && text[i - 1] == '=') {
      quote = c;
    }
  }
  return text.size();
}

// Inline elements join their neighbours; all others separate words.
bool is_inline(std::string_view name) {
  if (!name.empty() && name[0] == '/') name.remove_prefix(1);
  for (const std::string_view inline_name : {"a", "abbr", "b", "code", "em", "font", "i", "mark", "s",
                                             "small", "span", "strong", "sub", "sup", "u"}) {
    if (name == inline_name) return true;
  }
  return false;
}

// Just past the closing tag of `name`, or the end of the text.
std::size_t after_closing(std::string_view text, std::size_t at, const std::string& name) {
  for (; at < text.size(); ++at) {
    if (text[at] == '<' && tag_name(text, at) == "/" + name) return tag_end(text, at);
  }
  return text.size();
}

}  // namespace

std::string html_to_text(std::string_view html) {
  std::string out;
  for (std::size_t at = 0; at < html.size();) {
    if (html.substr(at, 4) == "<!--") {
      const std::size_t end = html.find("-->", at + 4);
      at = end == std::string_view::npos ? html.size() : end + 3;
      continue;
    }
    if (html[at] == '<') {
      const bool declaration = at + 1 < html.size() && (html[at + 1] == '!' || html[at + 1] == '?');
      const std::string name = tag_name(html, at);
      if (declaration || !name.empty()) {
        at = tag_end(html, at);
        if (name == "script" || name == "style") at = after_closing(html, at, name);
        if (!is_inline(name)) out += ' ';
        continue;
      }
    }
    if (html[at] != '&' || !decode_entity(html, at, out)) {
      if (at < html.size()) out += html[at++];
    }
  }
  return clean_text(out);
}

}  // namespace adlib::copywriter
