// adlib/generate/text_length.h: how long a text is in the unit in which its channel counts.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "adlib/tokenizer/characters.h"

namespace adlib {

enum class LengthUnit : std::uint8_t {
  characters,     ///< Unicode code points
  double_width,   ///< wide East Asian characters (UAX #11: W, F) count 2, others 1: search advertisements
  chinese_width,  ///< the same, halved and rounded up: a limit told in 汉字
  utf16,          ///< UTF-16 code units: an emoji counts 2, as in JavaScript and in 70-character SMS
  gsm7,           ///< septets of GSM 03.38; a character outside of it makes the text longer than any limit
  sms_segments,   ///< messages that a carrier bills
  bytes,          ///< of UTF-8
};

/// What a character takes in the GSM 7-bit default alphabet (3GPP TS 23.038, 6.2.1): 1 septet, 2 for those of
/// the extension table, 0 when it has none.
inline int gsm7_septets(char32_t c) {
  constexpr std::u32string_view basic =
      U"@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
      U"abcdefghijklmnopqrstuvwxyzäöñüà";
  constexpr std::u32string_view extension = U"\f^{}\\[~]|€";
  if (basic.find(c) != std::u32string_view::npos) return 1;
  return extension.find(c) != std::u32string_view::npos ? 2 : 0;
}

/// Counts as a text grows, in every unit at once.
class TextLength {
 public:
  static constexpr std::int64_t too_long = std::numeric_limits<std::int64_t>::max();

  void add(char32_t c) {
    const int units = c < 0x10000 ? 1 : 2;
    const int septets = gsm_ ? gsm7_septets(c) : 0;
    gsm_ = septets > 0 && gsm_;
    ++characters_;
    wide_ += is_wide(c) ? 1 : 0;
    bytes_ += c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    septets_.add(septets, 153);
    utf16_.add(units, 67);
  }
  std::int64_t in(LengthUnit unit) const {
    switch (unit) {
      case LengthUnit::characters:
        return characters_;
      case LengthUnit::double_width:
        return characters_ + wide_;
      case LengthUnit::chinese_width:
        return (characters_ + wide_ + 1) / 2;
      case LengthUnit::utf16:
        return utf16_.total;
      case LengthUnit::gsm7:
        return gsm_ ? septets_.total : too_long;
      case LengthUnit::sms_segments:
        return gsm_ ? septets_.segments(160) : utf16_.segments(70);
      case LengthUnit::bytes:
        return bytes_;
    }
    return too_long;
  }
  bool is_gsm7() const { return gsm_; }
  /// Which part of a limit is used up, 1 for all of it: also of segments, which in() counts only whole.
  double share(LengthUnit unit, std::int64_t limit) const {
    const auto part = [&](std::int64_t used, std::int64_t one, std::int64_t each) {
      return static_cast<double>(used) / static_cast<double>(limit == 1 ? one : each * limit);
    };
    if (unit != LengthUnit::sms_segments) return static_cast<double>(in(unit)) / static_cast<double>(limit);
    return gsm_ ? part(septets_.total, 160, 153) : part(utf16_.total, 70, 67);
  }

 private:
  // One message holds more than each of several, which begin with a header; a character is never cut in two.
  struct Segments {
    std::int64_t total = 0, begun = 1, filled = 0;
    void add(int size, int capacity) {
      total += size;
      filled += size;
      if (filled > capacity) ++begun, filled = size;
    }
    std::int64_t segments(std::int64_t single) const { return total == 0 ? 0 : total <= single ? 1 : begun; }
  };
  std::int64_t characters_ = 0, wide_ = 0, bytes_ = 0;
  Segments septets_, utf16_;
  bool gsm_ = true;
};

inline TextLength length_of(std::string_view text) {
  TextLength length;
  for (const char32_t c : code_points(text)) length.add(c);
  return length;
}

}  // namespace adlib
