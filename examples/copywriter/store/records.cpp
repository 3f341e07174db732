#include "copywriter/store/records.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include "adlib/core/error.h"
#include "copywriter/store/shop_names.h"

namespace adlib::copywriter {
namespace {

constexpr std::size_t kNewestEvents = 20;  // of one behaviour: prompts hold two

Source source_of(const Statement& row, int file, int line, const Store& store) {
  if (row.is_null(file)) return {store.where(), 0};
  return {std::string(row.text(file)), row.integer(line)};
}

using Products = std::unordered_map<std::int64_t, Product>;

Event event_of(const Statement& row, const Products& products) {
  Event event;
  event.time = row.integer(0);
  const Product& product = products.at(row.integer(1));
  event.item = product.id;
  event.title = product.title;
  event.brand = product.brand;
  event.category = product.category;
  event.price = product.price;
  if (!row.is_null(3)) {
    event.price = parse_money(row.text(3), product.price ? product.price->currency : "");
  }
  return event;
}

Product product_of(const Statement& row, const Store& store) {
  const Source source = source_of(row, 4, 5, store);
  return product_from_json(io::parse_json(row.text(3), source.text()), source);
}

constexpr std::string_view kSelectProducts =
    "SELECT p.id, p.listed, p.shop_id, p.record, s.file, p.line FROM product p LEFT JOIN source s "
    "ON s.id = p.source WHERE json_extract(p.record, '$.title') <> '' ORDER BY p.shop_id";

}  // namespace

std::vector<StoredProduct> read_stored_products(const Store& store) {
  std::vector<StoredProduct> products;
  Statement rows = store.prepare(kSelectProducts);
  while (rows.step()) products.push_back({rows.integer(0), rows.integer(1) != 0, product_of(rows, store)});
  return products;
}

std::vector<Product> catalogue_of(const Store& store, const std::vector<StoredProduct>& products) {
  const std::vector<std::string> own = shop_names(store);
  std::vector<Product> catalogue;
  for (const StoredProduct& stored : products) {
    catalogue.push_back(stored.product);
    if (std::find(own.begin(), own.end(), stored.product.brand) != own.end()) catalogue.back().brand.clear();
  }
  return catalogue;
}

StoredCustomers::StoredCustomers(const Store& store) : StoredCustomers(store, read_stored_products(store)) {}

StoredCustomers::StoredCustomers(const Store& store, std::vector<StoredProduct> products)
    : store_(store),
      user_(store.prepare("SELECT u.record, u.personalised, s.file, u.line, f.record FROM user u "
                          "LEFT JOIN source s ON s.id = u.source LEFT JOIN feature f ON f.user = u.id "
                          "WHERE u.id = ?")),
      events_(store.prepare(
          "SELECT time, product, behaviour, price FROM event WHERE user = ? ORDER BY time DESC")),
      reviews_(
          store.prepare("SELECT text, rating, time, product FROM review WHERE user = ? ORDER BY time, id")) {
  for (StoredProduct& stored : products) products_.emplace(stored.row, std::move(stored.product));
}

std::vector<std::int64_t> StoredCustomers::rows() const {
  std::vector<std::int64_t> rows;
  Statement all = store_.prepare("SELECT id FROM user ORDER BY shop_id");
  while (all.step()) rows.push_back(all.integer(0));
  return rows;
}

bool StoredCustomers::has(std::int64_t row) {
  const bool there = user_.with(row).step();
  user_.reset();
  return there;
}

Customer StoredCustomers::read(std::int64_t row) {
  if (!user_.with(row).step()) fail(ErrorCode::not_found, store_.where(), ": there is no user ", row);
  const Source source = source_of(user_, 2, 3, store_);
  Customer customer = customer_from_json(io::parse_json(user_.text(0), source.text()), source);
  customer.personalised = customer.personalised && user_.integer(1) != 0;

  const std::array<std::vector<Event>*, 4> lists{&customer.browsing, &customer.favourites, &customer.cart,
                                                 &customer.purchases};
  std::array<std::vector<Event>, 4> newest;
  events_.with(row);
  while (events_.step()) {
    std::vector<Event>& list = newest.at(static_cast<std::size_t>(events_.integer(2)));
    if (list.size() < kNewestEvents && products_.contains(events_.integer(1)))
      list.push_back(event_of(events_, products_));
  }
  for (std::size_t i = 0; i < lists.size(); ++i)
    lists[i]->insert(lists[i]->end(), newest[i].rbegin(), newest[i].rend());

  reviews_.with(row);
  while (reviews_.step()) {
    Review review{.text = std::string(reviews_.text(0)), .rating = {}, .product = {}, .time = {}};
    if (!reviews_.is_null(1)) review.rating = reviews_.real(1);
    if (!reviews_.is_null(2)) review.time = reviews_.integer(2);
    if (const auto product = products_.find(reviews_.integer(3)); product != products_.end())
      review.product = product->second.title;
    customer.reviews.push_back(std::move(review));
  }
  if (!user_.is_null(4)) {  // what they did stands for what they did not say
    const io::Json features = io::parse_json(user_.text(4), store_.where() + ": feature");
    if (customer.interests.empty()) {
      for (const io::Json& interest : features.value("interests", io::Json::array()))
        customer.interests.push_back(interest.at("name").get<std::string>());
    }
    if (!customer.extras.contains("price_sensitivity") && features.contains("price_sensitivity"))
      customer.extras["price_sensitivity"] = features["price_sensitivity"];
  }
  user_.reset();  // a row that is still open would hold up the log of writes
  return customer;
}

}  // namespace adlib::copywriter
