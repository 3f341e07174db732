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

}  // namespace adlib::tok
