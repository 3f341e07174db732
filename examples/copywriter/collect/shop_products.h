// copywriter/collect/shop_products.h: the rows of products, found by what the shop calls them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "adlib/io/json.h"
#include "copywriter/collect/behaviour_log.h"
#include "copywriter/store/store.h"

namespace adlib::copywriter {

/// Finds and adds rows of `product` for one file, inside its transaction.
class ShopProducts {
 public:
  ShopProducts(const Store& store, std::int64_t source);

  /// Lists a product: the record replaces what was known, so that an old price does not outlive its sale.
  void list(const std::string& id, const io::Json& record, std::int64_t line);
  /// The row of an event's product. One that is not listed is made, and described as the latest event does.
  std::int64_t of_event(const LogEvent& event);
  /// The row of a product that another file names, made where there is none. `title` may be "".
  std::int64_t find_or_add(std::string_view id, std::string_view title, std::int64_t line);
  /// Writes down what of_event() has only remembered. Call it before the transaction is committed.
  void finish();

  std::int64_t added() const { return added_; }
  /// Pieces of contact data that were taken out of what events say.
  std::int64_t contacts() const { return contacts_; }

 private:
  struct Known {
    std::int64_t row = 0;
    bool listed = false, titled = false, dirty = false;
    std::int64_t seen = 0;      // time of the latest event
    std::uint64_t details = 0;  // hash of what it says; 0: unknown
  };
  Known& find(const std::string& id);
  void describe(Known& known, const LogEvent& event);

  const Store& store_;
  std::int64_t source_;
  Statement find_, insert_, update_, read_, list_, seen_;
  std::unordered_map<std::string, Known> known_;
  std::int64_t added_ = 0, contacts_ = 0;
};

}  // namespace adlib::copywriter
