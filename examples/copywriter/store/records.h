// copywriter/store/records.h: customers and products as the store knows them.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "copywriter/shop/customer.h"
#include "copywriter/shop/product.h"
#include "copywriter/store/store.h"

namespace adlib::copywriter {

/// A product with the id of its row.
struct StoredProduct {
  std::int64_t row = 0;
  bool listed = true;  ///< false: known from events alone
  Product product;
};

/// All of them, by shop_id. Products without a title, of which only an event told, are left out.
std::vector<StoredProduct> read_stored_products(const Store& store);
/// The products as a Checker takes them for the shop's catalogue: a brand that is the shop's own name
/// (shop_names.h) is left out, since any copy may name it.
std::vector<Product> catalogue_of(const Store& store, const std::vector<StoredProduct>& products);

/// Reads customers one at a time.
class StoredCustomers {
 public:
  /// `store` must outlive this.
  explicit StoredCustomers(const Store& store);
  /// The same with the products of the store, where they were read before.
  StoredCustomers(const Store& store, std::vector<StoredProduct> products);

  /// The customer of that row: the record, then the newest events of each behaviour (from the oldest to the
  /// newest, as customers.jsonl has them) and the reviews that the store has beside it; interests come from
  /// what they did where they named none. Throws Error(not_found) for a row that is not there.
  Customer read(std::int64_t row);
  bool has(std::int64_t row);
  /// The rows of all customers, by shop_id.
  std::vector<std::int64_t> rows() const;
  /// What read_stored_products() gives, by row: events name them.
  const std::unordered_map<std::int64_t, Product>& products() const { return products_; }

 private:
  const Store& store_;
  std::unordered_map<std::int64_t, Product> products_;
  Statement user_, events_, reviews_;
};

}  // namespace adlib::copywriter
