// copywriter/collect/shopify.h: Shopify's product export, as it comes.
#pragma once

#include <string>
#include <vector>

#include "copywriter/collect/csv.h"
#include "copywriter/collect/product.h"

namespace adlib::copywriter {

/// True when the header has Shopify's columns: Handle (or URL handle), Title, and an option or variant
/// column.
bool is_shopify_export(const CsvTable& table);

/// One product for each handle, in order of first appearance; the rows of a handle add its variants and
/// images. The first row carries title, body, vendor, type and tags; its other columns that are not empty
/// become extras. Throws Error(bad_format) "file:line: …".
std::vector<Product> products_of_shopify_export(CsvTable& table, const std::string& where,
                                                const std::string& currency);

}  // namespace adlib::copywriter
