// Values that are told as another property's than theirs, that break off, or that are none of the product's.
#include <algorithm>
#include <map>
#include <set>

#include "adlib/core/error.h"
#include "adlib/tokenizer/characters.h"
#include "copywriter/polish/claims/context.h"
#include "copywriter/polish/claims/text.h"

namespace adlib::copywriter::claims {
namespace {

constexpr std::size_t kLongestValue = 24;  // bytes; more are words of the copy's own
constexpr std::size_t kChanged = 4;        // characters of a value of which one is another
constexpr std::size_t kTelling = 4;        // characters of a value in Chinese that is no word of all days
constexpr std::size_t kHan = 3;            // bytes of a character of Chinese
constexpr std::size_t kMark =
    4;  // bytes; the longest mark between two parts of a sentence, a space behind it

class Told {
 public:
  Told(const Context& context, const ClaimLexicon& lexicon, std::span<const OwnProperty> own,
       std::span<const IndexMatch> matches, const NumberRules& rules)
      : context_(context), lexicon_(lexicon), own_(own), matches_(matches), rules_(rules) {
    for (const OwnProperty& property : own) classes_.push_back(named_by(property.fact->folded_name));
    lexicon.told_words.find_all(context.text.folded(), [&](Range where, std::uint32_t told) {
      if (!in_name(where)) words_.emplace_back(where, told);
    });
    for (const IndexMatch& match : matches) {
      if (match.entry->kind == IndexEntry::Kind::name && !in_name(match.where) && is_name(match.where) &&
          !is_of_longer_name(match.where))
        names_.push_back({match.where, match.entry->property, named_by(context.at(match.where))});
    }
  }

  void check(std::vector<Finding>& findings) const {
    std::map<std::string, std::set<std::size_t>> values;  // as they may stand in the text: whose they are
    for (std::size_t i = 0; i < own_.size(); ++i) {
      for (const std::string& value : own_[i].fact->folded_values) values[value].insert(i);
    }
    for (const PlacedNumber& said : rules_.find(context_.text.source(), false)) {
      if (said.unit == UnitSet::none && !context_.generated) continue;
      for (const NumberFact& fact : context_.facts.numbers) {
        if (!rules_.same_amount(said, fact.number)) continue;
        const std::string words =
            folded_text(context_.text.source().substr(said.where.begin, said.where.end - said.where.begin));
        for (std::size_t i = 0; i < own_.size(); ++i) {
          if (own_[i].fact->name == fact.name) values[words].insert(i);
        }
      }
    }
    const std::string_view folded = context_.text.folded();
    for (const auto& [value, owners] : values) {
      for (std::size_t at = find_words(folded, value); at != std::string_view::npos;
           at = find_words(folded, value, at + value.size())) {
        const Range where{at, at + value.size()};
        if (!in_name(where) && !is_part(where)) check_value(where, owners, findings);
      }
    }
    for (const auto& [word, told] : words_) check_word(word, told, false, findings);
    for (const Name& name : names_) {  // those in Chinese are words already
      if (is_ascii(context_.at(name.where)) && !name.told.empty())
        check_word(name.where, *name.told.begin(), true, findings);
    }
    for (std::size_t i = 0; i < own_.size(); ++i) {
      check_cut(i, findings);
      check_changed(i, findings);
    }
    lexicon_.frames.find_all(folded, [&](Range word, std::uint32_t told) {
      const Range rest{word.end, context_.sentence(word).end};
      if (!in_name(word) && !fits(lexicon_.told[told], rest)) report(trimmed(rest), told, findings);
    });
  }

 private:
  // What some property is called in shops.
  struct Name {
    Range where;
    std::uint32_t property;
    std::set<std::uint32_t> told;
  };

  std::set<std::uint32_t> named_by(std::string_view name) const {
    const auto found = lexicon_.told_names.find(name);
    return found == lexicon_.told_names.end() ? std::set<std::uint32_t>() : found->second;
  }
  // "The fit: relaxed" names a property, "fit them in a bag" does not. One character of Chinese is any word.
  bool is_name(Range where) const {
    const std::string_view words = context_.at(where);
    if (!is_ascii(words)) return code_points(words).size() > 1;
    const std::string_view rest =
        without_spaces_before(std::string_view(context_.text.folded()).substr(where.end));
    const bool letter =
        !rest.empty() && ((rest[0] >= 'a' && rest[0] <= 'z') || (rest[0] >= '0' && rest[0] <= '9') ||
                          static_cast<signed char>(rest[0]) < 0);
    return !letter || beginning(rest, lexicon_.statements.binders) ||
           beginning(rest, lexicon_.statements.entries);
  }
  bool is_same(const Name& name, std::size_t own) const {
    return name.property == own_[own].property ||
           std::any_of(name.told.begin(), name.told.end(),
                       [&](std::uint32_t told) { return classes_[own].contains(told); });
  }
  // Whether a name and a value stand in one part of a sentence, or in two beside each other.
  bool is_near(Range name, Range value) const {
    const Range a = context_.clause(name), b = context_.clause(value);
    const std::size_t apart =
        a.begin < b.begin ? b.begin - std::min(b.begin, a.end) : a.begin - std::min(a.begin, b.end);
    return a == b || apart <= kMark;
  }
  bool in_name(Range where) const {
    return std::any_of(context_.known.begin(), context_.known.end(),
                       [&](const KnownRange& known) { return known.title && known.folded.contains(where); });
  }
  // Whether it stands in a longer text of the product's facts, such as its description.
  bool is_part(Range where) const {
    return std::any_of(context_.known.begin(), context_.known.end(), [&](const KnownRange& known) {
      return known.own && known.folded.contains(where) && !(known.folded == where);
    });
  }
  // The sentence, and the question before it that it answers.
  Range statement(Range value) const {
    Range out = context_.sentence(value);
    const std::string_view folded = context_.text.folded();
    std::size_t end = out.begin;
    while (end > 0 && folded[end - 1] == ' ') --end;
    if (end > 1 && folded[end - 1] == '?') out.begin = context_.sentence({end - 2, end - 2}).begin;
    return out;
  }
  // Whether a value stands where values do: behind "is", a colon or nothing, before a mark.
  bool is_stated(Range value) const {
    const Range clause = context_.clause(value);
    const std::string_view before = without_spaces_behind(context_.at({clause.begin, value.begin}));
    const std::string_view behind = without_spaces_before(context_.at({value.end, clause.end}));
    const Statements& say = lexicon_.statements;
    if (beginning(behind, say.listed)) return true;
    if (!behind.empty() && !beginning(behind, say.behind) && !beginning(behind, say.under) &&
        std::none_of(words_.begin(), words_.end(),
                     [&](const auto& word) { return word.first.begin == value.end; }))
      return false;
    return before.empty() || ends_with_any(before, say.before) || ends_with_any(before, say.binders) ||
           std::any_of(words_.begin(), words_.end(), [&](const auto& word) {
             return word.first.end == value.begin || word.first.end + 1 == value.begin;
           });
  }
  bool fits(const ToldProperty& told, Range value) const {
    if (told.units.empty()) return false;
    const std::vector<PlacedNumber> numbers = rules_.find(context_.source(value), false);
    return std::any_of(numbers.begin(), numbers.end(), [&](const PlacedNumber& number) {
      return number.unit != UnitSet::none && rules_.is_unit(number.unit, told.units);
    });
  }
  // Whether a property is named in a sentence, outside of names and of the value itself.
  bool is_named(std::string_view name, Range sentence, Range value) const {
    const std::string_view folded = context_.text.folded();
    for (std::size_t at = find_words(folded, name, sentence.begin);
         at != std::string_view::npos && at + name.size() <= sentence.end;
         at = find_words(folded, name, at + 1)) {
      const Range where{at, at + name.size()};
      if (!in_name(where) && !value.overlaps(where) && !is_of_longer_name(where)) return true;
    }
    return false;
  }
  // Whether the name goes on as that of something else's property: 电源线长 is no 电源.
  bool is_of_longer_name(Range name) const {
    return context_.generated && !is_ascii(context_.at(name)) &&
           std::any_of(words_.begin(), words_.end(), [&](const auto& word) {
             return word.first.begin == name.end && lexicon_.told_names.contains(context_.at(word.first));
           });
  }
  void check_value(Range where, const std::set<std::size_t>& owners, std::vector<Finding>& findings) const {
    const Range sentence = statement(where);
    std::set<std::uint32_t> of_value;
    for (const std::size_t i : owners) {
      if (is_named(own_[i].fact->folded_name, sentence, where)) return;
      of_value.insert(classes_[i].begin(), classes_[i].end());
    }
    bool other = false, answers = false;  // the value is told as another property's
    for (const auto& [word, told] : words_) {
      if (!sentence.contains(word) || where.overlaps(word) || is_of_longer_name(word)) continue;
      if (of_value.contains(told)) return;
      if (of_value.empty() && !context_.generated && fits(lexicon_.told[told], where)) return;
      other = true;
      bool sure = false;
      answers = answers || value_at(word, sure).contains(where);  // "…, it is for walnut"
    }
    for (const Name& name : names_) {
      if (!sentence.contains(name.where) || where.overlaps(name.where)) continue;
      if (std::any_of(owners.begin(), owners.end(), [&](std::size_t i) { return is_same(name, i); })) return;
      other = other || is_near(name.where, where);
    }
    for (std::size_t i = 0; i < own_.size() && !other; ++i)
      other = !owners.contains(i) && is_named(own_[i].fact->folded_name, sentence, where);
    const bool stated = is_stated(where);
    const bool mistaken = other && (answers || stated);
    if (!mistaken && !(context_.generated && (stated || is_amount(where) || is_telling(where)))) return;
    const std::string quoted = context_.quoted(context_.source(where)),
                      &name = own_[*owners.begin()].fact->name;
    findings.push_back({"facts/attribute", Level::error, context_.text.source_of(where),
                        mistaken
                            ? context_.say(concat(quoted, "是", name, "，这里说成了别的"),
                                           concat(quoted, " is the ", name, ", and is told as another one"))
                            : context_.say(concat(quoted, "是", name, "，这里没有说明"),
                                           concat(quoted, " is the ", name, ", which is not said here"))});
  }
  // Whether a value is long enough to be nothing else: "你爱雪松与佛手柑", "you like slow-baked".
  bool is_telling(Range value) const {
    const std::string_view words = context_.at(value);
    if (!is_ascii(words)) return code_points(words).size() >= kTelling;
    return words.find_first_of(" -") != std::string_view::npos;
  }
  // Whether a value has figures, and no number of the facts that is no property's is the same.
  bool is_amount(Range value) const {
    const std::vector<PlacedNumber> numbers = rules_.find(context_.source(value), false);
    return !numbers.empty() && std::none_of(numbers.begin(), numbers.end(), [&](const PlacedNumber& number) {
      return rules_.is_money(number.unit) ||
             std::any_of(context_.facts.numbers.begin(), context_.facts.numbers.end(),
                         [&](const NumberFact& fact) {
                           return fact.name.empty() && rules_.same_amount(number, fact.number);
                         });
    });
  }
  // The value behind words that tell a property, or before them; `sure` where nothing else can stand there.
  Range value_at(Range word, bool& sure) const {
    const std::string_view folded = context_.text.folded();
    const Statements& say = lexicon_.statements;
    const auto to_clause_end = [&](std::size_t begin) {
      return trimmed({begin, std::max(begin, context_.clause({begin, begin}).end)});
    };
    std::size_t at = word.end;
    while (at < folded.size() && folded[at] == ' ') ++at;
    if (const std::string* binder = beginning(folded.substr(at), say.binders); binder && *binder != "of") {
      sure = binder->ends_with(':') || binder->ends_with("的是") || binder->ends_with("着");
      return to_clause_end(at + binder->size());
    }
    if (context_.at(word).ends_with("的是")) return to_clause_end(word.end);
    if (context_.at(word).ends_with("是")) {  // "这一件是" goes on with anything; one character is a value
      const Range one = to_clause_end(word.end);
      return code_points(context_.at(one)).size() == 1 ? one : Range{};
    }
    // "先说一项：产地，福建武夷山。", "If you ask what it is made of, it is oak."
    if (at < folded.size() && folded[at] == ',') {
      ++at;
      if (without_spaces_behind(folded.substr(0, word.begin)).ends_with(':')) {
        sure = true;
        return to_clause_end(at);
      }
      while (at < folded.size() && folded[at] == ' ') ++at;
      for (const std::string& answer : say.answers) {
        if (folded.substr(at).starts_with(answer)) return to_clause_end(at + answer.size());
      }
    }
    // "240克，是它的重量"
    std::string_view before = without_spaces_behind(folded.substr(0, word.begin));
    const std::string* back = nullptr;
    for (const std::string& one : say.back_binders) {
      if (before.ends_with(one) && (!back || one.size() > back->size())) back = &one;
    }
    if (!back) return {};
    before = without_spaces_behind(before.substr(0, before.size() - back->size()));
    if (!before.ends_with(',')) return {};
    return trimmed({context_.clause({before.size() - 1, before.size() - 1}).begin, before.size() - 1});
  }
  Range trimmed(Range range) const {
    const std::string_view folded = context_.text.folded();
    while (!range.empty() && folded[range.begin] == ' ') ++range.begin;
    while (!range.empty() && folded[range.end - 1] == ' ') --range.end;
    return range;
  }
  // What stands as a value of a property and is nowhere in the facts.
  void check_word(Range word, std::uint32_t told, bool only_sure, std::vector<Finding>& findings) const {
    bool sure = false;
    const Range value = value_at(word, sure);
    if (value.empty() || value.end - value.begin > kLongestValue || (only_sure && !sure)) return;
    const std::string_view words = context_.at(value);
    const std::string_view folded = context_.text.folded();
    const bool question = value.end < folded.size() && folded[value.end] == '?';
    const auto overlaps = [&](Range one) { return value.overlaps(one); };
    const bool known = std::any_of(context_.known.begin(), context_.known.end(),
                                   [&](const KnownRange& one) { return overlaps(one.folded); });
    const bool word_in_it =
        std::any_of(words_.begin(), words_.end(), [&](const auto& one) { return overlaps(one.first); });
    if (question || (!sure && starts_open(words))) return;
    for (std::size_t i = 0; i < own_.size(); ++i) {
      if (!classes_[i].contains(told) || !is_cut_off(context_, *own_[i].fact, value, matches_, rules_))
        continue;
      report(value, told, findings);
      return;
    }
    // "产地是标签上的风味": what ends in the name of a property is no value.
    const bool ends_in_word = std::any_of(words_.begin(), words_.end(), [&](const auto& one) {
      return value.contains(one.first) && one.first.end == value.end && one.first.begin > value.begin;
    });
    if (word_in_it && !(ends_in_word && !known)) return;
    const bool number = std::any_of(words.begin(), words.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (number) {  // other numbers are held to the facts by themselves
      const ToldProperty& property = lexicon_.told[told];
      if (property.units.empty() || fits(property, value) || is_own(words) || context_.facts.hold(words))
        return;
    } else if (code_points(words).size() == 1) {
      if (is_ascii(words) || ends_own_value(words, told)) return;
    } else if (known || context_.facts.hold(words)) {
      return;
    }
    report(value, told, findings);
  }
  bool is_own(std::string_view words) const {
    return std::any_of(own_.begin(), own_.end(), [&](const OwnProperty& one) {
      const auto& values = one.fact->folded_values;
      return std::find(values.begin(), values.end(), words) != values.end();
    });
  }
  // Whether a single character stands for a value: 棉 for 纯棉, 灰 for 深灰色.
  bool ends_own_value(std::string_view character, std::uint32_t told) const {
    for (std::size_t i = 0; i < own_.size(); ++i) {
      for (const std::string& value : own_[i].fact->folded_values) {
        if (classes_[i].contains(told) &&
            (value.ends_with(character) || value.ends_with(concat(character, "色"))))
          return true;
      }
    }
    return false;
  }
  void report(Range value, std::uint32_t told, std::vector<Finding>& findings) const {
    for (std::size_t i = 0; i < own_.size(); ++i) {
      if (classes_[i].contains(told) && !own_[i].fact->values.empty())
        return report_foreign(value, own_[i].fact, findings);
    }
    report_foreign(value, nullptr, findings);
  }
  // `own`: what the property is in truth; may be none.
  void report_foreign(Range where, const PropertyFact* own, std::vector<Finding>& findings) const {
    const std::string quoted = context_.quoted(context_.source(where));
    std::string message = context_.say(quoted + "不在商品信息里", quoted + " is not in the product's facts");
    if (own != nullptr) message += instead(context_, own->name, own->values[0]);
    findings.push_back({"facts/attribute", Level::error, context_.text.source_of(where), std::move(message)});
  }
  // A value that begins as the product's and ends otherwise, where the property is named: 福建武一点.
  void check_cut(std::size_t property, std::vector<Finding>& findings) const {
    const std::string_view folded = context_.text.folded();
    for (const std::string& value : own_[property].fact->folded_values) {
      const std::u32string letters = code_points(value);
      const bool han =
          std::any_of(letters.begin(), letters.end(), [](char32_t c) { return script_of(c) == Script::han; });
      const std::size_t most = han ? letters.size() * 3 / 5 : letters.size() * 3 / 4;
      if (letters.size() < 4 || most < 2) continue;
      const std::string begin = utf8(std::u32string_view(letters).substr(0, most));
      for (std::size_t at = folded.find(begin); at != std::string_view::npos;
           at = folded.find(begin, at + 1)) {
        if (!is_word_edge(folded, at) || folded.substr(at).starts_with(value)) continue;
        const Range where = trimmed({at, std::max(at + begin.size(), context_.clause({at, at}).end)});
        const Range part{at, at + begin.size()};
        const bool known = std::any_of(context_.known.begin(), context_.known.end(),
                                       [&](const KnownRange& one) { return one.folded.overlaps(part); });
        const Range sentence = statement(part);
        const bool told = is_named(own_[property].fact->folded_name, sentence, part) ||
                          std::any_of(words_.begin(), words_.end(), [&](const auto& word) {
                            return sentence.contains(word.first) && classes_[property].contains(word.second);
                          });
        if (!known && told && !is_elsewhere(where, value))
          report_foreign(where, own_[property].fact, findings);
      }
    }
  }
  // A value in Chinese of which one character is another: 三层纱布 for 六层纱布, 干松与柑橘 for 雪松与柑橘.
  void check_changed(std::size_t property, std::vector<Finding>& findings) const {
    const std::string_view folded = context_.text.folded();
    for (const std::string& value : own_[property].fact->folded_values) {
      const std::u32string letters = code_points(value);
      const bool han =
          std::all_of(letters.begin(), letters.end(), [](char32_t c) { return script_of(c) == Script::han; });
      if (!han || letters.size() < kChanged) continue;
      for (std::size_t at = 0; at + value.size() <= folded.size(); ++at) {
        const Range where{at, at + value.size()};
        std::size_t same = 0, changed = 0;
        for (std::size_t i = 0; i < value.size(); i += kHan) {
          if (folded.substr(at + i, kHan) == std::string_view(value).substr(i, kHan)) {
            ++same;
          } else {
            changed = i / kHan;
          }
        }
        // Where the last one differs, it may be a word of its own: 可以折好 for 可以折叠.
        if (same + 1 != letters.size() || changed + 1 == letters.size()) continue;
        if (changed > 0 && letters.size() == kChanged) continue;
        const std::u32string said = code_points(folded.substr(at, value.size()));
        const bool known = std::any_of(context_.known.begin(), context_.known.end(),
                                       [&](const KnownRange& one) { return one.folded.overlaps(where); });
        if (known || context_.facts.hold(context_.at(where)) ||
            std::any_of(said.begin(), said.end(), [](char32_t c) { return script_of(c) != Script::han; }))
          continue;
        report_foreign(where, own_[property].fact, findings);
      }
    }
  }
  // Whether the facts hold the words that begin as the value does, or the sentence tells the value itself.
  bool is_elsewhere(Range where, std::string_view value) const {
    const Range sentence = context_.sentence(where);
    const std::size_t own = find_words(context_.text.folded(), value, sentence.begin);
    return context_.facts.hold(context_.at(where)) ||
           (own != std::string_view::npos && own + value.size() <= sentence.end);
  }
  // Whether what stands there is no value, but goes on: "颜色是你喜欢的那种".
  bool starts_open(std::string_view words) const {
    const auto& open = lexicon_.statements.open;
    return beginning(words, open) || std::any_of(open.begin(), open.end(), [&](const std::string& one) {
             return !is_ascii(one) && words.starts_with(one);
           });
  }

  const Context& context_;
  const ClaimLexicon& lexicon_;
  std::span<const OwnProperty> own_;
  std::span<const IndexMatch> matches_;
  const NumberRules& rules_;
  std::vector<std::set<std::uint32_t>> classes_;  // of each of own_
  std::vector<Name> names_;
  std::vector<std::pair<Range, std::uint32_t>> words_;  // which tell a property
};

}  // namespace

bool is_cut_off(const Context& context, const PropertyFact& fact, Range said,
                std::span<const IndexMatch> matches, const NumberRules& rules) {
  constexpr std::string_view joints[] = {",", "、", "和", "与", "及",   "或",  "/",
                                         "+", "(",  "&",  ";",  "and ", "or ", "with "};
  const std::string_view words = context.at(said);
  const auto has_range = [&](std::string_view text) {
    const std::vector<PlacedNumber> numbers = rules.find(text, false);
    return std::any_of(numbers.begin(), numbers.end(),
                       [](const PlacedNumber& number) { return number.joined; });
  };
  bool cut = false;
  for (const std::string& value : fact.folded_values) {
    if (value == words) return false;
    if (value.size() <= words.size()) continue;
    if (value.starts_with(words)) {
      const std::string_view rest = without_spaces_before(std::string_view(value).substr(words.size()));
      cut = cut || std::none_of(std::begin(joints), std::end(joints),
                                [&](std::string_view joint) { return rest.starts_with(joint); });
    }
    cut = cut || (value.ends_with(words) && has_range(value) && !has_range(words));
  }
  // "Cotton", of cotton twill, is a word of its own.
  return cut && std::none_of(matches.begin(), matches.end(), [&](const IndexMatch& match) {
           return match.entry->kind == IndexEntry::Kind::word && match.where == said;
         });
}

void check_told(const Context& context, const ClaimLexicon& lexicon, std::span<const OwnProperty> own,
                std::span<const IndexMatch> matches, const NumberRules& rules,
                std::vector<Finding>& findings) {
  if (!own.empty()) Told(context, lexicon, own, matches, rules).check(findings);
}

}  // namespace adlib::copywriter::claims
