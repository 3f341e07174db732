#include <cmath>
#include <limits>

#include "adlib/core/random.h"
#include "campaign/support.h"
#include "copywriter/collect/collect.h"
#include "copywriter/measure/logistic.h"
#include "copywriter/measure/outcomes.h"
#include "copywriter/measure/results.h"
#include "copywriter/measure/sequential.h"

namespace {

using namespace adlib;
using namespace adlib::copywriter;
using adlib::test::NewStore;
using Catch::Contains;

const io::Json& goldens() {
  static const io::Json all = io::read_json(test::data_dir() / "campaign" / "statistics.json");
  return all;
}

TEST_CASE("intervals of rates are those of the literature and of statsmodels", "[measure][golden]") {
  // Newcombe 1998 prints 0.2553 to 0.3662 for 81 of 263.
  CHECK(wilson({81, 263}).low == Approx(0.2553).margin(5e-5));
  CHECK(wilson({81, 263}).high == Approx(0.3662).margin(5e-5));
  for (const io::Json& one : goldens()["wilson"]) {
    const Estimate rate = wilson({one[0], one[1]}, one[2]);
    CHECK(rate.low == Approx(one[3].get<double>()).margin(1e-12));
    CHECK(rate.high == Approx(one[4].get<double>()).margin(1e-12));
  }
  // And 0.0524 to 0.3339 for 56/70 - 48/80, method 10.
  CHECK(newcombe({56, 70}, {48, 80}).low == Approx(0.0524).margin(5e-5));
  CHECK(newcombe({56, 70}, {48, 80}).high == Approx(0.3339).margin(5e-5));
  for (const io::Json& one : goldens()["newcombe"]) {
    const Estimate difference = newcombe({one[0], one[1]}, {one[2], one[3]});
    CHECK(difference.low == Approx(one[4].get<double>()).margin(1e-9));
    CHECK(difference.high == Approx(one[5].get<double>()).margin(1e-9));
  }
  CHECK(wilson({0, 0}).high == 1);
  CHECK_THROWS_AS(wilson({3, 2}), Error);
  CHECK(normal_quantile(0.975) == Approx(1.959963984540054).epsilon(1e-12));
  CHECK_THROWS_AS(normal_quantile(1), Error);
}

TEST_CASE("Beta's distribution function is scipy's", "[measure][golden]") {
  for (const io::Json& one : goldens()["beta_cdf"])
    CHECK(Beta{one[0], one[1]}.cdf(one[2]) == Approx(one[3].get<double>()).margin(1e-11));
}

TEST_CASE("the chance of being the best is that of adaptive quadrature", "[measure][golden]") {
  for (const io::Json& one : goldens()["best"]) {
    std::vector<double> best;
    if (one.contains("beta")) {
      std::vector<Beta> rates;
      for (const io::Json& rate : one["beta"]) rates.push_back({rate[0], rate[1]});
      best = probability_best(std::span<const Beta>(rates));
    } else {
      std::vector<Normal> scores;
      for (const io::Json& score : one["normal"]) scores.push_back({score[0], score[1]});
      best = probability_best(std::span<const Normal>(scores));
    }
    for (std::size_t i = 0; i < best.size(); ++i)
      CHECK(best[i] == Approx(one["best"][i].get<double>()).margin(1e-9));
  }
}

TEST_CASE("of two Betas the closed form says which is higher how often", "[measure]") {
  // P(p_B > p_A) = Σ_{i<a_B} B(a_A + i, b_A + b_B) / ((b_B + i) B(1 + i, b_B) B(a_A, b_A)) for whole numbers.
  const auto log_beta = [](double a, double b) {
    return std::lgamma(a) + std::lgamma(b) - std::lgamma(a + b);
  };
  for (const auto& [a, b] : {std::pair(Beta{3, 9}, Beta{5, 8}), std::pair(Beta{12, 400}, Beta{1, 60}),
                             std::pair(Beta{700, 9300}, Beta{740, 9260})}) {
    double higher = 0;
    for (double i = 0; i < b.a; ++i)
      higher += std::exp(log_beta(a.a + i, a.b + b.b) - std::log(b.b + i) - log_beta(1 + i, b.b) -
                         log_beta(a.a, a.b));
    CHECK(probability_best(std::array{a, b})[1] == Approx(higher).margin(1e-9));
  }
}

TEST_CASE("a logistic posterior has scipy's mode and covariance", "[measure][golden]") {
  for (const io::Json& one : goldens()["logistic"]) {
    const auto prior = one["prior"].get<std::vector<double>>();
    LogisticPosterior posterior(prior, one["precision"]);
    posterior.learn(one["rows"].get<std::vector<double>>(),
                    one["outcomes"].get<std::vector<unsigned char>>());
    const std::size_t d = prior.size();
    for (std::size_t i = 0; i < d; ++i) {
      CHECK(posterior.mode()[i] == Approx(one["mode"][i].get<double>()).margin(1e-7));
      for (std::size_t j = 0; j < d; ++j) {  // eᵢ + eⱼ has variance Cᵢᵢ + Cⱼⱼ + 2 Cᵢⱼ
        std::vector<double> x(d);
        x[i] += 1;
        x[j] += 1;
        const auto c = [&](std::size_t a, std::size_t b) {
          return one["covariance"][a * d + b].get<double>();
        };
        const double variance = c(i, i) + c(j, j) + 2 * c(i, j), sd = posterior.score(x).deviation();
        CHECK(sd * sd == Approx(variance).epsilon(1e-6));
      }
    }
  }
  LogisticPosterior apart({0, 0}, 1e-3);  // what separates perfectly must not diverge
  apart.learn(std::vector<double>{1, -9, 1, -8, 1, 8, 1, 9}, std::vector<unsigned char>{0, 0, 1, 1});
  CHECK(std::isfinite(apart.mode()[1]));
  CHECK(apart.rate(std::array{1.0, 9.0}) > 0.99);
  CHECK_THROWS_AS(apart.learn(std::vector<double>{1}, std::vector<unsigned char>{1}), Error);
}

TEST_CASE("the evidence against no effect is a martingale: its mean over all sequences is 1", "[measure]") {
  for (const double p : {0.5, 0.9}) {
    double mean = 0;
    for (int sequence = 0; sequence < 1 << 10; ++sequence) {
      RateRatioTest test;
      double probability = 1;
      for (int i = 0; i < 10; ++i) {
        const bool got_copy = (sequence >> i & 1) != 0;
        test.add(got_copy, p);
        probability *= got_copy ? p : 1 - p;
      }
      mean += probability * std::exp(test.log_evidence());
    }
    CHECK(mean == Approx(1).epsilon(1e-9));
  }
}

// How often a shop without any effect is called significant by who looks after each conversion.
struct FalseAlarms {
  int sequential = 0, plain = 0, ratio_missed = 0, runs = 0;
};
FalseAlarms look_all_the_time(int runs, int conversions, double p) {
  FalseAlarms alarms;
  alarms.runs = runs;
  for (int run = 0; run < runs; ++run) {
    const Philox random(static_cast<std::uint64_t>(run), 77);
    RateRatioTest test;
    bool sequential = false, plain = false;
    double got_copy = 0;
    for (int n = 1; n <= conversions; ++n) {
      const bool got = random.uniform(static_cast<std::uint64_t>(n)) < p;
      got_copy += got ? 1 : 0;
      test.add(got, p);
      sequential = sequential || test.log_evidence() >= std::log(20);
      plain = plain || (n >= 20 && std::abs(got_copy - n * p) > 1.959964 * std::sqrt(n * p * (1 - p)));
    }
    alarms.sequential += sequential ? 1 : 0;
    alarms.plain += plain ? 1 : 0;
    alarms.ratio_missed += test.ratio().low > 1 || test.ratio().high < 1 ? 1 : 0;
  }
  return alarms;
}

TEST_CASE("who looks after each conversion is misled in at most 5%, by a z-test in more than 20%",
          "[measure]") {
  for (const double p : {0.5, 0.9}) {
    const FalseAlarms alarms = look_all_the_time(400, 800, p);
    CHECK(alarms.sequential <= 0.05 * alarms.runs);
    CHECK(alarms.plain > 0.2 * alarms.runs);
    CHECK(alarms.ratio_missed <= alarms.sequential);
  }
}

TEST_CASE("false alarms over many and longer runs", "[.][measure-long]") {
  for (const double p : {0.5, 0.8, 0.9}) {
    const FalseAlarms alarms = look_all_the_time(2000, 2000, p);
    std::cout << "p " << p << ": sequential " << alarms.sequential << ", z-test " << alarms.plain << " of "
              << alarms.runs << "\n";
    CHECK(alarms.sequential <= 0.05 * alarms.runs);
  }
}

TEST_CASE("a real effect is found, and its size is in the interval", "[measure]") {
  RateRatioTest test;
  CHECK(test.p_value() == 1);
  CHECK(test.ratio().low == 0);
  CHECK(std::isinf(test.ratio().high));
  const double r = 1.5, p = 0.9;
  const Philox random(4);
  for (std::uint64_t i = 0; i < 3000; ++i) test.add(random.uniform(i) < r * p / (1 - p + r * p), p);
  CHECK(test.p_value() < 0.01);
  CHECK(test.ratio().low > 1);
  CHECK(test.ratio().low < r);
  CHECK(test.ratio().high > r);
  CHECK_THROWS_AS(test.add(true, 1), Error);
}

constexpr std::int64_t kImportTime = 1'796'083'200;  // 2026-12-01

// One user with a copy, one held out, one product-wide copy.
struct MeasuredShop {
  NewStore store;
  std::int64_t user, held, copy, open;
  MeasuredShop() {
    const auto product = test::add_product(*store, "p");
    user = test::add_user(*store, "c-1");
    held = test::add_user(*store, "c-2");
    const auto run = test::add_run(*store);
    copy = test::add_copy(
        *store, {.user = user, .product = product, .run = run, .channel = "sms-1", .status = "published"});
    test::add_copy(*store,
                   {.user = held, .product = product, .run = run, .channel = "sms-1", .status = "approved"});
    open = test::add_copy(
        *store,
        {.user = {}, .product = product, .run = run, .channel = "google-headline", .status = "published"});
    const io::Json context = {{"control", 0.5}, {"arms", {{"warm", 1.0}}}, {"features", {{"constant", 1.0}}}};
    store
        ->prepare(
            "INSERT INTO assignment(placement, copy, run, policy, propensity, context, time) VALUES "
            "(1, ?, 1, 'uniform', 0.5, ?, 10), (2, NULL, 1, 'uniform', 0.5, ?, 10)")
        .run(copy, context.dump(), context.dump());
  }
  OutcomeSummary import(const std::string& name, const std::string& text, std::int64_t max_errors = 0) const {
    test::write_text(store.directory() / name, text);
    InputFile file(store.directory() / name, Encoding::automatic);
    return import_outcomes(*store, file,
                           {.max_errors = max_errors,
                            .channels = {{.id = "sms-1", .family = "sms", .title = {}, .source = {}}},
                            .now = kImportTime});
  }
  std::int64_t count(const char* where) const {
    return store->database().integer(concat("SELECT count(*) FROM outcome WHERE ", where));
  }
};

TEST_CASE("outcomes of CSV and JSON Lines, English and Chinese, count once", "[measure]") {
  const MeasuredShop shop;
  const OutcomeSummary first =
      shop.import("a.csv", concat("copy,kind,time,value\n", shop.copy, ",impression,100,\n", shop.copy,
                                  ",click,2026-11-30T08:00:00Z,\n", shop.copy, ",conversion,300,59.90\n"));
  CHECK(first.new_rows == 3);
  const OutcomeSummary again = shop.import(
      "b.jsonl", concat(R"({"copy": )", shop.copy, R"(, "kind": "impression", "time": 100})", "\n",
                        R"({"user": "c-1", "kind": "CLICK", "time": "2026-11-30 08:00:00"})", "\n",
                        R"({"user": "c-2", "kind": "purchase", "time": 400, "value": "7"})", "\n"));
  CHECK(again.rows == 3);
  CHECK(again.new_rows == 2);  // a row that names the user alone is another than one that names the copy
  CHECK(shop.import("c.csv", "用户ID,类型,时间,金额\nc-2,购买,400,7\nc-2,购买,401,7\n").new_rows == 1);
  CHECK(shop.count("copy IS NULL AND kind = 'conversion'") == 2);
  CHECK(shop.count("1") == 6);
  CHECK(shop.count("copy = 1 AND kind = 'click'") == 2);  // who has one copy clicked that one
  CHECK(shop.store->database().integer("SELECT count(*) FROM source WHERE kind = 'outcomes'") == 3);
  CHECK(shop.import("again.csv", test::read_text(shop.store.directory() / "c.csv")).new_rows == 0);
  CHECK(shop.store->database().integer("SELECT count(*) FROM source WHERE kind = 'outcomes'") == 3);
  // Of a copy for everybody two impressions in one second are told apart by their ids.
  CHECK(shop.import("open.csv", concat("copy,kind,time,id\n", shop.open, ",impression,5,x\n", shop.open,
                                       ",impression,5,y\n", shop.open, ",impression,5,x\n"))
            .new_rows == 2);
}

TEST_CASE("bad rows are told with their line, and nothing of a file with too many is kept", "[measure]") {
  const MeasuredShop shop;
  const std::string text =
      concat("copy,user,kind,time,value\n", shop.copy, ",,click,100,\n", "99999,,click,100,\n", shop.copy,
             ",c-2,click,100,\n", ",c-3,click,100,\n", ",c-2,click,100,\n", ",,click,100,\n", shop.copy,
             ",,hover,100,\n", shop.copy, ",,click,soon,\n", shop.copy, ",,conversion,100,-5\n", shop.copy,
             ",,click\n", shop.open, ",,unsubscribe,100,\n");
  CHECK_THAT(
      test::error_of([&] { shop.import("x.csv", text, 9); }),
      Contains("x.csv:12: the copy is for everybody; name who unsubscribes") && Contains("bad row 10"));
  CHECK(shop.count("1") == 0);
  CHECK(shop.store->database().integer("SELECT count(*) FROM source") == 0);
  const OutcomeSummary summary = shop.import("x.csv", text, 10);
  CHECK(summary.new_rows == 1);
  REQUIRE(summary.rejected.size() == 10);
  const std::vector<std::pair<int, std::string>> expected{
      {3, "no such copy"},     {4, "another user's"},        {5, "no such user"},
      {6, "was sent no copy"}, {7, "neither copy nor user"}, {8, "kind is unknown"},
      {9, "time is no"},       {10, "value is no amount"},   {11, "cells"},
      {12, "for everybody"}};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(summary.rejected[i].line == expected[i].first);
    CHECK_THAT(summary.rejected[i].reason, Contains(expected[i].second) && !Contains("c-3"));
  }
  CHECK(shop.store->database().integer("SELECT count(*) FROM rejected") == 10);
  CHECK_THAT(test::error_of([&] { shop.import("y.csv", "copy,time\n1,2\n"); }), Contains("kind and time"));
}

TEST_CASE("outcomes of copies that never went out, and of the future, are bad rows", "[measure]") {
  const MeasuredShop shop;
  const auto product = test::add_product(*shop.store, "p2");
  const auto unsent = test::add_copy(
      *shop.store,
      {.user = shop.user, .product = product, .run = 1, .channel = "mi-push", .status = "approved"});
  shop.store
      ->prepare(
          "INSERT INTO assignment(placement, copy, run, policy, propensity, context, time) SELECT placement, "
          "id, 1, 'uniform', 0.5, '{}', 20 FROM copy WHERE id = ?")
      .run(unsent);
  const std::string text = concat(
      "copy,user,kind,time\n", unsent, ",,impression,100\n", unsent, ",,click,100\n", unsent,
      ",,conversion,100\n", unsent, ",,unsubscribe,100\n", shop.copy, ",,impression,", kImportTime + 86'400,
      "\n", shop.copy, ",,impression,", kImportTime + 86'401, "\n,c-1,click,100\n,c-2,conversion,",
      kImportTime + 86'401, "\n", shop.copy, ",,impression,2027-11-30T08:00:00Z\n");
  CHECK_THAT(test::error_of([&] { shop.import("f.csv", text); }),
             Contains("f.csv:2: the copy was never published") && Contains("--max-errors"));
  const OutcomeSummary summary = shop.import("f.csv", text, 6);
  REQUIRE(summary.rejected.size() == 6);
  CHECK(summary.new_rows == 3);
  const std::vector<std::pair<int, std::string>> expected{{2, "never published"}, {3, "never published"},
                                                          {4, "never published"}, {7, "in the future"},
                                                          {9, "in the future"},   {10, "in the future"}};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(summary.rejected[i].line == expected[i].first);
    CHECK_THAT(summary.rejected[i].reason, Contains(expected[i].second));
  }
  // The copy that went out is the one that its user clicked; who wants no more push messages gets none.
  CHECK(shop.count("kind = 'click' AND copy = 1") == 1);
  CHECK(shop.count("kind = 'unsubscribe' AND copy IS NULL AND user = 1") == 1);
  CHECK(shop.store->database().integer("SELECT granted FROM consent WHERE user = 1") == 0);
  // A request whose answer was lost may have arrived; so may what was withdrawn later.
  shop.store
      ->prepare(
          "INSERT INTO publication(copy, target, destination, idempotency_key, status, attempts, time) "
          "VALUES "
          "(?, 'webhook', 'x', 'k', 'pending', 0, 1)")
      .run(unsent);
  CHECK(shop.import("f.csv", text, 6).rejected.size() == 6);
  shop.store->database().execute("UPDATE publication SET attempts = 1");
  CHECK(shop.import("f.csv", text, 6).rejected.size() == 3);
  CHECK_THAT(test::error_of([&] { shop.import("g.csv", "user,kind,time\nc-1,click,101\n"); }),
             Contains("sent several copies"));
  shop.store->database().execute("UPDATE publication SET status = 'sent'");
  CHECK(shop.import("f.csv", text, 6).new_rows == 0);
}

TEST_CASE("an unsubscribe withdraws the consent to the channel, unless a later one was given", "[measure]") {
  const MeasuredShop shop;
  // When the consent of user 1 was given nobody knows; 900 is only when adlib read it.
  shop.store->database().execute(
      "INSERT INTO consent(user, channel, granted, time, origin) VALUES (1, 'sms', 1, 900, 'file'), "
      "(2, '', 1, 900, 'dated')");
  const OutcomeSummary summary =
      shop.import("u.csv", concat("copy,user,kind,time\n", shop.copy, ",,unsubscribe,500\n,c-2,退订,500\n"));
  CHECK(summary.unsubscribed == 2);
  CHECK(summary.outdated == 1);
  const auto answer = [&](int user) {
    Statement row =
        shop.store->prepare("SELECT granted || ' ' || time || ' ' || origin FROM consent WHERE user = ?");
    REQUIRE(row.with(user).step());
    return std::string(row.text(0));
  };
  CHECK(answer(1) == "0 500 unsubscribe");
  CHECK(answer(2) == "1 900 dated");
  CHECK(shop.count("kind = 'unsubscribe'") == 2);
  CHECK(shop.import("v.csv", "user,kind,time\nc-2,unsubscribe,900\n").outdated == 0);
  CHECK(answer(2) == "0 900 unsubscribe");
  // Consent to one channel says nothing against the refusal of all.
  test::write_text(shop.store.directory() / "d.csv", "id,push_consent,push_consent_at\nc-2,yes,2001-01-01\n");
  CollectOptions one;
  one.files = {{FileKind::customers, shop.store.directory() / "d.csv"}};
  CHECK(collect(*shop.store, one).front().refused_before == 1);
  shop.store->database().execute("DELETE FROM consent WHERE channel = 'push'");
  // A list of customers that knows nothing of it changes nothing.
  test::write_text(shop.store.directory() / "c.csv",
                   "id,sms_consent,marketing_consent\nc-1,yes,\nc-2,,yes\n");
  CollectOptions options;
  options.files = {{FileKind::customers, shop.store.directory() / "c.csv"}};
  CHECK(collect(*shop.store, options).front().refused_before == 2);
  CHECK(answer(1) == "0 500 unsubscribe");
  CHECK(answer(2) == "0 900 unsubscribe");
}

TEST_CASE("the same file after another assignment, and amounts in another spelling, count nothing twice",
          "[measure]") {
  const MeasuredShop shop;
  const std::string orders = "user,kind,time,value\nc-1,conversion,100,59.9\nc-1,conversion,101,\n";
  CHECK(shop.import("a.csv", orders).new_rows == 2);
  const auto product = test::add_product(*shop.store, "p2");
  const auto second = test::add_copy(
      *shop.store,
      {.user = shop.user, .product = product, .run = 1, .channel = "sms-1", .status = "published"});
  shop.store
      ->prepare(
          "INSERT INTO assignment(placement, copy, run, policy, propensity, context, time) SELECT placement, "
          "id, 1, 'uniform', 0.5, '{}', 20 FROM copy WHERE id = ?")
      .run(second);
  CHECK(shop.import("a.csv", orders).new_rows == 0);
  CHECK(shop.import("b.csv", "user,kind,time,value\nc-1,purchase,1970-01-01T00:01:40Z,59.90\nc-1,购买,101,\n")
            .new_rows == 0);
  CHECK(shop.import("c.csv", "user,kind,time,value\nc-1,conversion,100,59.91\nc-1,conversion,101,0\n")
            .new_rows == 2);
  // An id says which event it is, whatever else became of it.
  CHECK(shop.import("d.csv",
                    "user,kind,time,value,id\nc-1,conversion,200,5,o-1\nc-1,conversion,300,6.50,o-1\n"
                    "c-1,conversion,200,5,o-2\n")
            .new_rows == 2);
  CHECK(shop.import("e.csv",
                    concat("copy,user,kind,time\n", shop.copy, ",,click,100\n", shop.copy, ",c-1,click,100\n",
                           shop.open, ",c-1,click,100\n", shop.open, ",c-2,click,100\n"))
            .new_rows == 3);
}

TEST_CASE("what is told of bad outcomes repeats no cell and no key", "[measure]") {
  const std::string csv = "user,kind,time\n";
  for (const std::string bad : {"c-1,click,\"SECRET\"x", "c-1,SECRET,5", "c-1,click,SECRET", "SECRET,click,5",
                                "c-1,click,5,SECRET", "c-1,cl\"SECRET,5", "c-1,click,SECRET\xFF"}) {
    CAPTURE(bad);
    const MeasuredShop shop;
    const OutcomeSummary summary = shop.import("x.csv", csv + bad + "\n", 1);
    REQUIRE(summary.rejected.size() == 1);
    CHECK_THAT(summary.rejected[0].reason, !Contains("SECRET"));
    CHECK_THAT(test::error_of([&] { shop.import("y.csv", csv + bad + "\n\n"); }), !Contains("SECRET"));
  }
  for (const std::string bad :
       {R"({"13812345678":1,"13812345678":2})", R"({"user":["13812345678"],"kind":"click","time":5})",
        R"({"13812345678"})", R"({"user":"c-1","kind":{"13812345678":1},"time":5})", R"(13812345678)"}) {
    CAPTURE(bad);
    const MeasuredShop shop;
    const OutcomeSummary summary = shop.import("x.jsonl",
                                               R"({"user":"c-1","kind":"conversion","time":5})"
                                               "\n" +
                                                   bad + "\n",
                                               1);
    REQUIRE(summary.rejected.size() == 1);
    CHECK(summary.rejected[0].line == 2);
    CHECK_THAT(summary.rejected[0].reason, !Contains("13812345678"));
    CHECK(shop.store->database().integer("SELECT count(*) FROM rejected WHERE reason LIKE '%1381%'") == 0);
  }
  const MeasuredShop shop;
  CHECK_THAT(test::error_of([&] { shop.import("z.csv", "13812345678,kind,13812345678\n"); }),
             !Contains("13812345678"));
  CHECK(shop.import("O.TSV", "user\tkind\ttime\nc-1\tconversion\t5\n").new_rows == 1);
}

TEST_CASE("rows of people who were erased are left out without their names", "[measure]") {
  const MeasuredShop shop;
  shop.store->prepare("INSERT INTO forgotten VALUES (?, 1)").run(shop.store->keyed_hash("gone"));
  const OutcomeSummary summary = shop.import("f.csv", "user,kind,time\ngone,conversion,100\n");
  CHECK(summary.forgotten == 1);
  CHECK(summary.new_rows == 0);
  CHECK(summary.rejected.empty());
}

TEST_CASE("results count users once, and impressions of copies for everybody", "[measure]") {
  const MeasuredShop shop;
  CHECK(measure(*shop.store).all.clicked.trials == 0);  // sent, and nobody knows what became of it
  std::string text = "copy,kind,time,id\n";
  for (int i = 0; i < 3; ++i) text += concat(shop.copy, ",click,", 100 + i, ",\n");
  for (int i = 0; i < 50; ++i) text += concat(shop.open, ",impression,100,", i, "\n");
  for (int i = 0; i < 4; ++i) text += concat(shop.open, ",click,100,", i, "\n");
  shop.import("r.csv", text);
  shop.import("s.csv", "user,kind,time\nc-1,conversion,20\nc-2,conversion,5\n");  // before the assignment
  const Results results = measure(*shop.store);
  CHECK(results.impressions == 50);
  CHECK(results.clicks == 7);
  REQUIRE(results.channels.size() == 2);
  CHECK(results.channels[0].name == "google-headline");
  CHECK(results.channels[0].clicked.trials == 50);
  CHECK(results.channels[0].clicked.successes == 4);
  CHECK(results.channels[1].clicked.trials == 1);
  CHECK(results.channels[1].clicked.successes == 1);
  CHECK(results.channels[1].converted.successes == 1);
  REQUIRE(results.lift.has_value());
  CHECK(results.lift->got_copy.trials == 1);
  CHECK(results.lift->got_copy.successes == 1);
  CHECK(results.lift->held_out.trials == 1);
  CHECK(results.lift->held_out.successes == 0);
  CHECK(to_json(results)["all"]["seen"] == 51);
  CHECK_THAT(to_text(results), Contains("google-headline") && Contains("safe to look at any time"));
  // Small segments tell of nobody in particular.
  REQUIRE(results.life_cycles.size() == 1);
  CHECK(results.life_cycles[0].name == "other");
  CHECK_THAT(to_text(measure(*NewStore())), Contains("No copy has been seen yet"));
}

}  // namespace
