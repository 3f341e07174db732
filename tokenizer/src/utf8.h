// tokenizer/src/utf8.h: reading and writing UTF-8, and finding what is not UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace adlib::tok {

inline constexpr char32_t kReplacementCharacter = 0xFFFD;

enum class Utf8Status : std::uint8_t {
  valid,
  invalid,    ///< `size` bytes that no continuation can save (the Unicode standard's "maximal subpart")
  truncated,  ///< the text ends inside a character that is correct so far
};

struct Utf8Char {
  char32_t code;  ///< U+FFFD unless valid
  unsigned size;  ///< bytes, at least 1
  Utf8Status status;
};

/// The character of text[at…]; `at` must be inside the text. Surrogates, overlong forms and code points above
/// U+10FFFF are invalid.
Utf8Char decode_utf8(std::string_view text, std::size_t at);

/// The same for text that is known to be valid. `p` points at a lead byte.
inline Utf8Char decode_valid_utf8(const char* p) {
  const auto byte = [p](int i) { return static_cast<char32_t>(static_cast<unsigned char>(p[i])); };
  const char32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1, Utf8Status::valid};
  if (lead < 0xE0) return {(lead & 0x1F) << 6 | (byte(1) & 0x3F), 2, Utf8Status::valid};
  if (lead < 0xF0) {
    return {(lead & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3, Utf8Status::valid};
  }
  return {(lead & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F), 4,
          Utf8Status::valid};
}

/// The start of the character that ends just before `at` in valid text; at > 0.
inline std::size_t previous_char(std::string_view text, std::size_t at) {
  do {
    --at;
  } while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80);
  return at;
}

void append_utf8(std::string& out, char32_t code);

/// Length of the longest prefix of text[at…] that is valid UTF-8.
std::size_t valid_run(std::string_view text, std::size_t at);
/// Length of the run of invalid bytes at text[at…]: up to the next valid character or the end.
std::size_t invalid_run(std::string_view text, std::size_t at);
/// `text` with each maximal invalid subpart replaced by U+FFFD, as Python's errors="replace" does.
std::string repair_utf8(std::string_view text);

/// Calls run(view, valid) for the maximal valid and invalid stretches of `text`, in order.
template <class F>
void for_each_run(std::string_view text, F&& run) {
  for (std::size_t at = 0; at < text.size();) {
    if (const std::size_t n = valid_run(text, at)) {
      run(text.substr(at, n), true);
      at += n;
    }
    if (at == text.size()) return;
    const std::size_t n = invalid_run(text, at);
    run(text.substr(at, n), false);
    at += n;
  }
}

}  // namespace adlib::tok
