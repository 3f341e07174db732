#include "copywriter/shop/customer.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>

#include "copywriter/shop/fields.h"
#include "copywriter/shop/hash.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

const std::set<std::string> kKnown = {"id",        "user_id",      "name",       "age",     "gender",
                                      "interests", "browsing",     "favourites", "cart",    "purchases",
                                      "reviews",   "member_level", "spend",      "currency"};

std::string read_gender(const io::JsonFields& fields) {
  const std::string text = text_or_empty(fields, "gender");
  if (text.empty() || text == "未知" || equal_ignoring_case(text, "unknown")) return "";
  if (text == "男" || text == "男性" || equal_ignoring_case(text, "male") || equal_ignoring_case(text, "m"))
    return "male";
  if (text == "女" || text == "女性" || equal_ignoring_case(text, "female") ||
      equal_ignoring_case(text, "f")) {
    return "female";
  }
  if (text == "其他" || equal_ignoring_case(text, "other")) return "other";
  bad_field(fields, "gender", "male, female, other or unknown (男, 女, 其他, 未知)");
}

// The words of plain_name() for a wish about personal marketing, and which answer opts out.
constexpr std::array<std::pair<std::string_view, bool>, 5> kWishes{{{"personalised", false},
                                                                    {"personalized", false},
                                                                    {"个性化", false},
                                                                    {"optout", true},
                                                                    {"退出个性化", true}}};

std::optional<bool> read_answer(const io::JsonFields& fields, const std::string& name) {
  const io::Json& value = fields.at(name.c_str());
  if (value.is_null()) return {};
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_string() || value.is_number_integer()) {
    const std::string text = text_or_empty(fields, name.c_str());
    if (text.empty()) return {};
    for (const char* yes : {"true", "yes", "1", "是"}) {
      if (equal_ignoring_case(text, yes)) return true;
    }
    for (const char* no : {"false", "no", "0", "否"}) {
      if (equal_ignoring_case(text, no)) return false;
    }
  }
  bad_field(fields, name, "true or false (also yes, no, 1, 0, 是, 否)");
}

// Calls `read` for each object or text of a list field; the place in messages is "file:line: purchases[2]".
template <class T, class Read>
std::vector<T> read_list(const io::JsonFields& fields, const char* name, const Read& read) {
  std::vector<T> items;
  if (!fields.has(name)) return items;
  const io::Json& list = fields.at(name);
  if (!list.is_array()) bad_field(fields, name, "a list");
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!list[i].is_object() && !list[i].is_string()) bad_field(fields, name, "a list of texts or objects");
    items.push_back(read(list[i], concat(fields.where(), ": ", name, "[", i, "]")));
  }
  return items;
}

std::vector<Event> read_events(const io::JsonFields& fields, const char* name, const std::string& currency) {
  return read_list<Event>(fields, name, [&](const io::Json& item, const std::string& where) {
    Event event;
    if (item.is_string()) {
      event.title = trim(item.get_ref<const std::string&>());
    } else {
      const io::JsonFields event_fields(item, where);
      event.item = first_text(event_fields, {"item", "id", "product", "product_id"});
      event.title = text_or_empty(event_fields, "title");
      event.brand = text_or_empty(event_fields, "brand");
      event.category = text_or_empty(event_fields, "category");
      event.price = money_field(event_fields, "price", currency);
      event.time = time_field(event_fields, "time");
    }
    if (event.title.empty() && event.category.empty()) {
      fail(ErrorCode::bad_format, where, ": neither 'title' nor 'category' is there");
    }
    return event;
  });
}

std::vector<Review> read_reviews(const io::JsonFields& fields) {
  return read_list<Review>(fields, "reviews", [](const io::Json& item, const std::string& where) {
    Review review;
    if (item.is_string()) {
      review.text = trim(item.get_ref<const std::string&>());
    } else {
      const io::JsonFields review_fields(item, where);
      review.text = text_or_empty(review_fields, "text");
      review.product = text_or_empty(review_fields, "product");
      review.time = time_field(review_fields, "time");
      if (review_fields.has("rating")) {
        review.rating = review_fields.number("rating");
        if (*review.rating < 0 || *review.rating > 5)
          bad_field(review_fields, "rating", "a number from 0 to 5");
      }
    }
    if (review.text.empty() && !review.rating) {
      fail(ErrorCode::bad_format, where, ": neither 'text' nor 'rating' is there");
    }
    return review;
  });
}

}  // namespace

const std::set<std::string>& customer_field_names() { return kKnown; }

Customer customer_from_json(const io::Json& object, const Source& source,
                            const std::string& default_currency) {
  const io::JsonFields fields(object, source.text());
  const std::string currency = currency_field(fields, default_currency);

  Customer customer;
  customer.source = source;
  customer.id = first_text(fields, {"id", "user_id"});
  if (customer.id.empty()) {
    customer.anonymous = true;
    customer.id = "anon-" + hexadecimal(StableHash().add(object.dump()).value()).substr(0, 12);
  }
  customer.name = text_or_empty(fields, "name");
  if (fields.has("age")) customer.age = static_cast<int>(fields.integer("age", 0, 150));
  customer.gender = read_gender(fields);
  customer.interests = text_list(fields, "interests");
  customer.browsing = read_events(fields, "browsing", currency);
  customer.favourites = read_events(fields, "favourites", currency);
  customer.cart = read_events(fields, "cart", currency);
  customer.purchases = read_events(fields, "purchases", currency);
  customer.reviews = read_reviews(fields);
  customer.member_level = text_or_empty(fields, "member_level");
  customer.spend = money_field(fields, "spend", currency);
  customer.extras = extra_fields(object, kKnown);
  customer.personalised = personal_wish(object, source.text()).value_or(true);
  for (const auto& [name, value] : object.items()) {
    if (tells_personalised(name)) customer.extras.erase(name);
  }
  return customer;
}

std::optional<bool> personal_wish(const io::Json& object, const std::string& where) {
  const io::JsonFields fields(object, where);
  std::optional<bool> wish;
  for (const auto& [name, value] : object.items()) {
    for (const auto& [plain, opts_out] : kWishes) {
      if (plain_name(name) != plain) continue;
      if (const auto answer = read_answer(fields, name)) wish = wish.value_or(true) && *answer != opts_out;
    }
  }
  return wish;
}

bool tells_personalised(std::string_view name) {
  return std::any_of(kWishes.begin(), kWishes.end(),
                     [plain = plain_name(name)](const auto& wish) { return plain == wish.first; });
}

Customer unpersonalised(const Customer& customer) {
  Customer unknown;
  unknown.source = customer.source;
  unknown.id = customer.id;
  unknown.anonymous = customer.anonymous;
  unknown.personalised = false;
  return unknown;
}

}  // namespace adlib::copywriter
