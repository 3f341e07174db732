#include "unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <vector>

#include "adlib/core/error.h"
#include "utf8.h"

namespace adlib::tok {
namespace {

utf8proc_category_t category(char32_t c) { return utf8proc_category(static_cast<utf8proc_int32_t>(c)); }

bool between(utf8proc_category_t c, utf8proc_category_t first, utf8proc_category_t last) {
  return c >= first && c <= last;
}

int combining_class(utf8proc_int32_t c) { return utf8proc_get_property(c)->combining_class; }

/// True for characters that no composition or decomposition to NFC touches, whatever stands beside them.
bool surely_nfc(char32_t c) {
  return c < 0x300 || (c >= 0x3001 && c <= 0x3029) || (c >= 0x3041 && c <= 0x3098) ||
         (c >= 0x309B && c <= 0xA66E) || (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xFF00 && c <= 0xFFEF) ||
         (c >= 0x2010 && c <= 0x206F) || (c >= 0x1F300 && c <= 0x1FAFF);
}

bool already_normal(std::string_view text, NormalForm form) {
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Char c = decode_valid_utf8(text.data() + at);
    if (c.code >= 0x80 && (form != NormalForm::nfc || !surely_nfc(c.code))) return false;
    at += c.size;
  }
  return true;
}

}  // namespace

bool is_punctuation(char32_t c) {
  if (c < 0x80)
    return c > 0x20 && c < 0x7F && !(c >= '0' && c <= '9') && !((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
  return between(category(c), UTF8PROC_CATEGORY_PC, UTF8PROC_CATEGORY_PO);
}

bool is_number(char32_t c) { return between(category(c), UTF8PROC_CATEGORY_ND, UTF8PROC_CATEGORY_NO); }

bool is_mark(char32_t c) { return between(category(c), UTF8PROC_CATEGORY_MN, UTF8PROC_CATEGORY_ME); }

bool is_nonspacing_mark(char32_t c) { return category(c) == UTF8PROC_CATEGORY_MN; }

bool is_control_or_format(char32_t c) {
  return between(category(c), UTF8PROC_CATEGORY_CC, UTF8PROC_CATEGORY_CO);
}

bool is_word(char32_t c) {
  if (c < 0x80) return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_';
  const utf8proc_category_t k = category(c);
  return between(k, UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_NL) || k == UTF8PROC_CATEGORY_PC ||
         // Other_Alphabetic symbols: circled and squared Latin letters; and the two join controls.
         (c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) || (c >= 0x1F150 && c <= 0x1F169) ||
         (c >= 0x1F170 && c <= 0x1F189) || c == 0x200C || c == 0x200D;
}

bool is_cjk_ideograph(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

void append_lower(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
  } else if (c == 0x130) {
    out += "i\u0307";
  } else {
    append_utf8(out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
  }
}

// utf8proc's own utf8proc_map sorts combining marks by insertion, which is quadratic in a run of marks; so
// the three steps of the Unicode standard are taken here one by one: decompose, sort each run of marks
// stably, compose.
std::string normalize(std::string_view text, NormalForm form) {
  if (already_normal(text, form)) return std::string(text);
  const bool compat = form == NormalForm::nfkc || form == NormalForm::nfkd;
  const auto decompose =
      static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | (compat ? UTF8PROC_COMPAT : 0));
  std::vector<utf8proc_int32_t> codes;
  codes.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Char c = decode_valid_utf8(text.data() + at);
    at += c.size;
    utf8proc_int32_t buffer[32];  // the longest decomposition, U+FDFA, has 18 characters
    int boundclass = 0;
    const auto n =
        utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c.code), buffer, 32, decompose, &boundclass);
    if (n < 0 || n > 32) fail(ErrorCode::bad_format, "normalize: utf8proc refused a character");
    codes.insert(codes.end(), buffer, buffer + n);
  }
  for (auto it = codes.begin(); it != codes.end();) {
    if (combining_class(*it) == 0) {
      ++it;
      continue;
    }
    const auto last = std::find_if(it, codes.end(), [](auto c) { return combining_class(c) == 0; });
    std::stable_sort(it, last, [](auto a, auto b) { return combining_class(a) < combining_class(b); });
    it = last;
  }
  if (form == NormalForm::nfc || form == NormalForm::nfkc) {
    const auto compose = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    const auto n =
        utf8proc_normalize_utf32(codes.data(), static_cast<utf8proc_ssize_t>(codes.size()), compose);
    if (n < 0) fail(ErrorCode::bad_format, "normalize: utf8proc refused the text");
    codes.resize(static_cast<std::size_t>(n));
  }
  std::string out;
  out.reserve(text.size());
  for (const auto c : codes) append_utf8(out, static_cast<char32_t>(c));
  return out;
}

}  // namespace adlib::tok
