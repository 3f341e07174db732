#include "copywriter/write/guard.h"

#include <map>
#include <sstream>

#include "support/catch.h"
#include "support/error_of.h"
#include "support/files.h"

namespace adlib::copywriter {
namespace {

using test::error_of;

const std::shared_ptr<const RuleSet>& guard_rules() {
  static const std::shared_ptr<const RuleSet> set = std::make_shared<RuleSet>(test::rules_dir());
  return set;
}

const Guard& guard() {
  static const Guard all(guard_rules());
  return all;
}

const TaggedPrompt& prompt() {
  static const TaggedPrompt fields = {{"<|zh|>", ""},
                                      {"<|product|>", "雪峰 13.3英寸双肩包"},
                                      {"<|price|>", "1,299元"},
                                      {"<|fact|>", "重量：380克"},
                                      {"<|fact|>", "隔层：3层"},
                                      {"<|age|>", "29"},
                                      {"<|spend|>", "5600元"},
                                      {"<|bought|>", "保温杯 500ml"},
                                      {"<|copy|>", ""}};
  return fields;
}

bool allows(const std::string& text) {
  const auto constraint = guard().constraint(prompt(), Language::zh);
  ConstrainedText copy(*constraint);
  return copy.push(text) == ConstrainedText::Verdict::accepted && copy.may_end();
}

}  // namespace

TEST_CASE("a guarded copy has the numbers of its prompt, each with its unit", "[copywriter][guard]") {
  for (const char* text : {"只要1299元，380g的双肩包。", "¥1,299就能带走，13.3 寸电脑放得下。", "三个隔层。",
                           "共3层，配500毫升的杯子。", "装得下一天。"}) {
    CAPTURE(text);
    CHECK(allows(text));
  }
  for (const char* text :
       {"只要1199元。", "只要1299美元。", "380千克。", "3个隔层。", "13.3厘米。", "29岁的你。",
        "花了5600元的你。", "打9折。", "第1名。", "$1299。", "１３８０克。", "还剩"}) {
    CAPTURE(text);
    CHECK_FALSE(allows(text));
  }
}

TEST_CASE("a guarded copy says nothing that the law forbids by a phrase", "[copywriter][guard]") {
  CHECK(allows("最近常背的双肩包。"));
  for (const char* text : {"全国最佳的双肩包。", "国家级双肩包。", "最 佳双肩包。", "国家級", "史无前例"}) {
    CAPTURE(text);
    CHECK_FALSE(allows(text));
  }
  // English copy is held to English law.
  const auto says = [](const std::string& text, Language language, TaggedPrompt fields) {
    const auto constraint = guard().constraint(fields, language);
    ConstrainedText copy(*constraint);
    return copy.push(text) == ConstrainedText::Verdict::accepted && copy.may_end();
  };
  const TaggedPrompt cream = {{"<|zh|>", ""}, {"<|product|>", "面霜"}, {"<|category|>", "面霜"}};
  const TaggedPrompt bag = {{"<|zh|>", ""}, {"<|product|>", "国家级双肩包"}, {"<|category|>", "双肩包"}};
  CHECK_FALSE(says("这款面霜能治疗湿疹。", Language::zh, cream));
  CHECK(says("背上国家级双肩包。", Language::zh, bag));  // its own name
  CHECK_FALSE(says("国家级手感。", Language::zh, bag));
}

TEST_CASE("a guarded copy has the foreign words of its prompt, whole", "[copywriter][guard]") {
  CHECK(allows("配500ml的保温杯。"));
  for (const char* text : {"take it。", "配500m的杯子。", "recommendation。", "かばん。"}) {
    CAPTURE(text);
    CHECK_FALSE(allows(text));
  }
}

TEST_CASE("a guarded copy fits its field and ends with what closes every copy", "[copywriter][guard]") {
  const std::vector<ChannelField>& channels = guard_rules()->channels();
  const Guard form(guard_rules(),
                   {.field = find_channel(channels, "vivo-push-title"), .ending = {"拒收请回复R"}});
  const auto constraint = form.constraint(prompt(), Language::zh, {}, Guard::Name::free);
  ConstrainedText copy(*constraint);
  for (const char* piece : {"去走走，", "去走走，", "看看山，", "看看水，", "喝喝茶，", "歇一歇，"})
    copy.push(piece);
  CHECK(copy.finish() == "去走走，去走走，看看山。拒收请回复R");
  CHECK(length_of(copy.finish()).in(LengthUnit::chinese_width) <= 20);
  const Guard none(guard_rules(), {.field = find_channel(channels, "vivo-push-title"),
                                   .ending = {"这一句话太长了，怎么也放不进二十个汉字的标题里去"}});
  CHECK_THAT(error_of([&] { (void)none.constraint(prompt(), Language::zh); }), ContainsSubstring("length"));
}

TEST_CASE("a guarded copy does not say what is sensitive about the customer", "[copywriter][guard]") {
  const auto says = [](const std::string& text, const std::vector<std::string>& unspoken) {
    const auto constraint = guard().constraint(prompt(), Language::zh, unspoken);
    ConstrainedText copy(*constraint);
    return copy.push(text) == ConstrainedText::Verdict::accepted && copy.may_end();
  };
  CHECK(says("为糖友准备的双肩包。", {}));
  CHECK_FALSE(says("为糖友准备的双肩包。", {"糖 友"}));
  CHECK(says("背上雪峰 13.3英寸双肩包。", {"糖友", "双肩包"}));  // its own name
}

TEST_CASE("the units of the rules are each in one class, as they stand", "[copywriter][guard]") {
  CHECK_THAT(error_of([] { const RuleSet none("/nonexistent"); }), ContainsSubstring("units.txt"));
  std::map<std::u32string, int> seen;
  int classes = 0;
  const std::string text =
      test::read_text(std::filesystem::path(ADLIB_SOURCE_DIR) / "examples/copywriter/rules/units.txt");
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    ++classes;
    std::istringstream words(line);
    for (std::string unit; words >> unit;) {
      CAPTURE(unit);
      REQUIRE_FALSE(folded(unit).empty());
      CHECK(seen.emplace(folded(unit), classes).first->second == classes);
    }
  }
  CHECK(classes > 50);
}

}  // namespace adlib::copywriter
