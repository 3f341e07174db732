// tests/tokenizer/hostile_text.h: texts that try to pass for tags, and those that vocabularies tend to lose.
#pragma once

#include <string>
#include <vector>

#include "adlib/core/random.h"

namespace adlib::test {

/// Texts of whole, broken, nested and adjacent tags among white space, full-width punctuation, a written ▁,
/// emoji and random characters: all valid UTF-8, the same each time.
class HostileText {
 public:
  explicit HostileText(std::vector<std::string> tags, std::uint64_t seed = 0)
      : tags_(std::move(tags)), random_(seed) {}

  std::string next() {
    static const std::vector<std::string> parts = {" ",      "  ",
                                                   "   ",    "\n",
                                                   "\n\n",   "\r\n",
                                                   "\t",     std::string(1, '\0'),
                                                   "▁",      "▁▁",
                                                   "（",     "，",
                                                   "￥",     "！",
                                                   "½",      "ﬁ",
                                                   "😀",      "👩‍👩‍👧",
                                                   "é",      "e\u0301",
                                                   "一",     "连衣裙",
                                                   "a",      "abc",
                                                   "0",      "1234",
                                                   "<",      ">",
                                                   "|",      "[",
                                                   "]",      "/",
                                                   "<0x41>", "\u00A0",
                                                   "\u3000", "\u200B",
                                                   "\uFEFF", "\uFFFD",
                                                   "\u2585", "\U0010FFFF",
                                                   "\x7F",   "\x01"};
    std::string text;
    for (std::uint32_t left = draw(12) + 1; left > 0; --left) {
      const std::string& tag = tags_[draw(tags_.size())];
      const std::size_t cut = draw(tag.size());
      switch (draw(7)) {
        case 0:
          text += tag;
          break;
        case 1:
          text += tag + tag;
          break;
        case 2:  // a tag inside a tag
          text += whole(tag.substr(0, cut)) + tag + tag.substr(whole(tag.substr(0, cut)).size());
          break;
        case 3:
          text += whole(tag.substr(0, cut));
          break;
        case 4:
          append(text, draw(0x110000));
          break;
        default:
          text += parts[draw(parts.size())];
      }
    }
    return text;
  }

 private:
  std::uint32_t draw(std::size_t below) {
    return static_cast<std::uint32_t>(random_.block(at_++)[0] % static_cast<std::uint32_t>(below));
  }
  /// Without a character cut in two at the end.
  static std::string whole(std::string text) {
    std::size_t start = text.size();
    while (start > 0 && (static_cast<unsigned char>(text[start - 1]) & 0xC0) == 0x80) --start;
    if (start == 0) return {};
    const auto lead = static_cast<unsigned char>(text[start - 1]);
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (start - 1 + size != text.size()) text.resize(start - 1);
    return text;
  }
  static void append(std::string& text, std::uint32_t code) {
    if (code >= 0xD800 && code < 0xE000) code = 0x4E00;  // surrogates are no characters
    if (code < 0x80) {
      text += static_cast<char>(code);
    } else if (code < 0x800) {
      text += {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))};
    } else if (code < 0x10000) {
      text += {static_cast<char>(0xE0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 0x3F)),
               static_cast<char>(0x80 | (code & 0x3F))};
    } else {
      text += {static_cast<char>(0xF0 | code >> 18), static_cast<char>(0x80 | (code >> 12 & 0x3F)),
               static_cast<char>(0x80 | (code >> 6 & 0x3F)), static_cast<char>(0x80 | (code & 0x3F))};
    }
  }

  std::vector<std::string> tags_;
  Philox random_;
  std::uint64_t at_ = 0;
};

}  // namespace adlib::test
