// copywriter/polish/typography/text.h: what the checks of typography share: patterns, and a text in which all
// that follows rules of its own is blanked out.
#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "copywriter/polish/finding.h"
#include "copywriter/shop/language.h"

namespace adlib::copywriter {
class Pcre2Code;
}

namespace adlib::copywriter::typography {

/// A regular expression in Perl's syntax over Unicode characters. Const use from many threads is safe.
class Pattern {
 public:
  /// Throws Error(invalid_argument) for an expression that is none.
  explicit Pattern(std::string_view expression);

  struct Match {
    Range whole;
    std::vector<Range> groups;  ///< [0] is the whole; empty at 0 for a group that took no part
    std::string_view text(std::string_view of, std::size_t group = 0) const {
      return of.substr(groups[group].begin, groups[group].end - groups[group].begin);
    }
  };
  /// Left to right, none overlaps another. `text` is well-formed UTF-8.
  std::vector<Match> find_all(std::string_view text) const;
  bool found_in(std::string_view text) const;

 private:
  std::shared_ptr<const Pcre2Code> code_;
};

/// What a place must look like to be a finding, and what it becomes.
struct Rule {
  const char* id;
  Level level;
  const char* zh;       ///< the message in Chinese
  const char* en;       ///< and in English
  const char* pattern;  ///< its whole match is the place
  const char* fix;      ///< "$0" to "$9" stand for the match and its groups; null: none is safe
};

/// Rules with their patterns compiled.
class Rules {
 public:
  Rules(std::initializer_list<Rule> rules);
  const std::vector<std::pair<Rule, Pattern>>& all() const { return rules_; }

 private:
  std::vector<std::pair<Rule, Pattern>> rules_;
};

/// A character that no pattern looks for: it stands, byte for byte, for what checks must not touch.
inline constexpr char kBlank = '\x1A';

/// A text under check, and what was found in it.
class Proof {
 public:
  /// Malformed bytes and U+FFFD are blank from the start. `source` must outlive this.
  Proof(std::string_view source, Language language);

  /// The text with blanks: well-formed UTF-8, of the same length as the source.
  const std::string& text() const { return text_; }
  std::string_view source() const { return source_; }
  Language language() const { return language_; }
  const char* say(const char* zh, const char* en) const { return language_ == Language::zh ? zh : en; }

  void blank(Range range);
  void add(const char* rule, Level level, Range where, const char* message,
           std::optional<std::string> fix = {});
  void apply(const Rules& rules);
  std::vector<Finding>& findings() { return findings_; }

 private:
  std::string_view source_;
  std::string text_;
  Language language_;
  std::vector<Finding> findings_;
};

/// A character and where it stands.
struct Character {
  char32_t code;
  Range at;
};
std::vector<Character> characters(std::string_view text);

// The checks, in the order in which they run.
void check_characters(Proof& proof);    ///< what cannot be seen or was lost
void check_placeholders(Proof& proof);  ///< what was to be filled in; blank afterwards
void blank_verbatim(Proof& proof);      ///< addresses, file names, tags, abbreviations, emoticons
void check_marks(Proof& proof);         ///< marks and spaces of every language
void check_pairs(Proof& proof);         ///< brackets and quotes
void check_chinese(Proof& proof);
void check_english(Proof& proof);
void check_articles(Proof& proof);  ///< a and an

}  // namespace adlib::copywriter::typography
