#include "copywriter/recommend/interactions.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>

#include "adlib/core/error.h"
#include "copywriter/prepare/history.h"
#include "copywriter/shop/language.h"

namespace adlib::copywriter {
namespace {

constexpr std::int64_t kDaySeconds = 86400;
// A record may tell of events without a date; they count as a season old.
constexpr std::int64_t kUndatedAge = 90 * kDaySeconds;

std::int8_t language_code(std::string_view name) {
  const std::optional<Language> language = language_named(name);
  return language ? static_cast<std::int8_t>(1 + static_cast<int>(*language)) : std::int8_t{0};
}

class Items {
 public:
  Items(const Store& store, EventLog& log) {
    std::vector<bool> titled;
    Statement rows = store.prepare(
        "SELECT id, listed, shop_id, coalesce(json_extract(record, '$.title'), ''), "
        "json_extract(record, '$.language') FROM product ORDER BY id");
    while (rows.step()) {
      const auto item = static_cast<std::int32_t>(log.items.size());
      by_row_.emplace(rows.integer(0), item);
      by_name_.emplace(rows.text(2), item);
      titles_.emplace(rows.text(3), item);
      log.items.push_back(rows.integer(0));
      log.item_language.push_back(language_code(rows.text(4)));
      titled.push_back(!rows.text(3).empty());
      log.listed.push_back(titled.back() && rows.integer(1) != 0);
    }
    log.from_events = std::find(log.listed.begin(), log.listed.end(), true) == log.listed.end();
    if (log.from_events) log.listed = std::move(titled);
  }
  std::int32_t of_row(std::int64_t row) const { return by_row_.at(row); }
  /// By what the shop calls it, or else by its title; -1 where there is none.
  std::int32_t find(const Event& event) const {
    auto found = by_name_.find(event.item);
    if (found != by_name_.end()) return found->second;
    if (event.title.empty() || (found = titles_.find(event.title)) == titles_.end()) return -1;
    return found->second;
  }

 private:
  std::unordered_map<std::int64_t, std::int32_t> by_row_;
  std::unordered_map<std::string, std::int32_t> by_name_, titles_;
};

void add_recorded(const Customer& customer, const Items& items, std::int64_t now,
                  std::vector<LoggedEvent>& events) {
  std::int8_t behaviour = 0;
  for (const auto* list : {&customer.browsing, &customer.favourites, &customer.cart, &customer.purchases}) {
    for (const Event& event : *list) {
      const std::int32_t item = items.find(event);
      const std::int64_t time = event.time.value_or(now - kUndatedAge);
      if (item >= 0 && time <= now) events.push_back({time, item, behaviour});
    }
    ++behaviour;
  }
}

}  // namespace

EventLog read_event_log(const Store& store, std::int64_t now) {
  EventLog log;
  const Items items(store, log);
  Statement users = store.prepare("SELECT id, personalised, record FROM user ORDER BY id");
  Statement events = store.prepare(
      "SELECT user, time, product, behaviour FROM event ORDER BY user, time, product, behaviour");
  bool more = events.step();
  while (users.step()) {
    const std::int64_t user = users.integer(0);
    const Source source{store.where() + ": user", user};
    const Customer customer = customer_from_json(io::parse_json(users.text(2), source.text()), source);
    const bool personalised = may_be_profiled(customer, users.integer(1) != 0);
    log.users.push_back(user);
    const auto reads = customer.extras.find("language");
    log.user_language.push_back(reads != customer.extras.end() && reads->is_string()
                                    ? language_code(reads->get_ref<const std::string&>())
                                    : std::int8_t{0});
    log.personalised.push_back(personalised);
    log.begin.push_back(log.events.size());
    if (personalised) add_recorded(customer, items, now, log.events);
    for (; more && events.integer(0) <= user; more = events.step()) {
      if (personalised && events.integer(0) == user && events.integer(1) <= now)
        log.events.push_back({events.integer(1), items.of_row(events.integer(2)),
                              static_cast<std::int8_t>(events.integer(3))});
    }
    std::sort(log.events.begin() + static_cast<std::ptrdiff_t>(log.begin.back()), log.events.end(),
              [](const LoggedEvent& a, const LoggedEvent& b) {
                return std::tie(a.time, a.item, a.behaviour) < std::tie(b.time, b.item, b.behaviour);
              });
  }
  log.begin.push_back(log.events.size());
  return log;
}

Interactions interactions_of(const EventLog& log, const InteractionOptions& options,
                             std::span<const std::size_t> known) {
  require(known.empty() || known.size() == log.users.size(), "interactions_of: ", known.size(),
          " counts of events for ", log.users.size(), " customers");
  Interactions out;
  out.items = log.items.size();
  out.begin.reserve(log.users.size() + 1);
  out.begin.push_back(0);
  std::vector<std::pair<std::int32_t, double>> sums;  // newest item first
  std::unordered_map<std::int32_t, std::size_t> at;
  for (std::size_t user = 0; user < log.users.size(); ++user) {
    const auto events = known.empty() ? log.of(user) : log.of(user).first(known[user]);
    sums.clear();
    at.clear();
    for (std::size_t i = events.size(); i-- > 0;) {
      const LoggedEvent& event = events[i];
      const auto [place, fresh] = at.emplace(event.item, sums.size());
      if (fresh) sums.emplace_back(event.item, 0);
      const double age = static_cast<double>(options.now - event.time) / static_cast<double>(kDaySeconds);
      sums[place->second].second +=
          options.behaviours[static_cast<std::size_t>(event.behaviour)] *
          (options.half_life_days > 0 ? std::exp2(-age / options.half_life_days) : 1);
    }
    if (sums.size() > options.most_items) sums.resize(options.most_items);
    std::sort(sums.begin(), sums.end());
    for (const auto& [item, sum] : sums) out.entries.push_back({item, static_cast<float>(std::log1p(sum))});
    out.begin.push_back(out.entries.size());
  }
  return out;
}

}  // namespace adlib::copywriter
