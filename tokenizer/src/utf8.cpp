#include "utf8.h"

#include <cstring>

namespace adlib::tok {

Utf8Char decode_utf8(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1, Utf8Status::valid};
  if (lead < 0xC2 || lead > 0xF4) return {kReplacementCharacter, 1, Utf8Status::invalid};
  const unsigned size = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  // The second byte's range is narrower after these leads: no overlong forms, no surrogates, nothing above
  // U+10FFFF.
  const unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  for (unsigned i = 1; i < size; ++i) {
    if (at + i == text.size()) return {kReplacementCharacter, i, Utf8Status::truncated};
    const bool fits = i == 1 ? byte(i) >= low && byte(i) <= high : (byte(i) & 0xC0) == 0x80;
    if (!fits) return {kReplacementCharacter, i, Utf8Status::invalid};
  }
  return decode_valid_utf8(text.data() + at);
}

void append_utf8(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | c >> 18);
    out += static_cast<char>(0x80 | (c >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  }
}

std::size_t valid_run(std::string_view text, std::size_t at) {
  const std::size_t start = at;
  while (at < text.size()) {
    // Eight ASCII bytes at a time: most text is mostly ASCII.
    while (at + 8 <= text.size()) {
      std::uint64_t word;
      std::memcpy(&word, text.data() + at, 8);
      if (word & 0x8080808080808080u) break;
      at += 8;
    }
    if (at == text.size()) break;
    const Utf8Char c = decode_utf8(text, at);
    if (c.status != Utf8Status::valid) break;
    at += c.size;
  }
  return at - start;
}

std::size_t invalid_run(std::string_view text, std::size_t at) {
  const std::size_t start = at;
  while (at < text.size()) {
    const Utf8Char c = decode_utf8(text, at);
    if (c.status == Utf8Status::valid) break;
    at += c.size;
  }
  return at - start;
}

std::string repair_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t n = valid_run(text, at);
    out.append(text, at, n);
    at += n;
    if (at == text.size()) break;
    at += decode_utf8(text, at).size;
    append_utf8(out, kReplacementCharacter);
  }
  return out;
}

}  // namespace adlib::tok
