// copywriter/polish/claims/numbers.h: the numbers of a text with their units and places, in digits and in
// words.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "adlib/generate/number_scan.h"
#include "copywriter/rules/phrase_pattern.h"

namespace adlib::copywriter::claims {

/// A number as it stands in a text.
struct PlacedNumber {
  std::string digits;          ///< without grouping, and zeros that do not count: "1299.5"
  int unit = UnitSet::none;    ///< its class; in "20 x 30 cm" that of both
  bool own_unit = false;       ///< the unit stands beside it
  bool spelled = false;        ///< in words
  bool after_letter = false;   ///< as in "Q2"
  bool before_letter = false;  ///< of a word that is no unit
  bool negative = false;       ///< as in "-15 ℃", 零下15度; the digits have no sign
  bool joined = false;         ///< one of several that are told as one: "20 x 30 cm", "3 to 5 days"
  std::string counts;          ///< the Chinese character behind it where that begins no unit: 姆 in 16姆米
  std::string per;             ///< what it is a part of, folded: "m2" in "300 g/m²"
  Range where;                 ///< with the unit, in bytes of the text
  Range figures;               ///< without
};

/// What is known of numbers and units: rules/units.txt and rules/attributes/numbers.toml.
class NumberRules {
 public:
  /// Throws Error(bad_format) "file:line: …".
  explicit NumberRules(const std::filesystem::path& rules);

  /// In their order. `words` asks for those in words, too.
  std::vector<PlacedNumber> find(std::string_view text, bool words) const;

  /// Whether a class of units is that of one of these names.
  bool is_unit(int unit, const std::vector<std::string>& names) const;
  bool is_money(int unit) const { return money_.contains(unit); }
  bool is_counter(int unit) const { return counters_.contains(unit); }
  /// Whether a number of so much of something is another than the number alone: g/m² and g, not 克/袋 and 克.
  bool is_density(const std::string& per) const { return densities_.contains(per); }
  bool is_spelled(int unit) const { return spelled_.contains(unit); }
  int tenths() const { return tenths_; }
  int percent() const { return percent_; }
  /// Whether both measure the same: g and kg.
  bool same_kind(int a, int b) const;
  /// Whether both are the same amount: 0.5 kg and 500 g.
  bool same_amount(const PlacedNumber& a, const PlacedNumber& b) const;

  PhraseMatcher innocent;
  std::vector<std::string> measured, saved, under;  ///< folded

 private:
  void add_spelled(std::string_view text, std::vector<PlacedNumber>& numbers) const;
  struct Scale {
    int kind = 0;
    double factor = 1;
  };

  std::unique_ptr<const UnitSet> units_;
  std::set<int> money_, counters_, spelled_;
  std::set<std::string> densities_;  // folded
  int tenths_ = UnitSet::none, percent_ = UnitSet::none;
  std::map<int, Scale> scales_;
};

/// "1299.50" and "01299.5" are "1299.5".
std::string canonical_digits(std::string_view digits);

}  // namespace adlib::copywriter::claims
