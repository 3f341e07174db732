#include <algorithm>
#include <random>
#include <set>

#include "campaign/collect_support.h"
#include "copywriter/collect/consent.h"
#include "copywriter/collect/consent_rows.h"

namespace {

using namespace adlib;
using namespace adlib::copywriter;
using adlib::test::Clock;
using adlib::test::CollectedShop;
using adlib::test::NewStore;

// What a record of one field says: "sms+" is granted, "-" every channel refused, "?" not understood.
std::string said(const std::string& json) {
  io::Json object = io::parse_json(json, "c");
  std::set<std::string> unclear;
  std::string all;
  for (const Consent& consent : take_consents(object, "c.csv:2", unclear)) {
    all += consent.channel + (consent.granted ? "+" : "-");
    if (consent.time) all += concat(*consent.time);
  }
  for (const std::string& name : unclear) all += "?" + name;
  return all;
}
std::string said(const std::string& name, const std::string& value) {
  return said(io::Json{{name, value}}.dump());
}

}  // namespace

TEST_CASE("consents are read under English and Chinese names, and a refusal wins", "[collect][consent]") {
  for (const auto& [name, channel] :
       std::vector<std::pair<const char*, const char*>>{{"sms_consent", "sms"},
                                                        {"email_opt_in", "email"},
                                                        {"Accepts Email Marketing", "email"},
                                                        {"Accepts SMS Marketing", "sms"},
                                                        {"Accepts Marketing", ""},
                                                        {"marketing_consent", ""},
                                                        {"短信同意", "sms"},
                                                        {"同意短信", "sms"},
                                                        {"营销同意", ""},
                                                        {"是否接收推送", "push"},
                                                        {"push_enabled", "push"},
                                                        {"opt_in", ""},
                                                        {"subscribed", ""},
                                                        {"marketing", ""},
                                                        {"ＳＭＳ consent", "sms"}}) {
    CAPTURE(name);
    CHECK(said(name, "yes") == std::string(channel) + "+");
    CHECK(said(name, "否") == std::string(channel) + "-");
    CHECK(said(name, "").empty());
  }
  // A newsletter that was declined says that nothing is wanted; one that was ordered comes by e-mail.
  CHECK(said("newsletter", "yes") == "email+");
  CHECK(said("newsletter", "no") == "-");
  CHECK(said("email_subscription", "unsubscribed") == "email-");
  CHECK(said("订阅状态", "已退订") == "-");
  CHECK(said(R"({"sms_consent":true,"短信退订":"是"})") == "sms-");
  CHECK_THAT(test::error_of([&] { said("sms_consent", "perhaps"); }),
             Catch::Contains("c.csv:2: field 'sms_consent' is \"perhaps\", expected yes or no"));
}

TEST_CASE("a refusal counts in any column, and not to refuse is not to agree", "[collect][consent]") {
  for (const auto& [name, channel] :
       std::vector<std::pair<const char*, const char*>>{{"do_not_contact", ""},
                                                        {"Do Not Call", "phone"},
                                                        {"doNotEmail", "email"},
                                                        {"不接收短信", "sms"},
                                                        {"no_sms", "sms"},
                                                        {"no_marketing", ""},
                                                        {"push-opt-out", "push"},
                                                        {"拒收短信", "sms"},
                                                        {"邮件退订", "email"},
                                                        {"退订", ""},
                                                        {"取消订阅", ""},
                                                        {"短信免打扰", "sms"},
                                                        {"HasOptedOutOfEmail", "email"},
                                                        {"unsubscribed", ""},
                                                        {"请勿打扰", ""},
                                                        {"sms_blocked", "sms"}}) {
    CAPTURE(name);
    CHECK(said(name, "yes") == std::string(channel) + "-");
    CHECK(said(name, "no").empty());
    CHECK(said(name, "0").empty());
  }
  CHECK(said("email_opt_out", "unsubscribed") == "email-");
  CHECK(said("no_sms", "since spring") == "sms-?no_sms");
  for (const char* name : {"marketing", "push_enabled", "opt_in", "subscribed", "contact", "sms", "短信",
                           "wechat", "email_notifications", "是否接收短信", "accepts"}) {
    CAPTURE(name);
    CHECK_THAT(said(name, "no"), Catch::EndsWith("-"));
  }
  // A channel alone holds an address, and its yes may mean that there is one.
  CHECK(said("email", "li@example.com").empty());
  CHECK(said("phone", "0").empty());
  CHECK(said("contact", "13812345678").empty());
  CHECK(said("emergency_contact", "13812345678").empty());
  CHECK(said("preferred_contact", "none") == "?preferred_contact");
  CHECK(said("phone_no", "5").empty());
  CHECK(said("opt_out", "yes").empty());  // of personal marketing
}

TEST_CASE("a consent or a refusal may say when", "[collect][consent]") {
  const std::string day = "2026-11-01", seconds = "1793491200";
  CHECK(said("unsubscribed_at", day) == "-" + seconds);
  CHECK(said("sms_unsubscribed_at", day) == "sms-" + seconds);
  CHECK(said("退订时间", day) == "-" + seconds);
  CHECK(said("unsubscribed_at", "").empty());
  CHECK(said("unsubscribed_at", "0").empty());
  CHECK(said("unsubscribed_at", "autumn") == "-?unsubscribed_at");
  CHECK(said("sms_consent", day) == "sms+" + seconds);
  CHECK(said("sms_consent_at", day) == "sms+" + seconds);
  CHECK(said(R"({"sms_consent":"yes","sms_consent_at":"2026-11-01"})") == "sms+" + seconds);
  CHECK(said(R"({"sms_consent":"no","sms_consent_at":"2026-11-01"})") == "sms-");
  CHECK(said(R"({"email_opt_in":"yes","consent_date":"2026-11-01"})") == "email+" + seconds);
  // The later of two that carry a date; else the refusal.
  CHECK(said(R"({"sms_consent":"yes","sms_consent_at":"2026-11-01","sms_unsubscribed_at":"2026-10-01"})") ==
        "sms+" + seconds);
  CHECK(said(R"({"sms_consent":"yes","sms_consent_at":"2026-11-01","sms_unsubscribed_at":"2026-11-01"})") ==
        "sms-" + seconds);
  CHECK(said(R"({"sms_consent":"yes","sms_unsubscribed_at":"2026-11-01"})") == "sms-" + seconds);
  CHECK(said("sms_consent_updated_at", day) == "?sms_consent_updated_at");
}

TEST_CASE("a pending or unknown answer is neither a consent nor a refusal", "[collect][consent]") {
  for (const char* answer : {"pending", "PENDING", "Unconfirmed", "awaiting confirmation", "unknown",
                             "not_set", "n/a", "single_opt_in", "待确认", "未确认", "确认中", "未知"}) {
    CAPTURE(answer);
    for (const char* field : {"sms_consent", "email_subscription_status", "Accepts Email Marketing",
                              "push_enabled", "newsletter", "短信同意", "subscribed"})
      CHECK(said(field, answer).empty());
    // A date beside it is none of a consent.
    CHECK(said(io::Json{{"sms_consent", answer}, {"sms_consent_at", "2026-11-01"}}.dump()).empty());
    CHECK(said(io::Json{{"sms_consent", answer}, {"consent_date", "2026-11-01"}}.dump()).empty());
  }
  CHECK(said(R"({"sms_consent":"pending","email_consent_at":"2026-11-01"})") == "email+1793491200");
  CHECK(said(R"({"sms_consent":"pending","sms_opt_out":"yes"})") == "sms-");
  // Who has begun to refuse has refused.
  for (const char* field : {"unsubscribed", "do_not_contact", "退订"}) {
    CHECK(said(field, "pending") == "-");
    CHECK(said(field, "unknown").empty());
  }
  CollectedShop shop;
  shop.take(FileKind::customers, "1.csv", "id,sms_consent\na,yes\nb,no\nc,pending\n");
  shop.take(FileKind::customers, "2.csv", "id,sms_consent\na,pending\nb,pending\nc,pending\n");
  CHECK(shop.text("SELECT shop_id || granted FROM consent c JOIN user u ON u.id = c.user ORDER BY shop_id") ==
        "a1|b0");
}

TEST_CASE("the words of shops' and newsletters' exports are understood", "[collect][consent]") {
  for (const char* answer : {"subscribed", "SUBSCRIBED", "Opted In", "opted-in", "confirmed", "已订阅"})
    CHECK(said("email_subscription_status", answer) == "email+");
  for (const char* answer : {"unsubscribed", "NOT_SUBSCRIBED", "not subscribed", "Non-Subscribed",
                             "never_subscribed", "cleaned", "bounced", "Hard bounced", "invalid", "redacted",
                             "archived", "transactional", "opted_out", "退订", "已退定"}) {
    CAPTURE(answer);
    CHECK(said("email_subscription_status", answer) == "email-");
    CHECK(said("email", answer) == "email-");
  }
  // A status of anything: only what is about messages alone counts.
  for (const char* answer :
       {"unsubscribed", "Unsubscribed", "cleaned", "opted out", "已退订", "non-subscribed"}) {
    CAPTURE(answer);
    CHECK(said("Status", answer) == "-");
  }
  CHECK(said("状态", "已退订") == "-");
  CHECK(said("status", "subscribed") == "?status");
  for (const char* answer :
       {"active", "pending", "invalid", "rejected", "已取消", "confirmed", "NY", "1", "no"}) {
    CAPTURE(answer);
    CHECK(said("status", answer).empty());
    CHECK(said("state", answer).empty());
    CHECK(said(io::Json{{"address", {{"state", answer}}}}.dump()).empty());
  }
  // Shopify's way in JSON.
  const auto nested = [](const char* state) {
    return said(io::Json{{"email_marketing_consent",
                          {{"state", state},
                           {"opt_in_level", "single_opt_in"},
                           {"consent_updated_at", "2026-11-01T00:00:00Z"}}}}
                    .dump());
  };
  CHECK(nested("subscribed") == "email+1793491200");
  CHECK(nested("unsubscribed") == "email-");
  CHECK(nested("not_subscribed") == "email-");
  CHECK(nested("redacted") == "email-");
  CHECK(nested("pending").empty());
  CHECK(said(R"({"smsMarketingConsent":{"marketingState":"SUBSCRIBED","consentUpdatedAt":"2026-11-01"}})") ==
        "sms+1793491200");
  CHECK_THAT(test::error_of([&] { nested("perhaps"); }), Catch::Contains("expected yes or no"));
  CHECK(said("短信退定", "是") == "sms-");
}

TEST_CASE("what may tell of consent and is not understood is named", "[collect][consent]") {
  for (const char* name : {"privacy_consent", "contact_preference", "subscription_plan", "terms_accepted",
                           "newsletter_topic", "营销分组", "订阅套餐", "allow_list", "opt_level"}) {
    CAPTURE(name);
    CHECK(said(name, "gold") == std::string("?") + name);
  }
  CHECK(said(R"({"prefs":{"do_not_contact":"yes","colour":"red"}})") == "?prefs.do_not_contact");
  for (const char* name : {"name", "options", "laptop", "shallow", "city", "phone", "收货地址", "接收地址",
                           "description", "sms_sent", "channel", "date", "state", "user_level"}) {
    CAPTURE(name);
    CHECK(said(name, "gold").empty());
  }
}

TEST_CASE("a refusal is undone by a consent with a later date of its own, and by nothing else",
          "[collect][consent]") {
  Clock clock;
  CollectedShop shop;
  const auto customers = [&](const char* now, const char* name, const std::string& cells) {
    clock.set(now);
    return shop.take(FileKind::customers, name,
                     concat("id,push_consent,push_consent_at,city\nc,", cells, ",", name, "\n"));
  };
  const auto row = [&] {
    return shop.text("SELECT channel || granted || ' ' || time || ' ' || origin FROM consent");
  };
  customers("1000000000", "1.csv", "yes,");
  CHECK(row() == "push1 1000000000 file");
  customers("1000000100", "2.csv", "no,");
  CHECK(row() == "push0 1000000100 file");
  CHECK(customers("1000000200", "3.csv", "yes,").refused_before == 1);
  CHECK(customers("1000000200", "4.csv", "yes,1000000100").refused_before == 1);
  CHECK(row() == "push0 1000000100 file");
  CHECK(customers("1000000300", "5.csv", "yes,1000000150").refused_before == 0);
  CHECK(row() == "push1 1000000150 dated");
  // The old refusal again, and an older consent: each is as old as it was.
  clock.set("1000000400");
  shop.read(FileKind::customers, shop.store.directory() / "2.csv");
  shop.read(FileKind::customers, shop.store.directory() / "1.csv");
  CHECK(row() == "push1 1000000150 dated");
  customers("1000000500", "6.csv", "no,");
  CHECK(row() == "push0 1000000500 file");
  // Who dates a consent ahead does not silence the refusals that come before that day.
  customers("1000000600", "7.csv", "yes,2000000000");
  CHECK(row() == "push1 1000000600 dated");
  customers("1000000700", "8.csv", "no,");
  CHECK(row() == "push0 1000000700 file");
}

TEST_CASE("in any order the same answers leave the same consent", "[collect][consent]") {
  struct Said {
    bool granted;
    std::int64_t time;
    ConsentRows::Origin origin;
  };
  using Origin = ConsentRows::Origin;
  std::vector<Said> all;
  for (const std::int64_t time : {10, 20, 30}) {
    all.push_back({true, time, Origin::file});
    all.push_back({true, time, Origin::dated});
    all.push_back({false, time, Origin::dated});
    all.push_back({false, time, Origin::unsubscribe});
  }
  NewStore store;
  const auto user = test::add_user(*store, "c");
  ConsentRows rows(*store);
  std::mt19937 random(5);
  for (int round = 0; round < 200; ++round) {
    std::shuffle(all.begin(), all.end(), random);
    const std::size_t count = 1 + random() % 5;
    std::int64_t refused = -1, consented = -1;
    store->database().execute("DELETE FROM consent");
    for (std::size_t i = 0; i < count; ++i) {
      if (!all[i].granted) refused = std::max(refused, all[i].time);
      if (all[i].granted && all[i].origin == Origin::dated) consented = std::max(consented, all[i].time);
      rows.put(user, "sms", all[i].granted, all[i].time, all[i].origin);
    }
    CHECK(store->database().integer("SELECT granted FROM consent") ==
          (refused < 0 || consented > refused ? 1 : 0));
  }
}

TEST_CASE("columns that may tell of consent and are not understood are told once", "[collect][consent]") {
  CollectedShop shop;
  const CollectedFile result =
      shop.take(FileKind::customers, "c.csv",
                "id,do_not_contact,privacy_consent,退订\na,yes,v2,\nb,no,v3,是\nc,,v3,\n");
  CHECK(result.unclear == std::vector<std::string>{"privacy_consent"});
  CHECK(
      shop.text(
          "SELECT u.shop_id || channel || granted FROM consent c JOIN user u ON u.id = c.user ORDER BY 1") ==
      "a0|b0");
}
