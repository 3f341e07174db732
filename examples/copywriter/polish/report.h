// copywriter/polish/report.h: findings for people, for programs, and for code review tools.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "copywriter/polish/finding.h"
#include "copywriter/rules/rule_pack.h"
#include "copywriter/shop/json_line.h"

namespace adlib::copywriter {

/// Where a text was read.
struct TextSource {
  std::string file;
  std::int64_t line = 1;   ///< of its first character, from 1
  bool is_record = false;  ///< it is a field of a record, so that columns of the file mean nothing
};

/// Line and column from 1, in characters of the text, of a byte of it.
struct Position {
  std::int64_t line = 1, column = 1;
};
/// Positions of many bytes of a text: those that are asked for in their order take one walk through it.
class Positions {
 public:
  explicit Positions(std::string_view text) : text_(text) {}
  Position of(std::size_t byte);

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  Position position_;
};

/// For each finding "copy.txt:1:5: ban: 绝对化用语 [cn-advertising/absolute]", the line with the words
/// underlined, the statute and the suggestion: in lines that end with "\n".
std::string to_text(std::span<const Finding> findings, std::string_view text, const TextSource& source);

/// {file, line, findings: [{rule, level, begin, end, line, column, words, message, basis, rewrite, fix}]};
/// begin and end in bytes of the text, line and column in it.
OrderedJson to_json(std::span<const Finding> findings, std::string_view text, const TextSource& source);

/// A log in the Static Analysis Results Interchange Format 2.1.0 (OASIS).
class SarifLog {
 public:
  explicit SarifLog(std::string version) : version_(std::move(version)) {}
  void add(std::span<const Finding> findings, std::string_view text, const TextSource& source);
  /// `packs` describe the rules.
  OrderedJson document(const std::vector<RulePack>& packs) const;

 private:
  std::string version_;
  OrderedJson results_ = OrderedJson::array();
  std::vector<std::string> rules_;  ///< that no pack has: of the checker itself
};

/// What changed, a removed and an added line for each, after a line that tells the place; nothing for equal
/// texts.
std::string diff(std::string_view before, std::string_view after, const TextSource& source);

}  // namespace adlib::copywriter
