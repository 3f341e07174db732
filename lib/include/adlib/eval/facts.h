// adlib/eval/facts.h: does a text hold what its input says, and does it say what its input does not hold?
//
// All compare normalised() texts, so that 1,280.00元, １２８０元 and 0.128万元 are one thing.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "adlib/eval/text.h"

namespace adlib::eval {

/// Lower case, ASCII for its full-width forms, whitespace only where it parts two ASCII characters and then
/// one blank, and every number as numbers() gives it.
std::u32string normalised(std::string_view text);

/// The numbers of a text in order, each as its plain decimal value: "1,280.50" and "１２８０．５" give
/// "1280.5", "1.5万" gives "15000". A number is a run of digits (half or full width), with commas in groups
/// of three, perhaps a decimal point, and perhaps 万 or 亿 behind it. Digits within words count ("Q2" holds
/// 2). A sign is not part of it. Chinese numerals (三十), number words, fractions (½) and circled digits are
/// no numbers here: in copy most of them are words (一款, 十分).
std::vector<std::string> numbers(std::string_view text);

/// True when `text` holds `value`. Where the value begins or ends with an ASCII letter or digit, no further
/// one may adjoin there, nor a decimal place: "S" is not in "shirt", "5" not in "5.3". An empty value is in
/// no text.
bool holds_value(std::string_view text, std::string_view value);

struct Coverage {
  std::int64_t found = 0;
  std::int64_t total = 0;
  double share() const { return total > 0 ? static_cast<double>(found) / static_cast<double>(total) : 0.0; }
};
/// How many of the values of the input the text holds. Empty ones do not count.
Coverage attribute_coverage(std::string_view text, std::span<const std::string> values);

/// The values of numbers() of the text that none of the numbers of the input has, each once, in order.
std::vector<std::string> invented_numbers(std::string_view text, std::string_view input);

/// Attribute values that are known, for invented(). Values of fewer than two characters and plain numbers are
/// left out: the former are parts of too many words, the latter are invented_numbers()'s.
class ValueLexicon {
 public:
  void add(std::string_view value);
  std::size_t size() const { return size_; }
  /// The known values that the text holds (as holds_value() says) and the input does not, each once,
  /// normalised, in the order of the text; of those that begin at one place and overlap, the longest.
  std::vector<std::string> invented(std::string_view text, std::string_view input) const;

 private:
  std::unordered_map<char32_t, std::vector<std::u32string>> by_first_;  // longest first
  std::size_t size_ = 0;
};

}  // namespace adlib::eval
