// copywriter/rules/rule_pack.h: rules about texts as data: what a law, a language or a brand does not want
// said, or wants said. The format is told in README.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "copywriter/rules/phrase_pattern.h"
#include "copywriter/shop/language.h"

namespace adlib::copywriter {

/// How bad a finding is, from the mildest to the worst.
enum class Level {
  style,     ///< better said otherwise
  caution,   ///< allowed on a condition that the text alone does not show
  evidence,  ///< allowed for who can prove it
  error,     ///< wrong: language, layout, a fact, a channel's limit
  ban,       ///< not allowed at all
};
/// Throws Error(invalid_argument) that lists the names there are.
Level parse_level(std::string_view name);
const char* to_string(Level level) noexcept;

struct Replacement {
  PhraseMatcher phrase;
  std::string with;
};

/// What is known of a text beside its words.
struct Occasion {
  std::vector<std::string> kinds = {};     ///< of the product
  std::vector<std::string> channels = {};  ///< the channel and its family; empty: not known
  std::string tone = {};
  bool generated = false;  ///< a model wrote it
};

struct Rule {
  std::string where;  ///< "file:line:column"
  std::string id;     ///< "cn-advertising/absolute": of the pack and of the rule
  Level level = Level::style;
  std::string basis;                     ///< the statute or source, as it is cited
  std::string message;                   ///< what is wrong
  std::string rewrite;                   ///< how it could be said instead
  std::vector<PhraseSource> phrases;     ///< and what `replacements` replace
  std::vector<PhraseSource> exceptions;  ///< a match inside one of these is none
  PhraseMatcher matcher, except;         ///< of the two
  std::vector<std::u32string> keys;      ///< phrase_keys() of all `phrases`; none: of one nothing can be told
  PhraseMatcher require;                 ///< one of these must stand in the text; empty: nothing must
  std::vector<Replacement> replacements;
  std::vector<std::string> kinds, not_kinds;  ///< of products; none named: all
  std::vector<std::string> channels;          ///< none named: all
  std::vector<std::string> tones;             ///< none named: all
  std::int64_t at_most = 0;                   ///< so many matches are no breach
  bool generated_only = false;                ///< only for texts that a model wrote
  bool outside_names = false;                 ///< not inside the product's own title and brand
  std::vector<std::string> bad, good;         ///< texts in which it must, and must not, find something

  bool concerns(const Occasion& occasion) const;
  /// The bytes of text.source() that break the rule; empty ones at the end for something that is missing.
  /// `names` are what the product is called.
  std::vector<Range> breaches(const FoldedText& text, const PhraseMatcher& names = {}) const;
};

struct RulePack {
  std::string id, title, version;
  std::vector<std::string> sources;
  std::vector<Language> languages;  ///< of the texts it is about
  bool of_fields = false;           ///< it is about what is known of people, not about copy
  std::vector<Rule> rules;

  /// Whether its rules are for copy in this language.
  bool is_about(Language language) const;
  /// Throws Error(bad_format) "file:line:column: …" for what the format does not allow.
  static RulePack read(const std::filesystem::path& file);
  /// The same of a text; `file` names it in messages.
  static RulePack parse(std::string_view text, const std::string& file);
  /// A line for each example that its rule misjudges, tried as if kind, channel and tone were right.
  std::vector<std::string> failed_examples() const;
};

/// The packs of a directory and of its folders, sorted by path: every file that ends in .toml and begins with
/// a [pack]. Throws as RulePack::read(), and for an id that two of them have.
std::vector<RulePack> read_packs(const std::filesystem::path& directory);

}  // namespace adlib::copywriter
