// copywriter/prepare/features.h: what is told of one customer. docs/features.md defines every field.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "adlib/io/json.h"
#include "copywriter/prepare/opinion.h"
#include "copywriter/prepare/shop.h"

namespace adlib::copywriter {

struct FeatureOptions {
  std::int64_t now = 0;        ///< Unix seconds: of recency and decay
  double half_life_days = 30;  ///< after which an event says half as much of an interest
  std::size_t interests = 5;   ///< at most so many categories, and so many brands
};

enum class Stage { fresh, active, lapsing, lost };
/// "new", "active", "lapsing", "lost".
const char* to_string(Stage stage) noexcept;

struct LifeCycle {
  Stage stage = Stage::active;
  bool by_purchases = true;  ///< false: nothing dated was bought, and any event counts
  std::int64_t days = 0;     ///< since the last one
  double interval_days = 0;  ///< between two of them, as expected
};
constexpr double kLapsingAfter = 2, kLostAfter = 4;  ///< intervals
constexpr double kShortestInterval = 7;              ///< days: a short log knows no longer gaps
constexpr double kShopIntervals = 3;                 ///< of the shop's, that count beside a person's own

struct Interest {
  std::string name;
  double weight = 0;
  bool stated = false;
};

/// What is known of a customer's liking of reduced products.
struct Promotion {
  std::int64_t reduced = 0, of = 0;
  double share = 0;  ///< shrunk towards the shop's
  double shop_share = 0;
  int sensitivity = 0;  ///< 1 high, -1 low, 0 neither
};

struct Features {
  Purchases purchases;
  std::optional<std::int64_t> days_since_purchase, days_since_activity;
  int recency_score = 0, frequency_score = 0, monetary_score = 0;  ///< 1 to 5, 0: not known
  std::vector<Interest> interests, brands;
  std::optional<PriceBand> price_band;
  std::vector<std::pair<std::string, PriceBand>> price_bands;  ///< by category, of the interests
  std::optional<Promotion> promotion;
  std::string price_sensitivity;  ///< "high", "low" or ""
  std::optional<LifeCycle> life_cycle;
  std::string member_level;
  Opinions opinions;
  std::size_t acts = 0;  ///< events, of which fewer than kFewestActs are a cold start
};
constexpr std::size_t kFewestActs = 3;

Features features_of(const History& history, const Shop& shop, const Catalogue& catalogue,
                     const OpinionReader& reader, const FeatureOptions& options);
/// The record of the table `feature`.
io::Json record_of(const Features& features, const Catalogue& catalogue);
/// A sentence for each feature that is there: {"zh": {"recency": "…", …}, "en": {…}}.
io::Json explanations_of(const Features& features, const Catalogue& catalogue);

}  // namespace adlib::copywriter
