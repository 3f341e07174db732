// adlib/generate/number_scan.h: the numbers of a text and their units, found while it grows.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adlib/tokenizer/characters.h"

namespace adlib {

/// Units that follow a number or, as the symbol "¥", precede it, in classes of equal meaning: {{"元", "¥"},
/// {"cm", "厘米"}}. Case and width do not count.
class UnitSet {
 public:
  static constexpr int none = -1;
  explicit UnitSet(const std::vector<std::vector<std::string>>& classes) {
    for (std::size_t i = 0; i < classes.size(); ++i) {
      for (const std::string& unit : classes[i]) units_.emplace(folded(unit), static_cast<int>(i));
    }
  }
  /// The class of a unit, folded; none for what is no unit.
  int find(std::u32string_view letters) const {
    const auto found = units_.find(letters);
    return found == units_.end() ? none : found->second;
  }
  /// The classes of the units that begin so.
  std::vector<int> beginning(std::u32string_view letters) const {
    std::vector<int> classes;
    for (auto at = units_.lower_bound(letters); at != units_.end() && at->first.starts_with(letters); ++at) {
      classes.push_back(at->second);
    }
    return classes;
  }

 private:
  std::map<std::u32string, int, std::less<>> units_;
};

/// A number as it stands in a text. "¥1,299.50" and "１２９９．５０ 元" have the same digits, "1299.50".
struct Quantity {
  std::string digits;
  int unit = UnitSet::none;    ///< its class
  int prefix = UnitSet::none;  ///< of a unit that stands before it
};

/// Takes a text character by character. A number is a run of decimal digits, of any script, with single
/// points and commas between them; commas group and are left out. Its unit follows at once or after spaces; a
/// unit in letters must end there: "5 m" has one, "5 men" has none. A character that is a number by itself
/// ("½") is one.
class NumberScan {
 public:
  explicit NumberScan(const UnitSet* units = nullptr) : units_(units) {}

  /// Adds a character and what append_folded() leaves of it; gives the numbers that are complete by it.
  std::vector<Quantity> push(char32_t c, std::u32string_view letters) {
    std::vector<Quantity> done;
    if (is_part_of_previous(c)) return done;
    const int digit = letters.size() == 1 ? digit_value(letters[0]) : -1;
    if (state_ == State::separator && digit < 0) end(done);
    if (state_ == State::digits && digit < 0) {
      if (c == '.' || c == ',' || c == U'．') {
        separator_ = c;
        state_ = State::separator;
        return done;
      }
      state_ = State::unit;
    }
    if (state_ == State::unit) {
      if (digit < 0 && letters.empty() && letters_.empty()) return done;  // spaces before the unit
      letters_ += letters;
      if (digit < 0 && !letters.empty() && units_ && !units_->beginning(letters_).empty()) {
        if (const int unit = units_->find(letters_); unit != UnitSet::none) found_ = {unit, letters_.size()};
        return done;
      }
      end(done);
    }
    if (digit >= 0) {
      if (state_ == State::none) now_ = {"", UnitSet::none, prefix_};
      if (state_ == State::separator && separator_ != ',') now_.digits += '.';
      now_.digits += static_cast<char>('0' + digit);
      state_ = State::digits;
      prefix_ = UnitSet::none;
      return done;
    }
    if (letters.size() > 1 &&
        std::any_of(letters.begin(), letters.end(), [](char32_t l) { return digit_value(l) >= 0; })) {
      done.push_back({utf8(letters), UnitSet::none, UnitSet::none});
    }
    const bool symbol = units_ && letters.size() == 1 && script_of(letters[0]) == Script::common;
    if (!letters.empty()) prefix_ = symbol ? units_->find(letters) : UnitSet::none;
    return done;
  }
  /// The number that is complete if the text ends here.
  std::optional<Quantity> finish() const {
    if (state_ == State::none) return std::nullopt;
    Quantity last = now_;
    last.unit = unit();
    return last;
  }
  /// A number that is not complete: what it may become.
  struct Unfinished {
    std::string_view digits;  ///< may get more as long as `units` is empty
    int prefix = UnitSet::none;
    std::vector<int> units;  ///< may be none
  };
  std::optional<Unfinished> unfinished() const {
    if (state_ == State::none) return std::nullopt;
    Unfinished out{now_.digits, now_.prefix, {}};
    if (state_ != State::unit || letters_.empty()) return out;
    out.units = units_->beginning(letters_);
    // More letters can make a word of what was taken for a unit.
    if (found_.first == UnitSet::none || is_latin(letters_[found_.second - 1]))
      out.units.push_back(UnitSet::none);
    if (found_.first != UnitSet::none) out.units.push_back(found_.first);
    return out;
  }

 private:
  enum class State : std::uint8_t { none, digits, separator, unit };

  static bool is_latin(char32_t c) { return script_of(c) == Script::latin; }
  int unit() const {
    const auto [unit, length] = found_;
    if (unit == UnitSet::none) return unit;
    const bool goes_on =
        length < letters_.size() && is_latin(letters_[length]) && is_latin(letters_[length - 1]);
    return goes_on ? UnitSet::none : unit;
  }
  void end(std::vector<Quantity>& done) {
    now_.unit = unit();
    done.push_back(now_);
    state_ = State::none;
    letters_.clear();
    found_ = {UnitSet::none, 0};
    prefix_ = UnitSet::none;
  }

  const UnitSet* units_;
  State state_ = State::none;
  char32_t separator_ = 0;
  Quantity now_;
  int prefix_ = UnitSet::none;  // the last character, if it is a unit
  std::u32string letters_;      // since the number, as long as they may become a unit
  std::pair<int, std::size_t> found_ = {UnitSet::none, 0};  // the longest unit among them, and its letters
};

/// The numbers of a whole text, in its order.
inline std::vector<Quantity> quantities(std::string_view text, const UnitSet* units) {
  std::vector<Quantity> out;
  NumberScan scan(units);
  for (const char32_t c : code_points(text)) {
    std::u32string letters;
    append_folded(letters, c);
    for (Quantity& number : scan.push(c, letters)) out.push_back(std::move(number));
  }
  if (auto last = scan.finish()) out.push_back(*std::move(last));
  return out;
}

}  // namespace adlib
