#include "copywriter/measure/off_policy.h"

#include <cmath>

#include "adlib/core/random.h"
#include "campaign/support.h"
#include "copywriter/measure/preferences.h"
#include "copywriter/measure/results.h"

namespace {

using namespace adlib;
using namespace adlib::copywriter;
using adlib::test::NewStore;

// A shop whose truth is known: two kinds of users, two variants, drawn with logged probabilities that depend
// on the kind. What is asked: the click rate if everyone got variant 1.
constexpr std::array<std::array<double, 2>, 2> kRates{{{0.10, 0.20}, {0.40, 0.15}}};  // by kind, by variant
constexpr std::array<double, 2> kFirst{0.8, 0.3};                                     // of variant 0, by kind
constexpr double kTruth = 0.5 * 0.20 + 0.5 * 0.15;

std::vector<LoggedDraw> simulated_log(std::uint64_t seed, int draws,
                                      const std::array<double, 2>* wrong_model = nullptr) {
  const Philox random(seed, 5);
  std::vector<LoggedDraw> log;
  std::uint64_t at = 0;
  for (int i = 0; i < draws; ++i) {
    const std::size_t kind = random.uniform(at++) < 0.5 ? 0 : 1;
    const std::size_t arm = random.uniform(at++) < kFirst[kind] ? 0 : 1;
    LoggedDraw one;
    one.user = i;
    one.arm = arm;
    one.propensity = arm == 0 ? kFirst[kind] : 1 - kFirst[kind];
    one.reward = random.uniform(at++) < kRates[kind][arm] ? 1 : 0;
    one.target = {0, 1};
    one.model = wrong_model ? std::vector<double>(wrong_model->begin(), wrong_model->end())
                            : std::vector<double>(kRates[kind].begin(), kRates[kind].end());
    log.push_back(std::move(one));
  }
  return log;
}

TEST_CASE("the three estimates of a small log are those made by hand", "[measure]") {
  const std::vector<LoggedDraw> log{{1, 0, 0.5, 1, {0, 1}, {0.3, 0.4}},
                                    {2, 1, 0.25, 1, {0, 1}, {0.3, 0.4}},
                                    {3, 1, 0.5, 0, {0, 1}, {0.3, 0.4}}};
  const OffPolicy value = evaluate_off_policy(log);
  CHECK(value.ips.value == Approx(4.0 / 3));
  CHECK(value.snips.value == Approx(4.0 / 6));
  CHECK(value.dr.value == Approx((0.4 + 0.4 + 4 * 0.6 + 0.4 - 2 * 0.4) / 3));
  CHECK(value.effective == Approx(36.0 / 20));
}

TEST_CASE("IPS and DR are right on average, DR varies less, and their intervals hold the truth",
          "[measure]") {
  constexpr int runs = 600, draws = 1000;
  const std::array wrong{0.9, 0.05};  // a model that knows nothing: DR stays unbiased
  double ips = 0, ips2 = 0, dr = 0, dr2 = 0, snips = 0, astray = 0;
  int covered_ips = 0, covered_snips = 0, covered_dr = 0;
  const auto holds = [](const Estimate& one) { return one.low <= kTruth && kTruth <= one.high ? 1 : 0; };
  for (int run = 0; run < runs; ++run) {
    const OffPolicy value = evaluate_off_policy(simulated_log(static_cast<std::uint64_t>(run), draws));
    ips += value.ips.value / runs;
    ips2 += value.ips.value * value.ips.value / runs;
    dr += value.dr.value / runs;
    dr2 += value.dr.value * value.dr.value / runs;
    snips += value.snips.value / runs;
    covered_ips += holds(value.ips);
    covered_snips += holds(value.snips);
    covered_dr += holds(value.dr);
    astray +=
        evaluate_off_policy(simulated_log(static_cast<std::uint64_t>(run), draws, &wrong)).dr.value / runs;
  }
  const double ips_sd = std::sqrt(ips2 - ips * ips), dr_sd = std::sqrt(dr2 - dr * dr);
  CHECK(std::abs(ips - kTruth) < 4 * ips_sd / std::sqrt(runs));
  CHECK(std::abs(dr - kTruth) < 4 * dr_sd / std::sqrt(runs));
  CHECK(std::abs(snips - kTruth) < 4 * ips_sd / std::sqrt(runs));
  CHECK(std::abs(astray - kTruth) < 4 * 2 * ips_sd / std::sqrt(runs));
  CHECK(dr_sd < 0.95 * ips_sd);
  for (const int covered : {covered_ips, covered_snips, covered_dr}) {  // 95% of 600, and four deviations
    CHECK(covered > 600 * 0.95 - 4 * std::sqrt(600 * 0.95 * 0.05));
    CHECK(covered < 600 * 0.95 + 4 * std::sqrt(600 * 0.95 * 0.05));
  }
}

TEST_CASE("draws of one user widen the interval as one draw would", "[measure]") {
  std::vector<LoggedDraw> log = simulated_log(9, 400);
  const OffPolicy apart = evaluate_off_policy(log);
  const std::size_t count = log.size();
  for (std::size_t i = 0; i < count; ++i) log.push_back(log[i]);  // each user again, the same
  const OffPolicy twice = evaluate_off_policy(log);
  CHECK(twice.dr.value == Approx(apart.dr.value));
  CHECK(twice.dr.high == Approx(apart.dr.high));
  CHECK(twice.ips.low == Approx(apart.ips.low));
  CHECK(twice.snips.low == Approx(apart.snips.low));
}

TEST_CASE("logs that cannot be are refused", "[measure]") {
  CHECK_THROWS_AS(evaluate_off_policy({}), Error);
  const auto refused = [](LoggedDraw one) { CHECK_THROWS_AS(evaluate_off_policy(std::vector{one}), Error); };
  refused({1, 0, 0, 1, {1}});
  refused({1, 0, 1.5, 1, {1}});
  refused({1, 1, 0.5, 1, {1}});
  refused({1, 0, 0.5, 1, {1}, {0.2, 0.3}});
}

// `users` customers in push, drawn with 3:1 between "warm", clicked by one in two, and "cold", by one in ten.
void fill_drawn(const Store& store, int users) {
  Transaction transaction(store.database());
  const Philox random(21);
  const auto product = test::add_product(store, "p");
  const auto run = test::add_run(store);
  Statement assign = store.prepare(
      "INSERT INTO assignment(placement, copy, run, policy, propensity, context, time) SELECT placement, id, "
      "1, "
      "'thompson', ?, ?, 10 FROM copy WHERE id = ?");
  Statement outcome =
      store.prepare("INSERT INTO outcome(hash, user, copy, kind, time) VALUES (?, ?, ?, ?, 20)");
  for (int i = 0; i < users; ++i) {
    const auto at = static_cast<std::uint64_t>(i) * 4;
    const auto user = test::add_user(store, concat("c-", i));
    const bool warm = random.uniform(at) < 0.75;
    std::int64_t drawn = 0;
    for (const bool is_warm : {true, false}) {
      const auto copy = test::add_copy(store, {.user = user,
                                               .product = product,
                                               .run = run,
                                               .text = is_warm ? "很暖" : "很冷",
                                               .arm = is_warm ? "warm" : "cold",
                                               .status = "published"});
      if (is_warm == warm) drawn = copy;
    }
    const io::Json context = {
        {"control", 0.2}, {"arms", {{"warm", 0.75}, {"cold", 0.25}}}, {"features", {{"constant", 1}}}};
    assign.run(0.8 * (warm ? 0.75 : 0.25), context.dump(), drawn);
    outcome.run(2 * i, user, drawn, "impression");
    if (random.uniform(at + 1) < (warm ? 0.5 : 0.1)) outcome.run(2 * i + 1, user, drawn, "click");
  }
  transaction.commit();
}

TEST_CASE("what-if of a store finds the rates of both variants, and that the better one is to be chosen",
          "[measure]") {
  const NewStore store;
  fill_drawn(*store, 1500);
  store->database().execute("UPDATE copy SET status = 'approved'");
  const Results results = measure(*store);
  REQUIRE(results.what_if.size() == 4);
  for (const WhatIf& one : results.what_if) {
    // Policies that learn draw the better one but for half of the 5% that is spread.
    const double truth = one.policy == "everyone: cold"   ? 0.1
                         : one.policy == "everyone: warm" ? 0.5
                                                          : 0.975 * 0.5 + 0.025 * 0.1;
    INFO(one.policy << " " << one.value.dr.low << " to " << one.value.dr.high);
    for (const Estimate& estimate : {one.value.ips, one.value.snips, one.value.dr}) {
      CHECK(std::abs(estimate.value - truth) < 2 * (estimate.high - estimate.low) / 2);  // four deviations
      CHECK(estimate.high - estimate.low < 0.2);
    }
  }
  CHECK(results.what_if[0].policy == "contextual");
  CHECK(results.what_if[3].policy == "thompson");
  CHECK(results.as_drawn.value == Approx(0.4).margin(0.06));
}

TEST_CASE("preferences prefer what was clicked more, and nothing with a ban or without the guard",
          "[measure]") {
  const NewStore store;
  fill_drawn(*store, 120);
  store->database().execute("UPDATE copy SET prompt = '<|zh|>' || text || placement");
  std::vector<OrderedJson> pairs;
  const auto collect = [&](const OrderedJson& pair) { pairs.push_back(pair); };
  CHECK(for_each_preference(*store, {}, collect) == 1);
  REQUIRE(pairs.size() == 1);
  CHECK(pairs[0]["chosen"] == "很暖");
  CHECK(pairs[0]["rejected"] == "很冷");
  CHECK(pairs[0]["prompt"].get<std::string>().starts_with("<|zh|>很暖"));
  CHECK(pairs[0]["probability"].get<double>() >= 0.95);
  CHECK(pairs[0]["probability"].get<double>() <= 1);
  CHECK(pairs[0]["product"] == "p");
  CHECK(for_each_preference(*store, {.probability = 0.5001, .most_pairs = 0}, collect) == 0);
  CHECK_THROWS_AS(for_each_preference(*store, {.probability = 1}, collect), Error);
  SECTION("a ban") {
    store->database().execute(
        "INSERT INTO finding SELECT id, 'r', 'ban', 0, 3, 'm', '', '' FROM copy WHERE arm = 'cold'");
    CHECK(for_each_preference(*store, {}, collect) == 0);
  }
  SECTION("no guard") {
    store->database().execute("UPDATE copy SET guarded = 0 WHERE arm = 'warm'");
    CHECK(for_each_preference(*store, {}, collect) == 0);
  }
}

}  // namespace
