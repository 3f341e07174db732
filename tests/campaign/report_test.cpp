#include "copywriter/measure/report.h"

#include <cmath>
#include <map>
#include <regex>
#include <set>
#include <vector>

#include "campaign/support.h"
#include "copywriter/measure/html.h"
#include "copywriter/measure/results.h"

namespace {

using namespace adlib;
using namespace adlib::copywriter;
using adlib::test::NewStore;
using Catch::Contains;

// What would stop a parser or reach outside: every start tag has its end, attributes are quoted, ids and
// titles are there once, and nothing is fetched.
void check_page(const std::string& page) {
  static const std::set<std::string> empty{"meta", "line", "rect", "path"};
  REQUIRE(page.starts_with("<!DOCTYPE html>"));
  std::vector<std::string> open;
  std::set<std::string> ids;
  std::string targets;
  for (std::size_t at = page.find('<', 1); at != std::string::npos; at = page.find('<', at)) {
    if (open.size() > 0 && open.back() == "style") at = page.find("</style>", at);
    const std::size_t end = page.find('>', at);
    REQUIRE(end != std::string::npos);
    std::string tag = page.substr(at + 1, end - at - 1);
    at = end;
    if (tag.starts_with("/")) {
      REQUIRE_FALSE(open.empty());
      INFO("near " << page.substr(at > 80 ? at - 80 : 0, 100));
      REQUIRE(open.back() == tag.substr(1));
      open.pop_back();
      continue;
    }
    const bool closed = tag.ends_with("/");
    const std::string name = tag.substr(0, tag.find_first_of(" /"));
    CHECK(std::count(tag.begin(), tag.end(), '"') % 2 == 0);
    for (const char* outside :
         {"src=", "script", "iframe", "object", "embed", "link", "onclick", "http:", "https:"})
      CHECK_THAT(tag, !Contains(outside));
    if (const auto id = tag.find(" id=\""); id != std::string::npos)
      CHECK(ids.insert(tag.substr(id + 5, tag.find('"', id + 5) - id - 5)).second);
    if (name == "svg") CHECK(page.compare(end + 1, 7, "<title>") == 0);
    if (!closed && !empty.contains(name)) open.push_back(name);
  }
  CHECK(open.empty());
  for (std::size_t at = 0; (at = page.find("href=\"#", at)) != std::string::npos;) {
    at += 7;
    CHECK(ids.contains(page.substr(at, page.find('"', at) - at)));
  }
  // Nothing of which it is a share is above 100%.
  static const std::regex share("([0-9.]+)%");
  for (std::sregex_iterator at(page.begin(), page.end(), share), end; at != end; ++at)
    CHECK(std::stod((*at)[1]) <= 100);
  CHECK_THAT(page, !Contains("url(") && !Contains("@import") && !Contains("nan") && !Contains("inf<"));
}

struct Whole {
  NewStore store;
  // A campaign with everything; `text` stands wherever a shop's own texts do.
  explicit Whole(const std::string& text) {
    const Store& s = *store;
    Transaction transaction(s.database());
    const auto run = test::add_run(s);
    const auto product = test::add_product(s, "p", {{"title", text}, {"category", text}});
    s.prepare(
         "INSERT INTO source(run, file, kind, digest, rows, new_rows, rejected) VALUES (?, ?, 'customers', "
         "x'00', 9, 8, 1)")
        .run(run, "/home/someone/" + text);
    s.prepare("INSERT INTO rejected VALUES (1, 4, ?)").run(text);
    const io::Json feature = {{"life_cycle", {{"stage", "lapsing"}}},
                              {"interests", {{{"name", text}, {"weight", 2}}}},
                              {"cold_start", true}};
    for (int i = 0; i < 60; ++i) {
      const auto user = test::add_user(s, concat(text, i));
      s.prepare("INSERT INTO feature VALUES (?, ?, 1, ?)").run(user, run, feature.dump());
      s.prepare("INSERT INTO recommendation VALUES (?, 1, ?, 0.5, 'item-to-item', NULL, ?)")
          .run(user, product, run);
      const bool zh = i % 2 == 0;
      const auto copy = test::add_copy(s, {.user = user,
                                           .product = product,
                                           .run = run,
                                           .text = text,
                                           .scene = "promotion",
                                           .channel = zh ? "sms-1" : text,
                                           .language = zh ? "zh" : "en",
                                           .arm = i % 3 ? text : "warm",
                                           .status = i == 59 ? "blocked" : "published"});
      const io::Json context = {
          {"control", 0.2}, {"arms", {{text, 0.5}, {"warm", 0.5}}}, {"features", {{"constant", 1}}}};
      const bool held = i % 5 == 0;
      s.prepare(
           "INSERT INTO assignment(placement, copy, run, policy, propensity, context, time) SELECT "
           "placement, ?, ?, "
           "'thompson', ?, ?, ? FROM copy WHERE id = ?")
          .run(held ? std::nullopt : std::optional(copy), run, held ? 0.2 : 0.4, context.dump(),
               1'700'000'000 + i * 90'000, copy);
      s.prepare(
           "INSERT INTO publication(copy, target, destination, idempotency_key, status, time) VALUES (?, ?, "
           "?, ?, 'sent', 1700000000)")
          .run(copy, text, text, concat(i));
      s.prepare(
           "INSERT INTO outcome(hash, user, copy, kind, time) VALUES (?, ?, ?, 'impression', 1800000000)")
          .run(i, user, copy);
      if (i % 4 == 1)
        s.prepare("INSERT INTO outcome(hash, user, copy, kind, time) VALUES (?, ?, ?, 'click', 1800000000)")
            .run(100 + i, user, copy);
      if (i % 7 == 1)
        s.prepare(
             "INSERT INTO outcome(hash, user, copy, kind, time) VALUES (?, ?, ?, 'conversion', 1800000000)")
            .run(200 + i, user, copy);
      if (i == 59) {
        s.prepare("INSERT INTO finding VALUES (?, ?, 'ban', 0, 6, ?, ?, ?)")
            .run(copy, text, text, text, text);
        s.prepare(
             "INSERT INTO decision(copy, time, who, action, before, after, note) VALUES (?, 1, ?, 'fix', ?, "
             "?, ?)")
            .run(copy, text, text, text, text);
      }
    }
    // What was made of nothing personal may be shown.
    s.database().execute("UPDATE copy SET personalised = 0");
    transaction.commit();
  }
};

TEST_CASE("the report of an empty store, of one without outcomes, and of a whole campaign is a page",
          "[measure][report]") {
  const Language language = GENERATE(Language::en, Language::zh);
  const NewStore nothing;
  const std::string empty = campaign_report(*nothing, {.language = language});
  check_page(empty);
  CHECK_THAT(empty, Contains("adlib collect"));
  CHECK_THAT(empty, Contains(language == Language::zh ? "<html lang=\"zh-Hans\">" : "<html lang=\"en\">"));

  const NewStore unmeasured;
  const auto user = test::add_user(*unmeasured, "c");
  test::add_copy(*unmeasured, {.user = user,
                               .product = test::add_product(*unmeasured, "p"),
                               .run = test::add_run(*unmeasured),
                               .status = "ready"});
  const std::string waiting = campaign_report(*unmeasured, {.language = language});
  check_page(waiting);
  CHECK_THAT(waiting, Contains("<code>adlib review export shop.db -o sheet.csv</code>"));

  const Whole whole("静谷 Q2");
  const std::string page = campaign_report(*whole.store, {.language = language});
  check_page(page);
  CHECK_THAT(page, Contains("<blockquote lang=\"zh-Hans\">静谷 Q2</blockquote>"));
  whole.store->database().execute(
      "UPDATE publication SET destination = 'https://me:pass@hook.example.com/a?token=x'");
  const std::string hooked = campaign_report(*whole.store, {.language = language});
  CHECK_THAT(hooked, Contains("<td>hook.example.com</td>") && !Contains("pass") && !Contains("token"));
  CHECK_THAT(page, Contains("<blockquote lang=\"en\">"));
  CHECK_THAT(page, Contains("class=\"copy blocked\""));
  CHECK_THAT(page, Contains(language == Language::zh ? "下一步" : "What to do next"));
  CHECK_THAT(page, !Contains("/home/someone"));
  if (language == Language::zh) CHECK_THAT(page, !Contains("<h2 id=\"results\">Results"));
}

TEST_CASE("no text of the store becomes markup in the report", "[measure][report]") {
  const std::string hostile =
      "</title></style><script>alert(1)</script><img src=x onerror=alert(2)>\" onclick='x' &amp; \x01 "
      "\xE2\x80\xAE"
      "right\n-->]]>";
  const Whole whole(hostile);
  whole.store->database().execute("UPDATE copy SET text = CAST(text || x'FF' AS TEXT)");
  const std::string page = campaign_report(*whole.store, {.language = GENERATE(Language::en, Language::zh)});
  check_page(page);
  CHECK_THAT(page, !Contains("<script") && !Contains("<img") && !Contains("\x01") && !Contains("\xFF"));
  CHECK_THAT(page, Contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
  CHECK_THAT(page, Contains("&amp;amp;"));
  CHECK_THAT(page, !Contains("\xE2\x80\xAE"));  // would turn the text behind it around
}

TEST_CASE("the words of a copy that is one person's are not shown", "[measure][report]") {
  const Whole whole("a secret of one");
  whole.store->database().execute("UPDATE product SET record = '{\"title\": \"tea\"}'");
  whole.store->database().execute("UPDATE copy SET personalised = 1, arm = id");
  whole.store->database().execute("DELETE FROM recommendation; DELETE FROM feature; DELETE FROM source");
  whole.store->database().execute("UPDATE placement SET channel = 'sms-1'");
  whole.store->database().execute("UPDATE finding SET rule = 'facts/number', basis = 'a statute'");
  whole.store->database().execute("UPDATE publication SET target = 'sms', destination = 'x'");
  whole.store->database().execute("UPDATE assignment SET context = '{\"control\": 0.2}'");
  const std::string page = campaign_report(*whole.store, {.language = Language::en});
  check_page(page);
  CHECK_THAT(page, !Contains("a secret of one"));
  CHECK_THAT(page, Contains("made of what is known of one customer"));
  CHECK_THAT(page, Contains("class=\"copy blocked\"") && Contains("a statute"));
  // Of the texts that can be shown one is, even where another is clicked more.
  whole.store->database().execute("UPDATE copy SET personalised = 0, text = 'open words' WHERE id = 6");
  CHECK_THAT(campaign_report(*whole.store, {.language = Language::en}), Contains(">open words</blockquote>"));
}

TEST_CASE("of a handful of trials a rate is an interval, and an estimate that is no rate says nothing",
          "[measure][report]") {
  const Whole whole("tea");
  whole.store->database().execute(
      "DELETE FROM outcome; UPDATE assignment SET copy = NULL WHERE copy <> 2;"
      "UPDATE assignment SET propensity = 0.2 WHERE copy = 2;"
      "DELETE FROM publication; UPDATE copy SET status = 'approved' WHERE status = 'published';"
      "INSERT INTO outcome(hash, user, copy, kind, time) VALUES (1, 2, 2, 'click', 1800000000)");
  const Results results = measure(*whole.store);
  REQUIRE_FALSE(results.what_if.empty());
  // One draw of probability 1/4, clicked: Horvitz and Thompson say four clicks of one.
  CHECK(results.what_if.front().value.ips.high > 1);
  CHECK_FALSE(results.what_if.front().is_telling());
  CHECK(WhatIf::as_rate({2.5, -0.5, 5.5}).value == 1);
  CHECK(WhatIf::as_rate({2.5, -0.5, 5.5}).low == 0);
  const std::string page = campaign_report(*whole.store, {.language = Language::en});
  check_page(page);
  CHECK_THAT(page, Contains("too little data") && Contains("20.7% to 100%"));  // Wilson, of 1 in 1
  CHECK_THAT(page, Contains("1 copy has been seen so far: too few to say"));
  CHECK_THAT(page, !Contains("<strong>"));
  const std::string text = to_text(results);
  CHECK_THAT(text, Contains("too little data (20.65% to 100.00%)"));
  CHECK_THAT(campaign_report(*Whole("tea").store, {.language = Language::en}), Contains("<strong>"));
}

TEST_CASE("who is held out is counted by people", "[measure][report]") {
  const Whole whole("tea");
  // A second placement for everybody.
  const auto product = test::add_product(*whole.store, "p2", {{"title", "tea"}});
  Statement users = whole.store->prepare(
      "SELECT p.user, a.copy, a.context FROM assignment a JOIN placement p "
      "ON p.id = a.placement");
  std::vector<std::tuple<std::int64_t, bool, std::string>> all;
  while (users.step()) all.emplace_back(users.integer(0), users.is_null(1), users.text(2));
  for (const auto& [user, held_out, context] : all) {
    const auto copy =
        test::add_copy(*whole.store, {.user = user, .product = product, .run = 1, .status = "published"});
    whole.store
        ->prepare(
            "INSERT INTO assignment(placement, copy, run, policy, propensity, context, time) SELECT "
            "placement, iif(?, NULL, id), 1, 'thompson', 0.4, ?, 1700000000 FROM copy WHERE id = ?")
        .run(held_out, context, copy);
  }
  const std::string page = campaign_report(*whole.store, {.language = Language::en});
  check_page(page);
  CHECK_THAT(page, Contains("48 customers get copy, 12 (20.0%) are held out and get none"));
  CHECK_THAT(page, !Contains(">24<"));
  CHECK_THAT(campaign_report(*whole.store, {.language = Language::zh}),
             Contains("48 位客户收到文案，12 位（20.0%）是对照组"));
}

TEST_CASE("the copies to read are clicked ones, else published, approved or checked ones, one a product",
          "[measure][report]") {
  const NewStore store;
  const auto run = test::add_run(*store);
  const auto tea = test::add_product(*store, "tea"), lamp = test::add_product(*store, "lamp");
  const auto add = [&](std::int64_t product, const char* text, const char* status, const char* arm) {
    return test::add_copy(
        *store,
        {.product = product, .run = run, .text = text, .channel = "taobao", .arm = arm, .status = status});
  };
  const auto page = [&] { return campaign_report(*store, {.language = Language::en}); };
  add(tea, "not checked", "written", "1");
  store->database().execute("UPDATE copy SET personalised = 0");
  CHECK_THAT(page(), Contains("No copy has passed the check yet"));
  const auto first = add(tea, "passed one", "ready", "2");
  store->database().execute("UPDATE copy SET personalised = 0");
  CHECK_THAT(page(), Contains("passed one") && Contains("waiting for review") && !Contains("not checked<"));
  const auto good = add(tea, "approved one", "approved", "3");
  add(lamp, "passed two", "ready", "4");
  add(lamp, "rejected one", "rejected", "5");
  store->database().execute("UPDATE copy SET personalised = 0");
  CHECK_THAT(page(), Contains("approved one") && Contains("passed two") && !Contains("passed one") &&
                         !Contains("rejected one"));
  store->prepare("INSERT INTO outcome(hash, copy, kind, time) VALUES (1, ?, 'click', 1)").run(first);
  CHECK_THAT(page(), Contains("passed one") && Contains("Clicked 1 of 1 times") && !Contains("approved one"));
  // What is one person's is told of, and not shown.
  store->prepare("UPDATE placement SET user = ? WHERE product = ?").run(test::add_user(*store, "c"), tea);
  store->prepare("UPDATE copy SET personalised = 1 WHERE id IN (?, ?)").run(first, good);
  CHECK_THAT(page(), !Contains("passed one") && !Contains("approved one") && Contains("passed two") &&
                         Contains("2 copies are made of what is known of one customer"));
}

TEST_CASE("a report does not change the store, and is the same again", "[measure][report]") {
  const Whole whole("tea");
  const auto changes = [&] { return whole.store->database().integer("SELECT total_changes()"); };
  const std::int64_t before = changes();
  CHECK(campaign_report(*whole.store) == campaign_report(*whole.store));
  CHECK(changes() == before);
}

TEST_CASE("texts are escaped line by line", "[measure][report]") {
  CHECK(escaped("a<b>&\"'") == "a&lt;b&gt;&amp;&quot;&#39;");
  CHECK(escaped("one\r\ntwo\x07") == "one\ntwo");
  CHECK(escaped("\xFF") == "\xEF\xBF\xBD");
  CHECK(escaped("") == "");
  CHECK(grouped(1234567) == "1,234,567");
  CHECK(grouped(-1000) == "-1,000");
  CHECK(grouped(999) == "999");
  CHECK(percent(0.1234) == "12.3%");
  CHECK(percent(0.01234) == "1.23%");
  CHECK(percent(0.0001234) == "0.012%");
}

// WCAG 2.1: relative luminance and contrast of two colours.
double luminance(const std::string& hex) {
  double sum = 0;
  const std::array<double, 3> weights{0.2126, 0.7152, 0.0722};
  for (std::size_t i = 0; i < 3; ++i) {
    const std::string part = hex.size() == 4 ? std::string(2, hex[i + 1]) : hex.substr(1 + 2 * i, 2);
    const double c = std::stoi(part, nullptr, 16) / 255.0;
    sum += weights[i] * (c <= 0.03928 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4));
  }
  return sum;
}
double contrast(const std::string& a, const std::string& b) {
  const double one = luminance(a), two = luminance(b);
  return (std::max(one, two) + 0.05) / (std::min(one, two) + 0.05);
}

TEST_CASE("text has a contrast of 4.5 in light, dark and print, and marks one of 3", "[measure][report]") {
  CHECK(contrast("#fff", "#000") == Approx(21));
  CHECK(contrast("#777777", "#ffffff") == Approx(4.48).margin(0.01));
  const std::string style(page_style());
  int schemes = 0;
  for (std::size_t at = 0; (at = style.find("--ground:", at)) != std::string::npos; ++schemes) {
    const auto colour = [&](const char* name) {
      const std::size_t begin = style.find('#', style.find(std::string("--") + name + ":", at));
      return style.substr(begin, style.find_first_not_of("0123456789abcdef", begin + 1) - begin);
    };
    for (const char* ground : {"ground", "card"}) {
      for (const char* text : {"text", "soft", "mark", "good", "bad"}) {
        INFO(text << " on " << ground << " of scheme " << schemes);
        CHECK(contrast(colour(text), colour(ground)) >= 4.5);
      }
    }
    CHECK(contrast(colour("mark"), colour("tint")) >= 3);
    ++at;
  }
  CHECK(schemes == 3);
}

}  // namespace
