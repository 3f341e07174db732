// tokenizer/src/byte_alphabet.h: GPT-2's printable character for each of the 256 bytes.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace adlib::tok {

/// byte_alphabet()[b]: the code point that stands for byte b. Printable Latin-1 stands for itself; the other
/// 68 bytes, in order, take U+0100 onwards.
const std::array<char32_t, 256>& byte_alphabet();
/// The bytes that a token written in the alphabet stands for; nothing if a character is not of the alphabet.
std::optional<std::string> from_byte_alphabet(std::string_view token);
/// The bytes of `text`, written in the alphabet.
std::string to_byte_alphabet(std::string_view text);

/// "<0xE2>": the byte as vocabularies with byte fallback write it.
inline std::string byte_token(unsigned char byte) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  return {'<', '0', 'x', digits[byte >> 4], digits[byte & 15], '>'};
}

}  // namespace adlib::tok
