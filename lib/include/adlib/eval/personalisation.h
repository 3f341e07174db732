// adlib/eval/personalisation.h: does copy depend on the customer beyond repeating the customer's own words?
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace adlib::eval {

/// What one customer's record says, in words: "25", "科技", "Gold".
using CustomerValues = std::vector<std::string>;

/// The letters and digits of normalised(text) that are left when every value that stands whole in it
/// (holds_value()) is taken out, longer values first.
std::string without_values(std::string_view text, std::span<const std::string> values);

/// Which of `customers` a copy was written for, judged from the copy alone. The copy and what is known of
/// each customer are bags of terms: words of ASCII letters and digits, and pairs of neighbouring other
/// letters. Terms weigh log(customers / customers that have it), so that what all share says nothing; the
/// customer with the greatest cosine wins (Salton & Buckley 1988). All that are equally good are returned, in
/// ascending order: all of them when the copy has no term of any.
std::vector<std::size_t> match_customer(std::string_view copy, std::span<const CustomerValues> customers);

struct Personalisation {
  static constexpr std::size_t choices = 4;  ///< how many customers the matcher chooses from

  std::int64_t products = 0;
  double products_differ = 0;  ///< share of products with at least two copies that differ without the values
  double pairs_differ = 0;     ///< the same by pairs of customers, over all products
  double values_used = 0;      ///< share of copies that hold at least one of their own customer's values
  std::int64_t matched = 0;    ///< how many copies the matcher was shown
  double match_accuracy =
      0;  ///< share of them given to the right customer; k equally good give 1 / k. Chance: 0.25
};
/// copies[p][c] is the copy about product p for customer c, written greedily, so that nothing but the
/// customer's fields makes them differ. Values of all customers are taken out of every copy before comparing:
/// one that the product shares with a customer would otherwise make a difference. The matcher chooses among
/// customers 0 … 3, 4 … 7, …; a rest of fewer than four is not matched. Throws Error(invalid_argument) for
/// fewer than two customers, no product, or rows of another length.
Personalisation personalisation(std::span<const std::vector<std::string>> copies,
                                std::span<const CustomerValues> customers);

}  // namespace adlib::eval
