// tokenizer/src/unicode.h: character classes as the Rust and Oniguruma code behind Hugging Face tokenizers
// sees them, and the four normal forms.
#pragma once

#include <string>
#include <string_view>

namespace adlib::tok {

/// The Unicode property White_Space (which U+180E left in Unicode 6.3).
inline bool is_space(char32_t c) {
  if (c < 0x80) return c == ' ' || (c >= 0x09 && c <= 0x0D);
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}
bool is_punctuation(char32_t c);  ///< ASCII punctuation and symbols, or category P*
bool is_number(char32_t c);       ///< category N*
bool is_mark(char32_t c);         ///< category M*
bool is_nonspacing_mark(char32_t c);
bool is_control_or_format(char32_t c);  ///< category Cc, Cf, Co, Cs
bool is_word(char32_t c);               ///< \w: alphabetic, mark, decimal number, connector
bool is_cjk_ideograph(char32_t c);      ///< the blocks that BERT sets apart with spaces
/// Appends the lower case of `c` (U+0130 has two characters), without regard to its neighbours.
void append_lower(std::string& out, char32_t c);

enum class NormalForm { nfc, nfd, nfkc, nfkd };
/// The normal form of valid UTF-8, in O(n log n) for any input.
std::string normalize(std::string_view text, NormalForm form);

}  // namespace adlib::tok
