#include <set>

#include "adlib/core/parallel.h"
#include "campaign/support.h"
#include "copywriter/audit/audit.h"
#include "copywriter/polish/polish.h"
#include "copywriter/write/stored_copies.h"

namespace {

using namespace adlib;
using namespace adlib::copywriter;
using adlib::test::NewStore;

ChannelField channel(const std::string& id) {
  return find_channel(read_channels(test::rules_dir() / "channels.toml"), id);
}

// Stands for a model: says what it was asked, and counts.
struct Echo {
  std::int64_t asked = 0;
  std::int64_t fails_at = -1;

  BeginRequest begin() {
    return [this](const CopyRequest& request, const GuardedWriter::Judge&) {
      if (asked++ == fails_at) fail(ErrorCode::out_of_memory, "no more room");
      std::promise<GeneratedText> text;
      text.set_value({.text = " " + request.prompt + "#" + std::to_string(request.seed),
                      .prompt_tokens = 7,
                      .generated_tokens = 5,
                      .finish_reason = "stop",
                      .guarded = request.guarded});
      return text.get_future();
    };
  }
};

// Three customers, of whom the second opted out and the third wants no messages, and two products.
struct ShopOfThree {
  NewStore store;
  Privacy privacy{test::rules_dir(), {}};
  std::int64_t tea, lamp;

  ShopOfThree() {
    tea = test::add_product(*store, "tea", {{"title", "山序 红茶"}, {"price", "68"}, {"currency", "CNY"}});
    lamp = test::add_product(*store, "lamp", {{"title", "Lumen Desk Lamp"}});
    test::add_user(*store, "a", {{"name", "早起的鸟"}});
    const auto b = test::add_user(*store, "b", {{"name", "慢半拍"}});
    const auto c = test::add_user(*store, "c", {{"name", "northbound"}});
    store->prepare("UPDATE user SET personalised = 0 WHERE id = ?").run(b);
    store->prepare("INSERT INTO consent(user, channel, granted, time) VALUES (?, 'sms', 0, 1)").run(c);
  }
  StoredCopySummary write(const CopyPlan& plan, Echo& echo, StoredCopies::Options options = {}) {
    StoredCopies copies(*store, privacy, plan, options);
    Run run(*store, "write", io::Json::object());
    const StoredCopySummary summary = copies.write(run, echo.begin(), 4, [](std::int64_t) {});
    run.finish();
    return summary;
  }
  std::int64_t count(const std::string& condition = "1") const {
    return store->database().integer(
        "SELECT count(*) FROM copy c JOIN placement p ON p.id = c.placement WHERE " + condition);
  }
};

CopyPlan plan_for(std::vector<std::string> channels) {
  CopyPlan plan;
  for (const std::string& id : channels) plan.channels.push_back(channel(id));
  plan.products = {"tea"};
  return plan;
}

TEST_CASE("copies are written for every customer who may get them, once", "[campaign][write]") {
  ShopOfThree shop;
  Echo echo;
  CopyPlan plan = plan_for({"sms-1", "mi-push"});
  plan.tones = {Tone::plain, Tone::warm};
  plan.variants = 2;
  const StoredCopySummary summary = shop.write(plan, echo);
  CHECK(summary.written == (2 + 3) * 4);  // the third customer wants no messages
  CHECK(summary.refused == 1);
  CHECK(shop.count("p.channel = 'sms-1'") == 8);
  CHECK(shop.count("arm = 'warm/2' AND tone = 'warm'") == 5);

  Echo again;
  const StoredCopySummary second = shop.write(plan, again);
  CHECK(second.written == 0);
  CHECK(second.there == 20);
  CHECK(again.asked == 0);
  plan.languages = {Language::zh, Language::en};
  CHECK(shop.write(plan, again).written == 20);
}

TEST_CASE("another ending is refused, or written where nobody has decided yet", "[campaign][write]") {
  ShopOfThree shop;
  Echo echo;
  const CopyPlan plan = plan_for({"mi-push"});
  const auto ended = [](const char* text, bool rewrite = false) {
    return StoredCopies::Options{.ending = {{Language::zh, {text}}, {Language::en, {"(AI)"}}},
                                 .rewrite = rewrite};
  };
  CHECK(shop.write(plan, echo).written == 3);
  CHECK_THAT(test::error_of([&] { shop.write(plan, echo, ended("（AI 生成）")); }),
             Catch::Contains("3 texts are there with another --ending, such as copy 1") &&
                 Catch::Contains("--rewrite"));
  CHECK(shop.count() == 3);
  // What somebody decided on stays, whatever its status is now; what polish fixed does not.
  shop.store->database().execute(
      "UPDATE copy SET status = 'approved' WHERE id = 1; UPDATE copy SET status = 'ready' WHERE id > 1;"
      "INSERT INTO decision(copy, time, who, action) VALUES (2, 1, 'polish', 'fix'), (3, 1, 'me', 'edit')");
  StoredCopySummary summary = shop.write(plan, echo, ended("（AI 生成）", true));
  CHECK(summary.written == 1);
  CHECK(summary.there == 2);
  CHECK(summary.other_ending == 2);
  CHECK(shop.count() == 3);
  CHECK(shop.count("c.id = 4 AND status = 'written' AND json_extract(request, '$.ending[0]') = "
                   "'（AI 生成）'") == 1);
  CHECK(shop.count("c.id IN (1, 3)") == 2);
  for (const bool rewrite : {false, true}) {
    summary = shop.write(plan, echo, ended("（AI 生成）", rewrite));
    CHECK(summary.written == 0);
    CHECK(summary.there == 3);
  }
  // An ending of another language, or of another channel, has nothing to do with it.
  CHECK_THAT(test::error_of([&] { shop.write(plan, echo); }), Catch::Contains("1 text is there"));
  CHECK(shop.write(plan_for({"vivo-push"}), echo, ended("AI")).written == 3);
}

TEST_CASE("who opted out gets the text of the product alone, which is written once", "[campaign][write]") {
  ShopOfThree shop;
  test::add_user(*shop.store, "d", {{"name", "听雨"}, {"personalised", false}});
  Echo echo;
  shop.write(plan_for({"mi-push"}), echo);
  CHECK(shop.count() == 4);
  CHECK(echo.asked == 3);
  CHECK(shop.count("personalised = 0 AND prompt NOT LIKE '%<|customer|>%'") == 2);
  CHECK(shop.count("personalised = 1 AND prompt LIKE '%<|customer|>%'") == 2);
  CHECK(shop.store->database().integer("SELECT count(DISTINCT text) FROM copy WHERE personalised = 0") == 1);
}

TEST_CASE("an advertisement is everybody's: nothing of a customer is in it", "[campaign][write]") {
  ShopOfThree shop;
  Echo echo;
  CopyPlan plan = plan_for({"google-headline"});
  plan.variants = 3;
  shop.write(plan, echo);
  CHECK(shop.count() == 3);
  CHECK(shop.count("p.user IS NULL AND personalised = 0") == 3);
  CHECK(shop.store->database().integer("SELECT count(DISTINCT seed) FROM copy") == 3);
}

TEST_CASE("a customer gets copy in the language that the record names", "[campaign][write]") {
  ShopOfThree shop;
  test::add_user(*shop.store, "e", {{"language", "en"}});
  Echo echo;
  CopyPlan plan = plan_for({"mi-push"});
  plan.languages = {Language::zh, Language::en};
  plan.customers = {"e"};
  CHECK(shop.write(plan, echo).written == 1);
  CHECK(shop.count("p.language = 'en'") == 1);
}

TEST_CASE("languages are known by their usual names, and what is none narrows nothing down",
          "[campaign][write]") {
  ShopOfThree shop;
  test::add_user(*shop.store, "e", {{"language", "EN"}});
  test::add_user(*shop.store, "f", {{"language", "zh-CN"}});
  test::add_user(*shop.store, "g", {{"language", "tlh"}});
  Echo echo;
  CopyPlan plan = plan_for({"mi-push", "mi-push"});  // what is named twice is wanted once
  plan.languages = {Language::zh, Language::en, Language::zh};
  plan.products = {"tea", "tea"};
  plan.customers = {"e", "f", "g", "e"};
  CHECK(shop.write(plan, echo).written == 4);
  CHECK(shop.count("p.language = 'en'") == 2);
}

TEST_CASE("who is erased while copy is written gets none, and the others theirs", "[campaign][write]") {
  ShopOfThree shop;
  const CopyPlan plan = plan_for({"mi-push"});
  StoredCopies copies(*shop.store, shop.privacy, plan, {});
  shop.store->prepare("DELETE FROM user WHERE shop_id = 'b'").run();
  Run run(*shop.store, "write", io::Json::object());
  Echo echo;
  const StoredCopySummary summary = copies.write(run, echo.begin(), 4, [](std::int64_t) {});
  CHECK(summary.erased == 1);
  CHECK(shop.count() == 2);
  // No id comes again: what is heard late of an erased copy is nobody's.
  const auto last = shop.store->database().integer("SELECT max(id) FROM copy");
  shop.store->prepare("DELETE FROM user WHERE shop_id = 'c'").run();
  test::add_user(*shop.store, "new");
  shop.write(plan, echo);
  CHECK(shop.store->database().integer("SELECT max(id) FROM copy") > last);
}

TEST_CASE("a text that fails leaves those before it, and the next call goes on", "[campaign][write]") {
  ShopOfThree shop;
  for (int i = 0; i < 150; ++i)
    test::add_user(*shop.store, "u" + std::to_string(i), {{"name", "n" + std::to_string(i)}});
  Echo echo;
  echo.fails_at = 100;
  const CopyPlan plan = plan_for({"mi-push"});
  CHECK_THAT(test::error_of([&] { shop.write(plan, echo); }), Catch::Contains("no more room"));
  CHECK(shop.count() == 100);
  CHECK(shop.store->database().integer("SELECT count(*) FROM run WHERE finished IS NULL") == 1);
  Echo rest;
  CHECK(shop.write(plan, rest).written == 53);
  CHECK(shop.count() == 153);
}

TEST_CASE("products come from the recommendations, and from nowhere else", "[campaign][write]") {
  ShopOfThree shop;
  CopyPlan plan = plan_for({"mi-push"});
  plan.products.clear();
  Echo echo;
  CHECK_THAT(test::error_of([&] { shop.write(plan, echo); }), Catch::Contains("run 'adlib recommend' first"));
  const auto run = test::add_run(*shop.store, "recommend");
  shop.store->prepare("INSERT INTO recommendation VALUES (1, 1, ?, 0.5, 'popular', NULL, ?)")
      .run(shop.lamp, run);
  shop.store->prepare("INSERT INTO recommendation VALUES (1, 2, ?, 0.4, 'popular', NULL, ?)")
      .run(shop.tea, run);
  const StoredCopySummary summary = shop.write(plan, echo);
  CHECK(summary.written == 1);
  CHECK(summary.without_product == 2);
  plan.top = 2;
  CHECK(shop.write(plan, echo).written == 1);
  plan.products = {"cake"};
  CHECK_THAT(test::error_of([&] { shop.write(plan, echo); }), Catch::Contains("there is no product 'cake'"));
}

TEST_CASE("a request comes back from its text, whatever the fields hold", "[campaign][write]") {
  CopyRequest request;
  request.fields = {{"<|zh|>", ""}, {"<|product|>", "a\"b\\c\n茶"}, {"<|copy|>", ""}};
  request.prompt = to_text(request.fields);
  request.language = Language::en;
  request.unspoken = {"糖尿病"};
  request.channel = "sms-1";
  request.ending = {"拒收请回复R"};
  request.seed = (std::uint64_t{1} << 53) - 1;
  request.guarded = false;
  const CopyRequest back = CopyRequest::from_json(request.to_json(), "t");
  CHECK(back.to_json() == request.to_json());
  CHECK(back.prompt == request.prompt);
  CHECK_THAT(test::error_of([] { CopyRequest::from_json("{\"fields\": [[\"<|evil|>\", \"x\"]]}", "t"); }),
             Catch::Contains("is no tag of prompts"));
}

TEST_CASE("polish mends, keeps what is left, and blocks what must not go on", "[campaign][polish]") {
  ShopOfThree shop;
  const auto run = test::add_run(*shop.store);
  const auto add = [&](const std::string& text, const std::string& arm,
                       const std::string& status = "written") {
    return test::add_copy(*shop.store,
                          {.product = shop.tea, .run = run, .text = text, .arm = arm, .status = status});
  };
  const auto good = add("山序 红茶，现在68元。", "1");
  const auto spaced = add("山序 红茶 ，现在68元。。", "2");
  const auto banned = add("山序 红茶，全国最佳的红茶。", "3");
  const auto wrong = add("山序 红茶，现在58元。", "4");
  const auto approved = add("山序 红茶，现在68元。", "5", "approved");
  Polish polish(*shop.store, test::rules_dir());
  CHECK(polish.count(Polish::Which::written) == 4);
  const Polish::Summary summary = polish.run(Polish::Which::written, [](std::int64_t) {});
  CHECK(summary.copies == 4);
  const auto status = [&](std::int64_t copy) {
    Statement find = shop.store->prepare("SELECT status, text FROM copy WHERE id = ?");
    find.with(copy).step();
    return std::pair(std::string(find.text(0)), std::string(find.text(1)));
  };
  CHECK(status(good).first == "ready");
  CHECK(status(spaced) == std::pair<std::string, std::string>("ready", "山序 红茶，现在68元。"));
  CHECK(status(banned).first == "blocked");
  CHECK(status(wrong).first == "blocked");
  CHECK(summary.fixed == 1);
  CHECK(shop.store->database().integer(
            "SELECT count(*) FROM decision WHERE action = 'fix' AND who = 'polish'") == 1);
  Statement rule =
      shop.store->prepare("SELECT rule, level, first, last FROM finding WHERE copy = ? AND level = 'ban'");
  REQUIRE(rule.with(banned).step());
  CHECK(rule.text(0) == "cn-advertising/absolute");
  CHECK(polish.count(Polish::Which::written) == 0);

  // A change of the rules: an approved text that is banned now is withdrawn, and the others stay as they are.
  shop.store->prepare("UPDATE copy SET text = '山序 红茶，全网最佳。' WHERE id = ?").run(approved);
  const auto out = add("山序 红茶，全网最佳。", "6", "published");
  const auto still_out = add("山序 红茶 ，现在68元。", "7", "published");
  const auto rejected = add("山序 红茶，全网最佳。", "8", "rejected");
  const Polish::Summary all = polish.run(Polish::Which::all, [](std::int64_t) {});
  CHECK(all.copies == 8);
  CHECK(all.withdrawn == 2);
  CHECK(all.fixed == 0);
  CHECK(status(approved).first == "blocked");
  CHECK(status(out).first == "blocked");
  CHECK(status(still_out) == std::pair<std::string, std::string>("published", "山序 红茶 ，现在68元。"));
  CHECK(status(rejected).first == "rejected");
  CHECK(shop.store->database().integer(
            concat("SELECT count(*) FROM finding WHERE level = 'ban' AND copy = ", rejected)) > 0);
}

TEST_CASE("polish with several threads finds and mends what it does with one", "[campaign][polish]") {
  const auto rule_set = std::make_shared<RuleSet>(test::rules_dir());
  const std::vector<std::string> texts{"山序 红茶，现在68元。",       "山序 红茶 ，现在68元。。",
                                       "山序 红茶，全国最佳的红茶。", "山序 红茶，现在58元。",
                                       "山序 红茶，重380克。",        "早起的鸟喝红茶，第一口就暖。"};
  const auto polished = [&](int threads) {
    ShopOfThree shop;
    Transaction transaction(shop.store->database());  // 300 of them would wait for the disk
    const auto run = test::add_run(*shop.store);
    for (std::size_t i = 0; i < 300; ++i)  // more than one transaction takes
      test::add_copy(*shop.store, {.product = i % 7 == 0 ? shop.lamp : shop.tea,
                                   .run = run,
                                   .text = texts[i % texts.size()],
                                   .arm = std::to_string(i)});
    transaction.commit();
    set_num_threads(threads);
    std::vector<std::int64_t> committed;
    const auto summary = Polish(*shop.store, rule_set).run(Polish::Which::written, [&](std::int64_t copies) {
      committed.push_back(copies);
    });
    set_num_threads(0);
    CHECK(summary.copies == 300);
    CHECK(summary.blocked > 0);
    CHECK(summary.fixed > 0);
    CHECK(committed == std::vector<std::int64_t>{256, 44});
    std::string all;
    Statement rows = shop.store->prepare(
        "SELECT c.id, c.text, c.status, f.rule, f.first, f.last, f.message FROM copy c LEFT JOIN finding f "
        "ON "
        "f.copy = c.id ORDER BY c.id, f.rowid");
    while (rows.step()) {
      for (int column = 0; column < 7; ++column) all += std::string(rows.text(column)) + "|";
      all += "\n";
    }
    return all;
  };
  CHECK(polished(4) == polished(1));
}

TEST_CASE("what is let pass because the product is called so is left to a person", "[campaign][polish]") {
  ShopOfThree shop;
  const auto run = test::add_run(*shop.store);
  const auto boast = test::add_product(*shop.store, "boast", {{"title", "全网第一 国家级 耳机"}});
  const auto named = test::add_copy(
      *shop.store, {.product = boast, .run = run, .text = "全网第一 国家级 耳机，戴着舒服。", .arm = "1"});
  const auto unnamed =
      test::add_copy(*shop.store, {.product = boast, .run = run, .text = "这款耳机戴着舒服。", .arm = "2"});
  const auto plain = test::add_copy(
      *shop.store, {.product = shop.tea, .run = run, .text = "山序 红茶，现在68元。", .arm = "3"});
  Polish polish(*shop.store, test::rules_dir());
  polish.run(Polish::Which::written, [](std::int64_t) {});
  const auto names = [&](std::int64_t copy) {
    return shop.store->database().integer(
        concat("SELECT count(*) FROM finding WHERE rule LIKE 'names/cn-%' AND level = 'evidence' AND copy = ",
               copy));
  };
  CHECK(names(named) >= 1);
  CHECK(names(unnamed) == 0);
  CHECK(names(plain) == 0);
  CHECK(shop.store->database().integer(
            concat("SELECT count(*) FROM copy WHERE status = 'ready' AND id = ", named)) == 1);
}

TEST_CASE("an audit tells all that led to a copy", "[campaign][audit]") {
  ShopOfThree shop;
  Echo echo;
  shop.write(plan_for({"mi-push"}), echo);
  Polish(*shop.store, test::rules_dir()).run(Polish::Which::written, [](std::int64_t) {});
  Audit audit(*shop.store);
  REQUIRE(audit.copies(false).size() == 3);
  CHECK(audit.copies(true).empty());
  const OrderedJson record = audit.record(1);
  CHECK(record["customer"] == "a");
  CHECK(record["product"] == "tea");
  CHECK(record["channel"] == "mi-push");
  CHECK(record["request"]["seed"] == record["seed"]);
  CHECK(record["decisions"].is_array());
  CHECK(record["assignment"].is_null());
  CHECK_THAT(test::error_of([&] { audit.record(99); }), Catch::Contains("there is no copy 99"));
}

}  // namespace
