// adlib/tokenizer/characters.h: what readers and channels see in a Unicode character.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace adlib {

/// The scripts that rules tell apart. `common` is what every script uses: digits, punctuation, symbols,
/// emoji.
enum class Script : std::uint8_t {
  common,
  latin,
  han,
  kana,  ///< Hiragana and Katakana
  hangul,
  cyrillic,
  greek,
  arabic,
  other,
};
/// Unicode's Script property; characters that inherit theirs count as common.
Script script_of(char32_t c);

/// Unicode's East_Asian_Width: W or F, two columns of a Chinese form.
bool is_wide(char32_t c);
/// The property White_Space.
bool is_white_space(char32_t c);
/// An accent or other mark on the letter before it, or what is not shown at all: a joiner, a soft hyphen.
bool is_part_of_previous(char32_t c);
/// A letter, mark or digit of a script that sets words apart by spaces: no Han, no kana.
bool is_word_character(char32_t c);
/// The value of a decimal digit of any script, full-width and mathematical ones included; -1 for all else.
int digit_value(char32_t c);

/// The code points of UTF-8; U+FFFD for each maximal part that is none.
std::u32string code_points(std::string_view text);
std::string utf8(std::u32string_view text);

/// Appends what remains of a character where case, width, other forms of the same letter, accents and spaces
/// do not count: its compatibility decomposition (NFKD), case-folded, without marks, spaces and what cannot
/// be seen. "Ｂ", "b" and "𝐁" all give "b"; a space, a soft hyphen or a joiner gives nothing.
void append_folded(std::u32string& out, char32_t c);
/// append_folded() of every character of UTF-8.
std::u32string folded(std::string_view text);

}  // namespace adlib
