// copywriter/shop/product.h: what is known of one product.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "adlib/io/json.h"
#include "copywriter/shop/customer.h"
#include "copywriter/shop/money.h"

namespace adlib::copywriter {

/// Names with their values: {"Size", {"Small", "Large"}}. JSON objects give them sorted by name.
using NamedValues = std::vector<std::pair<std::string, std::vector<std::string>>>;

struct Variant {
  std::string sku;
  std::vector<std::pair<std::string, std::string>> options;  ///< {"Size", "Small"}
  std::optional<Money> price;
  std::optional<Money> compare_at_price;
};

struct Image {
  std::string url;
  std::string alt;
};

struct Product {
  Source source;
  std::string id;  ///< id or handle
  std::string title;
  std::string brand;
  std::string category;
  std::string sku;
  std::optional<Money> price;             ///< of the cheapest variant, when there are variants
  std::optional<Money> price_max;         ///< of the dearest variant, when it costs more than `price`
  std::optional<Money> compare_at_price;  ///< the price before, kept only when it is higher than `price`
  std::string description;                ///< plain text on one line
  std::vector<std::string> tags;
  NamedValues attributes;  ///< facts such as {"材质", {"棉"}}
  NamedValues options;     ///< what a buyer chooses
  std::vector<Variant> variants;
  std::vector<Image> images;
  io::Json extras = io::Json::object();  ///< every other field of the source, for templates
};

/// The names of the fields that product_from_json() reads; others become extras.
const std::set<std::string>& product_field_names();

/// Reads one JSON object; needs a title and an id (or handle, or sku). `currency` is used where the object
/// names none. Throws Error(bad_format) "file:line: …".
Product product_from_json(const io::Json& object, const Source& source, const std::string& currency = {});

/// The object that product_from_json() reads as this product; the names of values come sorted.
io::Json to_json(const Product& product);

/// Sets price, price_max, compare_at_price, sku and options from the variants, and drops a compare_at_price
/// that is no higher than the price.
void summarise_variants(Product& product);

}  // namespace adlib::copywriter
