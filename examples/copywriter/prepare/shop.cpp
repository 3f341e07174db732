#include "copywriter/prepare/shop.h"

#include <algorithm>
#include <limits>

namespace adlib::copywriter {
namespace {

// As much as Money can hold; sums stay there.
constexpr std::int64_t kMostMoney = std::int64_t{1'000'000'000'000} * 10'000;

}  // namespace

std::optional<std::int32_t> Purchases::currency() const {
  std::optional<std::int32_t> most;
  std::int64_t count = 0;
  for (const auto& [currency, sum] : spent) {
    if (sum.second > count) most = currency, count = sum.second;
  }
  return most;
}

Purchases purchases_of(const History& history) {
  Purchases out;
  std::int64_t day = std::numeric_limits<std::int64_t>::min();
  for (const Act& act : history.acts) {
    if (!act.bought()) continue;
    ++out.products;
    if (act.goods.price != kNoPrice) {
      ++out.priced;
      out.reduced += act.reduced() ? 1 : 0;
      auto& [sum, count] = out.spent[act.goods.currency];
      sum = std::min(sum + act.goods.price, kMostMoney);
      ++count;
    }
    if (!act.dated()) continue;
    if (out.orders == 0) out.first = act.time;
    out.last = act.time;
    if (act.time / kDay != day) ++out.orders;
    day = act.time / kDay;
  }
  return out;
}

void BetaPriorEstimate::add(std::int64_t k, std::int64_t n) {
  if (n == 0) return;
  const auto kd = static_cast<double>(k), nd = static_cast<double>(n);
  counts_ += 1;
  k_ += kd;
  n_ += nd;
  n2_ += nd * nd;
  k2_over_n_ += kd * kd / nd;
}

std::optional<BetaPrior> BetaPriorEstimate::prior() const {
  if (k_ == 0 || k_ == n_) return {};
  const double m = k_ / n_;
  const double spread = (k2_over_n_ - 2 * m * k_ + m * m * n_) / (m * (1 - m));
  const double room = n_ - n2_ / n_ - (counts_ - 1);
  const double correlation = room > 0 ? std::clamp((spread - (counts_ - 1)) / room, 0.001, 0.5) : 0.5;
  return BetaPrior{m, 1 / correlation - 1};
}

void Shop::add(const Purchases& purchases) {
  if (purchases.dated()) {
    last_.push_back(purchases.last);
    orders_.push_back(purchases.orders);
    interval_sum_ += purchases.span_days();
    intervals_ += purchases.orders - 1;
  }
  if (const auto currency = purchases.currency())
    spent_[*currency].push_back(purchases.spent.at(*currency).first);
  promotion_estimate_.add(purchases.reduced, purchases.priced);
}

void Shop::finish() {
  std::sort(last_.begin(), last_.end());
  std::sort(orders_.begin(), orders_.end());
  for (auto& [currency, sums] : spent_) std::sort(sums.begin(), sums.end());
  if (intervals_ >= kFewestIntervals) interval_ = interval_sum_ / static_cast<double>(intervals_);
  promotion_ = promotion_estimate_.prior();
}

int Shop::score(const std::vector<std::int64_t>& sorted, std::int64_t value) {
  if (sorted.empty()) return 1;
  const auto below = std::lower_bound(sorted.begin(), sorted.end(), value) - sorted.begin();
  return 1 + static_cast<int>(5 * below / static_cast<std::ptrdiff_t>(sorted.size()));
}

int Shop::monetary_score(std::int32_t currency, std::int64_t spent) const {
  const auto found = spent_.find(currency);
  return found == spent_.end() ? 1 : score(found->second, spent);
}

}  // namespace adlib::copywriter
