// Recommendations: the arithmetic against brute force, the promise on shops whose tastes are known.
#include <cmath>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <sstream>

#include "campaign/shops.h"
#include "campaign/support.h"
#include "copywriter/collect/behaviour_log.h"
#include "copywriter/prepare/shop.h"
#include "copywriter/recommend/recommend.h"

namespace {

using namespace adlib;
using namespace adlib::copywriter;
using adlib::test::NewStore;

constexpr std::int64_t kNow = 1'700'000'000;

RecommendOptions options_at(std::int64_t now = kNow) {
  RecommendOptions options;
  options.interactions.now = now;
  return options;
}

std::string shown(const Interval& interval) {
  std::ostringstream out;
  out.precision(4);
  out << interval.mean << " [" << interval.low << ", " << interval.high << "]";
  return out.str();
}
std::string shown(const Evaluation& evaluation) {
  std::ostringstream out;
  out << evaluation.customers << " customers, " << evaluation.candidates << " candidates";
  const auto add = [&](const char* name, const Measure& measure) {
    out << "\n" << name << ": hit@10 " << shown(measure.hit) << ", NDCG@10 " << shown(measure.ndcg);
  };
  add("random", evaluation.random);
  add("popular", evaluation.popular);
  add("item-to-item", evaluation.item_to_item);
  add("item-to-item less popular", evaluation.over_popular);
  return out.str();
}

TEST_CASE("an interaction is the logarithm of decayed weights, and events to come do not count",
          "[recommend]") {
  const NewStore store;
  const auto user = test::add_user(*store, "c-1"), tea = test::add_product(*store, "tea"),
             cup = test::add_product(*store, "cup");
  test::add_event(*store, user, cup, 3, kNow - 90 * kDay);
  test::add_event(*store, user, tea, 0, kNow);
  test::add_event(*store, user, tea, 2, kNow - 180 * kDay);
  test::add_event(*store, user, cup, 3, kNow + 1);
  const EventLog log = read_event_log(*store, kNow);
  REQUIRE(log.events.size() == 3);
  const Interactions interactions = interactions_of(log, options_at().interactions);
  REQUIRE(interactions.entries.size() == 2);
  CHECK(interactions.entries[0].weight == Approx(std::log(1 + 1 + 3.0 / 4)));
  CHECK(interactions.entries[1].weight == Approx(std::log(1 + 5.0 / 2)));
}

TEST_CASE("neighbours are those of a dense cosine", "[recommend]") {
  std::mt19937_64 random(3);
  constexpr std::size_t users = 60, items = 25, kept = 7;
  std::vector<std::vector<double>> dense(users, std::vector<double>(items, 0));
  std::vector<bool> listed(items, true);
  listed[4] = listed[11] = false;
  Interactions interactions;
  interactions.items = items;
  interactions.begin.push_back(0);
  for (auto& row : dense) {
    for (std::size_t i = 0; i < items; ++i) {
      if (random() % 4 != 0) continue;
      row[i] = static_cast<float>(1 + random() % 1000) / 100.0F;
      interactions.entries.push_back({static_cast<std::int32_t>(i), static_cast<float>(row[i])});
    }
    interactions.begin.push_back(interactions.entries.size());
  }
  const double shrinkage = GENERATE(0.0, 10.0);
  const Neighbours neighbours(interactions, listed, {.neighbours = kept, .shrinkage = shrinkage});
  for (std::size_t i = 0; i < items; ++i) {
    std::vector<std::pair<double, std::int32_t>> want;
    for (std::size_t j = 0; j < items; ++j) {
      double dot = 0, a = 0, b = 0, common = 0;
      for (const auto& row : dense) {
        dot += row[i] * row[j];
        a += row[i] * row[i];
        b += row[j] * row[j];
        common += row[i] > 0 && row[j] > 0 ? 1 : 0;
      }
      if (i != j && listed[j] && dot > 0)
        want.emplace_back(-dot / std::sqrt(a * b) * common / (common + shrinkage),
                          static_cast<std::int32_t>(j));
    }
    std::sort(want.begin(), want.end());
    want.resize(std::min(want.size(), kept));
    const auto have = neighbours.of(static_cast<std::int32_t>(i));
    REQUIRE(have.size() == want.size());
    for (std::size_t k = 0; k < want.size(); ++k) {
      CHECK(have[k].item == want[k].second);
      CHECK(have[k].similarity == Approx(-want[k].first).epsilon(1e-5));
    }
  }
}

TEST_CASE("hit and NDCG are those that a hand computes", "[recommend]") {
  const NewStore store;
  std::vector<std::int64_t> products;
  for (int i = 0; i < 12; ++i) products.push_back(test::add_product(*store, "p" + std::to_string(100 + i)));
  for (int i = 0; i < 40; ++i) {
    // All know the first product only. Of the eleven others, which nobody knows, popularity ranks in their
    // order: the fourth product is third, the twelfth is eleventh.
    const auto user = test::add_user(*store, "u" + std::to_string(i));
    test::add_event(*store, user, products[0], 0, kNow - 3 * kDay);
    test::add_event(*store, user, products[i < 20 ? 3 : 11], 0, kNow - 2 * kDay);
    test::add_event(*store, user, products[0], 3, kNow - kDay);  // after the held-out meeting: not known
  }
  test::add_event(*store, test::add_user(*store, "one product"), products[0], 0, kNow);  // cannot be held out
  const Evaluation evaluation = evaluate(read_event_log(*store, kNow), options_at().interactions, {}, 1);
  CHECK(evaluation.customers == 40);
  CHECK(evaluation.candidates == Approx(11));
  CHECK(evaluation.popular.hit.mean == Approx(0.5));
  CHECK(evaluation.popular.ndcg.mean == Approx(0.5 * 1 / std::log2(1 + 3)));
  CHECK(evaluation.random.hit.mean == Approx(10.0 / 11));
  double random_ndcg = 0;
  for (int rank = 1; rank <= 10; ++rank) random_ndcg += 1 / std::log2(1.0 + rank) / 11;
  CHECK(evaluation.random.ndcg.mean == Approx(random_ndcg));
  // No two products were met by one customer: nothing is similar, and both methods say the same.
  CHECK(evaluation.over_popular.hit.low == 0);
  CHECK(evaluation.over_popular.hit.high == 0);
  CHECK(!evaluation.item_to_item_is_better);
}

TEST_CASE("bootstrap intervals are those of the normal approximation where it holds", "[recommend]") {
  std::mt19937_64 random(5);
  std::normal_distribution<double> normal(3, 2);
  std::vector<double> a(4000), same(4000), less(4000);
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    a[i] = normal(random);
    same[i] = 7;
    less[i] = a[i] - (a[i] - 1);
    sum += a[i];
    squares += a[i] * a[i];
  }
  const double n = static_cast<double>(a.size()), mean = sum / n,
               half = 1.96 * std::sqrt((squares / n - mean * mean) / n);
  const std::vector<std::vector<double>> columns{a, same, less};
  const auto intervals = bootstrap_means(columns, 11);
  CHECK(intervals[0].mean == Approx(mean));
  CHECK(intervals[0].low == Approx(mean - half).margin(0.1 * half));
  CHECK(intervals[0].high == Approx(mean + half).margin(0.1 * half));
  CHECK(intervals[1].low == 7);
  CHECK(intervals[2].low == Approx(1));  // a difference that never varies has no width
  CHECK(intervals[2].high == Approx(1));
  CHECK(bootstrap_means(columns, 11)[0].low == intervals[0].low);
  CHECK(bootstrap_means(columns, 12)[0].low != intervals[0].low);
  CHECK_THROWS_AS(bootstrap_means({}, 1), Error);
}

TEST_CASE("95 % intervals hold the truth about 95 times in 100", "[recommend]") {
  std::mt19937_64 random(9);
  int held = 0;
  for (int trial = 0; trial < 400; ++trial) {
    std::vector<double> hits(300);
    for (double& hit : hits) hit = random() % 10 == 0 ? 1 : 0;
    const std::vector<std::vector<double>> columns{hits};
    const auto interval = bootstrap_means(columns, static_cast<std::uint64_t>(trial), 400)[0];
    held += interval.low <= 0.1 && 0.1 <= interval.high ? 1 : 0;
  }
  CHECK(held >= 366);  // 380 less three standard deviations of 4.4, rounded down
}

TEST_CASE("where customers have tastes, item-to-item finds one and a half times as much as popularity",
          "[recommend]") {
  const NewStore store;
  test::plant_shop(*store, {}, kNow);
  const RecommendSummary summary = recommend(*store, options_at());
  REQUIRE(summary.evaluation);
  const Evaluation& evaluation = *summary.evaluation;
  CAPTURE(shown(evaluation));
  CHECK(evaluation.item_to_item.hit.mean >= 1.5 * evaluation.popular.hit.mean);
  CHECK(evaluation.item_to_item.ndcg.mean >= 1.5 * evaluation.popular.ndcg.mean);
  CHECK(evaluation.popular.hit.mean > evaluation.random.hit.mean);
  CHECK(evaluation.over_popular.hit.low > 0);
  CHECK(summary.method == Method::item_to_item);
  CHECK(summary.reason.find("finds more than popularity") != std::string::npos);
  CHECK(summary.customers == 1500);
  CHECK(summary.by_item_to_item > summary.recommendations / 2);
  CHECK(store->database().integer("SELECT count(*) FROM recommendation r JOIN event e ON e.user = r.user "
                                  "AND e.product = r.product AND e.behaviour = 3") == 0);
  // What speaks for a product is something of the customer's own.
  CHECK(store->database().integer(
            "SELECT count(*) FROM recommendation r WHERE because IS NOT NULL AND NOT EXISTS "
            "(SELECT 1 FROM event e WHERE e.user = r.user AND e.product = r.because)") == 0);
  CHECK(store->database().integer("SELECT count(*) FROM recommendation WHERE (method = 'popular') <> "
                                  "(because IS NULL)") == 0);
  // and mostly of the same taste
  const auto same = store->database().integer(
      "SELECT count(*) FROM recommendation r JOIN product p ON p.id = r.product JOIN product b ON b.id = "
      "r.because "
      "WHERE json_extract(p.record, '$.category') = json_extract(b.record, '$.category')");
  CHECK(static_cast<double>(same) > 0.6 * static_cast<double>(summary.by_item_to_item));

  const RecommendSummary again = recommend(*store, options_at());
  CHECK(again.changed == 0);
  CHECK(store->database().integer("SELECT count(DISTINCT run) FROM recommendation") == 1);
}

TEST_CASE("where products do not depend on customers, popularity is named and used", "[recommend]") {
  const NewStore store;
  test::ShopPlan plan;
  plan.noise = 1;
  test::plant_shop(*store, plan, kNow);
  const RecommendSummary summary = recommend(*store, options_at());
  CAPTURE(shown(*summary.evaluation));
  CHECK(summary.method == Method::popular);
  CHECK(summary.reason.find("no better than popularity") != std::string::npos);
  CHECK(summary.by_item_to_item == 0);
  CHECK(store->database().integer("SELECT count(*) FROM recommendation WHERE method <> 'popular'") == 0);
}

TEST_CASE("the Taobao log has no taste to find, and the report says so", "[recommend]") {
  const auto file = test::shared_dir() / "data/taobao_behavior/user_behavior.csv";
  if (!test::have(file)) return;
  const NewStore store;
  std::int64_t newest = 0;
  {
    std::ifstream in(file, std::ios::binary);
    CsvTable table(in, "user_behavior.csv");
    std::map<std::string, std::int64_t> users, items;
    Transaction transaction(store->database());
    Statement event = store->prepare(
        "INSERT OR IGNORE INTO event(user, time, product, behaviour, price) VALUES (?, ?, ?, ?, ?)");
    for_each_event(table, "user_behavior.csv", "CNY", [&](LogEvent&& one) {
      if (!users.contains(one.user)) users[one.user] = test::add_user(*store, one.user);
      if (!items.contains(one.event.item))
        items[one.event.item] = test::add_product(
            *store, one.event.item, {{"title", one.event.title}, {"category", one.event.category}});
      event.run(users[one.user], *one.event.time, items[one.event.item], static_cast<int>(one.behaviour),
                one.event.price ? std::optional(one.event.price->amount) : std::nullopt);
      newest = std::max(newest, *one.event.time);
    });
    transaction.commit();
  }
  const RecommendSummary summary = recommend(*store, options_at(newest));
  const Evaluation& evaluation = *summary.evaluation;
  CAPTURE(shown(evaluation));
  CHECK(summary.method == Method::popular);
  CHECK(summary.reason.find("no better than popularity") != std::string::npos);
  CHECK(summary.by_item_to_item == 0);
  for (const Measure& measure : {evaluation.random, evaluation.popular, evaluation.item_to_item}) {
    CHECK(measure.hit.mean > 0.045);
    CHECK(measure.hit.mean < 0.08);
  }
}

TEST_CASE("a customer without events gets what is popular, and who opted out is not told apart by it",
          "[recommend]") {
  const NewStore store;
  test::plant_shop(*store, {.customers = 200, .products = 60, .tastes = 6, .events = 2000}, kNow);
  const auto newcomer = test::add_user(*store, "new");
  const auto silent = test::add_user(*store, "silent", {{"opt_out", true}});
  const auto product = store->database().integer("SELECT min(id) FROM product");  // the most popular one
  test::add_event(*store, silent, product, 3, kNow - 5);
  RecommendOptions options = options_at();
  options.method = Method::item_to_item;
  options.evaluate = false;
  const RecommendSummary summary = recommend(*store, options);
  CHECK(!summary.evaluation);
  CHECK(summary.unpersonalised == 1);
  const auto list = [&](std::int64_t user) {
    std::vector<std::int64_t> products;
    Statement rows = store->prepare(
        "SELECT product FROM recommendation WHERE user = ? AND method = 'popular' "
        "AND because IS NULL ORDER BY rank");
    rows.with(user);
    while (rows.step()) products.push_back(rows.integer(0));
    return products;
  };
  REQUIRE(list(newcomer).size() == 5);
  CHECK(list(silent) == list(newcomer));  // not even what they bought makes a difference
  CHECK(list(newcomer).front() == product);
}

TEST_CASE("only listed products with a title are recommended, and shorter lists lose their ends",
          "[recommend]") {
  const NewStore store;
  const auto sold = test::add_product(*store, "sold"), next = test::add_product(*store, "next"),
             gone = test::add_product(*store, "gone"),
             untitled = test::add_product(*store, "untitled", io::Json::object());
  store->prepare("UPDATE product SET listed = 0 WHERE id = ?").run(gone);
  const auto user = test::add_user(*store, "c-1");
  for (int i = 0; i < 10; ++i) {
    const auto other = test::add_user(*store, "u" + std::to_string(i));
    for (const auto product : {sold, next, gone, untitled})
      test::add_event(*store, other, product, 0, kNow - i);
  }
  test::add_event(*store, user, gone, 0, kNow - 1);
  RecommendOptions options = options_at();
  options.method = Method::item_to_item;
  recommend(*store, options);
  Statement rows =
      store->prepare("SELECT product, because, method FROM recommendation WHERE user = ? ORDER BY rank");
  std::set<std::int64_t> products;
  rows.with(user);
  while (rows.step()) {
    products.insert(rows.integer(0));
    CHECK(rows.integer(1) == gone);  // what is no longer sold still speaks for others
    CHECK(rows.text(2) == "item-to-item");
  }
  CHECK(products == std::set{sold, next});
  test::add_event(*store, user, sold, 3, kNow);
  CHECK(recommend(*store, options).changed > 0);
  CHECK(
      store->prepare("SELECT 1 FROM recommendation WHERE user = ? AND product = ?").with(user, sold).step() ==
      false);
  store->prepare("UPDATE product SET listed = 0").run();  // a log alone: its products stand in
  CHECK(recommend(*store, options).from_events);
  CHECK(
      store->prepare("SELECT 1 FROM recommendation WHERE user = ? AND product = ?").with(user, next).step());
  store->prepare("UPDATE product SET record = '{}'").run();
  CHECK_THAT(test::error_of([&] { recommend(*store, options); }), Catch::Contains("no product has a title"));
  CHECK(store->database().integer("SELECT count(*) FROM recommendation") >
        0);  // the failed call took nothing
}

TEST_CASE("what was popular fades, and a purchase told by a record counts as bought", "[recommend]") {
  const NewStore store;
  const auto old_star = test::add_product(*store, "old", {{"title", "old star"}}),
             new_star = test::add_product(*store, "new", {{"title", "new star"}});
  for (int i = 0; i < 10; ++i) {
    const auto user = test::add_user(*store, "u" + std::to_string(i));
    test::add_event(*store, user, old_star, 0, kNow - 300 * kDay);
    if (i < 5) test::add_event(*store, user, new_star, 0, kNow - kDay);
  }
  const auto owner = test::add_user(*store, "owner", {{"purchases", {"new star"}}});
  const auto nobody = test::add_user(*store, "nobody");
  const auto first = [&](std::int64_t user) {
    Statement rows = store->prepare("SELECT product FROM recommendation WHERE user = ? AND rank = 1");
    REQUIRE(rows.with(user).step());
    return rows.integer(0);
  };
  RecommendOptions options = options_at();
  const RecommendSummary summary = recommend(*store, options);
  CHECK(summary.method == Method::popular);
  CHECK(summary.reason.find("too few customers to tell") != std::string::npos);
  CHECK(first(nobody) == new_star);
  CHECK(first(owner) == old_star);
  options.interactions.half_life_days = 0;
  recommend(*store, options);
  CHECK(first(nobody) == old_star);
}

TEST_CASE("measuring alone leaves the store as it is", "[recommend]") {
  const NewStore store;
  test::plant_shop(*store, {.customers = 100, .products = 50, .tastes = 5, .events = 1000}, kNow);
  const Store reader(store.file(), Store::Mode::read);
  RecommendOptions options = options_at();
  options.evaluate_only = true;
  CHECK(recommend(reader, options).evaluation->customers > 30);
  CHECK(store->database().integer("SELECT count(*) FROM recommendation") == 0);
  CHECK(store->database().integer("SELECT count(*) FROM run") == 0);
}

// Run by hand, with time and memory in docs/recommend.md.
TEST_CASE("a large shop gets its recommendations", "[.][large]") {
  const NewStore store;
  test::plant_shop(*store, test::large_shop(), kNow);
  const RecommendSummary summary = recommend(*store, options_at());
  WARN(shown(*summary.evaluation));
  CHECK(summary.customers == 200'000);
}

}  // namespace
