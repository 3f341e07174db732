#include "adlib/eval/facts.h"

#include <algorithm>

#include "eval/values.h"

namespace adlib::eval {
namespace {

bool is_digit(char32_t c) { return c >= U'0' && c <= U'9'; }
bool is_word(char32_t c) { return is_digit(c) || (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z'); }

// A number as it stands in a text whose width is folded: its value, and where it ends.
struct Number {
  std::u32string value;
  std::size_t end = 0;
};

std::size_t digits_from(std::u32string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && is_digit(text[end])) ++end;
  return end - at;
}

// Without zeros that change nothing; `scale` moves the point that many places to the right.
std::u32string plain(std::u32string whole, std::u32string fraction, std::size_t scale) {
  fraction.resize(std::max(fraction.size(), scale), U'0');
  whole += fraction.substr(0, scale);
  fraction.erase(0, scale);
  whole.erase(0, std::min(whole.find_first_not_of(U'0'), whole.size() - 1));
  fraction.erase(fraction.find_last_not_of(U'0') + 1);
  return fraction.empty() ? whole : whole + U'.' + fraction;
}

Number read_number(std::u32string_view text, std::size_t at) {
  std::size_t length = digits_from(text, at);
  std::u32string whole(text.substr(at, length));
  at += length;
  if (length <= 3) {
    while (at < text.size() && text[at] == U',' && digits_from(text, at + 1) == 3) {
      whole += text.substr(at + 1, 3);
      at += 4;
    }
  }
  std::u32string fraction;
  if (at < text.size() && text[at] == U'.' && (length = digits_from(text, at + 1)) > 0) {
    fraction.append(text.substr(at + 1, length));
    at += 1 + length;
  }
  std::size_t scale = 0;
  if (at < text.size() && text[at] == U'万') scale = 4;
  if (at < text.size() && text[at] == U'亿') scale = 8;
  if (scale > 0) ++at;
  return {plain(std::move(whole), std::move(fraction), scale), at};
}

std::u32string folded(std::string_view text) { return fold_width(code_points(to_lower(text))); }

std::u32string without_loose_spaces(std::u32string_view text) {
  std::u32string out;
  bool pending = false;
  for (const char32_t c : text) {
    if (is_space(c)) {
      pending = true;
      continue;
    }
    if (pending && !out.empty() && out.back() < 0x80 && c < 0x80) out += U' ';
    pending = false;
    out += c;
  }
  return out;
}

bool is_number(std::u32string_view value) {
  return std::all_of(value.begin(), value.end(), [](char32_t c) { return is_digit(c) || c == U'.'; });
}

}  // namespace

bool is_whole(std::u32string_view text, std::size_t at, std::size_t length) {
  const std::size_t end = at + length;
  if (at > 0 && is_word(text[at])) {
    if (is_word(text[at - 1])) return false;
    if (at > 1 && is_digit(text[at]) && text[at - 1] == U'.' && is_digit(text[at - 2])) return false;
  }
  if (end < text.size() && is_word(text[end - 1])) {
    if (is_word(text[end])) return false;
    if (end + 1 < text.size() && is_digit(text[end - 1]) && text[end] == U'.' && is_digit(text[end + 1])) {
      return false;
    }
  }
  return true;
}

std::size_t find_whole(std::u32string_view text, std::u32string_view value, std::size_t from) {
  if (value.empty()) return std::u32string_view::npos;
  std::size_t at = text.find(value, from);
  while (at != std::u32string_view::npos && !is_whole(text, at, value.size())) at = text.find(value, at + 1);
  return at;
}

std::u32string normalised(std::string_view text) {
  const std::u32string from = folded(text);
  std::u32string out;
  for (std::size_t at = 0; at < from.size();) {
    if (!is_digit(from[at])) {
      out += from[at++];
      continue;
    }
    const Number number = read_number(from, at);
    out += number.value;
    at = number.end;
  }
  return without_loose_spaces(out);
}

std::vector<std::string> numbers(std::string_view text) {
  const std::u32string from = folded(text);
  std::vector<std::string> out;
  for (std::size_t at = 0; at < from.size();) {
    if (!is_digit(from[at])) {
      ++at;
      continue;
    }
    const Number number = read_number(from, at);
    out.push_back(utf8(number.value));
    at = number.end;
  }
  return out;
}

bool holds_value(std::string_view text, std::string_view value) {
  return find_whole(normalised(text), normalised(value)) != std::u32string_view::npos;
}

Coverage attribute_coverage(std::string_view text, std::span<const std::string> values) {
  const std::u32string where = normalised(text);
  Coverage out;
  for (const std::string& value : values) {
    const std::u32string what = normalised(value);
    if (what.empty()) continue;
    ++out.total;
    if (find_whole(where, what) != std::u32string_view::npos) ++out.found;
  }
  return out;
}

std::vector<std::string> invented_numbers(std::string_view text, std::string_view input) {
  std::vector<std::string> known = numbers(input), out;
  for (std::string& number : numbers(text)) {
    if (std::find(known.begin(), known.end(), number) != known.end()) continue;
    known.push_back(number);
    out.push_back(std::move(number));
  }
  return out;
}

void ValueLexicon::add(std::string_view value) {
  std::u32string known = normalised(value);
  if (known.size() < 2 || is_number(known)) return;
  std::vector<std::u32string>& values = by_first_[known.front()];
  const auto at = std::lower_bound(values.begin(), values.end(), known,
                                   [](const std::u32string& a, const std::u32string& b) {
                                     return a.size() != b.size() ? a.size() > b.size() : a < b;
                                   });
  if (at != values.end() && *at == known) return;
  values.insert(at, std::move(known));
  ++size_;
}

std::vector<std::string> ValueLexicon::invented(std::string_view text, std::string_view input) const {
  const std::u32string where = normalised(text), given = normalised(input);
  std::vector<std::string> out;
  for (std::size_t at = 0; at < where.size();) {
    const auto values = by_first_.find(where[at]);
    std::size_t step = 1;
    if (values != by_first_.end()) {
      for (const std::u32string& value : values->second) {
        if (where.compare(at, value.size(), value) != 0 || !is_whole(where, at, value.size())) continue;
        step = value.size();
        if (find_whole(given, value) == std::u32string_view::npos) {
          std::string found = utf8(value);
          if (std::find(out.begin(), out.end(), found) == out.end()) out.push_back(std::move(found));
        }
        break;
      }
    }
    at += step;
  }
  return out;
}

}  // namespace adlib::eval
