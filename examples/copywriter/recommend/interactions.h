// copywriter/recommend/interactions.h: who looked at what, as numbers in a sparse matrix.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "copywriter/store/store.h"

namespace adlib::copywriter {

struct LoggedEvent {
  std::int64_t time = 0;
  std::int32_t item = 0;
  std::int8_t behaviour = 0;  ///< 0 viewed, 1 saved, 2 put in the cart, 3 bought
};

/// The events of a store by customer. 16 bytes each.
struct EventLog {
  std::vector<std::int64_t> users;  ///< rows, in their order; also customers without events
  std::vector<bool> personalised;   ///< of each; false: opted out, and `events` has none of theirs
  std::vector<std::size_t> begin;   ///< of each customer's events, and the end
  std::vector<LoggedEvent> events;  ///< of each customer, by time, item and behaviour
  std::vector<std::int64_t> items;  ///< rows of all products, in their order
  std::vector<bool> listed;         ///< of each: listed and titled, so that it can be recommended
  /// What each customer reads and each product is sold in: 1 + Language, 0 where the record names none. A
  /// product of another language is not recommended.
  std::vector<std::int8_t> user_language, item_language;
  bool from_events = false;  ///< nothing was listed: every titled product of the log stands in

  bool fits(std::size_t user, std::int32_t item) const {
    const std::int8_t reads = user_language[user], sold = item_language[static_cast<std::size_t>(item)];
    return reads == 0 || sold == 0 || reads == sold;
  }
  std::span<const LoggedEvent> of(std::size_t user) const {
    return std::span(events).subspan(begin[user], begin[user + 1] - begin[user]);
  }
};

/// Reads them, without events after `now`.
EventLog read_event_log(const Store& store, std::int64_t now);

struct InteractionOptions {
  std::int64_t now = 0;
  double half_life_days = 90;                    ///< 0: an event counts the same for ever
  std::array<double, 4> behaviours{1, 2, 3, 5};  ///< weights of view, save, cart, buy
  std::size_t most_items = 100;  ///< of a customer, the newest: one who looked at all tells nothing
};

struct Interaction {
  std::int32_t item = 0;
  float weight = 0;
};

/// Of each customer the items they met, sorted by item, with weight r = ln(1 + Σ w 2^(-age / half-life)) over
/// the events with an item.
struct Interactions {
  std::size_t items = 0;
  std::vector<std::size_t> begin;
  std::vector<Interaction> entries;

  std::size_t users() const { return begin.size() - 1; }
  std::span<const Interaction> of(std::size_t user) const {
    return std::span(entries).subspan(begin[user], begin[user + 1] - begin[user]);
  }
};

/// `known`: how many of each customer's events count, from the oldest; empty for all.
Interactions interactions_of(const EventLog& log, const InteractionOptions& options,
                             std::span<const std::size_t> known = {});

}  // namespace adlib::copywriter
