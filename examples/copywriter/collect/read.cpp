#include "copywriter/collect/read.h"

#include <fstream>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "adlib/core/error.h"
#include "copywriter/collect/behaviour_log.h"
#include "copywriter/collect/contact.h"
#include "copywriter/collect/csv.h"
#include "copywriter/collect/rows.h"
#include "copywriter/collect/shopify.h"
#include "copywriter/collect/sniff.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

// Refuses ids that are there twice and an empty result.
template <class Record>
void check_records(const std::vector<Record>& records, const std::string& where, const char* kind) {
  if (records.empty()) fail(ErrorCode::bad_format, where, ": there is no ", kind, " in the file");
  std::unordered_map<std::string_view, const Record*> seen;
  for (const Record& record : records) {
    require_plain_id(record.id, record.source.text());
    const auto [at, fresh] = seen.emplace(record.id, &record);
    if (!fresh) {
      fail(ErrorCode::bad_format, record.source.text(), ": ", kind, " '", record.id, "' is already on line ",
           at->second->source.line);
    }
  }
}

// Customers without an id who are alike in everything are still different people.
void number_anonymous(std::vector<Customer>& customers) {
  std::unordered_map<std::string, int> seen;
  for (Customer& customer : customers) {
    if (!customer.anonymous) continue;
    const int count = ++seen[customer.id];
    if (count > 1) customer.id = concat(customer.id, '-', count);
  }
}

template <class Result, class Read>
Result read_file_with(const std::filesystem::path& path, ReadOptions options, const Read& read) {
  std::ifstream in = open_rows(path);
  if (options.delimiter == ',') options.delimiter = delimiter_of(path);
  return read(in, path.string(), options);
}

CsvOptions csv_options(const ReadOptions& options) {
  CsvOptions csv;
  csv.delimiter = options.delimiter;
  return csv;
}

std::string log_currency(const ReadOptions& options) {
  return options.currency.empty() ? "CNY" : options.currency;
}

// Without what the person can be reached or identified by: it must not get into a prompt.
Customer unreachable_customer(io::Json&& object, const Source& source, const std::string& currency) {
  RemovedContacts removed;
  remove_contacts(object, /*by_name=*/true, {"id", "user_id"}, removed);
  return customer_from_json(object, source, currency);
}

}  // namespace

void require_plain_id(std::string_view id, const std::string& where) {
  if (const std::string plain = clean_text(id); plain != id)
    fail(ErrorCode::bad_format, where, ": the id '", first_characters(plain, 60),
         "' holds ends of lines, spaces in a row or characters that nobody sees; take them out");
}

bool looks_like_json_lines(std::string_view head, const std::string& where) {
  if (head.starts_with("\xEF\xBB\xBF")) head.remove_prefix(3);
  head = trim(head);
  if (head.starts_with('[')) {
    fail(ErrorCode::bad_format, where, ":1: the file is one JSON array; write JSON Lines, one object a line");
  }
  return head.starts_with('{');
}

std::vector<Product> read_products(std::istream& in, const std::string& where, const ReadOptions& options) {
  SniffBuffer buffer(in);
  std::istream stream(&buffer);
  std::vector<Product> products;
  if (looks_like_json_lines(buffer.head(), where)) {
    for_each_json_object(stream, where, [&](io::Json&& object, std::int64_t line) {
      products.push_back(product_from_json(object, {where, line}, options.currency));
    });
  } else {
    CsvTable table(stream, where, csv_options(options));
    if (is_behaviour_log(table)) {
      products = products_of_log(table, where, log_currency(options));
    } else if (is_shopify_export(table)) {
      products = products_of_shopify_export(table, where, options.currency);
    } else {
      for_each_csv_object(table, product_fields(), [&](io::Json&& object, std::int64_t line) {
        products.push_back(product_from_json(object, {where, line}, options.currency));
      });
    }
  }
  check_records(products, where, "product");
  return products;
}

std::vector<Customer> read_customers(std::istream& in, const std::string& where, const ReadOptions& options) {
  SniffBuffer buffer(in);
  std::istream stream(&buffer);
  std::vector<Customer> customers;
  if (looks_like_json_lines(buffer.head(), where)) {
    for_each_json_object(stream, where, [&](io::Json&& object, std::int64_t line) {
      customers.push_back(unreachable_customer(std::move(object), {where, line}, options.currency));
    });
  } else {
    CsvTable table(stream, where, csv_options(options));
    if (is_behaviour_log(table)) {
      for (const std::string& column : table.header()) {
        if (tells_personalised(column)) {
          fail(ErrorCode::bad_format, table.place(), ": a behaviour log has no column '", column,
               "'; who opted out is told in a file of customers, or leave their events out");
        }
      }
      customers = customers_of_log(table, where, log_currency(options));
    } else {
      for_each_csv_object(table, customer_fields(), [&](io::Json&& object, std::int64_t line) {
        customers.push_back(unreachable_customer(std::move(object), {where, line}, options.currency));
      });
    }
  }
  number_anonymous(customers);
  check_records(customers, where, "customer");
  return customers;
}

std::vector<Product> read_products(const std::filesystem::path& path, const ReadOptions& options) {
  return read_file_with<std::vector<Product>>(
      path, options, [](std::istream& in, const std::string& where, const ReadOptions& o) {
        return read_products(in, where, o);
      });
}

std::vector<Customer> read_customers(const std::filesystem::path& path, const ReadOptions& options) {
  return read_file_with<std::vector<Customer>>(
      path, options, [](std::istream& in, const std::string& where, const ReadOptions& o) {
        return read_customers(in, where, o);
      });
}

}  // namespace adlib::copywriter
