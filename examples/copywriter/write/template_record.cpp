#include <array>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "copywriter/shop/text.h"
#include "copywriter/write/template.h"

namespace adlib::copywriter {
namespace {

using io::Json;

void put(Json& object, const char* name, const std::string& text) {
  if (!text.empty()) object[name] = text;
}

void put(Json& object, const char* name, const std::vector<std::string>& list) {
  if (!list.empty()) object[name] = list;
}

void put(Json& object, const char* name, const std::optional<Money>& money, Language language) {
  if (money) object[name] = money_text(*money, language);
}

void put_events(Json& object, const char* name, const std::vector<Event>& events, Language language) {
  for (const Event& event : events) {
    Json item = Json::object();
    put(item, "item", event.item);
    put(item, "title", event.title);
    put(item, "brand", event.brand);
    put(item, "category", event.category);
    put(item, "price", event.price, language);
    if (event.time) item["time"] = date_text(*event.time);
    object[name].push_back(std::move(item));
  }
}

std::string gender_word(const std::string& gender, Language language) {
  if (gender == "male") return language == Language::zh ? "男性" : "male";
  if (gender == "female") return language == Language::zh ? "女性" : "female";
  return "";  // a prompt says nothing about a gender that is neither
}

// Data is no markup of a model's: "<|im_start|>", "</s>" and "[INST]" become "< |im_start|>", "< /s>", "[
// INST]".
std::string defused(const std::string& text) {
  constexpr std::size_t kLongestToken = 32;
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    out += text[at];
    if (text[at] == '<') {
      const std::size_t end = text.find_first_of("> \n\t", at);
      const bool token =
          end != std::string::npos && text[end] == '>' && end - at > 1 && end - at < kLongestToken;
      if (token || text.compare(at, 2, "<|") == 0) out += ' ';
    } else if (text.compare(at, 5, "[INST") == 0 || text.compare(at, 6, "[/INST") == 0) {
      out += ' ';
    }
  }
  return out;
}
void defuse(Json& fields) {
  if (fields.is_string()) fields = defused(fields.get<std::string>());
  if (fields.is_structured()) {
    for (Json& field : fields) defuse(field);
  }
}

void put_named_values(Json& object, const char* name, const NamedValues& values) {
  for (const auto& [key, texts] : values) object[name][key] = texts;
}

}  // namespace

TemplateRecord template_record(const Customer& customer, Language language) {
  Json fields = customer.extras;
  if (!customer.anonymous) put(fields, "id", customer.id);
  put(fields, "name", customer.name);
  if (customer.age) fields["age"] = *customer.age;
  put(fields, "gender", gender_word(customer.gender, language));
  put(fields, "interests", customer.interests);
  put_events(fields, "browsing", customer.browsing, language);
  put_events(fields, "favourites", customer.favourites, language);
  put_events(fields, "cart", customer.cart, language);
  put_events(fields, "purchases", customer.purchases, language);
  for (const Review& review : customer.reviews) {
    Json item = Json::object();
    put(item, "text", review.text);
    if (review.rating) item["rating"] = *review.rating;
    put(item, "product", review.product);
    if (review.time) item["time"] = date_text(*review.time);
    fields["reviews"].push_back(std::move(item));
  }
  put(fields, "member_level", customer.member_level);
  put(fields, "spend", customer.spend, language);
  defuse(fields);
  return {std::move(fields), customer.source.text(), customer.personalised, customer.withheld};
}

TemplateRecord template_record(const Product& product, Language language) {
  Json fields = product.extras;
  put(fields, "id", product.id);
  put(fields, "title", product.title);
  put(fields, "brand", product.brand);
  put(fields, "category", product.category);
  put(fields, "sku", product.sku);
  put(fields, "price", product.price, language);
  put(fields, "price_max", product.price_max, language);
  put(fields, "compare_at_price", product.compare_at_price, language);
  if (product.price) put(fields, "currency", product.price->currency);
  put(fields, "description", product.description);
  put(fields, "tags", product.tags);
  put_named_values(fields, "attributes", product.attributes);
  put_named_values(fields, "options", product.options);
  defuse(fields);
  return {std::move(fields), product.source.text(), true, {}};
}

}  // namespace adlib::copywriter
