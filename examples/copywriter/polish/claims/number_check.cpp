// Numbers, prices and discounts, held against those of the facts.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>
#include <span>

#include "adlib/core/error.h"
#include "copywriter/polish/claims/context.h"
#include "copywriter/shop/money.h"

namespace adlib::copywriter::claims {
namespace {

bool has_any(std::string_view folded, const std::vector<std::string>& words) {
  return std::any_of(words.begin(), words.end(),
                     [&](const std::string& word) { return holds_words(folded, word); });
}

double value_of(const PlacedNumber& number) { return std::strtod(number.digits.c_str(), nullptr); }

// Rounded to as many decimals as the number shows.
std::string rounded_like(double value, const PlacedNumber& number) {
  const std::size_t point = number.digits.find('.');
  const auto decimals = point == std::string::npos ? 0 : number.digits.size() - point - 1;
  const double scale = std::pow(10.0, static_cast<double>(decimals));
  const auto scaled = static_cast<std::int64_t>(std::llround(value * scale));
  std::string text = std::to_string(scaled);
  if (decimals == 0) return text;
  while (text.size() <= decimals) text = concat("0", text);
  const std::size_t whole = text.size() - decimals;
  return canonical_digits(concat(text.substr(0, whole), ".", text.substr(whole)));
}

std::string shown(double value) {
  return canonical_digits(
      money_from_ten_thousandths(static_cast<std::int64_t>(std::llround(value * 1e4)), "").amount);
}

// "36 x 18 x 18": numbers that are multiplied, and where they stand.
struct Dimensions {
  std::vector<std::string_view> sides;
  Range where;
};

std::vector<Dimensions> dimensions_in(std::string_view folded) {
  std::vector<Dimensions> out;
  Dimensions now;
  const auto close = [&] {
    if (now.sides.size() > 1) out.push_back(std::move(now));
    now = {};
  };
  for (std::size_t at = 0; at < folded.size();) {
    if (folded[at] < '0' || folded[at] > '9') {
      ++at;
      continue;
    }
    const std::size_t begin = at;
    while (at < folded.size() && ((folded[at] >= '0' && folded[at] <= '9') || folded[at] == '.')) ++at;
    if (now.sides.empty()) now.where.begin = begin;
    now.sides.push_back(folded.substr(begin, at - begin));
    now.where.end = at;
    while (at < folded.size() && folded[at] == ' ') ++at;
    bool joined = false;
    for (const std::string_view joint : {"x", "×", "*"}) {
      if (!folded.substr(at).starts_with(joint)) continue;
      at += joint.size();
      joined = true;
      break;
    }
    while (at < folded.size() && folded[at] == ' ') ++at;
    if (!joined || at >= folded.size() || folded[at] < '0' || folded[at] > '9') close();
  }
  close();
  return out;
}

class NumberCheck {
 public:
  NumberCheck(const Context& context, const NumberRules& rules)
      : context_(context), rules_(rules), innocent_(rules.innocent.find_all(context.text)) {}

  void check(const PlacedNumber& number, std::vector<Finding>& findings) const {
    if (number.spelled && !counts_in_words(number)) return;
    if (is_borne_out(number) || is_known(number) || is_innocent(number)) return;
    const std::string around = folded_text(clause_of(number.where));
    std::string right;
    if (is_computed(number, around, right)) return;
    const bool price = rules_.is_money(number.unit) || !right.empty();
    const NumberFact* fact = related(number, around);
    Finding finding;
    finding.rule = price ? "facts/price" : "facts/number";
    finding.level = price || fact ? Level::error : Level::evidence;
    finding.where = number.where;
    const std::string words = context_.quoted(source(number.where));
    if (!right.empty()) {
      finding.message = context_.say(words + "算得不对；按原价和现价是" + right,
                                     words + " is not what the two prices give; they give " + right);
    } else {
      finding.message = context_.say(words + "不在商品信息里", words + " is not in the product's facts") +
                        (fact ? instead(context_, fact->name, fact->text) : "");
    }
    findings.push_back(std::move(finding));
  }
  // The price before is told beside the one of now, and each once: "109元，喜欢就出手", "it was $112, it is
  // now $112".
  void check_prices(std::span<const PlacedNumber> numbers, std::vector<Finding>& findings) const {
    std::set<std::string> told;
    for (const PlacedNumber& number : numbers) {
      if (!rules_.is_money(number.unit) || is_theirs(number) || is_known(number)) continue;
      const double value = value_of(number);
      // What is saved may be as much as the price: "现价100元，立省100元".
      const std::string around = folded_text(clause_of(number.where));
      const bool saved = has_any(around, rules_.saved) || has_any(around, rules_.under);
      const bool again = !saved && !told.insert(number.digits).second;
      const bool before =
          std::any_of(context_.facts.cuts.begin(), context_.facts.cuts.end(), [&](PriceCut cut) {
            return cut.before == value &&
                   std::none_of(numbers.begin(), numbers.end(), [&](const PlacedNumber& other) {
                     return rules_.is_money(other.unit) && value_of(other) == cut.now;
                   });
          });
      if (!again && !before) continue;
      const std::string words = context_.quoted(source(number.where));
      findings.push_back(
          {"facts/price", Level::error, number.where,
           again ? context_.say(words + "说了两遍", words + " is told twice")
                 : context_.say(words + "是原价，现价没有写",
                                words + " is the price before, and the one of now is not told")});
    }
  }
  // Sides left out, or put together otherwise: 36 x 18, of 36 x 18 x 18.
  void check_sides(std::vector<Finding>& findings) const {
    const std::vector<Dimensions> all = dimensions_in(context_.text.folded());
    if (all.empty()) return;
    std::vector<std::vector<std::string_view>> known;
    for (const auto* texts : {&context_.facts.own, &context_.facts.theirs}) {
      for (const std::string& text : *texts) {
        for (Dimensions& one : dimensions_in(text)) known.push_back(std::move(one.sides));
      }
    }
    for (const Dimensions& said : all) {
      const auto whole = [&](const auto& sides) { return sides == said.sides; };
      const auto shares_a_side = [&](const auto& sides) {
        return std::find_first_of(sides.begin(), sides.end(), said.sides.begin(), said.sides.end()) !=
               sides.end();
      };
      if (std::any_of(known.begin(), known.end(), whole) ||
          std::none_of(known.begin(), known.end(), shares_a_side))
        continue;
      const Range where = context_.text.source_of(said.where);
      const std::string words = context_.quoted(source(where));
      findings.push_back(
          {"facts/number", Level::error, where,
           context_.say(words + "和商品信息里的各边不同", words + " are not the sides that the facts have")});
    }
  }

 private:
  // Whether it is also a price of what the customer looked at, or one that a description tells.
  bool is_theirs(const PlacedNumber& number) const {
    return std::any_of(context_.facts.numbers.begin(), context_.facts.numbers.end(),
                       [&](const NumberFact& fact) {
                         return fact.name.empty() && rules_.is_money(fact.number.unit) &&
                                fact.number.digits == number.digits;
                       });
  }
  std::string_view source(Range range) const {
    return context_.text.source().substr(range.begin, range.end - range.begin);
  }
  // The part of the sentence in which a number stands.
  std::string_view clause_of(Range range) const {
    const std::string_view text = context_.text.source();
    const auto ends = [&](std::size_t at) {
      static constexpr std::string_view marks[] = {"，", "。", "；", "！", "？", "：", "\n", "!", "?", ";"};
      for (const std::string_view mark : marks) {
        if (text.substr(at).starts_with(mark)) return true;
      }
      return (text[at] == ',' || text[at] == '.' || text[at] == ':') &&
             (at + 1 == text.size() || text[at + 1] == ' ');
    };
    std::size_t begin = range.begin, end = range.end;
    while (begin > 0 && !ends(begin - 1)) --begin;
    while (end < text.size() && !ends(end)) ++end;
    return text.substr(begin, end - begin);
  }
  bool any_fact(const auto& holds) const {
    return std::any_of(context_.facts.numbers.begin(), context_.facts.numbers.end(),
                       [&](const NumberFact& fact) { return holds(fact.number); });
  }
  // 一天, "two minutes" are mostly no measure of the product, unless something that is measured is named.
  bool counts_in_words(const PlacedNumber& number) const {
    if (!number.own_unit || !rules_.is_spelled(number.unit)) return false;
    const std::string around = folded_text(clause_of(number.where));
    const auto& properties = context_.facts.properties;
    return has_any(around, rules_.measured) ||
           std::any_of(properties.begin(), properties.end(), [&](const PropertyFact& property) {
             return holds_words(around, property.folded_name);
           });
  }
  bool is_borne_out(const PlacedNumber& number) const {
    const bool money = rules_.is_money(number.unit);
    return any_fact([&](const PlacedNumber& fact) {
      // A person may say it otherwise: "15 °C below zero"; and elsewhere a stroke joins: "保温杯-500ml".
      if (context_.generated && fact.negative && !number.negative && rules_.is_unit(fact.unit, {"℃", "°f"}))
        return false;
      if (number.per != fact.per && rules_.is_density(fact.per)) return false;
      if (number.unit != UnitSet::none && fact.unit != UnitSet::none) return rules_.same_amount(number, fact);
      if (number.digits != fact.digits) return false;
      // 16姆米 does not bear out 16便: neither is a unit that is known, and they are not the same.
      if (!number.counts.empty() && !fact.counts.empty() && number.counts != fact.counts) return false;
      if (number.unit == fact.unit) return true;
      if (number.unit == UnitSet::none) return rules_.is_money(fact.unit) || !number.before_letter;
      return !fact.after_letter && !fact.before_letter && (money || rules_.is_counter(number.unit));
    });
  }
  // Whether it stands in words that are a fact as a whole. A title may end in a number: "Q2".
  bool is_known(const PlacedNumber& number) const {
    return std::any_of(context_.known.begin(), context_.known.end(), [&](const KnownRange& known) {
      return known.source.contains(number.where) || (known.title && known.source.contains(number.figures));
    });
  }
  bool is_innocent(const PlacedNumber& number) const {
    const bool inside = std::any_of(innocent_.begin(), innocent_.end(), [&](Range range) {
      return context_.text.source_of(range).contains(number.figures);
    });
    return inside && (number.unit == UnitSet::none ||
                      !any_fact([&](const PlacedNumber& fact) { return fact.unit == number.unit; }));
  }
  // Whether it follows from a price and the price before, or bounds the price. For a discount that does not
  // follow, `right` tells what would.
  bool is_computed(const PlacedNumber& number, const std::string& around, std::string& right) const {
    const double value = value_of(number);
    const bool money = rules_.is_money(number.unit), tenths = number.unit == rules_.tenths();
    const bool saved = has_any(around, rules_.saved);
    if (money && has_any(around, rules_.under)) {
      return any_fact([&](const PlacedNumber& fact) {
        return fact.unit == number.unit && value_of(fact) < value && value <= 1.25 * value_of(fact);
      });
    }
    if (!tenths && !(saved && (money || number.unit == rules_.percent()))) return false;
    const std::string unit(source({std::min(number.figures.end, number.where.end), number.where.end}));
    const std::string prefix(source({number.where.begin, number.figures.begin}));
    for (const PriceCut& cut : context_.facts.cuts) {
      std::string exact;
      if (money) {
        exact = shown(cut.before - cut.now);
      } else if (tenths) {
        const bool hundredths = value > 10;  // 85折
        exact = rounded_like(cut.now / cut.before * (hundredths ? 100 : 10), number);
        if (exact != number.digits) {
          const double tenth = std::round(cut.now / cut.before * 100) / 10;
          right = shown(tenth) + unit;
        }
      } else {
        exact = rounded_like((1 - cut.now / cut.before) * 100, number);
      }
      if (exact == number.digits) return true;
      if (!tenths) right = prefix + exact + unit;
    }
    return false;
  }
  // The fact that a number comes near: of a property that is named beside it, or with its unit.
  const NumberFact* related(const PlacedNumber& number, const std::string& around) const {
    const NumberFact* best = nullptr;
    for (const NumberFact& fact : context_.facts.numbers) {
      // "8500了", of 8500帕.
      if (!number.counts.empty() && !fact.number.counts.empty() && number.digits == fact.number.digits)
        return &fact;
      if (!fact.name.empty() && holds_words(around, folded_text(fact.name))) return &fact;
      if (number.unit != UnitSet::none && rules_.same_kind(fact.number.unit, number.unit) &&
          (!best || (best->name.empty() && !fact.name.empty())))
        best = &fact;
    }
    return best;
  }

  const Context& context_;
  const NumberRules& rules_;
  std::vector<Range> innocent_;
};

}  // namespace

void check_numbers(const Context& context, const NumberRules& rules, std::vector<Finding>& findings) {
  const NumberCheck check(context, rules);
  const std::vector<PlacedNumber> numbers = rules.find(context.text.source(), true);
  for (const PlacedNumber& number : numbers) check.check(number, findings);
  if (!context.generated) return;
  check.check_prices(numbers, findings);
  check.check_sides(findings);
}

}  // namespace adlib::copywriter::claims
