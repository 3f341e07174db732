#include "copywriter/shop/fields.h"

#include <initializer_list>
#include <utility>

#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

std::string shown(const io::Json& value) {
  return first_characters(value.dump(-1, ' ', false, io::Json::error_handler_t::replace), 60);
}

// What joins the words of a name.
bool is_joint(char c) { return c == '_' || c == '-' || c == ' '; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

void bad_field(const io::JsonFields& fields, const std::string& name, const std::string& expected) {
  fail(ErrorCode::bad_format, fields.where(), ": field '", name, "' is ", shown(fields.at(name.c_str())),
       ", expected ", expected);
}

std::string text_or_empty(const io::JsonFields& fields, const char* name) {
  if (!fields.has(name)) return "";
  const io::Json& value = fields.at(name);
  if (value.is_number_integer()) return value.dump();
  if (!value.is_string()) bad_field(fields, name, "text");
  return std::string(trim(value.get_ref<const std::string&>()));
}

std::string first_text(const io::JsonFields& fields, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (std::string text = text_or_empty(fields, name); !text.empty()) return text;
  }
  return "";
}

std::vector<std::string> text_list(const io::JsonFields& fields, const char* name) {
  std::vector<std::string> items;
  if (!fields.has(name)) return items;
  const io::Json& value = fields.at(name);
  const auto add = [&](const io::Json& item) {
    if (!item.is_string()) bad_field(fields, name, "text or a list of texts");
    if (const auto text = trim(item.get_ref<const std::string&>()); !text.empty()) items.emplace_back(text);
  };
  if (value.is_array()) {
    for (const io::Json& item : value) add(item);
  } else {
    add(value);
  }
  return items;
}

std::optional<Money> money_field(const io::JsonFields& fields, const char* name,
                                 const std::string& currency) {
  if (!fields.has(name)) return {};
  const io::Json& value = fields.at(name);
  std::optional<Money> money;
  if (value.is_string()) {
    const std::string_view text = trim(value.get_ref<const std::string&>());
    if (text.empty()) return {};
    money = parse_money(text, currency);
  } else if (value.is_number()) {
    money = parse_money(value.dump(), currency);
  }
  if (!money) bad_field(fields, name, "an amount such as 59.90, without sign, separators or currency sign");
  return money;
}

std::string currency_field(const io::JsonFields& fields, const std::string& fallback) {
  std::string currency = text_or_empty(fields, "currency");
  if (currency.empty()) currency = fallback;
  if (!currency.empty() && !is_currency(currency)) {
    fail(ErrorCode::bad_format, fields.where(), ": the currency is '", first_characters(currency, 20),
         "', expected an ISO 4217 code such as CNY");
  }
  return currency;
}

std::optional<std::int64_t> time_field(const io::JsonFields& fields, const char* name) {
  if (!fields.has(name)) return {};
  const io::Json& value = fields.at(name);
  std::optional<std::int64_t> time;
  if (value.is_string()) {
    time = parse_time(value.get_ref<const std::string&>());
  } else if (value.is_number_integer()) {
    time = parse_time(value.dump());
  }
  if (!time) bad_field(fields, name, "Unix seconds or a date such as 2025-11-02");
  return time;
}

std::string plain_name(std::string_view name) {
  std::string plain;
  for (const char c : name) {
    if (!is_joint(c)) plain += lower(c);
  }
  return plain;
}

bool same_name(std::string_view a, std::string_view b) {
  for (;;) {
    while (!a.empty() && is_joint(a.front())) a.remove_prefix(1);
    while (!b.empty() && is_joint(b.front())) b.remove_prefix(1);
    if (a.empty() || b.empty()) return a.empty() && b.empty();
    if (lower(a.front()) != lower(b.front())) return false;
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
}

io::Json extra_fields(const io::Json& object, const std::set<std::string>& known) {
  io::Json extras = io::Json::object();
  for (const auto& [name, value] : object.items()) {
    if (known.count(name) == 0 && !value.is_null() && value != "") extras[name] = value;
  }
  return extras;
}

}  // namespace adlib::copywriter
