// tests/copywriter/support.h: reading from strings, and the message of an error.
#pragma once

#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "adlib/core/error.h"
#include "copywriter/collect/csv.h"
#include "copywriter/collect/read.h"
#include "copywriter/write/template.h"
#include "support/catch.h"

namespace adlib::test {

/// The message of the Error that `action` throws, without its code; fails the test when it throws none.
template <class Action>
std::string message_of(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  FAIL("no Error was thrown");
  return {};
}

/// The customer that the demonstration begins with.
inline const std::string kCanonicalCustomer =
    R"({"age":25,"gender":"male","interests":["科技","游戏","电影"]})";

using Rows = std::vector<std::vector<std::string>>;

inline Rows read_rows(const std::string& text, copywriter::CsvOptions options = {}) {
  std::istringstream in(text);
  copywriter::CsvReader reader(in, "t.csv", options);
  Rows rows;
  for (std::vector<std::string> row; reader.next(row);) rows.push_back(row);
  return rows;
}

inline std::vector<copywriter::Customer> customers_from(const std::string& text,
                                                        const copywriter::ReadOptions& options = {}) {
  std::istringstream in(text);
  return copywriter::read_customers(in, "customers.jsonl", options);
}

inline std::vector<copywriter::Product> products_from(const std::string& text,
                                                      const copywriter::ReadOptions& options = {}) {
  std::istringstream in(text);
  return copywriter::read_products(in, "products.csv", options);
}

/// Renders `text` for one customer and one product, each a JSON line.
inline std::string render(const std::string& text, const std::string& customer = "{}",
                          const std::string& product = R"({"id":"p","title":"Lamp"})",
                          copywriter::Language language = copywriter::Language::zh) {
  using namespace copywriter;
  const Template prompt(text, "t.txt", language);
  return prompt.render(
      template_record(customer_from_json(io::parse_json(customer, "c"), {"customers.jsonl", 17}), language),
      template_record(product_from_json(io::parse_json(product, "p"), {"products.jsonl", 4}), language));
}

}  // namespace adlib::test
