// copywriter/polish/claims/context.h: a text that is being checked, with all that is known for it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "copywriter/polish/claims/facts.h"
#include "copywriter/polish/claims/lexicon.h"
#include "copywriter/polish/finding.h"

namespace adlib::copywriter::claims {

/// What a phrase of the index stands for.
struct IndexEntry {
  enum class Kind : std::uint8_t { word, value, title, brand, name } kind;
  bool weak = false;
  std::uint32_t property = 0;  ///< of a word: its class; of a value and a name: its property
  std::uint32_t group = 0;     ///< of a word
  std::uint32_t product = 0;   ///< of a title and a brand
};

struct IndexMatch {
  Range where;  ///< in the folded text
  const IndexEntry* entry;
};

/// A fact that the text tells as the shop writes it.
struct KnownRange {
  Range folded, source;
  bool title = false;  ///< of the product or of what the customer looked at
  bool own = false;
};

/// A property of the product, by the number that names with one meaning share.
struct OwnProperty {
  std::uint32_t property;
  const PropertyFact* fact;
};

struct Context {
  /// `generated`: a model wrote the text, which tells facts by their names alone.
  Context(std::string_view text, const Facts& facts, Language language, bool generated);

  std::string_view source(Range folded) const;
  /// The sentence, or the part of it between commas, around a place of the folded text.
  Range sentence(Range folded) const { return around(folded, false); }
  Range clause(Range folded) const { return around(folded, true); }
  std::string_view at(Range folded) const {
    return std::string_view(text.folded()).substr(folded.begin, folded.end - folded.begin);
  }
  bool is_known(Range folded) const;
  /// One of two texts, by the language of the copy.
  std::string say(const std::string& zh, const std::string& en) const {
    return language == Language::zh ? zh : en;
  }
  std::string quoted(std::string_view words) const;

  FoldedText text;
  const Facts& facts;
  Language language;
  bool generated;
  std::vector<KnownRange> known;

 private:
  Range around(Range folded, bool clause) const;
};

/// "；材质是纯棉", "; the material is cotton": what the facts say instead. Nothing without a value.
std::string instead(const Context& context, std::string_view name, std::string_view value);

void check_numbers(const Context& context, const NumberRules& rules, std::vector<Finding>& findings);

/// Words of properties, and values that other products have.
void check_words(const Context& context, const ClaimLexicon& lexicon, std::span<const OwnProperty> own,
                 std::span<const IndexMatch> matches, std::span<const IndexMatch> in_facts,
                 std::vector<Finding>& findings);
/// Properties that the text names with another value.
void check_statements(const Context& context, const ClaimLexicon& lexicon, std::span<const OwnProperty> own,
                      std::span<const IndexMatch> matches, const NumberRules& rules,
                      std::vector<Finding>& findings);
/// Values of the product that are told as another property's: "The battery: 262 g". `matches` tell where the
/// text names properties.
void check_told(const Context& context, const ClaimLexicon& lexicon, std::span<const OwnProperty> own,
                std::span<const IndexMatch> matches, const NumberRules& rules,
                std::vector<Finding>& findings);
/// Whether words that are said to be a property's value are the beginning of one, or one number of a range or
/// size: 304不锈 for 304不锈钢, "20 cm" for "20 x 30 cm".
bool is_cut_off(const Context& context, const PropertyFact& fact, Range said,
                std::span<const IndexMatch> matches, const NumberRules& rules);
/// What is quoted as the shop's own words and is not.
void check_quotations(const Context& context, const ClaimLexicon& lexicon, std::vector<Finding>& findings);
/// Words that are nearly one of these names; the first is the product's title, the second its brand.
/// `matches` tell what other names stand in the text.
void check_near_names(const Context& context, std::span<const std::string> names,
                      std::span<const IndexMatch> matches, std::vector<Finding>& findings);

}  // namespace adlib::copywriter::claims
