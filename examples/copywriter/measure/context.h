// copywriter/measure/context.h: what the contextual policy may know of a user.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adlib/io/json.h"

namespace adlib::copywriter {

/// Life cycle and taste, for segments of results and for policies. Everything may be missing.
struct UserContext {
  std::string life_cycle;                                 ///< new, active, lapsing, lost
  std::vector<std::pair<std::string, double>> interests;  ///< the strongest first, with a weight above 0
  std::optional<double> recency_days;                     ///< since they last did something, or bought
  std::string price_sensitivity;                          ///< high, low
  bool known = false;                                     ///< prepare has made features
};

/// From feature.record, or null where prepare made none: for those who opted out or are under 18, for
/// example.
UserContext user_context(const io::Json& features);

/// The numbers that a policy reads, in this order.
inline constexpr std::array<const char*, 8> kContextNames{
    "constant", "interest_match", "new", "lapsing", "lost", "price_sensitive", "recency", "unknown"};
using ContextNumbers = std::array<double, kContextNames.size()>;

/// constant: 1. interest_match: the weight of the interest that the category is, relative to the strongest.
/// new, lapsing, lost: 0 or 1. price_sensitive: 1 high, -1 low. recency: log(1 + days) / log(366), at most 1.
/// unknown: 1 without features. What is missing is 0.
ContextNumbers context_numbers(const UserContext& user, std::string_view category);
/// Without what is 0: {"constant": 1, "lapsing": 1}.
io::Json to_json(const ContextNumbers& numbers);
ContextNumbers context_numbers_of(const io::Json& stored);

}  // namespace adlib::copywriter
