// copywriter/collect/read.h: products and customers from the files that shops have, whatever their format.
#pragma once

#include <filesystem>
#include <istream>
#include <string>
#include <string_view>
#include <vector>

#include "copywriter/shop/customer.h"
#include "copywriter/shop/product.h"

namespace adlib::copywriter {

struct ReadOptions {
  std::string
      currency;  ///< ISO 4217 code of prices whose source names none; a behaviour log's default is CNY
  char delimiter = ',';  ///< of CSV; a file that ends in .tsv is read with tabs
};

/// Reads products from JSON Lines, CSV, a Shopify product export, or the items of a behaviour log. The format
/// is told from the text itself: a first '{' is JSON Lines; otherwise the header line decides. Throws
/// Error(bad_format) "file:line: …" for anything malformed, for an id that is there twice, and when there is
/// no product at all.
std::vector<Product> read_products(const std::filesystem::path& path, const ReadOptions& options = {});
std::vector<Product> read_products(std::istream& in, const std::string& where,
                                   const ReadOptions& options = {});

/// Reads customers from JSON Lines, CSV (list cells separated by ';' or '|'), or a behaviour log, whose
/// events are gathered by user. Contact data (phone numbers, addresses, …) is taken out. Throws as
/// read_products does.
std::vector<Customer> read_customers(const std::filesystem::path& path, const ReadOptions& options = {});
std::vector<Customer> read_customers(std::istream& in, const std::string& where,
                                     const ReadOptions& options = {});

/// Throws Error(bad_format) "where: …" for an id of a shop's that is not one line of characters that are
/// seen: it is written into every file that is published.
void require_plain_id(std::string_view id, const std::string& where);

}  // namespace adlib::copywriter
