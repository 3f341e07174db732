#include "copywriter/polish/claims/numbers.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdlib>

#include "adlib/core/error.h"
#include "copywriter/polish/claims/lexicon.h"
#include "copywriter/rules/toml_table.h"
#include "copywriter/rules/units.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter::claims {
namespace {

constexpr const char* kNumberFile = "numbers.toml";

// A character of a text and its place.
struct Character {
  char32_t c = 0;
  Range where;
  std::u32string letters;  // folded
};

std::vector<Character> characters(std::string_view text) {
  std::vector<Character> out;
  for (std::size_t at = 0; at < text.size();) {
    Character one;
    one.where.begin = at;
    one.c = next_code_point(text, at);
    one.where.end = at;
    append_folded(one.letters, one.c);
    out.push_back(std::move(one));
  }
  return out;
}

bool is_letter(char32_t c) { return is_word_character(c) && digit_value(c) < 0; }

std::u32string folded_unit(std::string_view unit) { return folded(unit); }

// The longest unit that begins at a character, behind spaces; its class and the character behind it.
std::pair<int, std::size_t> unit_at(const std::vector<Character>& all, std::size_t at, const UnitSet& units) {
  std::pair<int, std::size_t> found{UnitSet::none, at};
  std::u32string letters;
  for (std::size_t i = at; i < all.size(); ++i) {
    if (all[i].letters.empty()) continue;
    letters += all[i].letters;
    if (units.beginning(letters).empty()) break;
    const bool goes_on = i + 1 < all.size() && script_of(all[i].c) == Script::latin &&
                         script_of(all[i + 1].c) == Script::latin;
    if (const int unit = units.find(letters); unit != UnitSet::none && !goes_on) found = {unit, i + 1};
  }
  return found;
}

// "/m²" behind a unit, without the stroke and folded, and `end` behind it.
std::string denominator(std::string_view text, std::size_t& end) {
  if (!text.substr(end).starts_with('/')) return "";
  std::size_t at = end + 1;
  while (at < text.size()) {
    std::size_t next = at;
    const char32_t c = next_code_point(text, next);
    if (!is_letter(c) && !(at > end + 1 && (digit_value(c) >= 0 || c == U'²' || c == U'³'))) break;
    at = next;
  }
  const std::string_view per = text.substr(end + 1, at - end - 1);
  if (!per.empty()) end = at;
  return folded_text(per);
}

// Between numbers that share the last one's unit: "20 x 30 cm", "3至5天".
bool joins_numbers(std::string_view between) {
  constexpr std::array<std::string_view, 14> joints{"x",  "X",  "×",  "*",  "-",  "–", "~",
                                                    "～", "至", "到", "to", "、", "/", "或"};
  return std::find(joints.begin(), joints.end(), trim(between)) != joints.end();
}

// Whether what stands before a number makes it negative. A stroke behind a number, a letter or a unit joins:
// "10-15", "10°C-15°C", "SK-2".
bool is_below_zero(std::string_view before) {
  for (const std::string_view word : {"零下", "零下 ", "负", "minus "}) {
    if (before.ends_with(word)) return true;
  }
  for (const std::string_view sign : {"-", "\u2212"}) {
    if (!before.ends_with(sign)) continue;
    before.remove_suffix(sign.size());
    if (before.empty()) return true;
    const auto last = static_cast<unsigned char>(before.back());
    for (const std::string_view degree : {"℃", "°", "度"}) {
      if (before.ends_with(degree)) return false;
    }
    return !std::isalnum(last) && last != '%' && last != '-';
  }
  return false;
}

// Chinese numerals. A run such as 三五 or 七八 is no number, but about that many.
std::optional<double> chinese_value(std::u32string_view run) {
  if (run == U"半") return 0.5;
  const std::u32string_view digits = U"零一二三四五六七八九";
  double total = 0, section = 0;
  double digit = 0;
  bool open = false;  // a digit has been read and no multiplier behind it
  for (const char32_t c : run) {
    if (c == U'零' || c == U'〇') continue;
    const std::size_t value = c == U'两' ? 2 : digits.find(c);
    if (value != std::u32string_view::npos) {
      if (open) return std::nullopt;
      digit = static_cast<double>(value), open = true;
      continue;
    }
    const double unit = c == U'十' ? 10 : c == U'百' ? 100 : c == U'千' ? 1000 : c == U'万' ? 10000 : 0;
    if (unit == 0) return std::nullopt;
    if (unit == 10000) {
      total += (section + digit) * unit;
      section = 0;
    } else {
      section += (open ? digit : unit == 10 ? 1 : 0) * unit;
    }
    digit = 0, open = false;
  }
  const double value = total + section + digit;
  return value > 0 ? std::optional(value) : std::nullopt;
}

struct EnglishNumber {
  std::string_view word;
  double value;
};
constexpr std::array<EnglishNumber, 28> kEnglish{
    {{"one", 1},      {"two", 2},        {"three", 3},     {"four", 4},      {"five", 5},
     {"six", 6},      {"seven", 7},      {"eight", 8},     {"nine", 9},      {"ten", 10},
     {"eleven", 11},  {"twelve", 12},    {"thirteen", 13}, {"fourteen", 14}, {"fifteen", 15},
     {"sixteen", 16}, {"seventeen", 17}, {"eighteen", 18}, {"nineteen", 19}, {"twenty", 20},
     {"thirty", 30},  {"forty", 40},     {"fifty", 50},    {"sixty", 60},    {"seventy", 70},
     {"eighty", 80},  {"ninety", 90},    {"half", 0.5}}};

std::string number_text(double value) {
  std::string text = concat(value);
  return canonical_digits(text);
}

int unit_class(const UnitSet& units, const std::string& unit, const std::string& where) {
  const int found = units.find(folded_unit(unit));
  if (found == UnitSet::none)
    fail(ErrorCode::bad_format, where, ": '", unit, "' is no unit of units.txt nor of 'units'");
  return found;
}

std::set<int> unit_classes(const UnitSet& units, const std::vector<PhraseSource>& names) {
  std::set<int> out;
  for (const PhraseSource& name : names) out.insert(unit_class(units, name.text, name.where));
  return out;
}

std::vector<std::string> folded_words(TomlTable& table, std::string_view key) {
  std::vector<std::string> out;
  for (const std::string& text : table.texts(key)) out.push_back(folded_text(text));
  return out;
}

}  // namespace

std::string canonical_digits(std::string_view digits) {
  while (digits.size() > 1 && digits[0] == '0' && digits[1] != '.') digits.remove_prefix(1);
  if (digits.find('.') != std::string_view::npos && digits.find('.') == digits.rfind('.')) {
    while (digits.ends_with('0')) digits.remove_suffix(1);
    if (digits.ends_with('.')) digits.remove_suffix(1);
  }
  return std::string(digits);
}

NumberRules::NumberRules(const std::filesystem::path& rules) {
  const std::filesystem::path file = rules / "attributes" / kNumberFile;
  const toml::table root = read_toml(file);
  TomlTable table(root, file.string(), "numbers");
  std::vector<std::vector<std::string>> classes = read_unit_classes(rules / "units.txt");
  for (const std::string& line : table.texts("units")) classes.push_back(unit_class_of(line));
  units_ = std::make_unique<const UnitSet>(classes);
  money_ = unit_classes(*units_, table.list("money"));
  counters_ = unit_classes(*units_, table.list("counters"));
  spelled_ = unit_classes(*units_, table.list("spelled"));
  for (std::string& per : folded_words(table, "densities")) densities_.insert(std::move(per));
  tenths_ = unit_class(*units_, table.text("tenths"), table.where(table.at("tenths")));
  percent_ = unit_class(*units_, table.text("percent"), table.where(table.at("percent")));
  innocent = PhraseMatcher(table.list("innocent"));
  measured = folded_words(table, "measured");
  saved = folded_words(table, "saved");
  under = folded_words(table, "under");
  const toml::node& scales = table.at("scales");
  const toml::array* rows = scales.as_array();
  if (!rows) table.refuse(scales, "'scales' is not a list of tables: [{ \"mg\" = 1, \"g\" = 1000 }]");
  int kind = 0;
  for (const toml::node& row : *rows) {
    const toml::table* scale = row.as_table();
    if (!scale) table.refuse(row, "'scales' is not a list of tables: [{ \"mg\" = 1, \"g\" = 1000 }]");
    ++kind;
    for (const auto& [unit, factor] : *scale) {
      const auto value = factor.value<double>();
      if (!value || *value <= 0) table.refuse(factor, "a factor is not a number above 0");
      scales_[unit_class(*units_, std::string(unit.str()), table.where(factor))] = {kind, *value};
    }
  }
  table.refuse_unknown_keys();
}

bool NumberRules::is_unit(int unit, const std::vector<std::string>& names) const {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return units_->find(folded_unit(name)) == unit; });
}

bool NumberRules::same_kind(int a, int b) const {
  if (a == b) return true;
  const auto one = scales_.find(a), other = scales_.find(b);
  return one != scales_.end() && other != scales_.end() && one->second.kind == other->second.kind;
}

bool NumberRules::same_amount(const PlacedNumber& a, const PlacedNumber& b) const {
  if (a.unit == b.unit) return a.digits == b.digits;
  if (!same_kind(a.unit, b.unit)) return false;
  const double one = std::strtod(a.digits.c_str(), nullptr) * scales_.at(a.unit).factor;
  const double other = std::strtod(b.digits.c_str(), nullptr) * scales_.at(b.unit).factor;
  return std::abs(one - other) <= 1e-9 * std::abs(one);
}

std::vector<PlacedNumber> NumberRules::find(std::string_view text, bool words) const {
  const std::vector<Character> all = characters(text);
  std::vector<PlacedNumber> out;
  NumberScan scan(units_.get());
  std::size_t first = 0, last = 0;  // characters of the number that is being read
  const auto add = [&](const Quantity& number, std::size_t begin, std::size_t end) {
    PlacedNumber one;
    one.digits = canonical_digits(number.digits);
    one.figures = one.where = {all[begin].where.begin, all[end].where.end};
    one.unit = number.unit != UnitSet::none ? number.unit : number.prefix;
    one.own_unit = one.unit != UnitSet::none;
    one.after_letter = begin > 0 && (is_letter(all[begin - 1].c) ||
                                     (all[begin - 1].c == '-' && begin > 1 && is_letter(all[begin - 2].c)));
    one.negative = is_below_zero(text.substr(0, one.figures.begin));
    if (number.unit != UnitSet::none) {
      const auto [unit, behind] = unit_at(all, end + 1, *units_);
      if (unit == number.unit && behind > end + 1) one.where.end = all[behind - 1].where.end;
      one.per = denominator(text, one.where.end);
    } else {
      std::size_t next = end + 1;
      while (next < all.size() && is_white_space(all[next].c)) ++next;
      one.before_letter = next < all.size() && is_letter(all[next].c);
      if (next == end + 1 && next < all.size() && script_of(all[next].c) == Script::han)
        one.counts = utf8(all[next].letters);
    }
    if (number.prefix != UnitSet::none) {
      std::size_t before = begin;
      while (before > 0 && all[before - 1].letters.empty()) --before;
      if (before > 0) one.where.begin = all[before - 1].where.begin;
    }
    out.push_back(std::move(one));
  };
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool was_open = scan.unfinished().has_value();
    const std::vector<Quantity> done = scan.push(all[i].c, all[i].letters);
    for (std::size_t k = 0; k < done.size(); ++k) {
      if (k == 0 && was_open) {
        add(done[k], first, last);
      } else {
        add(done[k], i, i);
      }
    }
    if (all[i].letters.size() == 1 && digit_value(all[i].letters[0]) >= 0) {
      if (!was_open || !done.empty()) first = i;
      last = i;
    }
  }
  if (const auto rest = scan.finish()) add(*rest, first, last);
  for (std::size_t i = out.size(); i-- > 1;) {
    PlacedNumber& before = out[i - 1];
    if (before.unit != UnitSet::none || out[i].unit == UnitSet::none ||
        before.figures.end > out[i].where.begin)
      continue;
    const auto between = text.substr(before.figures.end, out[i].figures.begin - before.figures.end);
    if (joins_numbers(between)) {
      before.unit = out[i].unit;
      before.joined = out[i].joined = true;
    }
  }
  if (words) {
    add_spelled(text, out);
    std::stable_sort(out.begin(), out.end(),
                     [](const auto& a, const auto& b) { return a.where.begin < b.where.begin; });
  }
  return out;
}

void NumberRules::add_spelled(std::string_view text, std::vector<PlacedNumber>& numbers) const {
  const std::vector<Character> all = characters(text);
  const std::u32string_view numerals = U"零〇一二两三四五六七八九十百千万半",
                            vague = U"几数多第每余来整好上下";
  const auto add = [&](double value, std::size_t begin, std::size_t end) {
    const auto [unit, behind] = unit_at(all, end, *units_);
    PlacedNumber one;
    one.digits = number_text(value);
    one.unit = unit;
    one.own_unit = unit != UnitSet::none;
    one.spelled = true;
    one.before_letter = unit == UnitSet::none && end < all.size() && !all[end].letters.empty() &&
                        script_of(all[end].c) != Script::common;
    one.figures = {all[begin].where.begin, all[end - 1].where.end};
    one.where = {all[begin].where.begin, all[std::max(behind, end) - 1].where.end};
    numbers.push_back(std::move(one));
  };
  for (std::size_t i = 0; i < all.size();) {
    std::size_t end = i;
    while (end < all.size() && numerals.find(all[end].c) != std::u32string_view::npos) ++end;
    if (end > i) {
      std::u32string run;
      for (std::size_t k = i; k < end; ++k) run += all[k].c;
      const bool sure = (i == 0 || (vague.find(all[i - 1].c) == std::u32string_view::npos &&
                                    digit_value(all[i - 1].c) < 0)) &&
                        (end == all.size() || vague.find(all[end].c) == std::u32string_view::npos);
      if (const auto value = chinese_value(run); sure && value) add(*value, i, end);
      i = end;
      continue;
    }
    if (!is_letter(all[i].c) || script_of(all[i].c) != Script::latin) {
      ++i;
      continue;
    }
    // Words of English that are a number together: "thirty five", "two hundred".
    double value = 0;
    std::size_t words_end = i;
    for (std::size_t at = i; at < all.size();) {
      std::size_t stop = at;
      std::string word;
      while (stop < all.size() && is_letter(all[stop].c)) word += utf8(all[stop++].letters);
      const auto known = std::find_if(kEnglish.begin(), kEnglish.end(),
                                      [&](const EnglishNumber& one) { return one.word == word; });
      if (word == "hundred" && value > 0) {
        value *= 100;
      } else if (known != kEnglish.end()) {
        value += known->value;
      } else {
        break;
      }
      words_end = stop;
      at = stop;
      if (at + 1 >= all.size() || (all[at].c != ' ' && all[at].c != '-')) break;
      ++at;
    }
    if (words_end > i) {
      std::size_t behind = words_end;  // "two-year warranty"
      if (behind < all.size() && all[behind].c == '-') ++behind;
      const auto [unit, after] = unit_at(all, behind, *units_);
      add(value, i, unit != UnitSet::none && behind > words_end ? behind : words_end);
      i = words_end;
    } else {
      while (i < all.size() && is_letter(all[i].c)) ++i;
    }
  }
}

}  // namespace adlib::copywriter::claims
