#include "copywriter/collect/read.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <functional>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "adlib/core/error.h"
#include "copywriter/collect/behaviour_log.h"
#include "copywriter/collect/csv.h"
#include "copywriter/collect/shopify.h"
#include "copywriter/collect/sniff.h"
#include "copywriter/collect/text.h"

namespace adlib::copywriter {
namespace {

// A column of a plain CSV file may bear the field's own name or its usual Chinese one.
constexpr std::array<std::pair<std::string_view, std::string_view>, 25> kChineseNames{{
    {"用户ID", "id"},
    {"客户ID", "id"},
    {"姓名", "name"},
    {"年龄", "age"},
    {"性别", "gender"},
    {"兴趣", "interests"},
    {"浏览", "browsing"},
    {"收藏", "favourites"},
    {"购物车", "cart"},
    {"购买", "purchases"},
    {"评价", "reviews"},
    {"会员等级", "member_level"},
    {"消费金额", "spend"},
    {"币种", "currency"},
    {"商品ID", "id"},
    {"商品名称", "title"},
    {"标题", "title"},
    {"品牌", "brand"},
    {"商品类别", "category"},
    {"类别", "category"},
    {"售价", "price"},
    {"价格", "price"},
    {"原价", "compare_at_price"},
    {"描述", "description"},
    {"标签", "tags"},
}};

std::string field_name(const std::string& column) {
  for (const auto& [chinese, name] : kChineseNames) {
    if (equal_ignoring_case(column, chinese)) return std::string(name);
  }
  return column;
}

// The rows of a plain CSV file as JSON objects, so that both formats are checked by the same code. Empty
// cells are missing fields; an age of digits becomes a number; list columns become lists.
void for_each_csv_object(CsvTable& table, const std::set<std::string>& lists,
                         const std::function<void(io::Json&&, std::int64_t line)>& take) {
  std::vector<std::string> names;
  for (const std::string& column : table.header()) {
    names.push_back(field_name(column));
    if (std::count(names.begin(), names.end(), names.back()) > 1) {
      fail(ErrorCode::bad_format, table.place(), ": two columns mean '", names.back(), "'");
    }
  }
  while (table.next()) {
    io::Json object = io::Json::object();
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::string_view cell = trim(table.cell(i));
      if (cell.empty()) continue;
      if (lists.count(names[i]) > 0) {
        object[names[i]] = split_list(cell);
      } else if (names[i] == "age" && cell.size() <= 9 &&
                 std::all_of(cell.begin(), cell.end(), [](char c) { return c >= '0' && c <= '9'; })) {
        object["age"] = std::stoi(std::string(cell));
      } else {
        object[names[i]] = std::string(cell);
      }
    }
    if (!object.empty()) take(std::move(object), table.line());
  }
}

// Refuses ids that are there twice and an empty result.
template <class Record>
void check_records(const std::vector<Record>& records, const std::string& where, const char* kind) {
  if (records.empty()) fail(ErrorCode::bad_format, where, ": there is no ", kind, " in the file");
  std::unordered_map<std::string_view, const Record*> seen;
  for (const Record& record : records) {
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
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    fail(ErrorCode::io, path.string(), " is a directory, expected a file of JSON Lines or CSV");
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    if (!std::filesystem::exists(path, error))
      fail(ErrorCode::not_found, path.string(), ": there is no such file");
    fail(ErrorCode::io, path.string(), ": the file cannot be read; check its permissions");
  }
  if (equal_ignoring_case(path.extension().string(), ".tsv")) options.delimiter = '\t';
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

}  // namespace

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
    io::for_each_json_line(stream, where, [&](io::Json&& object, std::int64_t line) {
      products.push_back(product_from_json(object, {where, line}, options.currency));
    });
  } else {
    CsvTable table(stream, where, csv_options(options));
    if (is_behaviour_log(table)) {
      products = products_of_log(table, where, log_currency(options));
    } else if (is_shopify_export(table)) {
      products = products_of_shopify_export(table, where, options.currency);
    } else {
      for_each_csv_object(table, {"tags"}, [&](io::Json&& object, std::int64_t line) {
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
    io::for_each_json_line(stream, where, [&](io::Json&& object, std::int64_t line) {
      customers.push_back(customer_from_json(object, {where, line}, options.currency));
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
      const std::set<std::string> lists = {"interests", "browsing",  "favourites",
                                           "cart",      "purchases", "reviews"};
      for_each_csv_object(table, lists, [&](io::Json&& object, std::int64_t line) {
        customers.push_back(customer_from_json(object, {where, line}, options.currency));
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
