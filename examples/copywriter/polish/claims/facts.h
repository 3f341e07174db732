// copywriter/polish/claims/facts.h: what is known of a product, and of what a customer did, as a text may
// tell it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "copywriter/polish/claims/numbers.h"
#include "copywriter/shop/customer.h"
#include "copywriter/shop/language.h"
#include "copywriter/shop/product.h"

namespace adlib::copywriter::claims {

/// A number of the facts, and what it is of.
struct NumberFact {
  PlacedNumber number;
  std::string name;  ///< of the attribute, or what the language calls a price; may be empty
  std::string text;  ///< as it stands there: "30小时"
};

/// An attribute or option of the product.
struct PropertyFact {
  std::string name;  ///< as the shop writes it
  std::string folded_name;
  std::vector<std::string> values;  ///< as the shop writes them
  std::vector<std::string> folded_values;
};

/// What a price is now, and was before.
struct PriceCut {
  double now = 0, before = 0;
};

struct Facts {
  Facts(const Product& product, const Customer* customer, Language language, const NumberRules& rules);

  /// Whether the product's facts hold these folded words.
  bool hold(std::string_view words) const;

  std::string title;                ///< folded
  std::vector<std::string> own;     ///< of the product, folded; the title first
  std::vector<std::string> theirs;  ///< of what the customer did and is, folded, but for age and spending
  std::string own_text;             ///< `own`, a line each
  std::vector<PropertyFact> properties;
  std::vector<NumberFact> numbers;
  std::vector<PriceCut> cuts;

 private:
  void add_own(std::string_view text, std::string_view name, const NumberRules& rules);
  void add_price(const std::optional<Money>& money, std::string_view name, Language language,
                 const NumberRules& rules);
  void add_theirs(std::string_view text, const NumberRules& rules);
  void add_numbers(std::string_view text, std::string_view name, const NumberRules& rules);
  void add_json(const io::Json& json, bool own_facts, std::string_view name, const NumberRules& rules);
};

}  // namespace adlib::copywriter::claims
