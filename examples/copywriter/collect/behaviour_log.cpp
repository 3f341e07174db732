#include "copywriter/collect/behaviour_log.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "adlib/core/error.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

constexpr std::size_t kInterests = 5;  // more categories than this say nothing about taste

Behaviour parse_behaviour(std::string_view text, const Source& source) {
  constexpr std::array<std::pair<std::string_view, Behaviour>, 10> names{{{"pv", Behaviour::view},
                                                                          {"view", Behaviour::view},
                                                                          {"浏览", Behaviour::view},
                                                                          {"点击", Behaviour::view},
                                                                          {"fav", Behaviour::favourite},
                                                                          {"收藏", Behaviour::favourite},
                                                                          {"cart", Behaviour::cart},
                                                                          {"加购", Behaviour::cart},
                                                                          {"buy", Behaviour::buy},
                                                                          {"购买", Behaviour::buy}}};
  for (const auto& [name, behaviour] : names) {
    if (equal_ignoring_case(text, name)) return behaviour;
  }
  fail(ErrorCode::bad_format, source.text(), ": the behaviour is '", first_characters(text, 40),
       "', expected pv, fav, cart or buy");
}

// Categories of the customer's events, most frequent first, ties by first appearance.
std::vector<std::string> frequent_categories(const std::vector<LogEvent>& events) {
  std::vector<std::pair<std::string, int>> counts;
  for (const LogEvent& event : events) {
    if (event.event.category.empty()) continue;
    auto known = std::find_if(counts.begin(), counts.end(),
                              [&](const auto& count) { return count.first == event.event.category; });
    if (known == counts.end()) known = counts.insert(known, {event.event.category, 0});
    ++known->second;
  }
  std::stable_sort(counts.begin(), counts.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  if (counts.size() > kInterests) counts.resize(kInterests);
  std::vector<std::string> names;
  for (auto& count : counts) names.push_back(std::move(count.first));
  return names;
}

Customer customer_of_events(std::vector<LogEvent> events, const std::string& currency) {
  Customer customer;
  customer.source = events.front().source;
  customer.id = events.front().user;
  std::stable_sort(events.begin(), events.end(),
                   [](const LogEvent& a, const LogEvent& b) { return *a.event.time < *b.event.time; });
  customer.interests = frequent_categories(events);
  std::int64_t spent = 0;
  bool priced = false;
  for (LogEvent& event : events) {
    if (event.behaviour == Behaviour::buy && event.event.price) {
      constexpr std::int64_t most = std::int64_t{1'000'000'000'000} * 10'000;
      spent = std::min(spent + event.event.price->ten_thousandths(), most);
      priced = true;
    }
    auto& list = event.behaviour == Behaviour::view        ? customer.browsing
                 : event.behaviour == Behaviour::favourite ? customer.favourites
                 : event.behaviour == Behaviour::cart      ? customer.cart
                                                           : customer.purchases;
    list.push_back(std::move(event.event));
  }
  if (priced) customer.spend = money_from_ten_thousandths(spent, currency);
  return customer;
}

}  // namespace

std::span<const FlatField> event_fields() {
  static constexpr std::array<FlatField, kEventFields> fields{{
      {{"user", "用户ID", "user_id", "user id", "userid"}, true},
      {{"item", "商品ID", "item_id", "item id", "itemid"}, true},
      {{"brand", "品牌"}},
      {{"brand_id", "品牌ID", "brand id", "brandid"}},
      {{"title", "商品名称", "item_title", "item title", "name"}},
      {{"category", "商品类别"}},
      {{"category_id", "商品类目ID", "category id", "categoryid"}},
      {{"behaviour", "行为类型", "behavior", "behaviour_type", "behavior_type", "action"}, true},
      {{"time", "时间戳", "timestamp"}, true},
      {{"price", "售价"}},
  }};
  return fields;
}

bool is_behaviour_log(const CsvTable& table, const FieldNames& names) {
  const auto fields = event_fields();
  return std::all_of(fields.begin(), fields.end(), [&](const FlatField& field) {
    return !field.needed || find_column(table, field) || names.values.contains(field.name());
  });
}

LogEvent event_of_cells(std::span<const std::string_view> cells, const Source& source,
                        const std::string& currency) {
  const auto cell = [&](EventField field) { return cells[static_cast<std::size_t>(field)]; };
  const auto text = [&](EventField field) { return std::string(cell(field)); };
  LogEvent event;
  event.source = source;
  event.user = text(EventField::user);
  event.brand_id = text(EventField::brand_id);
  event.category_id = text(EventField::category_id);
  event.event = {text(EventField::item),
                 text(EventField::title),
                 text(EventField::brand),
                 text(EventField::category),
                 {},
                 {}};
  for (const auto& [name, value] : {std::pair("user", &event.user), std::pair("item", &event.event.item)}) {
    if (value->empty()) fail(ErrorCode::bad_format, source.text(), ": the ", name, " is empty");
  }
  event.behaviour = parse_behaviour(cell(EventField::behaviour), source);
  event.event.time = parse_time(cell(EventField::time));
  if (!event.event.time) {
    fail(ErrorCode::bad_format, source.text(), ": the time is '",
         first_characters(cell(EventField::time), 40),
         "', expected Unix seconds or a date such as 2025-11-02 08:30:00");
  }
  if (const std::string_view price = cell(EventField::price); !price.empty()) {
    event.event.price = parse_money(price, currency);
    if (!event.event.price) {
      fail(ErrorCode::bad_format, source.text(), ": the price is '", first_characters(price, 40),
           "', expected an amount such as 59.90");
    }
  }
  return event;
}

void for_each_event(CsvTable& table, const std::string& where, const std::string& currency,
                    const std::function<void(LogEvent&&)>& take) {
  for_each_flat_row(table, event_fields(), {},
                    [&](std::span<const std::string_view> cells, std::int64_t line) {
                      take(event_of_cells(cells, {where, line}, currency));
                    });
}

std::vector<Customer> customers_of_log(CsvTable& table, const std::string& where,
                                       const std::string& currency) {
  std::vector<std::vector<LogEvent>> users;
  std::unordered_map<std::string, std::size_t> index;
  for_each_event(table, where, currency, [&](LogEvent&& event) {
    const auto [at, fresh] = index.emplace(event.user, users.size());
    if (fresh) users.emplace_back();
    users[at->second].push_back(std::move(event));
  });
  std::vector<Customer> customers;
  customers.reserve(users.size());
  for (auto& events : users) customers.push_back(customer_of_events(std::move(events), currency));
  return customers;
}

std::vector<Product> products_of_log(CsvTable& table, const std::string& where, const std::string& currency) {
  std::vector<LogEvent> latest;
  std::unordered_map<std::string, std::size_t> index;
  for_each_event(table, where, currency, [&](LogEvent&& event) {
    const auto [at, fresh] = index.emplace(event.event.item, latest.size());
    if (fresh) {
      latest.push_back(std::move(event));
    } else if (*event.event.time >= *latest[at->second].event.time) {
      latest[at->second] = std::move(event);
    }
  });
  std::vector<Product> products;
  products.reserve(latest.size());
  for (LogEvent& seen : latest) {
    if (seen.event.title.empty()) {
      fail(ErrorCode::bad_format, seen.source.text(), ": item '", seen.event.item,
           "' has no title to write about");
    }
    Product product;
    product.source = seen.source;
    product.id = seen.event.item;
    product.title = seen.event.title;
    product.brand = seen.event.brand;
    product.category = seen.event.category;
    product.price = seen.event.price;
    if (!seen.brand_id.empty()) product.extras["brand_id"] = seen.brand_id;
    if (!seen.category_id.empty()) product.extras["category_id"] = seen.category_id;
    products.push_back(std::move(product));
  }
  return products;
}

}  // namespace adlib::copywriter
