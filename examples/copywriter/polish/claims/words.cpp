// Properties: words for them, and what the text says they are.
#include <algorithm>
#include <set>

#include "adlib/tokenizer/characters.h"
#include "copywriter/polish/claims/context.h"
#include "copywriter/polish/claims/text.h"

namespace adlib::copywriter::claims {
namespace {

constexpr std::size_t kLongWord = 3;                   // of English: no "of", no "a"
constexpr std::size_t kShortHan = 8, kShortWords = 3;  // of a value behind a word such as 是, "is"

std::string_view first_word(std::string_view text) {
  std::size_t end = 0;
  while (end < text.size() && text[end] >= 'a' && text[end] <= 'z') ++end;
  return text.substr(0, end);
}
// Two, as most words of Chinese have; nothing where there are fewer.
std::string first_ideographs(std::string_view text) {
  const std::u32string points = code_points(text.substr(0, 2 * std::string_view("一").size()));
  const bool two =
      points.size() == 2 && script_of(points[0]) == Script::han && script_of(points[1]) == Script::han;
  return two ? utf8(points) : "";
}

bool is_of_property(const IndexMatch& match) {
  return match.entry->kind == IndexEntry::Kind::word || match.entry->kind == IndexEntry::Kind::value;
}

class Words {
 public:
  Words(const Context& context, const ClaimLexicon& lexicon, std::span<const OwnProperty> own,
        std::span<const IndexMatch> matches, std::span<const IndexMatch> in_facts)
      : context_(context), lexicon_(lexicon), own_(own), matches_(matches) {
    for (const OwnProperty& property : own) has_.insert(property.property);
    for (const IndexMatch& match : in_facts) {
      if (match.entry->kind == IndexEntry::Kind::word && !lexicon.classes[match.entry->property].weak)
        has_.insert(match.entry->property);
    }
  }

  void check(const IndexMatch& match, std::vector<Finding>& findings) const {
    const IndexEntry& entry = *match.entry;
    const bool has = has_.contains(entry.property);
    const bool cue = entry.kind == IndexEntry::Kind::word && has_cue(match);
    if ((!has && !cue) || context_.is_known(match.where) || is_borne_out(match)) return;
    const bool stated = has && is_said_of_product(match);
    if ((!stated && !cue) || is_part(match) || lexicon_.except.covers(context_.text, match.where)) return;
    const std::string words = context_.quoted(context_.source(match.where));
    const PropertyFact* fact = own_fact(entry.property);
    std::string message = context_.say(words + "不在商品信息里", words + " is not in the product's facts");
    if (fact && !fact->values.empty()) message += instead(context_, fact->name, fact->values[0]);
    findings.push_back({"facts/attribute", stated ? Level::error : Level::evidence,
                        context_.text.source_of(match.where), std::move(message)});
  }

 private:
  const PropertyFact* own_fact(std::uint32_t property) const {
    for (const OwnProperty& own : own_) {
      if (own.property == property) return own.fact;
    }
    return nullptr;
  }
  bool is_borne_out(const IndexMatch& match) const {
    if (context_.facts.hold(context_.at(match.where))) return true;
    if (match.entry->kind != IndexEntry::Kind::word) {
      return std::any_of(matches_.begin(), matches_.end(), [&](const IndexMatch& other) {
        return other.entry->kind == IndexEntry::Kind::word && other.where == match.where &&
               other.entry->property == match.entry->property && is_borne_out(other);
      });
    }
    const LexiconGroup& group = lexicon_.classes[match.entry->property].groups[match.entry->group];
    const auto held = [&](const LexiconWord& word) { return context_.facts.hold(word.text); };
    const auto held_part = [&](const std::string& part) {
      return is_ascii(part) ? context_.facts.hold(part)
                            : context_.facts.own_text.find(part) != std::string::npos;
    };
    return std::any_of(group.words.begin(), group.words.end(), held) ||
           std::any_of(group.narrower.begin(), group.narrower.end(), held_part);
  }
  // Whether a longer word of the same property holds it.
  bool is_part(const IndexMatch& match) const {
    return std::any_of(matches_.begin(), matches_.end(), [&](const IndexMatch& other) {
      return is_of_property(other) && other.entry->property == match.entry->property &&
             other.where.contains(match.where) && !(other.where == match.where);
    });
  }
  // Whether the sentence names the property, outside of what is called so.
  bool is_named(const IndexMatch& match) const {
    const Range sentence = context_.sentence(match.where);
    const auto named = [&](const std::string& name) {
      for (std::size_t at = find_words(context_.text.folded(), name, sentence.begin);
           at != std::string_view::npos && at + name.size() <= sentence.end;
           at = find_words(context_.text.folded(), name, at + 1)) {
        if (!context_.is_known({at, at + name.size()}) && !match.where.contains({at, at + name.size()}))
          return true;
      }
      return false;
    };
    const std::uint32_t property = match.entry->property;
    const PropertyFact* fact = own_fact(property);
    if (fact && named(fact->folded_name)) return true;
    if (property >= lexicon_.classes.size()) return false;
    const auto& names = lexicon_.classes[property].names;
    return std::any_of(names.begin(), names.end(), named);
  }
  bool is_said_of_product(const IndexMatch& match) const {
    if (describes_product(match) && !is_aside(match)) return true;
    const bool named = is_named(match);
    if (match.entry->weak) return (named || is_presented(match)) && !tells_own_value(match);
    return (named || !is_of_another_thing(match.where)) && !(is_aside(match) && tells_own_value(match));
  }
  // Whether a word of several meanings stands where values do: alone, or between words such as "is" and a
  // mark.
  bool is_presented(const IndexMatch& match) const {
    const Range clause = context_.clause(match.where), sentence = context_.sentence(match.where);
    const std::string_view before = without_spaces_behind(context_.at({clause.begin, match.where.begin}));
    const std::string_view behind = without_spaces_before(context_.at({match.where.end, clause.end}));
    if (!behind.empty() && !beginning(behind, lexicon_.statements.behind)) return false;
    const bool begins = without_spaces_behind(context_.at({sentence.begin, clause.begin})).empty();
    if (!before.empty()) {
      const auto& openers = lexicon_.statements.openers;
      const bool opens =
          begins && std::find(openers.begin(), openers.end(), without_spaces_before(before)) != openers.end();
      return opens || ends_with_any(before, lexicon_.statements.before);
    }
    // "雾蓝，看看合不合心意"; of English only what stands behind a colon or is all of the sentence.
    if (!behind.empty()) return false;
    const std::string_view folded = context_.text.folded();
    const bool after_colon = without_spaces_behind(folded.substr(0, clause.begin)).ends_with(':');
    if (!begins && !after_colon) return false;
    return is_ascii(context_.at(match.where)) ? clause.end == sentence.end
                                              : !folded.substr(clause.end).starts_with("、");
  }
  // Whether it stands behind words such as "not", "goes with".
  bool is_aside(const IndexMatch& match) const {
    const std::string_view before = context_.at({context_.clause(match.where).begin, match.where.begin});
    const auto& aside = lexicon_.statements.aside;
    return std::any_of(aside.begin(), aside.end(),
                       [&](const std::string& word) { return holds_words(before, word); });
  }
  // Whether the next word is one of the product's facts: "black leather bag", 薄荷的牙膏.
  bool describes_product(const IndexMatch& match) const {
    std::string_view behind = context_.at({match.where.end, context_.clause(match.where).end});
    if (behind.starts_with(' ')) {
      const bool one_word = context_.at(match.where).find(' ') == std::string_view::npos;
      if (match.entry->kind == IndexEntry::Kind::value && one_word) return false;
      const std::string_view next = first_word(without_spaces_before(behind));
      return next.size() >= kLongWord && context_.facts.hold(next);
    }
    constexpr std::string_view of = "的";
    if (!behind.starts_with(of)) return false;
    const std::string next = first_ideographs(behind.substr(of.size()));
    return !next.empty() && context_.facts.own_text.find(next) != std::string::npos;
  }
  // Whether a word behind it says what it is of, and it is none of the product's: "a wooden spoon", 竹椅.
  bool is_of_another_thing(Range where) const {
    std::string_view behind = context_.at({where.end, context_.clause(where).end});
    const bool latin = behind.starts_with(' ');
    behind = without_spaces_before(behind);
    if (behind.starts_with("的")) behind.remove_prefix(std::string_view("的").size());
    if (behind.empty() || beginning(behind, lexicon_.statements.links)) return false;
    if (latin) {
      const std::string_view next = first_word(behind);
      return next.size() >= kLongWord && !context_.facts.hold(next);
    }
    const std::string next = first_ideographs(behind);
    return !next.empty() && context_.facts.own_text.find(next) == std::string::npos;
  }
  // Whether the sentence also tells what the facts say of the property, and not only as part of the name.
  bool tells_own_value(const IndexMatch& match) const {
    const Range sentence = context_.sentence(match.where);
    const auto in_title = [&](Range range) {
      return std::any_of(context_.known.begin(), context_.known.end(), [&](const KnownRange& known) {
        return known.title && known.folded.contains(range);
      });
    };
    for (const OwnProperty& own : own_) {
      if (own.property != match.entry->property) continue;
      for (const std::string& value : own.fact->folded_values) {
        const std::size_t at = find_words(context_.text.folded(), value, sentence.begin);
        if (at == std::string_view::npos || at + value.size() > sentence.end) continue;
        if (!in_title({at, at + value.size()}) && !match.where.overlaps({at, at + value.size()})) return true;
      }
    }
    return std::any_of(matches_.begin(), matches_.end(), [&](const IndexMatch& other) {
      return other.entry->kind == IndexEntry::Kind::word && other.entry->property == match.entry->property &&
             sentence.contains(other.where) && !other.where.overlaps(match.where) && !in_title(other.where) &&
             is_borne_out(other);
    });
  }
  bool has_cue(const IndexMatch& match) const {
    const std::string_view folded = context_.text.folded();
    const std::string_view before = without_spaces_behind(folded.substr(0, match.where.begin));
    const std::string_view behind = without_spaces_before(folded.substr(match.where.end));
    const auto& cues = lexicon_.classes[match.entry->property].cues;
    return std::any_of(cues.begin(), cues.end(), [&](const Cue& cue) {
      return before.ends_with(cue.before) && is_word_edge(before, before.size() - cue.before.size()) &&
             behind.starts_with(cue.behind) && is_word_edge(behind, cue.behind.size());
    });
  }

  const Context& context_;
  const ClaimLexicon& lexicon_;
  std::span<const OwnProperty> own_;
  std::span<const IndexMatch> matches_;
  std::set<std::uint32_t> has_;  // properties
};

// What stands behind the name of a property, as its value.
class Statement {
 public:
  Statement(const Context& context, const Statements& statements, std::span<const IndexMatch> matches,
            const NumberRules& rules)
      : context_(context), statements_(statements), matches_(matches), rules_(rules) {}

  void check(const PropertyFact& fact, std::string_view name, std::vector<Finding>& findings) const {
    const std::string_view folded = context_.text.folded();
    for (std::size_t at = find_words(folded, name); at != std::string_view::npos;
         at = find_words(folded, name, at + 1)) {
      const Range where{at, at + name.size()};
      if (context_.is_known(where)) continue;
      if (const auto found = value_behind(where)) report(fact, *found, findings);
      if (const auto found = value_before(where)) report(fact, *found, findings);
    }
  }

 private:
  // The end of a value that begins at a place: the next mark.
  std::size_t end_of(std::size_t begin) const { return context_.clause({begin, begin}).end; }

  std::optional<Range> value_behind(Range name) const {
    const std::string_view folded = context_.text.folded();
    std::size_t at = name.end;
    while (at < folded.size() && folded[at] == ' ') ++at;
    const std::string* binder = beginning(folded.substr(at), statements_.binders);
    if (!binder) return std::nullopt;
    at += binder->size();
    while (at < folded.size() && folded[at] == ' ') ++at;
    const Range value = trimmed({at, std::max(at, end_of(at))});
    if (value.empty() || !(binder->ends_with(':') || is_short(value))) return std::nullopt;
    return value;
  }
  // "亚麻，是它的面料"
  std::optional<Range> value_before(Range name) const {
    const std::string_view folded = context_.text.folded();
    std::string_view before = without_spaces_behind(folded.substr(0, name.begin));
    const auto binder = std::find_if(
        statements_.back_binders.begin(), statements_.back_binders.end(), [&](const std::string& word) {
          return before.ends_with(word) && is_word_edge(before, before.size() - word.size());
        });
    if (binder == statements_.back_binders.end()) return std::nullopt;
    before = without_spaces_behind(before.substr(0, before.size() - binder->size()));
    if (!before.ends_with(',')) return std::nullopt;
    const std::size_t end = before.size() - 1;
    const Range value = trimmed({context_.clause({end, end}).begin, end});
    if (value.empty() || !is_short(value)) return std::nullopt;
    return value;
  }
  Range trimmed(Range range) const {
    const std::string_view folded = context_.text.folded();
    while (!range.empty() && folded[range.begin] == ' ') ++range.begin;
    while (!range.empty() && folded[range.end - 1] == ' ') --range.end;
    return range;
  }
  bool is_short(Range value) const {
    const std::string_view words = context_.at(value);
    if (beginning(words, statements_.open)) return false;
    for (const std::string& open : statements_.open) {  // 你 needs no space behind it
      if (!is_ascii(open) && words.starts_with(open)) return false;
    }
    std::size_t han = 0;
    for (const char32_t c : code_points(words)) han += script_of(c) == Script::han;
    return han <= kShortHan && std::count(words.begin(), words.end(), ' ') < static_cast<int>(kShortWords);
  }
  void report(const PropertyFact& fact, Range value, std::vector<Finding>& findings) const {
    const std::string_view words = context_.at(value);
    if (fact.folded_values.empty()) return;
    const bool cut = is_cut_off(context_, fact, value, matches_, rules_);
    if (!cut && (context_.is_known(value) || context_.facts.hold(words))) return;
    for (const std::string& own : fact.folded_values) {
      if (cut) break;
      // A value may hold commas itself: "adjustable, 70 to 120 cm".
      const std::string head = own.substr(0, std::min(own.find(','), own.find("、")));
      if (words.find(head) != std::string_view::npos || own.find(words) != std::string::npos) return;
    }
    // A part of the value with words around it, or the value in another unit, is not another value.
    const auto& numbers = context_.facts.numbers;
    for (const PlacedNumber& said : rules_.find(words, false)) {
      if (cut) break;
      for (const NumberFact& known : numbers) {
        if (known.name == fact.name && rules_.same_amount(said, known.number)) return;
      }
    }
    const bool holds_fact =
        std::any_of(context_.known.begin(), context_.known.end(),
                    [&](const KnownRange& known) { return value.contains(known.folded); });
    if (holds_fact && !cut) return;
    const std::string quoted = context_.quoted(context_.source(value));
    findings.push_back({"facts/attribute", Level::error, context_.text.source_of(value),
                        context_.say(quoted + "不在商品信息里", quoted + " is not in the product's facts") +
                            instead(context_, fact.name, fact.values[0])});
  }

  const Context& context_;
  const Statements& statements_;
  std::span<const IndexMatch> matches_;
  const NumberRules& rules_;
};

}  // namespace

void check_words(const Context& context, const ClaimLexicon& lexicon, std::span<const OwnProperty> own,
                 std::span<const IndexMatch> matches, std::span<const IndexMatch> in_facts,
                 std::vector<Finding>& findings) {
  const Words words(context, lexicon, own, matches, in_facts);
  for (const IndexMatch& match : matches) {
    if (is_of_property(match)) words.check(match, findings);
  }
}

void check_statements(const Context& context, const ClaimLexicon& lexicon, std::span<const OwnProperty> own,
                      std::span<const IndexMatch> matches, const NumberRules& rules,
                      std::vector<Finding>& findings) {
  const Statement statement(context, lexicon.statements, matches, rules);
  for (const OwnProperty& property : own) {
    statement.check(*property.fact, property.fact->folded_name, findings);
  }
}

}  // namespace adlib::copywriter::claims
