#include "adlib/eval/text.h"

#include <algorithm>
#include <array>
#include <utility>

namespace adlib::eval {
namespace {

bool is_han(char32_t c) {
  return (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0x20000 && c <= 0x323AF);
}

bool is_ascii_letter(char32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

Tokens split(std::string_view text) {
  Tokens tokens;
  std::u32string token;
  const auto flush = [&] {
    if (!token.empty()) tokens.push_back(utf8(token));
    token.clear();
  };
  for (const char32_t c : code_points(text)) {
    if (is_space(c)) {
      flush();
    } else {
      token += c;
    }
  }
  flush();
  return tokens;
}

std::string strip_end(std::string_view text) {
  std::u32string points = code_points(text);
  while (!points.empty() && is_space(points.back())) points.pop_back();
  return utf8(points);
}

// The four substitutions that sacrebleu applies after either tokenizer, one after the other. Bytes do: what
// they look at is ASCII, and a part of a longer character is no digit.
bool is_separate(char c) {  // ASCII punctuation but ' , - .
  return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') ||
         (c >= '(' && c <= '+') || (c >= ':' && c <= '@') || c == '/';
}
bool is_point(char c) { return c == '.' || c == ','; }

std::string separate_punctuation(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (is_separate(c)) {
      out.append({' ', c, ' '});
    } else {
      out += c;
    }
  }
  return out;
}

// Writes pairs of neighbours that `matches` differently, from the left and without overlap, as re.sub does.
template <class Matches, class Write>
std::string substitute_pairs(const std::string& text, Matches&& matches, Write&& write) {
  std::string out;
  std::size_t i = 0;
  while (i < text.size()) {
    if (i + 1 < text.size() && matches(text[i], text[i + 1])) {
      write(out, text[i], text[i + 1]);
      i += 2;
    } else {
      out += text[i++];
    }
  }
  return out;
}

Tokens split_western(std::string text) {
  text = separate_punctuation(text);
  const auto pair_end = [](std::string& out, char a, char b) { out.append({a, ' ', b, ' '}); };
  text = substitute_pairs(
      text, [](char a, char b) { return !is_digit(a) && is_point(b); }, pair_end);
  text = substitute_pairs(
      text, [](char a, char b) { return is_point(a) && !is_digit(b); },
      [](std::string& out, char a, char b) {
        out.append({' ', a, ' ', b});
      });
  text = substitute_pairs(
      text, [](char a, char b) { return is_digit(a) && b == '-'; }, pair_end);
  return split(text);
}

// What sacrebleu's "zh" separates. Its table means to name two planes beyond U+FFFF with \u escapes of four
// digits, and so names U+2001 … U+2A6D (quotation marks, arrows, circled digits) and U+2F81 … U+2FA1 instead;
// scores are only comparable if that stays.
bool is_separated_by_zh(char32_t c) {
  static constexpr std::array<std::pair<char32_t, char32_t>, 22> ranges = {
      {{0x3400, 0x4DB5}, {0x4E00, 0x9FA5}, {0x9FA6, 0x9FBB}, {0xF900, 0xFA2D}, {0xFA30, 0xFA6A},
       {0xFA70, 0xFAD9}, {0x2001, 0x2A6D}, {0x2F81, 0x2FA1}, {0xFF00, 0xFFEF}, {0x2E80, 0x2EFF},
       {0x3000, 0x303F}, {0x31C0, 0x31EF}, {0x2F00, 0x2FDF}, {0x2FF0, 0x2FFF}, {0x3100, 0x312F},
       {0x31A0, 0x31BF}, {0xFE10, 0xFE1F}, {0xFE30, 0xFE4F}, {0x2600, 0x26FF}, {0x2700, 0x27BF},
       {0x3200, 0x32FF}, {0x3300, 0x33FF}}};
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const auto& range) { return c >= range.first && c <= range.second; });
}

Tokens tokenize_13a(std::string_view text) {
  std::string line = replace_all(strip_end(text), "<skipped>", "");
  line = replace_all(replace_all(std::move(line), "-\n", ""), "\n", " ");
  line = replace_all(replace_all(std::move(line), "&quot;", "\""), "&amp;", "&");
  line = replace_all(replace_all(std::move(line), "&lt;", "<"), "&gt;", ">");
  return split_western(" " + line + " ");
}

Tokens tokenize_zh(std::string_view text) {
  std::u32string points = code_points(text);
  while (!points.empty() && is_space(points.back())) points.pop_back();
  points.erase(points.begin(), std::find_if_not(points.begin(), points.end(), is_space));
  std::u32string spaced;
  for (const char32_t c : points) {
    if (is_separated_by_zh(c)) {
      spaced.append({U' ', c, U' '});
    } else {
      spaced += c;
    }
  }
  return split_western(utf8(spaced));
}

}  // namespace

std::string_view to_string(Language language) { return language == Language::zh ? "zh" : "en"; }

Language detect_language(std::string_view text) {
  const std::u32string points = code_points(text);
  const auto han = std::count_if(points.begin(), points.end(), is_han);
  const auto latin = std::count_if(points.begin(), points.end(), is_ascii_letter);
  return han > 0 && 3 * han >= latin ? Language::zh : Language::en;
}

bool is_space(char32_t c) {
  return (c >= 9 && c <= 13) || (c >= 28 && c <= 32) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

Tokens characters(std::string_view text) {
  Tokens out;
  for (const char32_t c : code_points(text)) {
    if (!is_space(c)) out.push_back(utf8({&c, 1}));
  }
  return out;
}

Tokens units(std::string_view text, Language language) {
  return language == Language::zh ? characters(text) : words(to_lower(text), language);
}

Tokens bleu_tokens(std::string_view text, Language language) {
  return language == Language::zh ? tokenize_zh(text) : tokenize_13a(text);
}

Tokens rouge_tokens(std::string_view text) {
  Tokens tokens;
  std::string token;
  for (const char c : to_lower(text) + " ") {
    if ((c >= 'a' && c <= 'z') || is_digit(c)) {
      token += c;
    } else if (!token.empty()) {
      tokens.push_back(std::exchange(token, {}));
    }
  }
  return tokens;
}

std::u32string fold_width(std::u32string_view text) {
  std::u32string out(text);
  for (char32_t& c : out) {
    if (c >= 0xFF01 && c <= 0xFF5E) c -= 0xFEE0;
    if (c == 0x3000) c = U' ';
  }
  return out;
}

}  // namespace adlib::eval
