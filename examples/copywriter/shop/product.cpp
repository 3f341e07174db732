#include "copywriter/shop/product.h"

#include <algorithm>
#include <set>

#include "copywriter/shop/fields.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

const std::set<std::string> kKnownFields = {
    "id",          "handle", "title",      "name",    "brand",    "vendor",
    "category",    "type",   "sku",        "price",   "currency", "compare_at_price",
    "description", "tags",   "attributes", "options", "variants", "images"};

// "材质=棉; 颜色=白", as a CSV cell writes them.
NamedValues named_values_of_cell(const io::JsonFields& fields, const char* name, const std::string& cell) {
  NamedValues values;
  for (const std::string& item : split_list(cell)) {
    const std::size_t equals = std::min(item.find('='), item.size());
    const std::string_view key = trim(std::string_view(item).substr(0, equals));
    const std::string_view value = trim(std::string_view(item).substr(std::min(equals + 1, item.size())));
    if (key.empty() || value.empty()) bad_field(fields, name, "a list such as 材质=棉; 颜色=白");
    values.push_back({std::string(key), {std::string(value)}});
  }
  return values;
}

// {"材质": "棉", "颜色": ["白", "蓝"], "重量": 120} -> names with their values.
NamedValues named_values(const io::JsonFields& fields, const char* name) {
  NamedValues values;
  if (!fields.has(name)) return values;
  const io::Json& object = fields.at(name);
  if (object.is_string()) return named_values_of_cell(fields, name, object.get_ref<const std::string&>());
  if (!object.is_object()) bad_field(fields, name, "an object of names and values");
  for (const auto& [key, value] : object.items()) {
    std::vector<std::string> texts;
    for (const io::Json& item : value.is_array() ? value : io::Json::array({value})) {
      if (item.is_string()) {
        if (const auto text = trim(item.get_ref<const std::string&>()); !text.empty())
          texts.emplace_back(text);
      } else if (item.is_number() || item.is_boolean()) {
        texts.push_back(item.dump());
      } else if (!item.is_null()) {
        bad_field(fields, name, "an object whose values are texts, numbers, or lists of them");
      }
    }
    if (!texts.empty()) values.emplace_back(key, std::move(texts));
  }
  return values;
}

std::vector<Variant> read_variants(const io::JsonFields& fields, const std::string& currency) {
  std::vector<Variant> variants;
  if (!fields.has("variants")) return variants;
  const io::Json& list = fields.at("variants");
  if (!list.is_array()) bad_field(fields, "variants", "a list of objects");
  for (std::size_t i = 0; i < list.size(); ++i) {
    const io::JsonFields variant_fields(list[i], concat(fields.where(), ": variants[", i, "]"));
    Variant variant;
    variant.sku = text_or_empty(variant_fields, "sku");
    variant.price = money_field(variant_fields, "price", currency);
    variant.compare_at_price = money_field(variant_fields, "compare_at_price", currency);
    for (auto& [name, values] : named_values(variant_fields, "options")) {
      variant.options.emplace_back(name, values.front());
    }
    variants.push_back(std::move(variant));
  }
  return variants;
}

std::vector<Image> read_images(const io::JsonFields& fields) {
  std::vector<Image> images;
  if (!fields.has("images")) return images;
  const io::Json& list = fields.at("images");
  if (!list.is_array()) bad_field(fields, "images", "a list of addresses or of objects {url, alt}");
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i].is_string()) {
      images.push_back({list[i].get<std::string>(), ""});
    } else {
      const io::JsonFields image(list[i], concat(fields.where(), ": images[", i, "]"));
      images.push_back({image.string("url"), text_or_empty(image, "alt")});
    }
  }
  return images;
}

}  // namespace

const std::set<std::string>& product_field_names() { return kKnownFields; }

Product product_from_json(const io::Json& object, const Source& source, const std::string& default_currency) {
  const io::JsonFields fields(object, source.text());
  const std::string currency = currency_field(fields, default_currency);

  Product product;
  product.source = source;
  product.title = first_text(fields, {"title", "name"});
  if (product.title.empty()) fail(ErrorCode::bad_format, fields.where(), ": field 'title' is missing");
  product.sku = text_or_empty(fields, "sku");
  product.id = first_text(fields, {"id", "handle", "sku"});
  if (product.id.empty()) {
    fail(ErrorCode::bad_format, fields.where(),
         ": field 'id' is missing (or 'handle' or 'sku' in its place)");
  }
  product.brand = first_text(fields, {"brand", "vendor"});
  product.category = first_text(fields, {"category", "type"});
  product.price = money_field(fields, "price", currency);
  product.compare_at_price = money_field(fields, "compare_at_price", currency);
  product.description = html_to_text(text_or_empty(fields, "description"));
  product.tags = text_list(fields, "tags");
  product.attributes = named_values(fields, "attributes");
  product.options = named_values(fields, "options");
  product.variants = read_variants(fields, currency);
  product.images = read_images(fields);
  product.extras = extra_fields(object, kKnownFields);
  summarise_variants(product);
  return product;
}

io::Json to_json(const Product& product) {
  io::Json object = product.extras;
  const auto set = [](io::Json& to, const char* name, const std::string& text) {
    if (!text.empty()) to[name] = text;
  };
  const auto set_money = [&](io::Json& to, const char* name, const std::optional<Money>& money) {
    if (!money) return;
    to[name] = money->amount;
    set(object, "currency", money->currency);
  };
  const auto set_values = [](io::Json& to, const char* name, const NamedValues& all) {
    for (const auto& [key, values] : all) to[name][key] = values;
  };
  object["id"] = product.id;
  object["title"] = product.title;
  set(object, "brand", product.brand);
  set(object, "category", product.category);
  set(object, "sku", product.sku);
  set_money(object, "price", product.price);
  set_money(object, "compare_at_price", product.compare_at_price);
  set(object, "description", product.description);
  if (!product.tags.empty()) object["tags"] = product.tags;
  set_values(object, "attributes", product.attributes);
  set_values(object, "options", product.options);
  for (const Variant& variant : product.variants) {
    io::Json one = io::Json::object();
    set(one, "sku", variant.sku);
    set_money(one, "price", variant.price);
    set_money(one, "compare_at_price", variant.compare_at_price);
    for (const auto& [name, value] : variant.options) one["options"][name] = value;
    object["variants"].push_back(std::move(one));
  }
  for (const Image& image : product.images)
    object["images"].push_back({{"url", image.url}, {"alt", image.alt}});
  return object;
}

void summarise_variants(Product& product) {
  const auto dearer = [](const Money& a, const Money& b) {
    return a.ten_thousandths() > b.ten_thousandths();
  };
  const Variant* cheapest = nullptr;
  const Variant* dearest = nullptr;
  for (const Variant& variant : product.variants) {
    if (product.sku.empty()) product.sku = variant.sku;
    for (const auto& choice : variant.options) {
      auto option = std::find_if(product.options.begin(), product.options.end(),
                                 [&](const auto& known) { return known.first == choice.first; });
      if (option == product.options.end()) option = product.options.insert(option, {choice.first, {}});
      auto& values = option->second;
      if (std::find(values.begin(), values.end(), choice.second) == values.end()) {
        values.push_back(choice.second);
      }
    }
    if (!variant.price) continue;
    if (!cheapest || dearer(*cheapest->price, *variant.price)) cheapest = &variant;
    if (!dearest || dearer(*variant.price, *dearest->price)) dearest = &variant;
  }
  if (cheapest) {
    product.price = cheapest->price;
    product.compare_at_price = cheapest->compare_at_price;
    if (dearer(*dearest->price, *cheapest->price)) product.price_max = dearest->price;
  }
  // An old price that is not higher would make an advertisement untrue.
  if (product.compare_at_price && !(product.price && dearer(*product.compare_at_price, *product.price))) {
    product.compare_at_price.reset();
  }
}

}  // namespace adlib::copywriter
