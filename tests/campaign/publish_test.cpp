#include <set>

#include "campaign/publish_support.h"
#include "copywriter/audit/audit.h"

namespace {

using namespace adlib;
using namespace adlib::copywriter;
using adlib::test::ApprovedShop;
using adlib::test::channels;
using adlib::test::kProduct;
using adlib::test::lines_of;
using adlib::test::read_text;
using adlib::test::table_of;

TEST_CASE("only what was approved, and is still the newest decision, is published", "[publish]") {
  ApprovedShop shop;
  const auto copy = shop.approved(shop.user("c-1"), "sms-1", "【静谷】静谷 Q2 到货，拒收请回复R");
  for (const std::string status : {"written", "blocked", "ready", "rejected"})
    test::add_copy(*shop.store, {.user = shop.user("c-" + status),
                                 .product = shop.product,
                                 .run = shop.run,
                                 .channel = "sms-1",
                                 .status = status});
  // Approved by the table alone, without the guard, with a ban, and fixed after the approval.
  test::add_copy(*shop.store, {.user = shop.user("c-2"),
                               .product = shop.product,
                               .run = shop.run,
                               .channel = "sms-1",
                               .status = "approved"});
  const auto unguarded = shop.approved(shop.user("c-3"), "sms-1", "a"),
             banned = shop.approved(shop.user("c-4"), "sms-1", "b"),
             wrong = shop.approved(shop.user("c-6"), "sms-1", "d"),
             fixed = shop.approved(shop.user("c-5"), "sms-1", "c");
  shop.store->prepare("UPDATE copy SET guarded = 0 WHERE id = ?").run(unguarded);
  shop.store->prepare("INSERT INTO finding VALUES (?, 'r', 'ban', 0, 1, '', '', '')").run(banned);
  shop.store->prepare("INSERT INTO finding VALUES (?, 'r', 'error', 0, 1, '', '', '')").run(wrong);
  shop.store->prepare("INSERT INTO decision(copy, time, who, action) VALUES (?, 1, 'polish', 'fix')")
      .run(fixed);
  const PublishResult result = shop.publish(shop.options("sms", "sms.jsonl"));
  CHECK(result.items == 1);
  const auto lines = lines_of(shop.file("sms.jsonl"));
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].at("copy") == copy);
  CHECK(lines[0].at("user") == "c-1");
  CHECK(lines[0].at("encoding") == "ucs2");
  CHECK(lines[0].at("segments") == 1);
  CHECK(shop.status(copy) == "published");
  CHECK(shop.publications("status = 'sent' AND target = 'sms'") == 1);
}

TEST_CASE("an assignment decides which variant a user gets, and who is held out", "[publish]") {
  ApprovedShop shop;
  const auto assign = [&](std::int64_t copy, std::optional<std::int64_t> chosen) {
    shop.store
        ->prepare(
            "INSERT INTO assignment(placement, copy, run, policy, propensity, context, time) "
            "VALUES ((SELECT placement FROM copy WHERE id = ?), ?, ?, 'uniform', 0.5, '{}', 1)")
        .run(copy, chosen, shop.run);
  };
  const auto second = shop.user("second"), held = shop.user("held"), none = shop.user("none"),
             other = shop.user("other");
  shop.approved(second, "sms-1", "a", "warm");
  const auto chosen = shop.approved(second, "sms-1", "b", "plain");
  assign(chosen, chosen);
  assign(shop.approved(held, "sms-1", "c"), std::nullopt);
  const auto first = shop.approved(none, "sms-1", "d", "warm");
  shop.approved(none, "sms-1", "e", "plain");
  const auto unapproved = test::add_copy(
      *shop.store, {.user = other, .product = shop.product, .run = shop.run, .channel = "sms-1", .arm = "x"});
  shop.approved(other, "sms-1", "f", "warm");
  assign(unapproved, unapproved);
  const PublishResult result = shop.publish(shop.options("sms", "sms.jsonl"));
  CHECK(result.items == 2);
  CHECK(result.held_out == 1);
  CHECK(result.not_chosen == 3);
  CHECK(result.unapproved == 1);  // "other" gets nothing, and that is told
  std::set<std::int64_t> copies;
  for (const io::Json& line : lines_of(shop.file("sms.jsonl")))
    copies.insert(line.at("copy").get<std::int64_t>());
  CHECK(copies == std::set<std::int64_t>{chosen, first});
}

TEST_CASE("who refused a channel, or all, gets nothing; who was not asked only without --require-consent",
          "[publish]") {
  ApprovedShop shop;
  const auto consent = [&](std::int64_t user, const char* channel, int granted) {
    shop.store->prepare("INSERT INTO consent(user, channel, granted, time) VALUES (?, ?, ?, 1)")
        .run(user, channel, granted);
  };
  const auto add = [&](const char* id) {
    const auto user = shop.user(id);
    shop.approved(user, "email-body", std::string("Dear ") + id);
    return user;
  };
  add("silent");
  consent(add("yes"), "email", 1);
  consent(add("yes-to-all"), "", 1);
  consent(add("no"), "email", 0);
  consent(add("no-to-all"), "", 0);
  const auto both = add("no-to-all-yes-to-email");
  consent(both, "", 0);
  consent(both, "email", 1);
  consent(add("no-to-sms"), "sms", 0);
  PublishOptions options = shop.options("email", "outbox");
  options.require_consent = GENERATE(false, true);
  const PublishResult result = shop.publish(options);
  CHECK(result.items == (options.require_consent ? 2 : 4));
  CHECK(result.refused == (options.require_consent ? 5 : 3));
}

TEST_CASE("a user's text is never put where everybody sees it", "[publish]") {
  ApprovedShop shop;
  const auto user = shop.user("c-1");
  shop.approved(user, "meta-description", "for c-1 alone");
  shop.approved(user, "taobao-title", "for c-1 alone");
  shop.approved(user, "xiaohongshu-title", "for c-1 alone");
  for (const char* target : {"shopify", "meta", "taobao", "xiaohongshu", "google-ads"}) {
    CAPTURE(target);
    CHECK(shop.publish(shop.options(target, "out")).items == 0);
    CHECK_FALSE(std::filesystem::exists(shop.file("out")));
  }
  std::string sent;
  PublishOptions webhook = shop.options("webhook", "");
  webhook.webhook.url = "https://shop.example/hook";
  preview(*shop.store, channels(), webhook, [&](std::string_view piece) { sent += piece; });
  CHECK(sent.empty());
}

TEST_CASE("who is held out of one placement gets nothing of those written since", "[publish]") {
  ApprovedShop shop;
  const auto user = shop.user("held");
  const auto first = shop.approved(user, "sms-1", "a");
  shop.store
      ->prepare(
          "INSERT INTO assignment(placement, copy, run, policy, propensity, context, time) "
          "VALUES ((SELECT placement FROM copy WHERE id = ?), NULL, ?, 'uniform', 0.1, '{}', 1)")
      .run(first, shop.run);
  shop.approved(user, "sms-3", "written later");
  shop.approved(user, "mi-push", "written later");
  shop.approved(shop.user("other"), "sms-3", "b");
  PublishResult result = shop.publish(shop.options("sms", "sms.jsonl"));
  CHECK(result.items == 1);
  CHECK(result.held_out == 2);
  result = shop.publish(shop.options("push", "push.jsonl"));
  CHECK(result.items == 0);
  CHECK(result.held_out == 1);
}

TEST_CASE("nothing personal goes to who opted out of that, or is under 18, after it was written",
          "[publish]") {
  ApprovedShop shop;
  const auto opted = shop.user("opted"), child = shop.user("child"), plain = shop.user("plain"),
             same = shop.user("same"), pupil = shop.user("pupil");
  for (const auto user : {opted, child, same, pupil}) shop.approved(user, "sms-1", "for you alone");
  const auto general = shop.approved(plain, "sms-1", "for anybody");
  shop.store->prepare("UPDATE copy SET personalised = 0 WHERE id = ?").run(general);
  shop.store->database().execute("UPDATE user SET personalised = 0 WHERE shop_id IN ('opted', 'plain')");
  shop.store->prepare("UPDATE user SET record = ? WHERE id = ?")
      .run(io::Json{{"id", "child"}, {"age", 15}}.dump(), child);
  PublishOptions options = shop.options("sms", "sms.jsonl");
  SECTION("the store alone") {
    const PublishResult result = shop.publish(options);
    CHECK(result.items == 3);
    CHECK(result.refused == 2);
  }
  SECTION("with the rules of what is private") {
    shop.store->prepare("UPDATE user SET record = ? WHERE id = ?")
        .run(io::Json{{"id", "pupil"}, {"interests", {"未成年"}}}.dump(), pupil);
    shop.store->database().execute("UPDATE copy SET text = '【静谷】静谷 Q2 降噪耳机到货，拒收请回复R'");
    options.rules = test::rules_dir();
    const PublishResult result = shop.publish(options);
    CHECK(result.items == 2);
    CHECK(result.refused == 3);
  }
}

TEST_CASE("an approved text that the shop's data contradict by now does not go out", "[publish]") {
  ApprovedShop shop;
  const auto stale = shop.approved(shop.user("c-1"), "sms-1", "【静谷】静谷 Q2 现在399元，拒收请回复R"),
             good = shop.approved(shop.user("c-2"), "sms-1", "【静谷】静谷 Q2 到货，拒收请回复R");
  PublishOptions options = shop.options("sms", "sms.jsonl");
  options.rules = test::rules_dir();
  std::string shown;
  CHECK(preview(*shop.store, channels(), options, [&](std::string_view piece) { shown += piece; }).items ==
        2);
  io::Json dearer = kProduct;
  dearer["price"] = "459.00";
  dearer["id"] = "q2";
  shop.store->prepare("UPDATE product SET record = ?").run(dearer.dump());
  CHECK_THAT(test::error_of([&] { shop.publish(options); }),
             Catch::Contains(concat("copy ", stale)) && Catch::Contains("polish --all"));
  options.skip_unfit = true;
  const PublishResult result = shop.publish(options);
  CHECK(result.items == 1);
  CHECK(result.unfit.size() == 1);
  CHECK(shop.status(good) == "published");
  CHECK(shop.status(stale) == "approved");
}

TEST_CASE("a product's name that breaks a rule is no title and no subject", "[publish]") {
  ApprovedShop shop;
  io::Json boast = kProduct;
  boast["title"] = "全网第一 降噪耳机";
  boast["id"] = "q2";
  shop.store->prepare("UPDATE product SET record = ?").run(boast.dump());
  const auto user = shop.user("c-1");
  PublishOptions options;
  SECTION("of a notification") {
    shop.approved(user, "mi-push", "戴着安静。");
    options = shop.options("push", "out");
  }
  SECTION("of a notification of Apple's") {
    shop.approved(user, "apns", "戴着安静。");
    options = shop.options("push", "out");
  }
  SECTION("of an e-mail") {
    shop.approved(user, "email-body", "戴着安静。退订请点击这里。");
    options = shop.options("email", "out");
  }
  options.rules = test::rules_dir();
  CHECK_THAT(test::error_of([&] { shop.publish(options); }),
             Catch::Contains("title") && Catch::Contains("cn-advertising"));
  boast["title"] = "静谷 降噪耳机";
  shop.store->prepare("UPDATE product SET record = ?").run(boast.dump());
  CHECK(shop.publish(options).items == 1);
}

TEST_CASE("an audit of what was published knows what was rejected since", "[publish][audit]") {
  ApprovedShop shop;
  const auto sent = shop.approved(shop.user("c-1"), "sms-1", "one");
  shop.publish(shop.options("sms", "sms.jsonl"));
  shop.approved(shop.user("c-2"), "sms-1", "two");
  const std::array ids{sent};
  reject(*shop.store, ids, {"lawyer"});
  CHECK(Audit(*shop.store).copies(true) == std::vector<std::int64_t>{sent});
}

TEST_CASE("publishing again writes what is new beside what was written, and nothing of others", "[publish]") {
  ApprovedShop shop;
  shop.approved(shop.user("c-1"), "sms-1", "one");
  PublishOptions options = shop.options("sms", "sms.jsonl");
  CHECK(shop.publish(options).items == 1);
  const std::string first = read_text(shop.file("sms.jsonl"));
  CHECK(shop.publish(options).before == 1);
  CHECK(read_text(shop.file("sms.jsonl")) == first);
  const auto edited = shop.approved(shop.user("c-2"), "sms-1", "two");
  CHECK(shop.publish(options).output == shop.file("sms.2.jsonl"));
  CHECK(read_text(shop.file("sms.jsonl")) == first);
  CHECK(lines_of(shop.file("sms.2.jsonl")).at(0).at("user") == "c-2");
  CHECK(shop.publish(options).before == 2);
  CHECK_FALSE(std::filesystem::exists(shop.file("sms.3.jsonl")));
  // A name is never used twice, also where somebody took the file away.
  std::filesystem::remove(shop.file("sms.2.jsonl"));
  shop.approved(shop.user("c-3"), "sms-1", "three");
  CHECK(shop.publish(options).output == shop.file("sms.3.jsonl"));
  shop.store->database().execute("DELETE FROM copy WHERE text = 'three'");
  test::write_text(shop.file("foreign.jsonl"), "not ours");
  shop.approved(shop.user("c-4"), "sms-1", "four");
  PublishOptions foreign = shop.options("sms", "foreign.jsonl");
  foreign.again = GENERATE(false, true);
  CHECK_THAT(test::error_of([&] { shop.publish(foreign); }), Catch::Contains("did not write it"));
  CHECK(read_text(shop.file("foreign.jsonl")) == "not ours");
  shop.store->database().execute("DELETE FROM copy WHERE text = 'four'");
  // A user is written to once, whatever is edited afterwards.
  edit(*shop.store, edited, "two and a half", {"editor"}, [&](std::int64_t copy) {
    shop.store->prepare("UPDATE copy SET status = 'ready' WHERE id = ?").run(copy);
    return true;
  });
  const std::array ids{edited};
  approve(*shop.store, ids, {"editor"});
  options.output = shop.file("third.jsonl");
  CHECK(shop.publish(options).before == 2);
  options.again = true;
  options.output = shop.file("sms.jsonl");
  CHECK(shop.publish(options).items == 2);
  const auto lines = lines_of(options.output);
  REQUIRE(lines.size() == 2);
  CHECK(lines[1].at("text") == "two and a half");
  CHECK(lines[0].at("id") != io::parse_json(first, "first").at("id"));
  CHECK(shop.publications() == 4);
}

TEST_CASE("a kill between the file and its commit is mended by the same call", "[publish]") {
  ApprovedShop shop;
  const auto one = shop.approved(shop.user("c-1"), "sms-1", "one"),
             two = shop.approved(shop.user("c-2"), "sms-1", "two");
  PublishOptions options = shop.options("sms", "sms.jsonl");
  CHECK(shop.publish(options).items == 2);
  const std::string whole = read_text(options.output);
  // As the store is when the process ends behind the first commit.
  shop.store->database().execute(
      "UPDATE publication SET status = 'pending', attempts = 0; UPDATE copy SET status = 'approved'");
  SECTION("with the file") {}
  SECTION("without the file") { std::filesystem::remove(options.output); }
  PublishOptions elsewhere = shop.options("sms", "other.jsonl");
  CHECK_THAT(test::error_of([&] { shop.publish(elsewhere); }), Catch::Contains("was begun for"));
  CHECK(shop.publish(options).items == 2);
  CHECK(read_text(options.output) == whole);
  CHECK(shop.publications("status = 'sent'") == 2);
  CHECK(shop.status(one) == "published");
  // And one of them rejected meanwhile.
  shop.store->database().execute("UPDATE publication SET status = 'pending'");
  const std::array ids{two};
  reject(*shop.store, ids, {"lawyer"});
  CHECK(shop.publish(options).items == 1);
  CHECK(lines_of(options.output).size() == 1);
  CHECK(shop.publications() == 1);
}

TEST_CASE("others may write while texts are looked at, and what they take back does not go out",
          "[publish]") {
  ApprovedShop shop;
  const auto one = shop.approved(shop.user("c-1"), "mi-push", "one");
  shop.approved(shop.user("c-2"), "mi-push", "two");
  const Store other(shop.store.file(), Store::Mode::write);
  PublishOptions options = shop.options("push", "push.jsonl");
  int looked = 0;
  const auto meanwhile = [&](const std::function<void()>& change) {
    options.format.why_not_title = [&looked, change](std::string_view, const copywriter::Candidate&,
                                                     std::string_view, const Product&) {
      ++looked;
      change();
      return std::string();
    };
  };
  SECTION("something else") {
    meanwhile([&] { test::add_user(other, "c-" + std::to_string(looked + 2)); });
    CHECK(shop.publish(options).items == 2);
    CHECK(looked == 2);
    CHECK(shop.publications("status = 'sent'") == 2);
  }
  SECTION("a rejection") {
    const std::array ids{one};
    meanwhile([&] {
      if (looked == 1) reject(other, ids, {"lawyer"});
    });
    CHECK(shop.publish(options).items == 1);
    CHECK(looked == 3);
    CHECK(lines_of(options.output).at(0).at("user") == "c-2");
    CHECK(shop.status(one) == "rejected");
  }
  SECTION("a refusal") {
    meanwhile([&] {
      if (looked == 1)
        other.database().execute(
            "INSERT INTO consent(user, channel, granted, time) SELECT id, 'push', 0, 1 FROM user "
            "WHERE shop_id = 'c-1'");
    });
    CHECK(shop.publish(options).items == 1);
    CHECK(lines_of(options.output).at(0).at("user") == "c-2");
  }
  SECTION("the texts, again and again") {
    meanwhile([&] { other.database().execute("UPDATE copy SET text = text || '!'"); });
    CHECK_THAT(test::error_of([&] { shop.publish(options); }), Catch::Contains("try again"));
    CHECK(shop.publications() == 0);
    CHECK_FALSE(std::filesystem::exists(options.output));
    CHECK(shop.status(one) == "approved");
  }
}

TEST_CASE("a preview shows what would go out and leaves no trace", "[publish]") {
  ApprovedShop shop;
  const auto copy = shop.approved(shop.user("c-1"), "sms-1", "one");
  std::string shown;
  const PublishResult result = preview(*shop.store, channels(), shop.options("sms", "sms.jsonl"),
                                       [&](std::string_view piece) { shown += piece; });
  CHECK(result.items == 1);
  CHECK(io::parse_json(shown, "shown").at("text") == "one");
  CHECK(shop.publications() == 0);
  CHECK(shop.status(copy) == "approved");
  CHECK_FALSE(std::filesystem::exists(shop.file("sms.jsonl")));
  PublishOptions nowhere = shop.options("sms", "");
  nowhere.output.clear();
  CHECK(preview(*shop.store, channels(), nowhere, [](std::string_view) {}).items == 1);
  CHECK(shop.publish(shop.options("sms", "sms.jsonl")).items == 1);
  CHECK(read_text(shop.file("sms.jsonl")) == shown);  // the key too
}

TEST_CASE("targets and channels that there are not are refused by name", "[publish]") {
  ApprovedShop shop;
  CHECK_THAT(test::error_of([&] { shop.publish(shop.options("fax", "x")); }),
             Catch::Contains("expected one of shopify"));
  PublishOptions options = shop.options("sms", "x");
  options.channels = {"mi-push"};
  CHECK_THAT(test::error_of([&] { shop.publish(options); }),
             Catch::Contains("takes no texts of the channel mi-push"));
  options = shop.options("email", "x");
  options.format.unsubscribe_url.clear();
  CHECK_THAT(test::error_of([&] { shop.publish(options); }), Catch::Contains("--unsubscribe-url"));
}

}  // namespace
