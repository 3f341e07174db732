// Any bytes: the shop's files are read or refused with an Error, and what was read obeys the promises of the
// readers.
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "adlib/core/error.h"
#include "copywriter/collect/csv.h"
#include "copywriter/collect/read.h"
#include "copywriter/shop/text.h"
#include "copywriter/write/template.h"

using namespace adlib::copywriter;

namespace {

void expect(bool condition) {
  if (!condition) std::abort();
}

using Rows = std::vector<std::vector<std::string>>;

Rows read_rows(const std::string& text, char delimiter) {
  std::istringstream in(text);
  CsvOptions options;
  options.delimiter = delimiter;
  CsvReader reader(in, "fuzz.csv", options);
  Rows rows;
  std::int64_t line = 0;
  for (std::vector<std::string> row; reader.next(row);) {
    expect(reader.line() > line);
    line = reader.line();
    rows.push_back(row);
  }
  return rows;
}

// Rows written again with every cell quoted are read as the same rows.
void check_csv(const std::string& text, char delimiter) {
  const Rows rows = read_rows(text, delimiter);
  std::string again;
  for (const auto& row : rows) {
    expect(!row.empty());
    for (std::size_t i = 0; i < row.size(); ++i) {
      expect(is_utf8(row[i]));
      if (i > 0) again += delimiter;
      again += '"';
      for (const char c : row[i]) again += c == '"' ? std::string("\"\"") : std::string(1, c);
      again += '"';
    }
    again += '\n';
  }
  expect(read_rows(again, delimiter) == rows);
}

// One line a field: what a record holds cannot add lines to a prompt.
void check_prompt(const TemplateRecord& customer, const TemplateRecord& product) {
  static const Template prompt(
      "{{#customer.purchases}}{{customer.purchases|unique|last:3|chars:20}}{{/customer.purchases}}|"
      "{{#customer.reviews.text}}{{customer.reviews.text|quote}}{{/customer.reviews.text}}|"
      "{{#customer.spend}}{{customer.spend}}{{/customer.spend}}|{{product.title|join:+}}|"
      "{{#product.attributes}}{{product.attributes|first:2}}{{/product.attributes}}|"
      "{{#product.price}}{{product.price}}{{/product.price}}|{{#product.description}}{{product.description}}"
      "{{/product.description}}",
      "fuzz.txt", Language::zh);
  std::string text;
  try {
    text = prompt.render(customer, product);
  } catch (const adlib::Error&) {
    return;  // a title of nothing but invisible characters
  }
  expect(is_utf8(text));
  for (const char c : text) expect(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
}

template <class Action>
void attempt(const Action& action) {
  try {
    action();
  } catch (const adlib::Error& error) {
    expect(*error.what() != '\0');
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  attempt([&] { check_csv(text, ','); });
  attempt([&] { check_csv(text, ';'); });
  static const TemplateRecord nobody{adlib::io::Json::object(), "nobody:1"};
  static const TemplateRecord nothing{{{"title", "t"}}, "nothing:1"};
  attempt([&] {
    std::istringstream in(text);
    for (const Product& product : read_products(in, "fuzz")) {
      expect(!product.id.empty() && !product.title.empty());
      if (product.compare_at_price) {
        expect(product.compare_at_price->ten_thousandths() > product.price->ten_thousandths());
      }
      check_prompt(nobody, template_record(product, Language::zh));
    }
  });
  attempt([&] {
    std::istringstream in(text);
    for (const Customer& customer : read_customers(in, "fuzz")) {
      expect(!customer.id.empty());
      expect(!customer.age || (*customer.age >= 0 && *customer.age <= 150));
      check_prompt(template_record(customer, Language::en), nothing);
    }
  });
  attempt([&] {
    const std::string plain = html_to_text(text);
    expect(is_utf8(plain) && plain == clean_text(plain));
  });
  return 0;
}
