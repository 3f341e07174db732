#include "adlib/tokenizer/characters.h"

#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <utf8proc.h>

#include "unicode.h"
#include "utf8.h"

namespace adlib {
namespace {

bool is_control(char32_t c) { return c < 0x20 || (c >= 0x7F && c < 0xA0); }

}  // namespace

Script script_of(char32_t c) {
  if (c < 0x80) return (c | 0x20) >= 'a' && (c | 0x20) <= 'z' ? Script::latin : Script::common;
  UErrorCode error = U_ZERO_ERROR;
  switch (uscript_getScript(static_cast<UChar32>(c), &error)) {
    case USCRIPT_COMMON:
    case USCRIPT_INHERITED:
      return Script::common;
    case USCRIPT_LATIN:
      return Script::latin;
    case USCRIPT_HAN:
      return Script::han;
    case USCRIPT_HIRAGANA:
    case USCRIPT_KATAKANA:
      return Script::kana;
    case USCRIPT_HANGUL:
      return Script::hangul;
    case USCRIPT_CYRILLIC:
      return Script::cyrillic;
    case USCRIPT_GREEK:
      return Script::greek;
    case USCRIPT_ARABIC:
      return Script::arabic;
    default:
      return Script::other;
  }
}

bool is_wide(char32_t c) {
  if (c < 0x1100) return false;
  const int width = u_getIntPropertyValue(static_cast<UChar32>(c), UCHAR_EAST_ASIAN_WIDTH);
  return width == U_EA_WIDE || width == U_EA_FULLWIDTH;
}

bool is_white_space(char32_t c) { return tok::is_space(c); }

bool is_part_of_previous(char32_t c) {
  // Grapheme_Extend has the half-width ﾞ and ﾟ, too: letters to Unicode, marks once they are folded.
  const auto has = [&](UProperty property) { return u_hasBinaryProperty(static_cast<UChar32>(c), property); };
  return c >= 0x80 &&
         (tok::is_mark(c) || has(UCHAR_GRAPHEME_EXTEND) || has(UCHAR_DEFAULT_IGNORABLE_CODE_POINT));
}

bool is_word_character(char32_t c) {
  if (c < 0x80) return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
  if (!u_isalnum(static_cast<UChar32>(c)) && !tok::is_mark(c)) return false;
  const Script script = script_of(c);
  return script != Script::han && script != Script::kana;
}

int digit_value(char32_t c) {
  if (c < 0x80) return c >= '0' && c <= '9' ? static_cast<int>(c - '0') : -1;
  return u_charDigitValue(static_cast<UChar32>(c));
}

std::u32string code_points(std::string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const tok::Utf8Char c = tok::decode_utf8(text, at);
    out += c.code;
    at += c.size;
  }
  return out;
}

std::string utf8(std::u32string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char32_t c : text) tok::append_utf8(out, c);
  return out;
}

void append_folded(std::u32string& out, char32_t c) {
  if (c < 0x80) {
    if (c != ' ' && !is_control(c)) out += c >= 'A' && c <= 'Z' ? c | 0x20 : c;
    return;
  }
  // The longest decomposition, U+FDFA, has 18 characters.
  utf8proc_int32_t parts[32];
  int boundary = 0;
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT |
                                                      UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
  const auto n = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), parts, 32, options, &boundary);
  for (utf8proc_ssize_t i = 0; i < n && i < 32; ++i) {
    const auto part = static_cast<char32_t>(parts[i]);
    if (!tok::is_space(part) && !tok::is_mark(part) && !is_control(part)) out += part;
  }
}

std::u32string folded(std::string_view text) {
  std::u32string out;
  for (const char32_t c : code_points(text)) append_folded(out, c);
  return out;
}

}  // namespace adlib
