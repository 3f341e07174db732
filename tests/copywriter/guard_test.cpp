#include "copywriter/write/guard.h"

#include <map>
#include <sstream>

#include "support/catch.h"
#include "support/error_of.h"
#include "support/files.h"

namespace adlib::copywriter {
namespace {

using test::error_of;

const Guard& guard() {
  static const Guard all(std::filesystem::path(ADLIB_SOURCE_DIR) / "examples/copywriter/rules");
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

TEST_CASE("the units of the rules are each in one class, as they stand", "[copywriter][guard]") {
  CHECK_THAT(error_of([] { const Guard none("/nonexistent"); }), ContainsSubstring("units.txt"));
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
