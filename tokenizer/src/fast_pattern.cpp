// The patterns of GPT-2, Llama 3 and Qwen2, written out by hand: several times faster than PCRE2 with its
// JIT, and with nothing to backtrack. tests/tokenizer compares them with PCRE2 on random Unicode.
#include <array>
#include <memory>

#include "pretokenizer.h"
#include "unicode.h"
#include "utf8.h"

namespace adlib::tok {

const std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
const std::string_view kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|)"
    R"(\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string_view kQwen2Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|)"
    R"(\s*[\r\n]+|\s+(?!\S)|\s+)";

namespace {

enum Class : std::uint8_t { other = 0, letter = 1, number = 2, space = 3 };

// Letters and numbers come from PCRE2 itself, so that this file and the general path know the same Unicode
// version. No plane above 3 has any.
constexpr char32_t kTableEnd = 0x40000;

class ClassTable {
 public:
  ClassTable() : classes_(std::make_unique<std::array<std::uint8_t, kTableEnd>>()) {
    std::string text;
    std::vector<char32_t> codes;
    std::vector<std::size_t> index_of(0);
    text.reserve(4 * kTableEnd);
    index_of.reserve(4 * kTableEnd);
    for (char32_t c = 0; c < kTableEnd; ++c) {
      if (c >= 0xD800 && c < 0xE000) continue;
      append_utf8(text, c);
      index_of.resize(text.size(), codes.size());
      codes.push_back(c);
    }
    const auto mark = [&](const char* pattern, Class value) {
      std::vector<Range> runs;
      Regex(pattern, "class table").find_all(text, runs);
      for (const Range& r : runs) {
        for (std::size_t i = index_of[r.begin]; i <= index_of[r.end - 1]; ++i) (*classes_)[codes[i]] = value;
      }
    };
    mark(R"(\p{L}+)", letter);
    mark(R"(\p{N}+)", number);
    for (char32_t c = 0; c <= 0x3000; ++c) {
      if (is_space(c)) (*classes_)[c] = space;
    }
  }
  Class operator[](char32_t c) const { return c < kTableEnd ? static_cast<Class>((*classes_)[c]) : other; }

 private:
  std::unique_ptr<std::array<std::uint8_t, kTableEnd>> classes_;
};

const ClassTable& class_table() {
  static const ClassTable table;
  return table;
}

/// Walks over one text.
struct Cursor {
  std::string_view text;
  const ClassTable& table = class_table();

  bool ends(std::size_t at) const { return at == text.size(); }
  bool has(std::size_t at, char c) const { return at < text.size() && text[at] == c; }
  Class class_at(std::size_t at) const { return table[decode_valid_utf8(text.data() + at).code]; }
  /// The end of the run of class `k` that begins at `at`.
  std::size_t run(std::size_t at, Class k) const {
    while (!ends(at)) {
      const Utf8Char c = decode_valid_utf8(text.data() + at);
      if (table[c.code] != k) break;
      at += c.size;
    }
    return at;
  }
  /// \s+(?!\S)|\s+ for a run of white space [at, end): a longer run leaves its last character to what
  /// follows.
  std::size_t spaces(std::size_t at, std::size_t end) const {
    if (ends(end)) return end;
    const std::size_t last = previous_char(text, end);
    return last > at ? last : end;
  }
};

/// The end of 's, 't, 're, 've, 'm, 'll or 'd at `at`, where an apostrophe stands; `at` if there is none.
template <bool IgnoreCase>
std::size_t contraction(std::string_view text, std::size_t at) {
  const auto letter_at = [&](std::size_t i) {
    if (i >= text.size()) return '\0';
    const char c = text[i];
    return IgnoreCase && c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  };
  const char a = letter_at(at + 1);
  if (a == 's' || a == 't' || a == 'm' || a == 'd') return at + 2;
  const char b = letter_at(at + 2);
  if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l')) return at + 3;
  if (IgnoreCase && text.substr(at + 1).starts_with("ſ")) return at + 3;  // U+017F is an s without case
  return at;
}

std::size_t next_gpt2(std::string_view text, std::size_t at) {
  const Cursor cursor{text};
  if (text[at] == '\'') {
    if (const std::size_t end = contraction<false>(text, at); end > at) return end;
  }
  const std::size_t word = at + (text[at] == ' ');
  if (!cursor.ends(word)) {
    const Class k = cursor.class_at(word);
    if (k != space) return cursor.run(word, k);
  }
  return cursor.spaces(at, cursor.run(at, space));
}

template <int MaxDigits>
std::size_t next_llama3(std::string_view text, std::size_t at) {
  const Cursor cursor{text};
  if (text[at] == '\'') {
    if (const std::size_t end = contraction<true>(text, at); end > at) return end;
  }
  const Utf8Char c = decode_valid_utf8(text.data() + at);
  const Class k = cursor.table[c.code];
  if (k == letter) return cursor.run(at, letter);
  if (k == number) {
    std::size_t end = at;
    for (int i = 0; i < MaxDigits && !cursor.ends(end) && cursor.class_at(end) == number; ++i) {
      end += decode_valid_utf8(text.data() + end).size;
    }
    return end;
  }
  const std::size_t after = at + c.size;
  const bool newline = c.code == '\r' || c.code == '\n';
  if (!newline && !cursor.ends(after) && cursor.class_at(after) == letter) return cursor.run(after, letter);
  const std::size_t symbols = at + (c.code == ' ');
  if (!cursor.ends(symbols) && cursor.class_at(symbols) == other) {
    std::size_t end = cursor.run(symbols, other);
    while (cursor.has(end, '\r') || cursor.has(end, '\n')) ++end;
    return end;
  }
  const std::size_t end = cursor.run(at, space);
  for (std::size_t i = end; i > at; --i) {
    if (text[i - 1] == '\r' || text[i - 1] == '\n') return i;
  }
  return cursor.spaces(at, end);
}

}  // namespace

NextPiece fast_pattern(std::string_view pattern) {
  if (pattern == kGpt2Pattern) return next_gpt2;
  if (pattern == kLlama3Pattern) return next_llama3<3>;
  if (pattern == kQwen2Pattern) return next_llama3<1>;
  return nullptr;
}

}  // namespace adlib::tok
