#include "copywriter/polish/claims/facts.h"

#include <algorithm>

#include "adlib/core/error.h"
#include "copywriter/polish/claims/lexicon.h"

namespace adlib::copywriter::claims {
namespace {

double amount(const Money& money) { return static_cast<double>(money.ten_thousandths()) / 1e4; }

void add_cut(std::vector<PriceCut>& cuts, const std::optional<Money>& now,
             const std::optional<Money>& before) {
  if (now && before && amount(*before) > amount(*now)) cuts.push_back({amount(*now), amount(*before)});
}

}  // namespace

Facts::Facts(const Product& product, const Customer* customer, Language language, const NumberRules& rules) {
  const bool zh = language == Language::zh;
  title = folded_text(product.title);
  add_own(product.title, "", rules);
  for (const std::string* text : {&product.brand, &product.category, &product.sku, &product.description})
    add_own(*text, "", rules);
  for (const std::string& tag : product.tags) add_own(tag, "", rules);
  for (const NamedValues* all : {&product.attributes, &product.options}) {
    for (const auto& [name, values] : *all) {
      PropertyFact fact{name, folded_text(name), values, {}};
      for (const std::string& value : values) {
        add_own(value, name, rules);
        fact.folded_values.push_back(folded_text(value));
      }
      add_numbers(name, "", rules);
      properties.push_back(std::move(fact));
    }
  }
  for (const Variant& variant : product.variants) {
    for (const auto& [name, value] : variant.options) add_own(value, name, rules);
    add_own(variant.sku, "", rules);
    add_price(variant.price, zh ? "价格" : "the price", language, rules);
    add_price(variant.compare_at_price, zh ? "原价" : "the price before", language, rules);
    add_cut(cuts, variant.price, variant.compare_at_price);
  }
  for (const Image& image : product.images) add_own(image.alt, "", rules);
  add_json(product.extras, true, "", rules);
  add_price(product.price, zh ? "价格" : "the price", language, rules);
  add_price(product.price_max, zh ? "最高价" : "the highest price", language, rules);
  add_price(product.compare_at_price, zh ? "原价" : "the price before", language, rules);
  add_cut(cuts, product.price, product.compare_at_price);
  for (const std::string& text : own) own_text += text + "\n";
  for (const PropertyFact& property : properties) {
    for (const std::string& value : property.folded_values) {
      own_text += folded_text(concat(property.name, " ", value)) + "\n";  // "free from alcohol"
    }
  }
  if (!customer) return;
  for (const auto* events :
       {&customer->browsing, &customer->favourites, &customer->cart, &customer->purchases}) {
    for (const Event& event : *events) {
      for (const std::string* text : {&event.title, &event.brand, &event.category}) add_theirs(*text, rules);
      if (event.price) add_numbers(money_text(*event.price, language), "", rules);
    }
  }
  for (const Review& review : customer->reviews) {
    add_theirs(review.text, rules);
    add_theirs(review.product, rules);
  }
  for (const std::string& interest : customer->interests) add_theirs(interest, rules);
  add_theirs(customer->name, rules);
  add_theirs(customer->member_level, rules);
  add_json(customer->extras, false, "", rules);
}

bool Facts::hold(std::string_view words) const { return holds_words(own_text, words); }

void Facts::add_own(std::string_view text, std::string_view name, const NumberRules& rules) {
  if (text.empty()) return;
  std::string folded = folded_text(text);
  if (folded.empty()) return;
  add_numbers(text, name, rules);
  own.push_back(std::move(folded));
}

void Facts::add_theirs(std::string_view text, const NumberRules& rules) {
  if (text.empty()) return;
  std::string folded = folded_text(text);
  if (folded.empty()) return;
  add_numbers(text, "", rules);
  theirs.push_back(std::move(folded));
}

void Facts::add_numbers(std::string_view text, std::string_view name, const NumberRules& rules) {
  for (PlacedNumber& number : rules.find(text, true)) {
    // "one piece was missing" tells no number of the product; "two", as the value of an attribute, does.
    if (number.spelled && !number.own_unit && (name.empty() || number.before_letter)) continue;
    const std::string shown(text.substr(number.where.begin, number.where.end - number.where.begin));
    numbers.push_back({std::move(number), std::string(name), shown});
  }
}

void Facts::add_price(const std::optional<Money>& money, std::string_view name, Language language,
                      const NumberRules& rules) {
  if (money) add_numbers(money_text(*money, language), name, rules);
}

void Facts::add_json(const io::Json& json, bool own_facts, std::string_view name, const NumberRules& rules) {
  if (json.is_structured()) {
    for (const auto& [key, value] : json.items()) {
      add_json(value, own_facts, json.is_object() ? std::string_view(key) : name, rules);
    }
    return;
  }
  if (json.is_null() || json.is_boolean()) return;
  const std::string text = json.is_string() ? json.get<std::string>() : json.dump();
  if (own_facts) {
    add_own(text, name, rules);
  } else {
    add_theirs(text, rules);
  }
}

}  // namespace adlib::copywriter::claims
