// copywriter/collect/shopify.h: Shopify's product export, as it comes.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "copywriter/collect/csv.h"
#include "copywriter/collect/rows.h"
#include "copywriter/shop/product.h"

namespace adlib::copywriter {

/// A column of the export.
struct ShopifyColumn {
  std::string_view field;                 ///< of a product; "" for a part of several
  std::array<std::string_view, 2> names;  ///< the second may be ""
};
std::span<const ShopifyColumn> shopify_columns();

/// True when the header has Shopify's columns: Handle (or URL handle), Title, and an option or variant
/// column.
bool is_shopify_export(const CsvTable& table);

/// One product for each handle, in order of first appearance; the rows of a handle add its variants and
/// images. The first row carries title, body, vendor, type and tags; its other columns that are not empty
/// become extras. Throws Error(bad_format) "file:line: …". With `on_bad`, a product that has a bad row is
/// left out.
std::vector<Product> products_of_shopify_export(CsvTable& table, const std::string& where,
                                                const std::string& currency, const OnBadRow& on_bad = {});

}  // namespace adlib::copywriter
