// copywriter/collect/collect_file.h: one file under way to the store. Inside the library only.
#pragma once

#include <cstdint>
#include <istream>
#include <span>
#include <string>

#include "copywriter/collect/collect.h"
#include "copywriter/collect/name_check.h"
#include "copywriter/collect/people.h"
#include "copywriter/collect/rows.h"
#include "copywriter/collect/shop_products.h"

namespace adlib::copywriter {

/// What the readers of each kind share. Lives inside the file's transaction.
struct FileJob {
  const Store& store;
  const CollectOptions& options;
  const FieldNames& names;
  std::istream& in;
  std::string where;
  char delimiter;
  CollectedFile& result;
  People& people;
  ShopProducts& products;
  OnBadRow on_bad;
  NameCheck& name_check;

  /// Counts a row and shows progress.
  void begin_row() {
    if (++result.rows % 16384 == 0 && options.progress) options.progress(where, result.rows);
  }
  /// CNY for the prices of logs, as `adlib write` takes them.
  std::string log_currency() const { return options.currency.empty() ? "CNY" : options.currency; }
};

void collect_products(FileJob& job);
void collect_customers(FileJob& job);
void collect_events(FileJob& job);
void collect_reviews(FileJob& job);
void collect_past_copy(FileJob& job);

/// The fields of kinds whose rows have neither lists nor objects; none for products and customers.
std::span<const FlatField> flat_fields(FileKind kind);
std::span<const FlatField> review_fields();
std::span<const FlatField> past_copy_fields();

/// Hands over the cells of each row, from CSV or JSON Lines. Throws for a header that lacks what is needed.
void for_each_row_of_cells(FileJob& job, std::span<const FlatField> fields, const TakeCells& take);

}  // namespace adlib::copywriter
