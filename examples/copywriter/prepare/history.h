// copywriter/prepare/history.h: all that the store knows of a customer, in numbers.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "copywriter/shop/customer.h"
#include "copywriter/store/store.h"

namespace adlib::copywriter {

/// Texts by number, in the order in which they came.
class Names {
 public:
  static constexpr std::int32_t kNone = -1;
  /// kNone for "".
  std::int32_t number(const std::string& name);
  const std::string& at(std::int32_t number) const { return names_.at(static_cast<std::size_t>(number)); }

 private:
  std::unordered_map<std::string, std::int32_t> numbers_;
  std::vector<std::string> names_;
};

/// The third of a category's prices that a price is in.
enum class PriceBand { low, middle, high };
const char* to_string(PriceBand band) noexcept;

constexpr std::int64_t kNoPrice = -1;

/// What a feature needs of a product.
struct Goods {
  std::int32_t category = Names::kNone, brand = Names::kNone, currency = Names::kNone;
  std::int64_t price = kNoPrice;   ///< in 1/10000
  std::int64_t before = kNoPrice;  ///< compare_at_price
};

/// The products of a shop, and how dear the things of a category are.
class Catalogue {
 public:
  explicit Catalogue(const Store& store);

  const Goods* find(std::int64_t row) const;
  /// By what the shop calls it, or else by its title.
  const Goods* find(const std::string& shop_id, const std::string& title) const;
  /// A price among those of its category's listed products (of all, where none is listed), in its currency:
  /// below which share of them it lies, those that cost the same counted half. Nothing where there are fewer
  /// than kFewestPrices.
  std::optional<PriceBand> band(std::int32_t category, std::int32_t currency, std::int64_t price) const;
  static constexpr std::size_t kFewestPrices = 6;

  Names categories, brands, currencies;

 private:
  static std::uint64_t key(std::int32_t category, std::int32_t currency) {
    return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(category)) << 32) |
           static_cast<std::uint32_t>(currency);
  }
  std::vector<Goods> goods_;
  std::unordered_map<std::int64_t, std::size_t> by_row_;
  std::unordered_map<std::string, std::size_t> by_id_, by_title_;
  std::unordered_map<std::uint64_t, std::vector<std::int64_t>> prices_;  // sorted
};

/// One event. `behaviour`: 0 viewed, 1 saved, 2 put in the cart, 3 bought.
struct Act {
  static constexpr std::int64_t kUndated = std::numeric_limits<std::int64_t>::min();
  std::int64_t time = kUndated;  ///< of the record's events, some have none
  int behaviour = 0;
  Goods goods;  ///< with the price that was paid or shown
  bool dated() const { return time != kUndated; }
  bool bought() const { return behaviour == 3; }
  bool reduced() const { return goods.before != kNoPrice && goods.price < goods.before; }
};

/// Nobody may be profiled who opted out of personal marketing, in the column or in the record, or is known to
/// be under 18.
bool may_be_profiled(const Customer& customer, bool personalised);

struct History {
  std::int64_t row = 0;
  Customer customer;                 ///< the record alone, its events emptied into `acts`
  bool profiled = true;              ///< may_be_profiled()
  std::vector<Act> acts;             ///< undated ones first, then by time
  std::vector<std::string> reviews;  ///< texts
};

/// Calls `take` for every customer, by row: events of the store and of the record up to `now`, later ones are
/// left out. Reviews are read only where `with_reviews` is true. Of who may not be profiled nothing is read.
void for_each_history(const Store& store, Catalogue& catalogue, std::int64_t now, bool with_reviews,
                      const std::function<void(History& history)>& take);

}  // namespace adlib::copywriter
