// The only file that knows ICU: words, lower case, and which characters are letters.
#include <unicode/ubrk.h>
#include <unicode/uchar.h>
#include <unicode/ustring.h>

#include <algorithm>
#include <memory>

#include "adlib/core/error.h"
#include "adlib/eval/text.h"

namespace adlib::eval {
namespace {

struct Close {
  void operator()(UBreakIterator* words) const { ubrk_close(words); }
};
using WordBreaks = std::unique_ptr<UBreakIterator, Close>;

void check(UErrorCode status, const char* what) {
  if (U_SUCCESS(status)) return;
  fail(ErrorCode::unsupported, "eval: ICU cannot ", what, " (", u_errorName(status),
       "); are its data files installed?");
}

std::u16string utf16(std::string_view text) {
  std::u16string out;
  for (const char32_t c : code_points(text)) {
    if (c < 0x10000) {
      out += static_cast<char16_t>(c);
    } else {
      out += static_cast<char16_t>(U16_LEAD(c));
      out += static_cast<char16_t>(U16_TRAIL(c));
    }
  }
  return out;
}

std::string utf8_of(std::u16string_view text) {
  std::u32string points;
  std::size_t at = 0;
  while (at < text.size()) {
    char32_t c = text[at++];
    if (U16_IS_LEAD(c) && at < text.size()) c = static_cast<char32_t>(U16_GET_SUPPLEMENTARY(c, text[at++]));
    points += c;
  }
  return utf8(points);
}

// An iterator is costly to open and not to be shared by threads: each has its own, for each language.
UBreakIterator* word_breaks(Language language) {
  thread_local WordBreaks opened[2];
  WordBreaks& breaks = opened[language == Language::zh ? 1 : 0];
  if (!breaks) {
    UErrorCode status = U_ZERO_ERROR;
    breaks.reset(ubrk_open(UBRK_WORD, language == Language::zh ? "zh" : "en", nullptr, 0, &status));
    check(status, "open its word boundaries");
  }
  return breaks.get();
}

}  // namespace

Tokens words(std::string_view text, Language language) {
  const std::u16string units16 = utf16(text);
  UBreakIterator* breaks = word_breaks(language);
  UErrorCode status = U_ZERO_ERROR;
  ubrk_setText(breaks, units16.data(), static_cast<std::int32_t>(units16.size()), &status);
  check(status, "break a text into words");
  Tokens out;
  std::int32_t begin = ubrk_first(breaks);
  for (std::int32_t end = ubrk_next(breaks); end != UBRK_DONE; begin = end, end = ubrk_next(breaks)) {
    if (ubrk_getRuleStatus(breaks) < UBRK_WORD_NONE_LIMIT) continue;  // no letter and no digit in it
    out.push_back(utf8_of(std::u16string_view(units16).substr(static_cast<std::size_t>(begin),
                                                              static_cast<std::size_t>(end - begin))));
  }
  return out;
}

std::string to_lower(std::string_view text) {
  const std::u16string from = utf16(text);
  std::u16string to(from.size() + 8, u'\0');
  for (;;) {
    UErrorCode status = U_ZERO_ERROR;
    const std::int32_t length = u_strToLower(to.data(), static_cast<std::int32_t>(to.size()), from.data(),
                                             static_cast<std::int32_t>(from.size()), "", &status);
    to.resize(static_cast<std::size_t>(length));
    if (status == U_BUFFER_OVERFLOW_ERROR) continue;  // some letters grow; now there is room
    check(status, "write a text in lower case");
    return utf8_of(to);
  }
}

std::u32string letters_and_digits(std::u32string_view text) {
  std::u32string out;
  std::copy_if(text.begin(), text.end(), std::back_inserter(out),
               [](char32_t c) { return u_isalnum(static_cast<UChar32>(c)) != 0; });
  return out;
}

}  // namespace adlib::eval
