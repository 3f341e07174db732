// copywriter/rules/phrase_pattern.h: the phrases of rules, which people write who do not program. The syntax
// is told in README.md.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "copywriter/rules/folded_text.h"

namespace adlib::copywriter {

/// A phrase as it is written in a rule file, and where.
struct PhraseSource {
  std::string text;
  std::string where;  ///< "file:line:column"
};

/// The plain phrases that a pattern stands for: "最{佳|好}" for 最佳 and 最好. None for one with a gap (~) or
/// a number
/// (#), nor for one that stands for more than 500. Throws Error(bad_format) "where: …" for a pattern that is
/// malformed.
std::vector<std::string> plain_phrases(const PhraseSource& phrase);
/// Runs of folded letters (append_rule_letters()) of which each match of a pattern holds at least one:
/// "最{佳|好}~" has 最佳 and 最好. So a text without them need not be searched. None where nothing can be
/// told, as of "#". Throws as plain_phrases().
std::vector<std::u32string> phrase_keys(const PhraseSource& phrase);
/// The most letters of a key: few texts have so many by chance.
inline constexpr std::size_t kPhraseKeyLetters = 3;
/// A text as a pattern that finds nothing but it.
std::string escaped_phrase(std::string_view text);

/// Many phrases, looked for at once in a folded text. Copies are shallow; const use from many threads is
/// safe.
class PhraseMatcher {
 public:
  PhraseMatcher() = default;
  /// Throws as plain_phrases(), and for a phrase in which nothing is left to look for once it is folded.
  explicit PhraseMatcher(const std::vector<PhraseSource>& phrases);
  bool empty() const { return expressions_.empty(); }
  /// Ranges of text.folded(), left to right; the longest phrase at each place, and none inside another.
  std::vector<Range> find_all(const FoldedText& text) const;
  bool found_in(const FoldedText& text) const;
  /// Whether these bytes of text.folded() lie inside of some match.
  bool covers(const FoldedText& text, Range range) const;

 private:
  class Expression;
  std::vector<std::shared_ptr<const Expression>>
      expressions_;  // several, since an expression may not be large
};

}  // namespace adlib::copywriter
