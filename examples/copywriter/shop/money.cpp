#include "copywriter/shop/money.h"

#include <algorithm>
#include <utility>

namespace adlib::copywriter {
namespace {

constexpr std::size_t kDecimals = 4;
constexpr std::size_t kMaxWhole = 12;

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::int64_t Money::ten_thousandths() const {
  const std::size_t dot = amount.find('.');
  std::string digits = amount.substr(0, dot);
  std::string decimals = dot == std::string::npos ? "" : amount.substr(dot + 1);
  decimals.resize(kDecimals, '0');
  std::int64_t value = 0;
  for (const char c : digits + decimals) value = value * 10 + (c - '0');
  return value;
}

std::optional<Money> parse_money(std::string_view amount, std::string_view currency) {
  const std::size_t dot = amount.find('.');
  const std::string_view whole = amount.substr(0, dot);
  if (!all_digits(whole) || whole.size() > kMaxWhole) return {};
  if (dot != std::string_view::npos) {
    const std::string_view decimals = amount.substr(dot + 1);
    if (!all_digits(decimals) || decimals.size() > kDecimals) return {};
  }
  return Money{std::string(amount), std::string(currency)};
}

Money money_from_ten_thousandths(std::int64_t value, std::string currency) {
  std::string decimals = std::to_string(10000 + value % 10000).substr(1);
  if (decimals.ends_with("00")) decimals.resize(2);
  return {std::to_string(value / 10000) + "." + decimals, std::move(currency)};
}

bool is_currency(std::string_view text) {
  return text.size() == 3 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

}  // namespace adlib::copywriter
