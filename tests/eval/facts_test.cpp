// Values of the input in a text, and what the input does not hold.
#include <string>
#include <vector>

#include "adlib/eval/facts.h"
#include "support/catch.h"

namespace adlib {
namespace {

using Strings = std::vector<std::string>;

std::string normalised(std::string_view text) { return eval::utf8(eval::normalised(text)); }

TEST_CASE("numbers are compared by value, however they are written", "[eval]") {
  struct Case {
    const char* text;
    Strings values;
  };
  const auto [text, expected] = GENERATE(values<Case>({
      {"1280", {"1280"}},
      {"1,280.50元", {"1280.5"}},
      {"１，２８０．５０", {"1280.5"}},
      {"599.00", {"599"}},
      {"0.50 and 00.5 and 007", {"0.5", "0.5", "7"}},
      {"0", {"0"}},
      {"000.000", {"0"}},
      {"1.5万人", {"15000"}},
      {"0.128万", {"1280"}},
      {"1,000万", {"10000000"}},
      {"2亿", {"200000000"}},
      {"1.23456789亿", {"123456789"}},
      {"1.234567891亿", {"123456789.1"}},
      {"1,23 2,3456 12345,678", {"1", "23", "2", "3456", "12345", "678"}},  // no groups of three
      {"1,234,567", {"1234567"}},
      {"买3，送1", {"3", "1"}},
      {"Q2 耳机 IPX4", {"2", "4"}},
      {"-5.5° .5 5.", {"5.5", "5", "5"}},
      {"1.2.3", {"1.2", "3"}},
      {"3-4 天 50%", {"3", "4", "50"}},
      {"三十 ½ ② ٣ ten", {}},
      {"99999999999999999999999999.10", {"99999999999999999999999999.1"}},
  }));
  INFO(text);
  CHECK(eval::numbers(text) == expected);
}

TEST_CASE("normalised texts agree in width, case, blanks and numbers", "[eval]") {
  CHECK(normalised("ＣＯＴＴＯＮ　１００％") == "cotton 100%");
  CHECK(normalised(" 续航 30 小时 ") == "续航30小时");
  CHECK(normalised("Trail \n\t 3  Shoes") == "trail 3 shoes");
  CHECK(normalised("Fernway 越野 跑鞋 v2") == "fernway越野跑鞋v2");
  CHECK(normalised("￥1,280.00 起") == "￥1280起");
  CHECK(normalised("").empty());
  CHECK(normalised(normalised("ＡＢ 1,280.00 元 a b")) == normalised("ＡＢ 1,280.00 元 a b"));
}

TEST_CASE("a value is found whole or not at all", "[eval]") {
  CHECK(eval::holds_value("续航可达 30 小时", "30小时"));
  CHECK(eval::holds_value("只要１，２８０元", "1280.00元"));
  CHECK(eval::holds_value("A Cotton-Shirt.", "cotton"));
  CHECK(eval::holds_value("5 and 5.3", "5"));
  CHECK_FALSE(eval::holds_value("a shirt", "S"));
  CHECK_FALSE(eval::holds_value("蓝牙5.3", "5"));
  CHECK_FALSE(eval::holds_value("蓝牙5.3", "3"));
  CHECK_FALSE(eval::holds_value("300克", "0克"));
  CHECK_FALSE(eval::holds_value("cottons", "cotton"));
  CHECK(eval::holds_value("shirts, shirt", "shirt"));  // the second one is whole
  CHECK(eval::holds_value("纯棉布料", "棉布"));        // Chinese has no seams to look at
  CHECK(eval::holds_value("尺码S。", "S"));
  CHECK_FALSE(eval::holds_value("anything", ""));
  CHECK_FALSE(eval::holds_value("anything", "  "));
}

TEST_CASE("attribute coverage counts the values that the text holds", "[eval]") {
  const Strings values = {"30小时", "IPX4", "4.8克", ""};
  const eval::Coverage some = eval::attribute_coverage("续航30小时，ipx4 级防水", values);
  CHECK(some.found == 2);
  CHECK(some.total == 3);
  CHECK(some.share() == Approx(2.0 / 3));
  CHECK(eval::attribute_coverage("", values).share() == 0);
  CHECK(eval::attribute_coverage("续航", {}).share() == 0);
}

TEST_CASE("numbers that the input does not hold are invented, each once", "[eval]") {
  CHECK(eval::invented_numbers("原价699，现价599.00，立省100，仅100件", "价格：599元 原价 699") ==
        Strings{"100"});
  CHECK(eval::invented_numbers("销量1.5万", "已售15000件").empty());
  CHECK(eval::invented_numbers("3 for 2", "") == Strings{"3", "2"});
  CHECK(eval::invented_numbers("", "5").empty());
}

TEST_CASE("known values that the input does not hold are invented", "[eval]") {
  eval::ValueLexicon lexicon;
  for (const char* value : {"纯棉", "真丝", "真丝混纺", "黑", "黑色", "42", "Oak", "solid oak", "真丝"}) {
    lexicon.add(value);
  }
  CHECK(lexicon.size() == 6);  // one character and a plain number are left out, and 真丝 is there once
  CHECK(lexicon.invented("纯棉面料，黑色", "材质：纯棉").front() == "黑色");
  CHECK(lexicon.invented("纯棉面料，黑色", "黑色 纯棉").empty());
  CHECK(lexicon.invented("真丝混纺与真丝，真丝", "") == Strings{"真丝混纺", "真丝"});
  CHECK(lexicon.invented("a base of Solid Oak", "base: solid oak").empty());
  CHECK(lexicon.invented("soak in solid oak", "") == Strings{"solid oak"});
  CHECK(lexicon.invented("oak", "a lamp") == Strings{"oak"});
  CHECK(lexicon.invented("42", "").empty());
  CHECK(eval::ValueLexicon().invented("纯棉", "").empty());
}

}  // namespace
}  // namespace adlib
