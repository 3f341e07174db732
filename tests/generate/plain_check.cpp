#include "generate/plain_check.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uscript.h>

#include <map>
#include <regex>
#include <set>

namespace adlib::test {
namespace {

struct Letter {
  UChar32 folded = 0;
  bool word = false;        // of a script with spaces between words
  bool after_word = false;  // and the character before it, in the text as written, is one, too
};

// A mark, or what is not shown: no character of its own.
bool is_attached(UChar32 c) {
  return (U_GET_GC_MASK(c) & U_GC_M_MASK) != 0 || u_hasBinaryProperty(c, UCHAR_GRAPHEME_EXTEND) ||
         u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT);
}

bool is_word(UChar32 c) {
  UErrorCode error = U_ZERO_ERROR;
  const UScriptCode script = uscript_getScript(c, &error);
  const bool mark = (U_GET_GC_MASK(c) & U_GC_M_MASK) != 0;
  return (u_isalnum(c) || mark) && script != USCRIPT_HAN && script != USCRIPT_HIRAGANA &&
         script != USCRIPT_KATAKANA;
}

icu::UnicodeString nfkd(const icu::UnicodeString& text) {
  UErrorCode error = U_ZERO_ERROR;
  return icu::Normalizer2::getNFKDInstance(error)->normalize(text, error);
}

std::vector<Letter> letters_of(std::string_view text) {
  const auto source =
      icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<int>(text.size())));
  std::vector<Letter> out;
  bool previous = false;
  for (int at = 0; at < source.length(); at = source.moveIndex32(at, 1)) {
    const UChar32 c = source.char32At(at);
    icu::UnicodeString one = nfkd(icu::UnicodeString(c).foldCase());
    one = nfkd(one.foldCase());
    std::vector<UChar32> kept;
    for (int i = 0; i < one.length(); i = one.moveIndex32(i, 1)) {
      const UChar32 part = one.char32At(i);
      const bool mark = (U_GET_GC_MASK(part) & U_GC_M_MASK) != 0;
      if (!mark && !u_isUWhiteSpace(part) && !u_hasBinaryProperty(part, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) &&
          !u_iscntrl(part))
        kept.push_back(part);
    }
    if (is_attached(c)) continue;
    const bool word = is_word(c);
    bool after = previous && word;
    for (const UChar32 part : kept) {
      out.push_back({part, word, after});
      after = word;
    }
    previous = word;
  }
  return out;
}

// Where `phrase` stands in `letters`, as [begin, end).
std::vector<std::pair<std::size_t, std::size_t>> places(const std::vector<Letter>& letters,
                                                        std::string_view phrase, bool words) {
  const std::vector<Letter> wanted = letters_of(phrase);
  std::vector<std::pair<std::size_t, std::size_t>> out;
  for (std::size_t at = 0; at + wanted.size() <= letters.size(); ++at) {
    std::size_t same = 0;
    while (same < wanted.size() && letters[at + same].folded == wanted[same].folded) ++same;
    if (same < wanted.size()) continue;
    const std::size_t end = at + wanted.size();
    const bool starts = !wanted.front().word || !letters[at].after_word || wanted.size() > 64;
    const bool stops = !wanted.back().word || end == letters.size() || !letters[end].after_word;
    if (!words || (starts && stops)) out.emplace_back(at, end);
  }
  return out;
}

}  // namespace

bool plainly_holds(std::string_view text, const std::vector<std::string>& phrases,
                   const std::vector<std::string>& exceptions) {
  const std::vector<Letter> letters = letters_of(text);
  std::vector<std::pair<std::size_t, std::size_t>> covers;
  for (const std::string& exception : exceptions) {
    for (const auto& place : places(letters, exception, false)) covers.push_back(place);
  }
  for (const std::string& phrase : phrases) {
    for (const auto& [begin, end] : places(letters, phrase, true)) {
      bool covered = false;
      for (const auto& [from, to] : covers) covered = covered || (from <= begin && end <= to);
      if (!covered) return true;
    }
  }
  return false;
}

std::vector<PlainNumber> plain_numbers(std::string_view text) {
  // Digits of any script and width become ASCII; full-width commas stay what they are.
  const auto source =
      icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<int>(text.size())));
  std::string plain;
  for (int at = 0; at < source.length(); at = source.moveIndex32(at, 1)) {
    const UChar32 c = source.char32At(at);
    icu::UnicodeString one(c);
    if (c != 0xFF0C) one = nfkd(one);
    one.foldCase();
    for (int i = 0; i < one.length(); i = one.moveIndex32(i, 1)) {
      const int digit = u_charDigitValue(one.char32At(i));
      std::string piece;
      if (digit >= 0) {
        piece = static_cast<char>('0' + digit);
      } else if (u_isUWhiteSpace(one.char32At(i))) {
        piece = " ";
      } else if (!is_attached(one.char32At(i))) {
        icu::UnicodeString(one.char32At(i)).toUTF8String(piece);
      }
      plain += piece;
    }
  }
  std::vector<PlainNumber> out;
  static const std::regex number("[0-9]+([.,][0-9]+)*");
  for (auto match = std::sregex_iterator(plain.begin(), plain.end(), number); match != std::sregex_iterator();
       ++match) {
    PlainNumber found{match->str(), plain.substr(0, static_cast<std::size_t>(match->position())),
                      plain.substr(static_cast<std::size_t>(match->position() + match->length()))};
    std::erase(found.digits, ',');
    out.push_back(found);
  }
  return out;
}

std::vector<std::string> plain_runs(std::string_view text, bool latin) {
  const auto source =
      icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<int>(text.size())));
  std::vector<std::string> out;
  bool inside = false;
  for (int at = 0; at < source.length(); at = source.moveIndex32(at, 1)) {
    const UChar32 c = source.char32At(at);
    if (is_attached(c)) continue;
    // "㎏" is of no script: a word by itself of the letters that it stands for.
    UErrorCode error = U_ZERO_ERROR;
    const bool symbol = uscript_getScript(c, &error) == USCRIPT_COMMON;
    inside = inside && !symbol;
    icu::UnicodeString one = nfkd(icu::UnicodeString(c).foldCase());
    one = nfkd(one.foldCase());
    for (int i = 0; i < one.length(); i = one.moveIndex32(i, 1)) {
      const UChar32 part = one.char32At(i);
      if (is_attached(part)) continue;
      const bool wanted = uscript_getScript(part, &error) == (latin ? USCRIPT_LATIN : USCRIPT_HAN);
      if (wanted && !inside) out.emplace_back();
      if (wanted) icu::UnicodeString(part).toUTF8String(out.back());
      inside = wanted;
    }
    inside = inside && !symbol;
  }
  return out;
}

bool begins_with_latin(std::string_view text) {
  if (text.empty()) return false;
  const auto source =
      icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<int>(text.size())));
  UErrorCode error = U_ZERO_ERROR;
  return uscript_getScript(source.char32At(0), &error) == USCRIPT_LATIN;
}

std::int64_t plain_length(std::string_view text, LengthUnit unit) {
  const auto source =
      icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<int>(text.size())));
  const std::string gsm =
      "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
      "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
  const std::string extended = "\f^{}\\[~]|€";
  std::int64_t characters = 0, wide = 0, septets = 0;
  bool in_gsm = true;
  std::vector<int> seven, sixteen;
  for (int at = 0; at < source.length(); at = source.moveIndex32(at, 1)) {
    const UChar32 c = source.char32At(at);
    std::string bytes;
    icu::UnicodeString(c).toUTF8String(bytes);
    ++characters;
    const int width = u_getIntPropertyValue(c, UCHAR_EAST_ASIAN_WIDTH);
    wide += width == U_EA_WIDE || width == U_EA_FULLWIDTH ? 1 : 0;
    const int size = gsm.find(bytes) != std::string::npos        ? 1
                     : extended.find(bytes) != std::string::npos ? 2
                                                                 : 0;
    in_gsm = in_gsm && size > 0;
    septets += size;
    seven.push_back(size);
    sixteen.push_back(c > 0xFFFF ? 2 : 1);
  }
  const auto segments = [](const std::vector<int>& sizes, int single, int each) {
    int total = 0, messages = 1, filled = 0;
    for (const int size : sizes) total += size;
    if (total <= single) return std::int64_t{total == 0 ? 0 : 1};
    for (const int size : sizes) {
      if (filled + size > each) ++messages, filled = 0;
      filled += size;
    }
    return std::int64_t{messages};
  };
  switch (unit) {
    case LengthUnit::characters:
      return characters;
    case LengthUnit::double_width:
      return characters + wide;
    case LengthUnit::chinese_width:
      return (characters + wide + 1) / 2;
    case LengthUnit::utf16:
      return source.length();
    case LengthUnit::gsm7:
      return in_gsm ? septets : TextLength::too_long;
    case LengthUnit::sms_segments:
      return in_gsm ? segments(seven, 160, 153) : segments(sixteen, 70, 67);
    case LengthUnit::bytes:
      return static_cast<std::int64_t>(text.size());
  }
  return 0;
}

std::string plain_repetition(std::string_view text, std::size_t count,
                             const std::vector<std::string>& exempt) {
  std::set<std::vector<UChar32>> excused, seen;
  const auto runs = [&](std::string_view of, const auto& take) {
    const std::vector<Letter> letters = letters_of(of);
    for (std::size_t at = 0; at + count <= letters.size(); ++at) {
      std::vector<UChar32> run;
      for (std::size_t i = at; i < at + count; ++i) run.push_back(letters[i].folded);
      take(run);
    }
  };
  for (const std::string& one : exempt) runs(one, [&](const auto& run) { excused.insert(run); });
  std::string twice;
  runs(text, [&](const auto& run) {
    if (!twice.empty() || excused.count(run) > 0 || seen.insert(run).second) return;
    icu::UnicodeString::fromUTF32(run.data(), static_cast<int>(run.size())).toUTF8String(twice);
  });
  return twice;
}

}  // namespace adlib::test
