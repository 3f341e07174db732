#include "copywriter/prepare/features.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <unordered_map>

namespace adlib::copywriter {
namespace {

// A purchase says most of a liking, a look least.
constexpr std::array<double, 4> kWeights{1, 2, 3, 5};
constexpr std::int64_t kFewestPriced = 3;  // events with a price band, to tell a customer's

double days_between(std::int64_t from, std::int64_t to) {
  return static_cast<double>(to - from) / static_cast<double>(kDay);
}

// What is undated counts as if it were one half-life old.
double weight_of(const Act& act, const FeatureOptions& options) {
  const double age = act.dated() ? days_between(act.time, options.now) / options.half_life_days : 1;
  return kWeights[static_cast<std::size_t>(act.behaviour)] * std::exp2(-age);
}

double rounded(double value) { return std::round(value * 1e4) / 1e4; }

using Sums = std::map<std::int32_t, double>;

std::vector<Interest> normalised(const Sums& sums, const Names& names) {
  double all = 0;
  for (const auto& [number, sum] : sums) all += sum;
  std::vector<Interest> out;
  if (all <= 0) return out;  // so long ago that nothing is left of it
  for (const auto& [number, sum] : sums) out.push_back({names.at(number), sum / all, false});
  return out;
}

void keep_heaviest(std::vector<Interest>& interests, std::size_t count) {
  for (Interest& interest : interests) interest.weight = rounded(interest.weight);
  std::sort(interests.begin(), interests.end(), [](const Interest& a, const Interest& b) {
    return a.weight != b.weight ? a.weight > b.weight : a.name < b.name;
  });
  if (interests.size() > count) interests.resize(count);
}

// Half of the weight is what they said, half what they did, where both are known.
void merge_stated(std::vector<Interest>& interests, const std::vector<std::string>& stated) {
  if (stated.empty()) return;
  const bool both = !interests.empty();
  if (both) {
    for (Interest& interest : interests) interest.weight /= 2;
  }
  const double each = (both ? 0.5 : 1.0) / static_cast<double>(stated.size());
  for (const std::string& name : stated) {
    auto known = std::find_if(interests.begin(), interests.end(),
                              [&](const Interest& interest) { return interest.name == name; });
    if (known == interests.end()) known = interests.insert(known, {name, 0, true});
    known->weight += each;
    known->stated = true;
  }
}

using BandWeights = std::array<double, 3>;

PriceBand heaviest(const BandWeights& weights) {
  const auto& [low, middle, high] = weights;
  if (low > middle && low > high) return PriceBand::low;
  return high > middle && high > low ? PriceBand::high : PriceBand::middle;
}

void add_price_bands(Features& features, const History& history, const Catalogue& catalogue,
                     const FeatureOptions& options) {
  BandWeights all{};
  std::int64_t count = 0;
  std::map<std::string, BandWeights> by_category;
  for (const Act& act : history.acts) {
    const auto band = catalogue.band(act.goods.category, act.goods.currency, act.goods.price);
    if (!band) continue;
    ++count;
    const double weight = weight_of(act, options);
    all[static_cast<std::size_t>(*band)] += weight;
    by_category[catalogue.categories.at(act.goods.category)][static_cast<std::size_t>(*band)] += weight;
  }
  if (count >= kFewestPriced) features.price_band = heaviest(all);
  for (const Interest& interest : features.interests) {
    const auto found = by_category.find(interest.name);
    if (found != by_category.end()) features.price_bands.emplace_back(interest.name, heaviest(found->second));
  }
}

// Above or below the shop's share by what a posterior of this width leaves to chance one time in five.
std::optional<Promotion> promotion_of(const Purchases& purchases, const Shop& shop) {
  if (!shop.promotion() || purchases.priced == 0) return {};
  constexpr double kOneInFive = 0.8416;  // the standard normal's 80th percentile
  const BetaPrior prior = *shop.promotion();
  const double of = static_cast<double>(purchases.priced) + prior.strength;
  const double share = (static_cast<double>(purchases.reduced) + prior.mean * prior.strength) / of;
  const double deviation = std::sqrt(share * (1 - share) / (of + 1));
  Promotion out{purchases.reduced, purchases.priced, share, prior.mean, 0};
  if (share - kOneInFive * deviation > prior.mean) out.sensitivity = 1;
  if (share + kOneInFive * deviation < prior.mean) out.sensitivity = -1;
  return out;
}

std::string price_sensitivity_of(const Features& features) {
  int sensitivity = features.promotion ? features.promotion->sensitivity : 0;
  if (sensitivity == 0 && features.price_band) {
    if (*features.price_band == PriceBand::low) sensitivity = 1;
    if (*features.price_band == PriceBand::high) sensitivity = -1;
  }
  return sensitivity > 0 ? "high" : sensitivity < 0 ? "low" : "";
}

std::optional<LifeCycle> life_cycle_of(const Purchases& purchases, const History& history, const Shop& shop,
                                       std::int64_t now) {
  const auto first_dated =
      std::find_if(history.acts.begin(), history.acts.end(), [](const Act& act) { return act.dated(); });
  if (first_dated == history.acts.end()) return {};
  LifeCycle out;
  out.by_purchases = purchases.dated();
  const std::int64_t first = out.by_purchases ? purchases.first : first_dated->time;
  const std::int64_t last = out.by_purchases ? purchases.last : history.acts.back().time;
  const double gaps = out.by_purchases ? static_cast<double>(purchases.orders - 1) : 0;
  const double own_days = out.by_purchases ? purchases.span_days() : 0;
  out.interval_days = std::max(kShortestInterval,
                               (own_days + kShopIntervals * shop.interval_days()) / (gaps + kShopIntervals));
  out.days = (now - last) / kDay;
  const double since = static_cast<double>(out.days);
  const bool once = out.by_purchases ? purchases.orders == 1
                                     : days_between(first, now) <= kLapsingAfter * out.interval_days;
  out.stage = since > kLostAfter * out.interval_days      ? Stage::lost
              : since > kLapsingAfter * out.interval_days ? Stage::lapsing
              : once                                      ? Stage::fresh
                                                          : Stage::active;
  return out;
}

}  // namespace

const char* to_string(Stage stage) noexcept {
  constexpr std::array<const char*, 4> kStages{"new", "active", "lapsing", "lost"};
  return kStages[static_cast<std::size_t>(stage)];
}

Features features_of(const History& history, const Shop& shop, const Catalogue& catalogue,
                     const OpinionReader& reader, const FeatureOptions& options) {
  Features out;
  out.acts = history.acts.size();
  out.member_level = history.customer.member_level;
  out.purchases = purchases_of(history);
  if (!history.acts.empty() && history.acts.back().dated())
    out.days_since_activity = (options.now - history.acts.back().time) / kDay;
  if (out.purchases.dated()) {
    out.days_since_purchase = (options.now - out.purchases.last) / kDay;
    out.recency_score = shop.recency_score(out.purchases.last);
    out.frequency_score = shop.frequency_score(out.purchases.orders);
  }
  if (const auto currency = out.purchases.currency())
    out.monetary_score = shop.monetary_score(*currency, out.purchases.spent.at(*currency).first);

  Sums categories, brands;
  for (const Act& act : history.acts) {
    const double weight = weight_of(act, options);
    if (act.goods.category != Names::kNone) categories[act.goods.category] += weight;
    if (act.goods.brand != Names::kNone) brands[act.goods.brand] += weight;
  }
  out.interests = normalised(categories, catalogue.categories);
  merge_stated(out.interests, history.customer.interests);
  keep_heaviest(out.interests, options.interests);
  out.brands = normalised(brands, catalogue.brands);
  keep_heaviest(out.brands, options.interests);

  add_price_bands(out, history, catalogue, options);
  out.promotion = promotion_of(out.purchases, shop);
  out.price_sensitivity = price_sensitivity_of(out);
  out.life_cycle = life_cycle_of(out.purchases, history, shop, options.now);
  for (const std::string& review : history.reviews) reader.add(review, out.opinions);
  return out;
}

io::Json record_of(const Features& features, const Catalogue& catalogue) {
  io::Json record;
  if (features.days_since_activity) record["recency"]["days_since_activity"] = *features.days_since_activity;
  if (features.days_since_purchase) record["recency"]["days_since_purchase"] = *features.days_since_purchase;
  const Purchases& purchases = features.purchases;
  record["frequency"] = {{"orders", purchases.orders}, {"products", purchases.products}};
  for (const auto& [currency, sum] : purchases.spent) {
    io::Json amount{{"amount", money_from_ten_thousandths(sum.first, "").amount}, {"products", sum.second}};
    if (currency != Names::kNone) amount["currency"] = catalogue.currencies.at(currency);
    record["monetary"].push_back(std::move(amount));
  }
  if (features.recency_score > 0)
    record["rfm"] = {{"recency", features.recency_score}, {"frequency", features.frequency_score}};
  if (features.monetary_score > 0) record["rfm"]["monetary"] = features.monetary_score;

  for (const Interest& interest : features.interests) {
    io::Json one{{"name", interest.name}, {"weight", interest.weight}};
    if (interest.stated) one["stated"] = true;
    record["interests"].push_back(std::move(one));
  }
  for (const Interest& brand : features.brands)
    record["brands"].push_back({{"name", brand.name}, {"weight", brand.weight}});
  if (features.price_band) record["price_band"] = to_string(*features.price_band);
  for (const auto& [category, band] : features.price_bands)
    record["price_bands"].push_back({{"category", category}, {"band", to_string(band)}});
  if (const auto& promotion = features.promotion) {
    record["promotion"] = {{"reduced", promotion->reduced},
                           {"of", promotion->of},
                           {"share", rounded(promotion->share)},
                           {"shop_share", rounded(promotion->shop_share)},
                           {"sensitivity", promotion->sensitivity > 0   ? "high"
                                           : promotion->sensitivity < 0 ? "low"
                                                                        : "usual"}};
  }
  if (!features.price_sensitivity.empty()) record["price_sensitivity"] = features.price_sensitivity;
  if (const auto& life = features.life_cycle) {
    record["life_cycle"] = {{"stage", to_string(life->stage)},
                            {"basis", life->by_purchases ? "purchases" : "activity"},
                            {"days", life->days},
                            {"interval_days", rounded(life->interval_days)},
                            {"lapsing_after_days", rounded(kLapsingAfter * life->interval_days)},
                            {"lost_after_days", rounded(kLostAfter * life->interval_days)}};
  }
  if (!features.member_level.empty()) record["member_level"] = features.member_level;
  for (std::size_t i = 0; i < kAspects; ++i) {
    const int praise = features.opinions.praise[i], complaint = features.opinions.complaint[i];
    if (praise + complaint > 0) {
      record["opinions"].push_back(
          {{"aspect", aspect_names()[i].id}, {"praise", praise}, {"complaint", complaint}});
    }
  }
  record["cold_start"] = features.acts < kFewestActs;
  if (features.acts < kFewestActs) {
    record["cold_start_why"] = features.acts == 0 ? "no_events" : "few_events";
    record["fallback"] = {{"interests", features.interests.empty()          ? "none"
                                        : features.acts == 0                ? "stated"
                                        : features.interests.front().stated ? "stated"
                                                                            : "few_events"},
                          {"life_cycle", features.life_cycle ? "few_events" : "none"},
                          {"price_sensitivity", features.price_sensitivity.empty() ? "none" : "few_events"},
                          {"recommendation", features.acts == 0 ? "popular" : "item-to-item or popular"}};
  }
  record["explanations"] = explanations_of(features, catalogue);
  return record;
}

}  // namespace adlib::copywriter
