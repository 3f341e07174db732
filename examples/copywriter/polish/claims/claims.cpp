#include "copywriter/polish/claims/claims.h"

#include <algorithm>
#include <map>
#include <string>

#include "adlib/core/error.h"
#include "adlib/tokenizer/characters.h"
#include "copywriter/polish/claims/context.h"

namespace adlib::copywriter {
namespace claims {
namespace {

// The marks that end a sentence, or also those that part it; their length at a place, or 0.
std::size_t mark_at(std::string_view folded, std::size_t at, bool clause) {
  const char c = folded[at];
  const auto is_digit = [&](std::size_t i) {
    return i < folded.size() && folded[i] >= '0' && folded[i] <= '9';
  };
  if (c == '!' || c == '?' || c == ';' || c == '\n') return 1;
  const bool in_number = at > 0 && is_digit(at - 1) && is_digit(at + 1);
  if (c == '.') {
    const bool word_goes_on = at + 1 < folded.size() && folded[at + 1] != ' ' && folded[at + 1] != '"' &&
                              static_cast<signed char>(folded[at + 1]) >= 0;
    return in_number || word_goes_on ? 0 : 1;
  }
  if (folded.substr(at).starts_with("。")) return 3;
  if (!clause) return 0;
  if (c == ',' || c == ':') return in_number ? 0 : 1;
  if (c == '(' || c == ')' || c == '"' || c == '[' || c == ']') return 1;
  for (const std::string_view mark : {"、", "—", "“", "”", "「", "」", "《", "》", "【", "】"}) {
    if (folded.substr(at).starts_with(mark)) return mark.size();
  }
  return 0;
}

bool has_letter(std::string_view folded) {
  return std::any_of(folded.begin(), folded.end(),
                     [](char c) { return static_cast<signed char>(c) < 0 || (c >= 'a' && c <= 'z'); });
}

void add_known(const Context& context, std::string_view words, bool title, bool own,
               std::vector<KnownRange>& known) {
  if (!has_letter(words)) return;
  for (std::size_t at = find_words(context.text.folded(), words); at != std::string_view::npos;
       at = find_words(context.text.folded(), words, at + words.size())) {
    const Range range{at, at + words.size()};
    known.push_back({range, context.text.source_of(range), title, own});
  }
}

}  // namespace

Context::Context(std::string_view words, const Facts& all, Language language_of, bool by_model)
    : text(words), facts(all), language(language_of), generated(by_model) {
  for (const std::string& one : facts.own) add_known(*this, one, &one == &facts.own.front(), true, known);
  for (const std::string& one : facts.theirs) add_known(*this, one, true, false, known);
}

std::string_view Context::source(Range folded) const {
  const Range range = text.source_of(folded);
  return text.source().substr(range.begin, range.end - range.begin);
}

bool Context::is_known(Range folded) const {
  return std::any_of(known.begin(), known.end(),
                     [&](const KnownRange& one) { return one.folded.contains(folded); });
}

std::string Context::quoted(std::string_view words) const {
  return say(concat("“", words, "”"), concat("'", words, "'"));
}

Range Context::around(Range folded, bool clause) const {
  const std::string_view all = text.folded();
  Range out = folded;
  const auto mark_ends_at = [&](std::size_t at) {
    return mark_at(all, at - 1, clause) == 1 || (at >= 3 && mark_at(all, at - 3, clause) == 3);
  };
  while (out.begin > 0 && !mark_ends_at(out.begin)) --out.begin;
  while (out.end < all.size() && mark_at(all, out.end, clause) == 0) ++out.end;
  return out;
}

std::string instead(const Context& context, std::string_view name, std::string_view value) {
  if (value.empty()) return "";
  if (name.empty()) return context.say(concat("；那里是", value), concat("; they say ", value));
  return context.say(concat("；", name, "是", value), concat("; ", name, " is ", value));
}

}  // namespace claims

using namespace claims;

namespace {
// What a copy may call things: the product, its brand, and what the customer looked at.
std::vector<std::string> names_of(const Product& product, const Customer* customer) {
  std::vector<std::string> names{product.title, product.brand};
  if (customer) {
    for (const auto* events :
         {&customer->browsing, &customer->favourites, &customer->cart, &customer->purchases}) {
      for (const Event& event : *events) {
        for (const std::string* name : {&event.title, &event.brand}) {
          if (!name->empty() && std::find(names.begin(), names.end(), *name) == names.end())
            names.push_back(*name);
        }
      }
    }
  }
  return names;
}

// Characters of a name from which on it is taken for one.
constexpr std::size_t kTitle = 4, kBrand = 3, kLatinBrand = 5;
}  // namespace

struct Claims::Impl {
  Impl(const std::filesystem::path& rules, std::span<const Product> all)
      : numbers(rules), lexicon(ClaimLexicon::read(rules / "attributes")), catalogue(all) {
    for (std::uint32_t c = 0; c < lexicon.classes.size(); ++c) {
      for (const std::string& name : lexicon.classes[c].names) properties.emplace(name, c);
      for (std::uint32_t g = 0; g < lexicon.classes[c].groups.size(); ++g) {
        for (const LexiconWord& word : lexicon.classes[c].groups[g].words)
          index.add(word.text, {IndexEntry::Kind::word, word.weak, c, g, 0});
      }
    }
    std::map<std::pair<std::string, std::uint32_t>, bool> values;  // weak
    for (std::uint32_t p = 0; p < catalogue.size(); ++p) {
      const Product& product = catalogue[p];
      index.add(folded_text(product.title), {IndexEntry::Kind::title, false, 0, 0, p});
      index.add(folded_text(product.brand), {IndexEntry::Kind::brand, false, 0, 0, p});
      for (const NamedValues* named : {&product.attributes, &product.options}) {
        for (const auto& [name, texts] : *named) {
          const std::uint32_t property = property_of(folded_text(name));
          for (const std::string& text : texts) {
            std::string value = folded_text(text);
            if (has_letter(value)) values.emplace(std::pair{value, property}, is_common(value));
          }
        }
      }
    }
    for (const auto& [name, told] : lexicon.told_names) property_of(name);
    for (const auto& [name, property] : properties)
      index.add(name, {IndexEntry::Kind::name, false, property, 0, 0});
    for (const auto& [value, weak] : values)
      index.add(value.first, {IndexEntry::Kind::value, weak, value.second, 0, 0});
    index.link();
  }

  std::uint32_t property_of(const std::string& name) {
    return properties.emplace(name, static_cast<std::uint32_t>(properties.size() + lexicon.classes.size()))
        .first->second;
  }
  // Up to three words of English, or two characters of Chinese: such values are said of other things, too.
  static bool is_common(std::string_view value) {
    std::size_t letters = 0, latin = 0;
    for (const char32_t c : code_points(value)) {
      letters += script_of(c) != Script::common;
      latin += script_of(c) == Script::latin;
    }
    return latin > 0 ? std::count(value.begin(), value.end(), ' ') <= 2 : letters <= 2;
  }
  std::vector<IndexMatch> matches(std::string_view folded) const {
    std::vector<IndexMatch> out;
    index.find_all(folded, [&](Range where, const IndexEntry& entry) { out.push_back({where, &entry}); });
    return out;
  }
  void check_claims(const Context& context, std::vector<Finding>& findings) const;
  void check_names(const Context& context, std::span<const IndexMatch> found,
                   std::vector<Finding>& findings) const;

  NumberRules numbers;
  ClaimLexicon lexicon;
  std::span<const Product> catalogue;
  std::map<std::string, std::uint32_t, std::less<>> properties;  // folded name: those of one class share one
  WordIndex<IndexEntry> index;
};

void Claims::Impl::check_claims(const Context& context, std::vector<Finding>& findings) const {
  for (const ClaimRule& rule : lexicon.claims) {
    std::vector<Range> except;
    for (const Range range : rule.phrases.find_all(context.text)) {
      if (except.empty()) except = rule.except.find_all(context.text);
      const bool excused =
          std::any_of(except.begin(), except.end(), [&](Range one) { return one.overlaps(range); });
      if (excused || context.is_known(range) || context.facts.hold(context.at(range))) continue;
      const std::string words = context.quoted(context.source(range));
      findings.push_back({rule.comparison ? "facts/comparison" : "facts/claim", Level::evidence,
                          context.text.source_of(range),
                          rule.comparison
                              ? context.say(words + "是与别的商品比较，商品信息里没有依据",
                                            words + " compares with others, and the product's facts do not")
                              : context.say(words + "在商品信息里没有依据",
                                            words + " is not borne out by the product's facts")});
    }
  }
}

void Claims::Impl::check_names(const Context& context, std::span<const IndexMatch> found,
                               std::vector<Finding>& findings) const {
  const auto capitals = [](std::string_view text) {
    return std::count_if(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  };
  for (const IndexMatch& match : found) {
    const bool title = match.entry->kind == IndexEntry::Kind::title;
    if (!title && match.entry->kind != IndexEntry::Kind::brand) continue;
    const Product& other = catalogue[match.entry->product];
    const std::string& name = title ? other.title : other.brand;
    const std::string_view words = context.source(match.where);
    // "a bedside table" is none of the shop's names, "Bedside Table" is; a short brand may be any word.
    const std::size_t letters = code_points(words).size();
    const bool latin = words.size() == letters;
    const bool long_enough = letters >= (title ? kTitle : latin ? kLatinBrand : kBrand);
    if (!long_enough || capitals(words) < capitals(name) || (!title && latin && capitals(words) == 0))
      continue;
    if (context.is_known(match.where) || context.facts.hold(context.at(match.where))) continue;
    const std::string quoted = context.quoted(words);
    findings.push_back(
        {"facts/name", Level::error, context.text.source_of(match.where),
         title ? context.say(concat(quoted, "是另一件商品的名字"),
                             concat(quoted, " is the name of another product"))
               : context.say(concat(quoted, "是另一个品牌"), concat(quoted, " is another brand"))});
  }
}

Claims::Claims(const std::filesystem::path& rules, std::span<const Product> catalogue)
    : impl_(std::make_unique<Impl>(rules, catalogue)) {}
Claims::~Claims() = default;
Claims::Claims(Claims&&) noexcept = default;

std::vector<Finding> Claims::check(std::string_view text, const Product& product, const Customer* customer,
                                   Language language, bool generated) const {
  const Facts facts(product, customer, language, impl_->numbers);
  const Context context(text, facts, language, generated);
  std::vector<OwnProperty> own;
  for (const PropertyFact& fact : facts.properties) {
    const auto found = impl_->properties.find(fact.folded_name);
    own.push_back({found == impl_->properties.end() ? UINT32_MAX : found->second, &fact});
  }
  const std::vector<IndexMatch> matches = impl_->matches(context.text.folded());
  const std::vector<IndexMatch> in_facts = impl_->matches(facts.own_text);

  // Of findings at one place the first kind counts.
  std::vector<Finding> all, kept;
  impl_->check_names(context, matches, all);
  check_near_names(context, names_of(product, customer), matches, all);
  impl_->check_claims(context, all);
  check_numbers(context, impl_->numbers, all);
  check_words(context, impl_->lexicon, own, matches, in_facts, all);
  check_statements(context, impl_->lexicon, own, matches, impl_->numbers, all);
  check_told(context, impl_->lexicon, own, matches, impl_->numbers, all);
  check_quotations(context, impl_->lexicon, all);
  for (Finding& finding : all) {
    const bool taken = std::any_of(kept.begin(), kept.end(),
                                   [&](const Finding& other) { return other.where.overlaps(finding.where); });
    if (!taken) kept.push_back(std::move(finding));
  }
  std::stable_sort(kept.begin(), kept.end(),
                   [](const Finding& a, const Finding& b) { return a.where.begin < b.where.begin; });
  return kept;
}

}  // namespace adlib::copywriter
