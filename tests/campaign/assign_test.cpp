#include "copywriter/measure/assign.h"

#include <map>

#include "campaign/bandit_simulation.h"
#include "campaign/support.h"
#include "copywriter/measure/context.h"

namespace {

using namespace adlib;
using namespace adlib::copywriter;
using adlib::test::NewStore;
using Catch::Contains;

const std::vector<std::size_t> kTwo{0, 1};
const std::array<double, 1> kNothing{1.0};

// A shop with `users` customers, each with an approved copy in each of `arms`.
void fill(const Store& store, int users, const std::vector<std::string>& arms,
          const char* channel = "mi-push") {
  Transaction transaction(store.database());
  const auto product = test::add_product(store, "tea", {{"title", "红茶"}, {"category", "茶叶"}});
  const auto run = test::add_run(store);
  for (int i = 0; i < users; ++i) {
    const auto user = test::add_user(store, concat("c-", i));
    for (const std::string& arm : arms)
      test::add_copy(store, {.user = user,
                             .product = product,
                             .run = run,
                             .channel = channel,
                             .arm = arm,
                             .status = "approved"});
  }
  transaction.commit();
}

std::vector<std::string> assignments(const Store& store) {
  std::vector<std::string> all;
  Statement rows = store.prepare(
      "SELECT a.placement, coalesce(c.arm, '-'), a.propensity, a.context, a.policy FROM assignment a LEFT "
      "JOIN copy c ON "
      "c.id = a.copy ORDER BY a.placement");
  while (rows.step())
    all.push_back(concat(rows.text(0), rows.text(1), rows.text(2), rows.text(3), rows.text(4)));
  return all;
}

TEST_CASE("Thompson's probabilities are those of the posteriors, mixed with 5% of all alike", "[measure]") {
  Bandit bandit(Policy::thompson, 2, 1);
  CHECK(bandit.probabilities(kTwo, kNothing)[0] == Approx(0.5));
  // One click in one against none in one: Beta(2, 1) against Beta(1, 2), of which the first is higher in 5/6.
  bandit.learn(std::vector<Trial>{{0, {1.0}, true}, {1, {1.0}, false}});
  CHECK(bandit.probabilities(kTwo, kNothing)[0] == Approx(0.95 * 5 / 6 + 0.025).epsilon(1e-12));
  std::vector<Trial> many(500, Trial{0, {1.0}, true});
  many.resize(1000, Trial{1, {1.0}, false});
  bandit.learn(many);
  CHECK(bandit.probabilities(kTwo, kNothing)[1] ==
        Approx(0.025));  // never less, so that estimates stay bounded
}

TEST_CASE("the contextual policy draws another variant for other users", "[measure]") {
  Bandit bandit(Policy::contextual, 2, 2);
  std::vector<Trial> trials;
  for (int i = 0; i < 200; ++i) {
    for (const std::size_t kind : {0u, 1u}) {
      for (const std::size_t arm : {0u, 1u})
        trials.push_back({arm, {1.0, static_cast<double>(kind)}, i % (arm == kind ? 3 : 10) == 0});
    }
  }
  bandit.learn(trials);
  CHECK(bandit.probabilities(kTwo, std::array{1.0, 0.0})[0] > 0.9);
  CHECK(bandit.probabilities(kTwo, std::array{1.0, 1.0})[1] > 0.9);
  CHECK(bandit.rate(0, std::array{1.0, 0.0}) == Approx(0.335).margin(0.04));
}

TEST_CASE("variants are drawn as often as their propensities say", "[measure]") {
  const NewStore store;
  fill(*store, 3000, {"plain", "warm"});
  const AssignSummary first = assign_variants(*store, {.policy = Policy::uniform, .control = 0.2, .seed = 3});
  CHECK(first.assigned + first.held_out == 3000);
  // Five standard deviations of a binomial of 3000.
  CHECK(std::abs(static_cast<double>(first.held_out) - 600) < 5 * std::sqrt(3000 * 0.2 * 0.8));
  const auto warm = store->database().integer(
      "SELECT count(*) FROM assignment a JOIN copy c ON c.id = a.copy WHERE c.arm = 'warm'");
  CHECK(std::abs(static_cast<double>(warm) - 1200) < 5 * std::sqrt(3000 * 0.4 * 0.6));
  CHECK(
      store->database().integer("SELECT count(*) FROM assignment WHERE copy IS NOT NULL AND abs(propensity - "
                                "0.4) > 1e-12") == 0);
  CHECK(store->database().integer(
            "SELECT count(*) FROM assignment WHERE copy IS NULL AND abs(propensity - 0.2) > "
            "1e-12") == 0);
}

TEST_CASE("the same seed draws the same in another store, and drawing again changes nothing", "[measure]") {
  const NewStore one, two, other;
  for (const NewStore* store : {&one, &two, &other}) fill(**store, 40, {"a", "b", "c"});
  assign_variants(*one, {.seed = 5});
  assign_variants(*two, {.seed = 5});
  assign_variants(*other, {.seed = 6});
  CHECK(assignments(*one) == assignments(*two));
  CHECK(assignments(*one) != assignments(*other));
  const auto before = assignments(*one);
  const AssignSummary again = assign_variants(*one, {.policy = Policy::uniform, .seed = 9});
  CHECK(again.assigned + again.held_out == 0);
  CHECK(again.before == 40);
  CHECK(assignments(*one) == before);
}

TEST_CASE("a user is held out from the whole campaign, also under another seed and share", "[measure]") {
  const NewStore store;
  fill(*store, 300, {"a", "b"});
  assign_variants(*store, {.control = 0.5, .seed = 1});
  const auto more = test::add_product(*store, "cup");
  const auto run = test::add_run(*store);
  Statement users = store->prepare("SELECT id FROM user");
  std::vector<std::int64_t> ids;
  while (users.step()) ids.push_back(users.integer(0));
  Transaction transaction(store->database());
  for (const auto user : ids)
    test::add_copy(*store, {.user = user, .product = more, .run = run, .status = "approved"});
  transaction.commit();
  const AssignSummary second = assign_variants(*store, {.control = 0, .seed = 2});
  CHECK(second.assigned + second.held_out == 300);
  CHECK(second.held_out > 100);
  CHECK(store->database().integer(
            "SELECT count(*) FROM (SELECT p.user FROM assignment a JOIN placement p ON p.id = "
            "a.placement GROUP BY p.user HAVING min(a.copy IS NULL) <> max(a.copy IS NULL))") == 0);
  // What was logged is the probability with which the side was chosen, then.
  CHECK(store->database().integer(
            "SELECT count(*) FROM assignment WHERE copy IS NULL AND propensity <> 0.5") == 0);
}

TEST_CASE("nothing is drawn for who refuses the channel, and where nothing was approved", "[measure]") {
  const NewStore store;
  fill(*store, 3, {"a"}, "email-subject");
  const std::vector<ChannelField> channels{
      {.id = "email-subject", .family = "email-subject", .title = {}, .source = {}}};
  store->database().execute(
      "INSERT INTO consent(user, channel, granted, time) VALUES (1, 'email', 0, 5), (2, 'sms', 0, 5), (3, "
      "'', 0, 5);"
      "UPDATE copy SET status = 'ready' WHERE placement = 2");
  const AssignSummary done = assign_variants(*store, {.control = 0, .channels = channels});
  CHECK(done.refused == 2);
  CHECK(done.assigned == 0);
  store->database().execute(
      "UPDATE copy SET status = 'approved'; UPDATE consent SET granted = 1 WHERE channel = ''");
  const AssignSummary later = assign_variants(*store, {.control = 0, .channels = channels});
  CHECK(later.assigned == 2);
  CHECK(later.refused == 1);
  CHECK(consent_channel(channels, "mi-push") == "mi-push");  // not in the list of channels
  CHECK(consent_channel({{.id = "mi-push", .family = "push", .title = {}, .source = {}}}, "mi-push") ==
        "push");
  CHECK(consent_channel({{.id = "wechat-chat", .family = "chat", .title = {}, .source = {}}},
                        "wechat-chat") == "wechat");
}

TEST_CASE("a variant that is clicked is drawn for the next users", "[measure]") {
  const NewStore store;
  fill(*store, 400, {"cold", "warm"});
  assign_variants(*store, {.policy = Policy::uniform, .control = 0});
  store->database().execute(
      "INSERT INTO outcome(hash, copy, kind, time) SELECT a.copy, a.copy, 'impression', 1 FROM assignment a;"
      "INSERT INTO outcome(hash, copy, kind, time) SELECT -a.copy, a.copy, 'click', 1 FROM assignment a JOIN "
      "copy c "
      "ON c.id = a.copy WHERE a.copy % CASE c.arm WHEN 'warm' THEN 3 ELSE 20 END = 0");
  const auto user = test::add_user(*store, "new");
  for (const char* arm : {"cold", "warm"})
    test::add_copy(*store, {.user = user, .product = 1, .run = 1, .arm = arm, .status = "approved"});
  for (const Policy policy : {Policy::thompson, Policy::contextual}) {
    store->database().execute("DELETE FROM assignment WHERE policy <> 'uniform'");
    assign_variants(*store, {.policy = policy, .control = 0});
    Statement context = store->prepare("SELECT context FROM assignment WHERE policy = ?");
    REQUIRE(context.with(to_string(policy)).step());
    const io::Json logged = io::parse_json(context.text(0), "context");
    CHECK(logged["arms"]["warm"].get<double>() > 0.95);
    CHECK(logged["arms"]["warm"].get<double>() + logged["arms"]["cold"].get<double>() == Approx(1));
  }
}

TEST_CASE("the context is what prepare knows, and nothing of who opted out", "[measure]") {
  const io::Json record = {
      {"life_cycle", {{"stage", "lapsing"}}},
      {"interests", {{{"name", "茶叶"}, {"weight", 2.0}}, {{"name", "酒"}, {"weight", 4.0}}}},
      {"recency", {{"days_since_activity", 365}}},
      {"price_sensitivity", "high"}};
  const UserContext user = user_context(record);
  CHECK(user.interests.front().first == "酒");
  CHECK(context_numbers(user, "茶叶") == ContextNumbers{1, 0.5, 0, 1, 0, 1, 1, 0});
  CHECK(context_numbers(user, "鞋") == ContextNumbers{1, 0, 0, 1, 0, 1, 1, 0});
  CHECK(context_numbers(user_context({}), "茶叶") == ContextNumbers{1, 0, 0, 0, 0, 0, 0, 1});
  CHECK(context_numbers_of(to_json(context_numbers(user, "茶叶"))) == context_numbers(user, "茶叶"));
  CHECK(user_context({{"life_cycle", 3}, {"interests", {1, {{"weight", "x"}}}}, {"recency", "soon"}})
            .life_cycle.empty());

  const NewStore store;
  fill(*store, 2, {"a", "b"});
  for (const int id : {1, 2})
    store->prepare("INSERT INTO feature VALUES (?, 1, 1, ?)").run(id, record.dump());
  store->database().execute("UPDATE user SET personalised = 0 WHERE id = 2");
  assign_variants(*store, {.policy = Policy::contextual, .control = 0});
  Statement contexts =
      store->prepare("SELECT json_extract(context, '$.features') FROM assignment ORDER BY placement");
  REQUIRE(contexts.step());
  CHECK(io::parse_json(contexts.text(0), "") ==
        io::Json({{"constant", 1.0}, {"interest_match", 0.5}, {"lapsing", 1.0}, {"recency", 1.0}}));
  REQUIRE(contexts.step());
  CHECK(io::parse_json(contexts.text(0), "") == io::Json({{"constant", 1.0}, {"unknown", 1.0}}));
}

TEST_CASE("a control of more than 90% and unknown policies are refused", "[measure]") {
  const NewStore store;
  CHECK_THAT(test::error_of([&] { assign_variants(*store, {.control = 1}); }), Contains("expected a share"));
  CHECK_THAT(test::error_of([] { parse_policy("best"); }),
             Contains("expected uniform, thompson or contextual"));
  for (const Policy policy : {Policy::uniform, Policy::thompson, Policy::contextual})
    CHECK(parse_policy(to_string(policy)) == policy);
}

// Three variants with click rates of 4%, 6% and 10% for everybody; 4,000 users in 40 batches.
const test::SimulatedShop kOneBest{{{{0.04, 0.06, 0.10}, {0.04, 0.06, 0.10}}}};
// The best variant depends on the user: 4%, 4% and 12% for one half, 4%, 12% and 4% for the other.
const test::SimulatedShop kTwoBest{{{{0.04, 0.04, 0.12}, {0.04, 0.12, 0.04}}}};

TEST_CASE("Thompson sampling loses less than a third of what uniform draws lose", "[measure]") {
  const Estimate uniform = test::mean_regret(Policy::uniform, kOneBest, 10);
  const Estimate thompson = test::mean_regret(Policy::thompson, kOneBest, 10);
  CHECK(uniform.value == Approx(4000 * (0.10 - 0.2 / 3)).epsilon(0.05));
  CHECK(thompson.high < uniform.low / 3);
}

TEST_CASE("where the best variant depends on the user, only the contextual policy finds it", "[measure]") {
  const Estimate uniform = test::mean_regret(Policy::uniform, kTwoBest, 6);
  const Estimate thompson = test::mean_regret(Policy::thompson, kTwoBest, 6);
  const Estimate contextual = test::mean_regret(Policy::contextual, kTwoBest, 6);
  CHECK(contextual.high < uniform.low / 3);
  CHECK(contextual.high < thompson.low / 3);
}

TEST_CASE("regret of all policies over many seeds", "[.][measure-long]") {
  for (const auto& [name, shop] : {std::pair("one best", kOneBest), std::pair("best by user", kTwoBest)}) {
    for (const int batches : {40, 100}) {
      test::SimulatedShop longer = shop;
      longer.batches = batches;
      for (const Policy policy : {Policy::uniform, Policy::thompson, Policy::contextual}) {
        const Estimate regret = test::mean_regret(policy, longer, 30);
        std::cout << name << ", " << batches * longer.batch << " users, " << to_string(policy) << ": "
                  << regret.value << " clicks lost (" << regret.low << " to " << regret.high << ")\n";
      }
    }
  }
  SUCCEED();
}

}  // namespace
