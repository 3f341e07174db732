// tests/campaign/shops.h: shops whose customers' tastes are known, because they were drawn.
#pragma once

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "campaign/support.h"

namespace adlib::test {

struct ShopPlan {
  int customers = 1500, products = 400, tastes = 20, events = 15'000;
  double noise = 0.3;  ///< share of events that no taste explains
  std::uint64_t seed = 1;
  int reviews = 0;
};

/// Draws numbers with probabilities that fall as 1 / (1 + i).
class Skewed {
 public:
  explicit Skewed(int count) {
    double sum = 0;
    for (int i = 0; i < count; ++i) sums_.push_back(sum += 1.0 / (1 + i));
  }
  int operator()(std::mt19937_64& random) const {
    const double at = sums_.back() * (static_cast<double>(random() >> 11) * 0x1p-53);
    return static_cast<int>(std::upper_bound(sums_.begin(), sums_.end(), at) - sums_.begin());
  }

 private:
  std::vector<double> sums_;
};

/// A shop in which each product has one of the tastes, each customer one too, and popularity is skewed: an
/// event is of the customer's taste, or with probability `noise` of any. Every product is listed.
inline void plant_shop(const copywriter::Store& store, const ShopPlan& plan, std::int64_t now) {
  std::mt19937_64 random(plan.seed);
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<std::uint64_t>(n)); };
  copywriter::Transaction transaction(store.database());
  std::vector<std::int64_t> products, customers;
  for (int i = 0; i < plan.products; ++i) {
    const std::string id = std::to_string(i), price = std::to_string(10 + below(500));
    io::Json record{{"title", "product " + id},
                    {"category", "category " + std::to_string(i % plan.tastes)},
                    {"brand", "brand " + std::to_string(below(50))},
                    {"price", price},
                    {"currency", "CNY"}};
    if (below(3) == 0) record["compare_at_price"] = std::to_string(600 + below(100));
    products.push_back(add_product(store, "p" + id, record));
  }
  for (int i = 0; i < plan.customers; ++i) customers.push_back(add_user(store, "c" + std::to_string(i)));
  const Skewed of_taste(plan.products / plan.tastes), of_all(plan.products);
  copywriter::Statement event =
      store.prepare("INSERT OR IGNORE INTO event(user, time, product, behaviour) VALUES (?, ?, ?, ?)");
  for (int i = 0; i < plan.events; ++i) {
    const int customer = below(plan.customers), taste = customer % plan.tastes;
    const bool noisy = static_cast<double>(random() >> 11) * 0x1p-53 < plan.noise;
    const int product = noisy ? of_all(random) : of_taste(random) * plan.tastes + taste;
    const std::int64_t time = now - 1 - static_cast<std::int64_t>(random() % (60 * 86400));
    event.run(customers[static_cast<std::size_t>(customer)], time,
              products[static_cast<std::size_t>(product)],
              std::vector{0, 0, 0, 0, 1, 2, 2, 3, 3, 3}[static_cast<std::size_t>(below(10))]);
  }
  copywriter::Statement review =
      store.prepare("INSERT INTO review(user, product, time, rating, text, hash) VALUES (?, ?, ?, 4, ?, ?)");
  for (int i = 0; i < plan.reviews; ++i) {
    review.run(customers[static_cast<std::size_t>(below(plan.customers))], products.front(), now - 1 - i,
               i % 2 == 0 ? "质量很好，物流也快，就是包装有点简陋。"
                          : "Great quality, but it runs small and the box was crushed.",
               i);
  }
  transaction.commit();
}

/// 200,000 customers, 50,000 products, 1,000,000 events, 50,000 reviews.
inline ShopPlan large_shop() {
  return {.customers = 200'000, .products = 50'000, .tastes = 200, .events = 1'000'000, .reviews = 50'000};
}

}  // namespace adlib::test
