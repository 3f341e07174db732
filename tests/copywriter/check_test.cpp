#include "copywriter/polish/check.h"

#include <filesystem>

#include "adlib/io/atomic_file.h"
#include "copywriter/polish/channel.h"
#include "copywriter/polish/report.h"
#include "copywriter/support.h"
#include "support/catch.h"
#include "support/files.h"

using namespace adlib;
using namespace adlib::copywriter;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> rules_of(const std::vector<Finding>& findings) {
  std::vector<std::string> out;
  for (const Finding& finding : findings) out.push_back(finding.rule);
  return out;
}
std::string words(const Finding& finding, const std::string& text) {
  return text.substr(finding.where.begin, finding.where.end - finding.where.begin);
}
ChannelField field(LengthUnit unit, std::int64_t limit) {
  ChannelField channel;
  channel.id = channel.family = channel.title = channel.source = "test";
  channel.unit = unit;
  channel.limit = limit;
  return channel;
}
const TextSource copy_file{"copy.txt", 1, false};

}  // namespace

TEST_CASE("the language of a text is told from its letters", "[copywriter][check]") {
  CHECK(language_of("降噪耳机 AirTone Pro Max，通勤必备") == Language::zh);
  CHECK(language_of("Meet the 静谷 Q2 headphones, made for commuters.") == Language::en);
  CHECK(language_of("") == Language::en);
  CHECK(language_of("123 !") == Language::en);
}

TEST_CASE("a text that is too long is underlined from where it ends to fit", "[copywriter][check]") {
  const std::string text = "降噪耳机 Q2 🎧";
  for (const auto& [unit, fits, length] :
       {std::tuple{LengthUnit::characters, 8, 9}, std::tuple{LengthUnit::double_width, 12, 14},
        std::tuple{LengthUnit::chinese_width, 6, 7}, std::tuple{LengthUnit::utf16, 8, 10},
        std::tuple{LengthUnit::bytes, 16, 20}}) {
    CAPTURE(to_string(unit));
    CHECK(check_channel(text, field(unit, length)).empty());
    const auto findings = check_channel(text, field(unit, length - 1));
    REQUIRE(rules_of(findings) == std::vector<std::string>{"channel/length"});
    CHECK(words(findings[0], text) == "🎧");
    CHECK_THAT(findings[0].message, ContainsSubstring(std::to_string(length)));
    (void)fits;
  }
  CHECK_THAT(check_channel("你好", field(LengthUnit::gsm7, 160)).at(0).message,
             ContainsSubstring("GSM 7-bit"));
}

TEST_CASE("lines, addresses and emoji are found where a channel does not take them", "[copywriter][check]") {
  ChannelField plain = field(LengthUnit::characters, 0);
  CHECK(check_channel("一\n二 https://a.example 🎧", plain).empty());
  plain.lines = plain.links = plain.emoji = false;
  CHECK(rules_of(check_channel("一\n二 https://a.example 🎧", plain)) ==
        std::vector<std::string>{"channel/line", "channel/link", "channel/emoji"});
  for (const char* text : {"看HTTPS://A.EXAMPLE", "去 WWW.A.EXAMPLE", "上shop.example.com看看", "A.CN"})
    CHECK(rules_of(check_channel(text, plain)) == std::vector<std::string>{"channel/link"});
  for (const char* text : {"Node.js", "3.5mm", "A.common", "www 好", "用 .com 结尾", "me@a.com"})
    CHECK(check_channel(text, plain).empty());
}

TEST_CASE("a Chinese subject leaves room for its label", "[copywriter][check]") {
  const ChannelField subject =
      find_channel(read_channels(test::rules_dir() / "channels.toml"), "email-subject");
  CHECK(subject.limit == 78);
  CHECK(beside_label(subject, Language::en).limit == 78);
  CHECK(beside_label(subject, Language::zh).limit == 74);
  CHECK(beside_label(subject, Language::zh, "（广告）已经有了").limit == 78);
}

TEST_CASE("every channel that comes with adlib has a source, and ids are told when one is unknown",
          "[copywriter][check]") {
  const auto channels = read_channels(test::rules_dir() / "channels.toml");
  CHECK(channels.size() >= 20);
  CHECK(find_channel(channels, "vivo-push").limit == 50);
  CHECK_THAT(test::message_of([&] { (void)find_channel(channels, "vivo"); }),
             ContainsSubstring("'vivo' is unknown, expected one of mi-push-title"));
}

TEST_CASE("a text is held against law, language, channel and facts at once", "[copywriter][check]") {
  const std::vector<Product> products = test::products_from(
      R"({"id":"q2","title":"静谷 Q2 降噪耳机","brand":"静谷","category":"耳机","price":"399","currency":"CNY","attributes":{"续航":"30小时"}})");
  const Checker with_facts(test::rules_dir(), {}, products);
  const ChannelField& channel = find_channel(with_facts.channels(), "oppo-push-title");
  const std::string text =
      "静谷 Q2 降噪耳机，全国最佳，，续航40小时，只要399元，通勤路上安静听歌，每一天都自在";
  Subject subject;
  subject.text = text;
  subject.product = &products[0];
  subject.channel = &channel;
  const auto findings = with_facts.check(subject);
  const auto ids = rules_of(findings);
  const auto has = [&](const std::string& part) {
    return std::any_of(ids.begin(), ids.end(),
                       [&](const std::string& id) { return id.find(part) != id.npos; });
  };
  CAPTURE(ids);
  CHECK(has("cn-advertising/"));
  CHECK(has("typography/"));
  CHECK(has("facts/number"));
  CHECK(has("channel/length"));
  CHECK(std::is_sorted(findings.begin(), findings.end(),
                       [](const Finding& a, const Finding& b) { return a.where.begin < b.where.begin; }));
}

TEST_CASE("the spaces of a product's values are left alone", "[copywriter][check]") {
  const std::vector<Product> products =
      test::products_from(R"({"id":"p","title":"方格手账本","attributes":{"点阵":"5mm点阵"}})");
  const Checker with_facts(test::rules_dir(), {}, products);
  const std::string text = "用 USB 充电，配 LED 灯。点阵写的是5mm点阵。";
  Subject subject{.text = text};
  CHECK(rules_of(with_facts.check(subject)) == std::vector<std::string>{"typography/uneven-spaces"});
  subject.product = &products[0];
  CHECK(rules_of(with_facts.check(subject)).empty());
}

TEST_CASE("the marks and spaces of a product's own name are left alone", "[copywriter][check]") {
  const std::vector<Product> products =
      test::products_from(R"({"id":"j","title":"岚野 轻量冲锋衣","brand":"岚野"})");
  const Checker with_facts(test::rules_dir(), {}, products);
  const std::string text = "聊到岚野 轻量冲锋衣，走 吧。";
  const auto findings = with_facts.check({.text = text, .product = &products[0]});
  CHECK(rules_of(findings) == std::vector<std::string>{"typography/chinese-space"});
  CHECK(words(findings.at(0), text) == " ");
  CHECK(findings[0].where.begin > text.find("走"));
}

TEST_CASE("a rule that names a kind or channel that there is not is refused", "[copywriter][check]") {
  const test::TempDir dir;
  const auto error = [&](const std::string& line) {
    io::write_file(dir.path() / "own.toml",
                   "[pack]\nid=\"own\"\ntitle=\"t\"\nversion=\"1\"\nlanguages=[\"zh\"]\n[[rule]]\nid=\"a\"\n"
                   "level=\"style\"\nmessage=\"m\"\nphrases=[\"x\"]\nbad=[\"x\"]\ngood=[\"y\"]\n" +
                       line);
    const std::vector<fs::path> packs = {dir.path() / "own.toml"};
    return test::message_of([&] { const Checker own(test::rules_dir(), packs); });
  };
  CHECK_THAT(error("kinds=[\"fod\"]"),
             ContainsSubstring("own.toml:8:7: rule 'own/a': kind 'fod' is not in kinds.toml"));
  CHECK_THAT(error("channels=[\"fax\"]"), ContainsSubstring("channel 'fax' is not in channels.toml"));
}

TEST_CASE("a brand's own words are held to beside the law", "[copywriter][check]") {
  const test::TempDir dir;
  io::write_file(dir.path() / "brand.toml",
                 "[pack]\nid=\"brand\"\ntitle=\"静谷的用语\"\nversion=\"1\"\nlanguages=[\"zh\"]\n[[rule]]"
                 "\nid=\"house\"\n"
                 "level=\"style\"\nmessage=\"静谷不这么说\"\nreplace={\"耳塞\"=\"耳机\",\"客户\"=\"朋友\"}\n"
                 "bad=[\"耳塞\"]\ngood=[\"耳机\"]\n");
  const std::vector<fs::path> packs = {dir.path() / "brand.toml"};
  const Checker own(test::rules_dir(), packs);
  const std::string text = "这款耳塞送给老客户。";
  const auto findings = own.check({.text = text});
  CHECK(rules_of(findings) == std::vector<std::string>{"brand/house", "brand/house"});
  CHECK(fixed(text, findings) == "这款耳机送给老朋友。");
}

TEST_CASE("a text that is not personalised says nothing of its reader", "[copywriter][check][reader]") {
  const Checker checker(test::rules_dir());
  const auto found = [&](const std::string& text, Language language, const Customer* customer) {
    const Subject subject{
        .text = text, .language = language, .customer = customer, .unpersonalised = !customer};
    auto ids = rules_of(checker.check(subject));
    std::erase_if(ids, [](const std::string& id) { return !id.starts_with("reader/"); });
    return ids.empty() ? std::string() : ids[0];
  };
  CHECK(found("Here is one for you who love music.", Language::en, nullptr) == "reader/taste");
  CHECK(found("You looked at a lamp.", Language::en, nullptr) == "reader/history");
  CHECK(found("You are a member (Gold).", Language::en, nullptr) == "reader/trait");
  CHECK(found("喜欢音乐的你，请看看。", Language::zh, nullptr) == "reader/taste");
  CHECK(found("你买过茶，再看看杯子。", Language::zh, nullptr) == "reader/history");
  CHECK(found("If you like music, have a look. You know what you like.", Language::en, nullptr).empty());
  CHECK(found("如果你喜欢音乐，看看这一款。音乐响起的时候，它在旁边。", Language::zh, nullptr).empty());
  Customer customer;
  customer.interests = {"music", "音乐"};
  CHECK(found("Here is one for you who love music.", Language::en, &customer).empty());
  CHECK(found("Here is one for you who love hiking.", Language::en, &customer) == "reader/taste");
  {
    Customer boise;
    boise.name = "Ann";
    boise.member_level = "Gold";
    boise.extras = {{"city", "Boise"}};
    boise.interests = {"tea"};
    CHECK(found("A throw for people who love Boise.", Language::en, &boise) == "reader/taste-of-others");
    CHECK(found("For you who love Boise.", Language::en, &boise) == "reader/taste");
    CHECK(found("A note for you as a member (Boise), with thanks.", Language::en, &boise) == "reader/level");
    CHECK(found("You are a member with us (Insider).", Language::en, &boise) == "reader/level");
    CHECK(found("You have reached Boise with us.", Language::en, &boise) == "reader/level");
    for (const char* text :
         {"For people who love tea.", "For people who love the sea.", "You are a member (Gold).",
          "You have reached Gold with us.", "A day in Boise, for you."})
      CHECK(found(text, Language::en, &boise).empty());
  }
  CHECK(found("喜欢露营的你，请看看。", Language::zh, &customer) == "reader/taste");
  CHECK(found("喜欢音乐的你，请看看。", Language::zh, &customer).empty());
}

TEST_CASE("findings that say the same of the same words are told once", "[copywriter][check]") {
  const test::TempDir dir;
  std::vector<fs::path> packs;
  for (const char* id : {"one", "two"}) {
    packs.push_back(dir.path() / (std::string(id) + ".toml"));
    io::write_file(packs.back(),
                   "[pack]\nid=\"" + std::string(id) +
                       "\"\ntitle=\"t\"\nversion=\"1\"\nlanguages=[\"zh\"]\n[[rule]]\nid=\"a\"\n"
                       "level=\"style\"\nmessage=\"m\"\nphrases=[\"耳塞\"]\nbad=[\"耳塞\"]\ngood=[\"y\"]\n");
  }
  const Checker own(test::rules_dir(), packs);
  CHECK(rules_of(own.check({.text = "这款耳塞很轻。"})) == std::vector<std::string>{"one/a"});
}

TEST_CASE("fixes are put in, the first of those that overlap", "[copywriter][check]") {
  const std::vector<Finding> findings = {
      {.rule = "a", .where = {2, 4}, .message = "", .fix = "X"},
      {.rule = "b", .where = {3, 5}, .message = "", .fix = "Y"},
      {.rule = "c", .where = {6, 6}, .message = "", .fix = "+"},
      {.rule = "d", .where = {7, 8}, .message = ""},
  };
  CHECK(fixed("0123456789", findings) == "01X45+6789");
  CHECK(fixed("", {}).empty());
}

TEST_CASE("findings are underlined, wide characters by two marks", "[copywriter][report]") {
  const std::string text = "第一行\n本店最佳ABC面霜。";
  Finding finding{.rule = "p/r", .level = Level::ban, .where = {16, 22}, .message = "绝对化用语"};
  finding.basis = "《广告法》第九条";
  finding.rewrite = "说事实";
  CHECK(to_text({&finding, 1}, text, copy_file) ==
        "copy.txt:2:3: ban: 绝对化用语 [p/r]\n"
        "    本店最佳ABC面霜。\n"
        "        ^^^^\n"
        "    《广告法》第九条\n"
        "    → 说事实\n");
  finding.where = {text.size(), text.size()};
  CHECK_THAT(to_text({&finding, 1}, text, copy_file), ContainsSubstring("copy.txt:2:11: ban"));
  // A record's text has no lines in the file.
  CHECK_THAT(to_text({&finding, 1}, text, {"copies.jsonl", 7, true}),
             ContainsSubstring("copies.jsonl:7:11: "));
  const std::string longer = std::string(200, 'a') + "b" + std::string(200, 'a');
  finding.where = {200, 201};
  CHECK_THAT(to_text({&finding, 1}, longer, copy_file),
             ContainsSubstring("    …" + std::string(36, 'a') + "b" + std::string(36, 'a') + "…\n" +
                               std::string(41, ' ') + "^\n"));
}

TEST_CASE("positions are those of a walk from the beginning, in whatever order they are asked for",
          "[copywriter][report]") {
  const std::string text = "第一行\n\nab\n末";
  Positions positions(text);
  const auto at = [&](std::size_t byte) {
    const Position position = positions.of(byte);
    return std::pair(position.line, position.column);
  };
  const std::vector<std::pair<std::int64_t, std::int64_t>> all = {{1, 1}, {1, 2}, {2, 1},
                                                                  {3, 2}, {4, 1}, {4, 2}};
  const std::vector<std::size_t> bytes = {0, 3, 10, 12, 14, text.size()};
  for (std::size_t i = 0; i < all.size(); ++i) CHECK(at(bytes[i]) == all[i]);
  for (std::size_t i = all.size(); i-- > 0;) CHECK(at(bytes[i]) == all[i]);
}

TEST_CASE("JSON and SARIF say the same of a finding", "[copywriter][report]") {
  const std::string text = "本店最佳面霜。";
  const std::vector<Finding> findings = {
      {"p/r", Level::ban, {6, 12}, "绝对化用语", "《广告法》第九条", "", "优质"}};
  const OrderedJson json = to_json(findings, text, copy_file);
  CHECK(json["findings"][0]["words"] == "最佳");
  CHECK(json["findings"][0]["column"] == 3);
  CHECK(json["findings"][0]["fix"] == "优质");
  SarifLog log("1.0.0");
  log.add(findings, text, {"my copy.txt", 1, false});
  const OrderedJson sarif = log.document({});
  CHECK(sarif["version"] == "2.1.0");
  const OrderedJson& result = sarif["runs"][0]["results"][0];
  CHECK(result["ruleId"] == "p/r");
  CHECK(result["level"] == "error");
  const OrderedJson& region = result["locations"][0]["physicalLocation"]["region"];
  CHECK(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "my%20copy.txt");
  CHECK(region["startColumn"] == 3);
  CHECK(region["endColumn"] == 5);
  CHECK(region["snippet"]["text"] == "最佳");
  CHECK(result["fixes"][0]["artifactChanges"][0]["replacements"][0]["insertedContent"]["text"] == "优质");
  CHECK(sarif["runs"][0]["tool"]["driver"]["rules"][0]["id"] == "p/r");
}

TEST_CASE("a diff shows the lines that changed", "[copywriter][report]") {
  CHECK(diff("a\nb\nc", "a\nx\ny\nc", copy_file) == "@@ copy.txt:2 @@\n-b\n+x\n+y\n");
  CHECK(diff("a", "a", copy_file).empty());
  CHECK(diff("a\nb", "b", copy_file) == "@@ copy.txt:1 @@\n-a\n");
}
