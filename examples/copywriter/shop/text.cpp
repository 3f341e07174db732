#include "copywriter/shop/text.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <numeric>

namespace adlib::copywriter {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

bool is_space(char32_t c) {
  return c == ' ' || (c >= '\t' && c <= '\r') || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

}  // namespace

// Controls, soft hyphens, joiners of marks, direction marks and overrides, zero-width spaces, blanks that are
// letters (of Hangul and Braille), tag characters.
bool is_invisible(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0xAD || c == 0x34F || c == 0x61C || c == 0x115F ||
         c == 0x1160 || c == 0x180E || c == 0x200B || c == 0x200E || c == 0x200F ||
         (c >= 0x202A && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0x2800 || c == 0x3164 ||
         c == 0xFEFF || c == 0xFFA0 || (c >= 0xFFF9 && c <= 0xFFFB) || (c >= 0xE0000 && c <= 0xE007F);
}

char32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) -> unsigned { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(at++);
  if (first < 0x80) return first;
  const int extra = first >= 0xC2 && first <= 0xDF   ? 1
                    : (first & 0xF0) == 0xE0         ? 2
                    : first >= 0xF0 && first <= 0xF4 ? 3
                                                     : 0;
  if (extra == 0 || text.size() - at < static_cast<std::size_t>(extra)) return kReplacement;
  char32_t c = first & (0x3Fu >> extra);
  for (int i = 0; i < extra; ++i) {
    const unsigned next = byte(at + static_cast<std::size_t>(i));
    if ((next & 0xC0) != 0x80) return kReplacement;
    c = (c << 6) | (next & 0x3F);
  }
  const bool overlong = (extra == 2 && c < 0x800) || (extra == 3 && c < 0x10000);
  if (overlong || (c >= 0xD800 && c <= 0xDFFF) || c > 0x10FFFF) return kReplacement;
  at += static_cast<std::size_t>(extra);
  return c;
}

void append_utf8(std::string& out, char32_t c) {
  const auto tail = [&](int shift) { out.push_back(static_cast<char>(0x80 | ((c >> shift) & 0x3F))); };
  if (c < 0x80) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out.push_back(static_cast<char>(0xC0 | (c >> 6)));
    tail(0);
  } else if (c < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | (c >> 12)));
    tail(6), tail(0);
  } else {
    out.push_back(static_cast<char>(0xF0 | (c >> 18)));
    tail(12), tail(6), tail(0);
  }
}

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    // A real U+FFFD takes three bytes; the mark of a malformed byte takes one.
    if (next_code_point(text, at) == kReplacement && at - begin == 1) return false;
  }
  return true;
}

std::string_view trim(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::string clean_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool space = false;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_code_point(text, at);
    if (is_space(c)) {
      space = true;
    } else if (!is_invisible(c)) {
      if (space && !out.empty()) out.push_back(' ');
      space = false;
      append_utf8(out, c);
    }
  }
  return out;
}

std::string first_characters(std::string_view text, std::size_t count) {
  std::size_t at = 0;
  for (; at < text.size() && count > 0; --count) next_code_point(text, at);
  std::string out(text.substr(0, at));
  if (at < text.size()) out += "…";
  return out;
}

std::vector<std::string> split_list(std::string_view cell) {
  constexpr std::string_view wide = "；";
  const bool bars = cell.find('|') != std::string_view::npos;
  std::vector<std::string> items;
  const auto take = [&](std::size_t from, std::size_t to) {
    const std::string_view one = trim(cell.substr(from, to - from));
    if (!one.empty()) items.emplace_back(one);
  };
  std::size_t begin = 0;
  for (std::size_t i = 0; i < cell.size();) {
    const std::size_t width = cell[i] == (bars ? '|' : ';')                  ? 1
                              : !bars && cell.substr(i, wide.size()) == wide ? wide.size()
                                                                             : 0;
    if (width > 0) take(begin, i), begin = i + width;
    i += std::max<std::size_t>(width, 1);
  }
  take(begin, cell.size());
  return items;
}

namespace {

std::optional<std::int64_t> number_of(std::string_view digits) {
  std::int64_t value = 0;
  if (digits.empty() || !is_digit(digits.front())) return {};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return {};
  return value;
}

// Takes "Z", "+08:00", "+0800" or "+08" from the end of a time: the seconds that its clock is ahead of UTC.
// Nothing for a zone that there is none of.
std::optional<std::int64_t> take_zone(std::string_view& text) {
  if (text.back() == 'Z' || text.back() == 'z') {
    text.remove_suffix(1);
    return 0;
  }
  const std::size_t sign = text.find_first_of("+-", std::string_view("0000-00-00T00:00").size());
  if (sign == std::string_view::npos) return 0;
  const std::string_view zone = text.substr(sign + 1);
  const bool colon = zone.size() == 5 && zone[2] == ':';
  if (!colon && zone.size() != 4 && zone.size() != 2) return {};
  const auto hours = number_of(zone.substr(0, 2));
  const auto minutes =
      zone.size() == 2 ? std::optional<std::int64_t>(0) : number_of(zone.substr(zone.size() - 2));
  if (!hours || !minutes || *hours > 14 || *minutes > 59) return {};  // the zones reach from -12:00 to +14:00
  const bool behind = text[sign] == '-';
  text = trim(text.substr(0, sign));
  return (*hours * 3600 + *minutes * 60) * (behind ? -1 : 1);
}

}  // namespace

std::optional<std::int64_t> parse_time(std::string_view text) {
  text = trim(text);
  if (text.empty()) return {};
  constexpr std::int64_t year_9999 = 253402300799;
  if (std::all_of(text.begin(), text.end(), is_digit)) {
    const auto value = number_of(text);
    // Thirteen digits are milliseconds: as seconds they would be after the year 33,000.
    const std::int64_t unit = text.size() == 13 ? 1000 : 1;
    return value && *value / unit <= year_9999 ? std::optional(*value / unit) : std::nullopt;
  }
  // Unix seconds with a fraction.
  if (const std::size_t point = text.find('.');
      point != std::string_view::npos && point >= 9 && point <= 13 &&
      text.find_first_not_of("0123456789.") == std::string_view::npos &&
      text.find('.', point + 1) == std::string_view::npos)
    return parse_time(text.substr(0, point));
  const auto ahead = take_zone(text);
  if (!ahead) return {};
  constexpr std::string_view whole = "0000-00-00T00:00:00";
  if (text.size() > whole.size() && (text[whole.size()] == '.' || text[whole.size()] == ',')) {
    const std::string_view fraction = text.substr(whole.size() + 1);
    if (fraction.empty() || fraction.size() > 9 || !std::all_of(fraction.begin(), fraction.end(), is_digit))
      return {};
    text = text.substr(0, whole.size());
  }
  // The shape first: every 0 stands for a digit.
  if (text.size() != 10 && text.size() != 16 && text.size() != 19) return {};
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool fits = whole[i] == '0'   ? is_digit(text[i])
                      : whole[i] == 'T' ? text[i] == 'T' || text[i] == ' '
                                        : text[i] == whole[i];
    if (!fits) return {};
  }
  const auto part = [&](std::size_t at, std::size_t size) {
    return at + size <= text.size() ? static_cast<int>(*number_of(text.substr(at, size))) : 0;
  };
  const std::chrono::year_month_day day{std::chrono::year(part(0, 4)),
                                        std::chrono::month(static_cast<unsigned>(part(5, 2))),
                                        std::chrono::day(static_cast<unsigned>(part(8, 2)))};
  const int hour = part(11, 2), minute = part(14, 2), second = part(17, 2);
  if (!day.ok() || hour > 23 || minute > 59 || second > 59) return {};
  const auto days = std::chrono::sys_days(day).time_since_epoch().count();
  return std::int64_t{days} * 86400 + hour * 3600 + minute * 60 + second - *ahead;
}

std::string date_text(std::int64_t unix_seconds) {
  const std::chrono::sys_seconds time{std::chrono::seconds(unix_seconds)};
  const std::chrono::year_month_day day{std::chrono::floor<std::chrono::days>(time)};
  char out[48];
  std::snprintf(out, sizeof out, "%04d-%02u-%02u", static_cast<int>(day.year()),
                static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
  return out;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] != b[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace adlib::copywriter
