#include "copywriter/prepare/history.h"

#include <algorithm>
#include <array>
#include <utility>

#include "copywriter/store/records.h"

namespace adlib::copywriter {
namespace {

Act act_of(const Event& event, int behaviour, Catalogue& catalogue) {
  Act act;
  act.behaviour = behaviour;
  if (event.time) act.time = *event.time;
  if (const Goods* goods = catalogue.find(event.item, event.title)) act.goods = *goods;
  if (!event.category.empty()) act.goods.category = catalogue.categories.number(event.category);
  if (!event.brand.empty()) act.goods.brand = catalogue.brands.number(event.brand);
  if (event.price) {
    act.goods.price = event.price->ten_thousandths();
    if (!event.price->currency.empty())
      act.goods.currency = catalogue.currencies.number(event.price->currency);
  }
  return act;
}

void add_recorded(History& history, std::int64_t now, Catalogue& catalogue) {
  Customer& customer = history.customer;
  const std::array<std::vector<Event>*, 4> lists{&customer.browsing, &customer.favourites, &customer.cart,
                                                 &customer.purchases};
  for (std::size_t behaviour = 0; behaviour < lists.size(); ++behaviour) {
    for (const Event& event : *lists[behaviour]) {
      if (!event.time || *event.time <= now)
        history.acts.push_back(act_of(event, static_cast<int>(behaviour), catalogue));
    }
    lists[behaviour]->clear();
  }
  for (Review& review : customer.reviews) {
    if (!review.time || *review.time <= now) history.reviews.push_back(std::move(review.text));
  }
  customer.reviews.clear();
}

// Rows that come by user beside those of the users themselves.
class ByUser {
 public:
  explicit ByUser(Statement statement) : rows_(std::move(statement)) { more_ = rows_.step(); }
  template <class Take>
  void of(std::int64_t user, const Take& take) {
    for (; more_ && rows_.integer(0) <= user; more_ = rows_.step()) {
      if (rows_.integer(0) == user) take(rows_);
    }
  }

 private:
  Statement rows_;
  bool more_;
};

}  // namespace

std::int32_t Names::number(const std::string& name) {
  if (name.empty()) return kNone;
  const auto [at, fresh] = numbers_.emplace(name, static_cast<std::int32_t>(names_.size()));
  if (fresh) names_.push_back(name);
  return at->second;
}

const char* to_string(PriceBand band) noexcept {
  constexpr std::array<const char*, 3> kBands{"low", "middle", "high"};
  return kBands[static_cast<std::size_t>(band)];
}

Catalogue::Catalogue(const Store& store) {
  const std::vector<StoredProduct> products = read_stored_products(store);
  const bool any_listed =
      std::any_of(products.begin(), products.end(), [](const StoredProduct& one) { return one.listed; });
  for (const StoredProduct& stored : products) {
    const Product& product = stored.product;
    Goods goods;
    goods.category = categories.number(product.category);
    goods.brand = brands.number(product.brand);
    if (product.price) {
      goods.price = product.price->ten_thousandths();
      goods.currency = currencies.number(product.price->currency);
      if ((stored.listed || !any_listed) && goods.category != Names::kNone)
        prices_[key(goods.category, goods.currency)].push_back(goods.price);
    }
    if (product.compare_at_price) goods.before = product.compare_at_price->ten_thousandths();
    by_row_.emplace(stored.row, goods_.size());
    by_id_.emplace(product.id, goods_.size());
    by_title_.emplace(product.title, goods_.size());
    goods_.push_back(goods);
  }
  for (auto& [category, prices] : prices_) std::sort(prices.begin(), prices.end());
}

const Goods* Catalogue::find(std::int64_t row) const {
  const auto found = by_row_.find(row);
  return found == by_row_.end() ? nullptr : &goods_[found->second];
}

const Goods* Catalogue::find(const std::string& shop_id, const std::string& title) const {
  auto found = by_id_.find(shop_id);
  if (found != by_id_.end()) return &goods_[found->second];
  found = by_title_.find(title);
  return found == by_title_.end() ? nullptr : &goods_[found->second];
}

std::optional<PriceBand> Catalogue::band(std::int32_t category, std::int32_t currency,
                                         std::int64_t price) const {
  if (category == Names::kNone || price == kNoPrice) return {};
  const auto found = prices_.find(key(category, currency));
  if (found == prices_.end() || found->second.size() < kFewestPrices) return {};
  const std::vector<std::int64_t>& prices = found->second;
  const auto [first, last] = std::equal_range(prices.begin(), prices.end(), price);
  // twice the middle rank: below + equal / 2
  const auto rank = static_cast<std::size_t>((first - prices.begin()) + (last - prices.begin()));
  if (3 * rank < 2 * prices.size()) return PriceBand::low;
  return 3 * rank > 4 * prices.size() ? PriceBand::high : PriceBand::middle;
}

bool may_be_profiled(const Customer& customer, bool personalised) {
  return personalised && customer.personalised && !(customer.age && *customer.age < kAdult);
}

void for_each_history(const Store& store, Catalogue& catalogue, std::int64_t now, bool with_reviews,
                      const std::function<void(History& history)>& take) {
  Statement users = store.prepare("SELECT id, record, personalised FROM user ORDER BY id");
  ByUser events(store.prepare(
      "SELECT user, time, product, behaviour, price FROM event ORDER BY user, time, product, behaviour"));
  ByUser reviews(store.prepare(with_reviews ? "SELECT user, text, time FROM review ORDER BY user, time, id"
                                            : "SELECT user, text, time FROM review WHERE 0"));
  while (users.step()) {
    History history;
    history.row = users.integer(0);
    const Source source{store.where() + ": user", history.row};
    history.customer = customer_from_json(io::parse_json(users.text(1), source.text()), source);
    const Customer& customer = history.customer;
    history.profiled = may_be_profiled(customer, users.integer(2) != 0);
    if (!history.profiled) history.customer = unpersonalised(customer);
    add_recorded(history, now, catalogue);
    events.of(history.row, [&](const Statement& row) {
      if (!history.profiled || row.integer(1) > now) return;
      Act act;
      act.time = row.integer(1);
      act.behaviour = static_cast<int>(row.integer(3));
      if (const Goods* goods = catalogue.find(row.integer(2))) act.goods = *goods;
      if (!row.is_null(4)) {
        if (const auto price = parse_money(row.text(4))) act.goods.price = price->ten_thousandths();
      }
      history.acts.push_back(act);
    });
    std::stable_sort(history.acts.begin(), history.acts.end(),
                     [](const Act& a, const Act& b) { return a.time < b.time; });
    reviews.of(history.row, [&](const Statement& row) {
      if (history.profiled && (row.is_null(2) || row.integer(2) <= now))
        history.reviews.emplace_back(row.text(1));
    });
    take(history);
  }
}

}  // namespace adlib::copywriter
