// Features: each against a value worked out by hand or a simulation.
#include <algorithm>
#include <iterator>
#include <random>
#include <sstream>

#include "campaign/shops.h"
#include "campaign/support.h"
#include "copywriter/prepare/pairs.h"
#include "copywriter/prepare/prepare.h"
#include "copywriter/store/records.h"

namespace {

using namespace adlib;
using namespace adlib::copywriter;
using adlib::test::NewStore;

constexpr std::int64_t kMidnight = 1'700'000'000 - 1'700'000'000 % kDay;

std::filesystem::path lexicon() { return test::source_dir() / "examples/copywriter/prepare/lexicon"; }

PrepareSummary prepare_at(const Store& store, std::int64_t now = kMidnight, double half_life = 30) {
  PrepareOptions options;
  options.features.now = now;
  options.features.half_life_days = half_life;
  options.lexicon = lexicon();
  return prepare(store, options);
}

io::Json feature_of(const Store& store, std::int64_t user) {
  Statement find = store.prepare("SELECT record FROM feature WHERE user = ?");
  REQUIRE(find.with(user).step());
  return io::parse_json(find.text(0), "feature");
}

io::Json product(const std::string& title, const std::string& category, const std::string& brand,
                 const std::string& price, const std::string& before = {}) {
  io::Json record{
      {"title", title}, {"category", category}, {"brand", brand}, {"price", price}, {"currency", "CNY"}};
  if (!before.empty()) record["compare_at_price"] = before;
  return record;
}

double weight_of(const io::Json& list, const std::string& name) {
  for (const io::Json& one : list) {
    if (one.at("name") == name) return one.at("weight").get<double>();
  }
  return 0;
}

TEST_CASE("recency, frequency and money are those of the purchases up to now", "[prepare]") {
  const NewStore store;
  const auto tea = test::add_product(*store, "tea", product("山序 红茶", "茶叶", "山序", "68.10"));
  const auto mug = test::add_product(
      *store, "mug", {{"title", "Mug"}, {"category", "cups"}, {"price", "9.95"}, {"currency", "USD"}});
  const auto user = test::add_user(*store, "c-1");
  test::add_event(*store, user, tea, 3, kMidnight - 40 * kDay);
  test::add_event(*store, user, tea, 3, kMidnight - 12 * kDay);
  test::add_event(*store, user, mug, 3, kMidnight - 12 * kDay);
  test::add_event(*store, user, tea, 0, kMidnight - 3 * kDay);
  test::add_event(*store, user, tea, 3, kMidnight + 1);  // not yet
  store->prepare("UPDATE event SET price = '50.05' WHERE time = ?").run(kMidnight - 40 * kDay);
  prepare_at(*store);
  const io::Json record = feature_of(*store, user);
  CHECK(record.at("recency") == io::Json{{"days_since_purchase", 12}, {"days_since_activity", 3}});
  CHECK(record.at("frequency") == io::Json{{"orders", 2}, {"products", 3}});
  CHECK(record.at("monetary") ==
        io::Json::array({{{"amount", "9.95"}, {"currency", "USD"}, {"products", 1}},
                         {{"amount", "118.15"}, {"currency", "CNY"}, {"products", 2}}}));
  const io::Json& zh = record.at("explanations").at("zh");
  CHECK(zh.at("recency") == "最近一次购买在12天前。");
  CHECK(record.at("explanations").at("en").at("recency") == "Last bought 12 days ago.");
  CHECK(zh.at("monetary") == "累计消费9.95美元、118.15元。");
}

TEST_CASE("RFM scores are fifths of the buyers, and equal buyers have equal scores", "[prepare]") {
  Shop shop;
  for (std::int64_t i = 0; i < 100; ++i) {
    Purchases purchases;
    purchases.orders = 1 + i / 50;  // half of them once, half twice
    purchases.first = purchases.last = i * kDay;
    purchases.spent[0] = {i * 10'000, 1};
    shop.add(purchases);
  }
  shop.finish();
  CHECK(shop.recency_score(0) == 1);
  CHECK(shop.recency_score(19 * kDay) == 1);
  CHECK(shop.recency_score(20 * kDay) == 2);
  CHECK(shop.recency_score(99 * kDay) == 5);
  CHECK(shop.frequency_score(1) == 1);
  CHECK(shop.frequency_score(2) == 3);
  CHECK(shop.monetary_score(0, 60 * 10'000) == 4);
  CHECK(shop.monetary_score(1, 60 * 10'000) == 1);  // nobody pays in that currency
}

TEST_CASE("interests decay by half each half-life, weigh by behaviour and sum to one", "[prepare]") {
  const NewStore store;
  const auto tea = test::add_product(*store, "tea", product("红茶", "茶叶", "山序", "68"));
  const auto cup = test::add_product(*store, "cup", product("盖碗", "茶具", "素陶", "88"));
  const auto user = test::add_user(*store, "c-1"),
             told = test::add_user(*store, "c-2", {{"interests", {"登山", "茶具"}}});
  for (const auto who : {user, told}) {
    test::add_event(*store, who, tea, 3, kMidnight - 30 * kDay);  // 5 / 2
    test::add_event(*store, who, tea, 0, kMidnight - 60 * kDay);  // 1 / 4
    test::add_event(*store, who, cup, 2, kMidnight);              // 3
    test::add_event(*store, who, cup, 1, kMidnight - 90 * kDay);  // 2 / 8
  }
  prepare_at(*store);
  const io::Json record = feature_of(*store, user);
  const io::Json& interests = record.at("interests");
  REQUIRE(interests.size() == 2);
  CHECK(interests[0].at("name") == "茶具");
  CHECK(interests[0].at("weight").get<double>() == Approx(3.25 / 6).margin(5e-5));
  CHECK(weight_of(interests, "茶叶") == Approx(2.75 / 6).margin(5e-5));
  CHECK(weight_of(record.at("brands"), "素陶") == Approx(3.25 / 6).margin(5e-5));

  const io::Json merged = feature_of(*store, told).at("interests");  // half said, half done
  CHECK(weight_of(merged, "茶具") == Approx(0.5 * 3.25 / 6 + 0.25).margin(1e-4));
  CHECK(weight_of(merged, "登山") == Approx(0.25).margin(1e-4));
  CHECK(std::is_sorted(merged.begin(), merged.end(), [](const io::Json& a, const io::Json& b) {
    return a.at("weight").get<double>() > b.at("weight").get<double>();
  }));
  StoredCustomers customers(*store);  // what write reads
  CHECK(customers.read(user).interests == std::vector<std::string>{"茶具", "茶叶"});
}

TEST_CASE("price bands are thirds of a category's listed prices", "[prepare]") {
  const NewStore store;
  std::vector<std::int64_t> teas, pots;
  for (int i = 1; i <= 9; ++i) {
    const std::string id = std::to_string(i);
    teas.push_back(test::add_product(*store, "t" + id, product("茶" + id, "茶叶", "", id + "0")));
    pots.push_back(test::add_product(*store, "p" + id, product("壶" + id, "茶具", "", id + "00")));
  }
  const auto few = test::add_product(*store, "x", product("伞", "雨具", "", "10"));
  const auto thrifty = test::add_user(*store, "low"), lavish = test::add_user(*store, "high"),
             unknown = test::add_user(*store, "none");
  for (int i = 0; i < 3; ++i) {
    test::add_event(*store, thrifty, pots[static_cast<std::size_t>(i)], 0,
                    kMidnight - i);  // dear, but not for pots
    test::add_event(*store, lavish, teas[static_cast<std::size_t>(6 + i)], 0, kMidnight - i);
    test::add_event(*store, unknown, few, 0, kMidnight - i);
  }
  const Catalogue catalogue(*store);
  const auto band = [&](std::size_t i) {
    const Goods& goods = *catalogue.find(teas[i]);
    return *catalogue.band(goods.category, goods.currency, goods.price);
  };
  for (std::size_t i = 0; i < 9; ++i) CHECK(band(i) == static_cast<PriceBand>(i / 3));
  prepare_at(*store);
  CHECK(feature_of(*store, thrifty).at("price_band") == "low");
  CHECK(feature_of(*store, thrifty).at("price_sensitivity") == "high");
  CHECK(feature_of(*store, lavish).at("price_band") == "high");
  CHECK(feature_of(*store, lavish).at("price_sensitivity") == "low");
  CHECK(!feature_of(*store, unknown).contains("price_band"));
  CHECK(!feature_of(*store, unknown).contains("price_sensitivity"));
}

TEST_CASE("the prior of shares is found again in shares that were drawn from it", "[prepare]") {
  std::mt19937_64 random(7);
  std::gamma_distribution<double> a(2, 1), b(6, 1);
  BetaPriorEstimate estimate;
  for (int i = 0; i < 20'000; ++i) {
    const double x = a(random), share = x / (x + b(random));
    const std::int64_t n = 1 + static_cast<std::int64_t>(random() % 20);
    estimate.add(std::binomial_distribution<std::int64_t>(n, share)(random), n);
  }
  REQUIRE(estimate.prior());
  CHECK(estimate.prior()->mean == Approx(0.25).epsilon(0.03));
  CHECK(estimate.prior()->strength == Approx(8).epsilon(0.08));
  BetaPriorEstimate all_alike;  // binomial draws of one share: all of the spread is chance
  for (int i = 0; i < 20'000; ++i)
    all_alike.add(std::binomial_distribution<std::int64_t>(10, 0.25)(random), 10);
  CHECK(all_alike.prior()->strength > 200);
  BetaPriorEstimate never;
  never.add(0, 10);
  CHECK(!never.prior());
}

TEST_CASE("who buys mostly what is reduced is sensitive to promotions, one such purchase proves nothing",
          "[prepare]") {
  const NewStore store;
  std::vector<std::int64_t> reduced, full;
  for (int i = 0; i < 20; ++i) {
    const std::string id = std::to_string(i);
    reduced.push_back(test::add_product(*store, "r" + id, product("r" + id, "", "", "80", "100")));
    full.push_back(test::add_product(*store, "f" + id, product("f" + id, "", "", "80")));
  }
  const auto buy = [&](std::int64_t user, const std::vector<std::int64_t>& products, std::size_t from,
                       std::size_t to) {
    for (std::size_t i = from; i < to; ++i)
      test::add_event(*store, user, products[i], 3, kMidnight - static_cast<std::int64_t>(i) * kDay);
  };
  for (int i = 0; i < 100; ++i) {  // the others: a quarter, more or less
    const auto user = test::add_user(*store, "u" + std::to_string(i));
    buy(user, reduced, 0, static_cast<std::size_t>(i % 5));
    buy(user, full, 5, 13 - static_cast<std::size_t>(i % 5));
  }
  const auto hunter = test::add_user(*store, "hunter"), once = test::add_user(*store, "once"),
             never = test::add_user(*store, "never");
  buy(hunter, reduced, 0, 15);
  buy(once, reduced, 0, 1);
  buy(never, full, 0, 20);
  prepare_at(*store);
  CHECK(feature_of(*store, hunter).at("promotion").at("sensitivity") == "high");
  CHECK(feature_of(*store, hunter).at("price_sensitivity") == "high");
  CHECK(feature_of(*store, once).at("promotion").at("sensitivity") == "usual");
  CHECK(feature_of(*store, never).at("promotion").at("sensitivity") == "low");
  const io::Json promotion = feature_of(*store, hunter).at("promotion");
  CHECK(promotion.at("reduced") == 15);
  CHECK(promotion.at("share").get<double>() < 1);  // shrunk
  CHECK(promotion.at("share").get<double>() > promotion.at("shop_share").get<double>());
}

TEST_CASE("the life cycle goes by the person's own rhythm and the shop's", "[prepare]") {
  const NewStore store;
  const auto tea = test::add_product(*store, "tea");
  for (int i = 0; i < 30; ++i) {  // the shop: an order every ten days
    const auto user = test::add_user(*store, "u" + std::to_string(i));
    test::add_event(*store, user, tea, 3, kMidnight - 10 * kDay);
    test::add_event(*store, user, tea, 3, kMidnight - 20 * kDay);
  }
  const auto customer = [&](const char* id, std::initializer_list<int> days, int behaviour = 3) {
    const auto user = test::add_user(*store, id);
    for (const int ago : days) test::add_event(*store, user, tea, behaviour, kMidnight - ago * kDay);
    return user;
  };
  // One order: T is the shop's, (30 · 10 + 600) / 42 = 21.43 days; lapsing after 42.86, lost after 85.71.
  const auto fresh = customer("new", {42}), lapsing = customer("lapsing", {43}),
             still = customer("still", {85}), lost = customer("lost", {86});
  // Their own twelve gaps of 50 days: the shop's mean becomes (30 · 10 + 600) / 42, theirs (600 + 3 · that)
  // / 15.
  const auto slow = customer("slow", {60, 110, 160, 210, 260, 310, 360, 410, 460, 510, 560, 610, 660});
  const auto looker = customer("looker", {100, 1}, 0);
  prepare_at(*store);
  const double shop = (30.0 * 10 + 600) / 42;
  const auto life = [&](std::int64_t user) { return feature_of(*store, user).at("life_cycle"); };
  CHECK(life(fresh).at("stage") == "new");
  CHECK(life(fresh).at("interval_days").get<double>() == Approx(shop).margin(1e-3));
  CHECK(life(lapsing).at("stage") == "lapsing");
  CHECK(life(still).at("stage") == "lapsing");
  CHECK(life(lost).at("stage") == "lost");
  CHECK(life(slow).at("interval_days").get<double>() == Approx((600 + 3 * shop) / 15).margin(1e-3));
  CHECK(life(slow).at("stage") == "active");  // 60 days are no long time for them
  CHECK(life(looker).at("basis") == "activity");
  CHECK(life(looker).at("stage") == "active");
  CHECK(feature_of(*store, slow)
            .at("explanations")
            .at("en")
            .at("life_cycle")
            .get<std::string>()
            .starts_with("Active: 60 days since the last purchase"));
}

TEST_CASE("a cold start is named, with what stands in", "[prepare]") {
  const NewStore store;
  const auto tea = test::add_product(*store, "tea", product("红茶", "茶叶", "", "68"));
  const auto nothing = test::add_user(*store, "nothing"),
             said = test::add_user(*store, "said", {{"interests", {"茶"}}}),
             little = test::add_user(*store, "little"), known = test::add_user(*store, "known");
  test::add_event(*store, little, tea, 0, kMidnight - 1);
  for (int i = 0; i < 3; ++i) test::add_event(*store, known, tea, 0, kMidnight - i);
  const PrepareSummary summary = prepare_at(*store);
  CHECK(summary.customers == 4);
  CHECK(summary.cold_starts == 3);
  CHECK(feature_of(*store, nothing).at("cold_start_why") == "no_events");
  CHECK(feature_of(*store, nothing).at("fallback").at("interests") == "none");
  CHECK(feature_of(*store, said).at("fallback").at("interests") == "stated");
  CHECK(feature_of(*store, little).at("cold_start_why") == "few_events");
  CHECK(feature_of(*store, known).at("cold_start") == false);
  CHECK(!feature_of(*store, known).contains("fallback"));
}

TEST_CASE("who opted out or is under 18 has no features, and loses those that were there", "[prepare]") {
  const NewStore store;
  const auto user = test::add_user(*store, "c-1"), minor = test::add_user(*store, "c-2", {{"age", 17}}),
             wish = test::add_user(*store, "c-3", {{"opt_out", true}});
  CHECK(prepare_at(*store).unprofiled == 2);
  CHECK(store->database().integer("SELECT count(*) FROM feature") == 1);
  store->prepare("UPDATE user SET personalised = 0 WHERE id = ?").run(user);
  const PrepareSummary summary = prepare_at(*store);
  CHECK(summary.unprofiled == 3);
  CHECK(summary.changed == 1);
  CHECK(store->database().integer("SELECT count(*) FROM feature") == 0);
  static_cast<void>(minor + wish);
}

TEST_CASE("age and gender are not copied into the features", "[prepare]") {
  const NewStore store;
  const auto user = test::add_user(*store, "c-1", {{"age", 34}, {"gender", "女"}, {"member_level", "金卡"}});
  prepare_at(*store);
  const std::string record = feature_of(*store, user).dump();
  CHECK(record.find("34") == std::string::npos);
  CHECK(record.find("女") == std::string::npos);
  CHECK(record.find("female") == std::string::npos);
  CHECK(feature_of(*store, user).at("member_level") == "金卡");
}

TEST_CASE("the events of a record count beside those of the log, with and without a date", "[prepare]") {
  const NewStore store;
  test::add_product(*store, "tea", product("山序 红茶", "茶叶", "山序", "68"));
  const auto user = test::add_user(*store, "c-1",
                                   {{"purchases",
                                     {{{"item", "tea"}, {"title", "tea"}, {"time", kMidnight - 5 * kDay}},
                                      "山序 红茶",
                                      {{"category", "登山"}, {"price", "9"}}}}});
  prepare_at(*store);
  const io::Json record = feature_of(*store, user);
  CHECK(record.at("frequency") == io::Json{{"orders", 1}, {"products", 3}});
  CHECK(record.at("recency").at("days_since_purchase") == 5);
  CHECK(record.at("monetary")[0].at("products").get<int>() +
            record.at("monetary")[1].at("products").get<int>() ==
        3);
  CHECK(weight_of(record.at("interests"), "茶叶") > weight_of(record.at("interests"), "登山"));
}

TEST_CASE("preparing again at the same time changes no byte", "[prepare]") {
  const NewStore store;
  const auto tea = test::add_product(*store, "tea", product("红茶", "茶叶", "", "68"));
  for (int i = 0; i < 20; ++i) {
    const auto user = test::add_user(*store, "u" + std::to_string(i));
    test::add_event(*store, user, tea, i % 4, kMidnight - i * kDay);
  }
  const auto bytes = [&] {
    std::ostringstream all;
    Statement rows = store->prepare("SELECT user, run, time, record FROM feature ORDER BY user");
    while (rows.step()) all << rows.integer(0) << rows.integer(1) << rows.integer(2) << rows.text(3) << "\n";
    return all.str();
  };
  CHECK(prepare_at(*store).changed == 20);
  const std::string first = bytes();
  CHECK(prepare_at(*store).changed == 0);
  CHECK(bytes() == first);
  CHECK(prepare_at(*store, kMidnight + kDay).changed == 20);
  CHECK(bytes() != first);
  CHECK(store->database().integer("SELECT count(*) FROM run WHERE finished IS NOT NULL") == 3);
}

TEST_CASE("a record that cannot be read is named, and the features stay as they were", "[prepare]") {
  const NewStore store;
  const auto user = test::add_user(*store, "c-1");
  prepare_at(*store);
  const std::string before = feature_of(*store, user).dump();
  const auto tea = test::add_product(*store, "tea");
  test::add_event(*store, user, tea, 3, kMidnight);
  const auto broken = test::add_user(*store, "c-2", {{"age", "old"}});
  CHECK_THAT(test::error_of([&] { prepare_at(*store); }),
             Catch::Contains("shop.db: user:" + std::to_string(broken)) && Catch::Contains("age"));
  CHECK(feature_of(*store, user).dump() == before);
  CHECK(store->database().integer("SELECT count(*) FROM run WHERE finished IS NULL") == 1);
}

TEST_CASE("a half-life of nothing and a lexicon with a mistake are refused by place", "[prepare]") {
  const NewStore store;
  CHECK_THAT(test::error_of([&] { prepare_at(*store, kMidnight, 0); }),
             Catch::Contains("expected more than 0"));
  const auto file = store.directory() / "zh.toml";
  test::write_text(file, "[[aspect]]\nid = \"quality\"\nwords = [\"质量\", \"质量\"]\n");
  CHECK_THAT(test::error_of([&] { OpinionLexicon{file}; }),
             Catch::Contains("zh.toml:3") && Catch::Contains("twice"));
  test::write_text(file, "[[aspect]]\nid = \"colour\"\nwords = [\"颜色\"]\n");
  CHECK_THAT(test::error_of([&] { OpinionLexicon{file}; }), Catch::Contains("zh.toml:2:6"));
}

std::string opinions_of(const OpinionReader& reader, const std::string& text) {
  Opinions opinions;
  reader.add(text, opinions);
  std::string out;
  for (std::size_t i = 0; i < kAspects; ++i) {
    const std::string name = aspect_names()[i].id;
    for (int n = 0; n < opinions.praise[i]; ++n) out += name + "+ ";
    for (int n = 0; n < opinions.complaint[i]; ++n) out += name + "- ";
  }
  return out;
}

TEST_CASE("negation turns a judgement round, and a clause keeps its own", "[prepare]") {
  const OpinionReader reader(lexicon());
  CHECK(opinions_of(reader, "质量很好，但是物流太慢。") == "quality+ delivery- ");
  CHECK(opinions_of(reader, "穿着不是很舒服") == "comfort- ");
  CHECK(opinions_of(reader, "没有异味") == "quality+ ");
  CHECK(opinions_of(reader, "物流和服务都很好") == "delivery+ service+ ");
  CHECK(opinions_of(reader, "今天收到了") == "");
  CHECK(opinions_of(reader, "Great price but poor workmanship.") == "quality- price+ ");
  CHECK(opinions_of(reader, "Not very comfortable.") == "comfort- ");
  CHECK(opinions_of(reader, "No problems with the delivery") == "delivery+ ");
  CHECK(opinions_of(reader, "It isn’t a bargain") == "price- ");
  CHECK(opinions_of(reader, "") == "");
}

// docs/features.md tells how the sentences came to be, and what a lexicon found that had not seen them.
TEST_CASE("the lexicons find most of what labelled sentences say, and little else", "[prepare]") {
  const OpinionReader reader(lexicon());
  const std::string language = GENERATE("zh", "en", "zh_seen", "en_seen");
  std::istringstream lines(test::read_text(test::data_dir() / "opinions" / (language + ".tsv")));
  std::string line, missed;
  int right = 0, found = 0, wanted = 0, sentences = 0;
  while (std::getline(lines, line)) {
    if (line.empty() || line[0] == '#') continue;
    ++sentences;
    const std::size_t tab = line.find('\t');
    std::istringstream labels(line.substr(tab + 1)), given(opinions_of(reader, line.substr(0, tab)));
    std::vector<std::string> want{std::istream_iterator<std::string>(labels), {}},
        have{std::istream_iterator<std::string>(given), {}};
    std::sort(want.begin(), want.end());
    std::sort(have.begin(), have.end());
    have.erase(std::unique(have.begin(), have.end()), have.end());
    std::vector<std::string> both;
    std::set_intersection(want.begin(), want.end(), have.begin(), have.end(), std::back_inserter(both));
    right += static_cast<int>(both.size());
    found += static_cast<int>(have.size());
    wanted += static_cast<int>(want.size());
    if (want != have) missed += line + "  ->  " + given.str() + "\n";
  }
  INFO(language << ": " << sentences << " sentences, " << right << " right of " << found << " found and "
                << wanted << " labelled\n"
                << missed);
  REQUIRE(sentences >= 60);
  CHECK(right >= 0.85 * found);
  CHECK(right >= 0.60 * wanted);
}

TEST_CASE("training pairs come from copy that did well and from what was bought", "[prepare]") {
  const NewStore store;
  io::Json tea = product("山序 红茶", "茶叶", "山序", "68");
  tea["description"] = "红茶来自山里的老树，汤色清亮，入口回甘。";
  const auto row = test::add_product(*store, "tea", tea);
  const auto add_copy = [&](int hash, const std::string& text, std::optional<int> sent,
                            std::optional<int> clicked) {
    store
        ->prepare(
            "INSERT INTO past_copy(hash, product, language, scene, channel, text, sent, clicked) "
            "VALUES (?, ?, 'zh', 'promotion', 'mi-push', ?, ?, ?)")
        .run(hash, row, text, sent, clicked);
  };
  add_copy(1, "老树红茶，泡一杯给下午。", 1000, 80);
  add_copy(2, "点开看看。", 1000, 10);
  add_copy(3, "全国最好的红茶，第一品牌！", 1000, 90);
  add_copy(4, "没有人知道它怎样。", {}, {});
  const auto user = test::add_user(*store, "c-1", {{"name", "早起的鸟"}, {"age", 34}, {"gender", "女"}});
  const auto cup = test::add_product(*store, "cup", product("素陶 盖碗", "茶具", "素陶", "88"));
  test::add_event(*store, user, cup, 0, kMidnight - 3 * kDay);
  test::add_event(*store, user, row, 0, kMidnight - 2 * kDay);
  test::add_event(*store, user, row, 3, kMidnight - kDay);
  const auto silent = test::add_user(*store, "c-2", {{"personalised", false}});
  test::add_event(*store, silent, row, 3, kMidnight);
  prepare_at(*store);

  std::vector<OrderedJson> pairs;
  const PairSummary summary =
      make_pairs(*store, {test::rules_dir(), {}}, [&](const OrderedJson& pair) { pairs.push_back(pair); });
  CHECK(summary.of_past_copy == 1);
  CHECK(summary.below_average == 1);
  CHECK(summary.banned == 1);
  CHECK(summary.without_outcome == 1);
  CHECK(summary.of_purchases == 1);
  REQUIRE(pairs.size() == 2);
  CHECK(pairs[0].at("completion") == "老树红茶，泡一杯给下午。");
  CHECK(pairs[0].at("prompt").get<std::string>().starts_with(
      "<|zh|><|scene|>promotion<|channel|>push<|product|>山序 红茶"));
  CHECK(pairs[0].at("key") == "tea");
  const auto prompt = pairs[1].at("prompt").get<std::string>();
  CHECK(pairs[1].at("completion").get<std::string>() == tea["description"].get<std::string>());
  CHECK(prompt.find("老树") == std::string::npos);     // what is to be written is not told
  CHECK(prompt.find("<|age|>") == std::string::npos);  // nobody allowed it
  CHECK(prompt.find("<|gender|>") == std::string::npos);
  CHECK(prompt.find("<|viewed|>素陶 盖碗") != std::string::npos);
  CHECK(prompt.find("<|bought|>") == std::string::npos);  // it had not been bought yet
  pairs.clear();
  make_pairs(*store, {test::rules_dir(), {"age"}}, [&](const OrderedJson& pair) { pairs.push_back(pair); });
  CHECK(pairs[1].at("prompt").get<std::string>().find("<|age|>34") != std::string::npos);
}

// 200,000 customers, 1,000,000 events: run by hand, with time and memory in docs/features.md.
TEST_CASE("a large shop is prepared", "[.][large]") {
  const NewStore store;
  test::plant_shop(*store, test::large_shop(), kMidnight);
  const PrepareSummary summary = prepare_at(*store);
  CHECK(summary.customers == 200'000);
  CHECK(prepare_at(*store).changed == 0);
}

}  // namespace
