#include "copywriter/measure/context.h"

#include <algorithm>
#include <cmath>

#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

std::string text_of(const io::Json& record, const char* name) {
  const auto found = record.find(name);
  return found != record.end() && found->is_string() ? found->get<std::string>() : std::string();
}

const io::Json& part_of(const io::Json& record, const char* name) {
  static const io::Json none = io::Json::object();
  const auto found = record.find(name);
  return found != record.end() && found->is_object() ? *found : none;
}

std::optional<double> number_of(const io::Json& record, const char* name) {
  const auto found = record.find(name);
  if (found == record.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

std::vector<std::pair<std::string, double>> interests_of(const io::Json& record) {
  std::vector<std::pair<std::string, double>> interests;
  const auto found = record.find("interests");
  if (found == record.end() || !found->is_array()) return interests;
  for (const io::Json& one : *found) {
    const double weight = one.is_object() ? number_of(one, "weight").value_or(1.0) : 0;
    if (weight > 0 && !text_of(one, "name").empty()) interests.emplace_back(text_of(one, "name"), weight);
  }
  std::stable_sort(interests.begin(), interests.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return interests;
}

}  // namespace

UserContext user_context(const io::Json& features) {
  UserContext context;
  if (!features.is_object()) return context;
  context.known = true;
  context.life_cycle = text_of(part_of(features, "life_cycle"), "stage");
  context.interests = interests_of(features);
  const io::Json& recency = part_of(features, "recency");
  context.recency_days = number_of(recency, "days_since_activity");
  if (!context.recency_days) context.recency_days = number_of(recency, "days_since_purchase");
  context.price_sensitivity = text_of(features, "price_sensitivity");
  return context;
}

ContextNumbers context_numbers(const UserContext& user, std::string_view category) {
  ContextNumbers numbers{};
  numbers[0] = 1;
  for (const auto& [name, weight] : user.interests) {
    if (!category.empty() && equal_ignoring_case(name, category))
      numbers[1] = std::max(numbers[1], weight / user.interests.front().second);
  }
  numbers[2] = user.life_cycle == "new" ? 1 : 0;
  numbers[3] = user.life_cycle == "lapsing" ? 1 : 0;
  numbers[4] = user.life_cycle == "lost" ? 1 : 0;
  numbers[5] = user.price_sensitivity == "high" ? 1 : user.price_sensitivity == "low" ? -1 : 0;
  if (user.recency_days)
    numbers[6] = std::min(1.0, std::log1p(std::max(0.0, *user.recency_days)) / std::log(366.0));
  numbers[7] = user.known ? 0 : 1;
  return numbers;
}

io::Json to_json(const ContextNumbers& numbers) {
  io::Json stored = io::Json::object();
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (numbers[i] != 0) stored[kContextNames[i]] = numbers[i];
  }
  return stored;
}

ContextNumbers context_numbers_of(const io::Json& stored) {
  ContextNumbers numbers{};
  for (std::size_t i = 0; i < numbers.size(); ++i)
    numbers[i] = number_of(stored, kContextNames[i]).value_or(0);
  return numbers;
}

}  // namespace adlib::copywriter
