// copywriter/shop/money.h: prices as they were written, never as binary fractions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace adlib::copywriter {

/// An exact decimal amount: `amount` is the text of the source ("59.90"), `currency` an ISO 4217 code or "".
struct Money {
  std::string amount;
  std::string currency;

  /// The amount in units of 1/10000.
  std::int64_t ten_thousandths() const;
};

/// Digits with at most four decimals, below 10^12, no sign, no separators ("59.90"); nothing for any other
/// text.
std::optional<Money> parse_money(std::string_view amount, std::string_view currency = {});
/// The amount with two decimals, or four where two would lose something.
Money money_from_ten_thousandths(std::int64_t value, std::string currency);
/// True for three capital letters.
bool is_currency(std::string_view text);

}  // namespace adlib::copywriter
