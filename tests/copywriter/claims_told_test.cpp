// Values under another property's name, values and quotations that break off, and the reader's own level:
// what copy of adlib's own model passed with before a measurement on a shop that nobody had seen.
#include <filesystem>
#include <fstream>

#include "claims_cases.h"
#include "copywriter/polish/check_reader.h"

using namespace adlib;
using namespace adlib::copywriter;
using namespace adlib::test::claims_data;

namespace {

Strings told(const std::string& text, const std::string& product, const std::string& customer = "") {
  static const Claims claims(rules_dir());
  return check(claims, text, product, customer);
}

// A line of the corpus with the first of each choice: "[a|b] c" is "a c".
std::string first_reading(std::string line) {
  for (std::size_t begin = line.find('['); begin != std::string::npos; begin = line.find('[')) {
    const std::size_t end = line.find(']', begin), bar = std::min(line.find('|', begin), end);
    line = line.substr(0, begin) + line.substr(begin + 1, bar - begin - 1) + line.substr(end + 1);
  }
  return line;
}

// The sentences with which the corpus tells a property.
Strings sentences_of_facts(const std::string& language) {
  Strings out;
  const auto folder = test::source_dir() / "examples/copywriter/corpus" / language / "categories";
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    bool fact = false;
    std::ifstream lines(file.path());
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("== ")) {
        fact = line.starts_with("== fact ");
      } else if (fact && line.find("{value}") != std::string::npos) {
        out.push_back(first_reading(line));
      }
    }
  }
  return out;
}

std::string with_value(std::string sentence, const std::string& value) {
  for (std::size_t begin = sentence.find('{'); begin != std::string::npos; begin = sentence.find('{')) {
    const std::size_t end = sentence.find('}', begin) + 1;
    sentence.replace(begin, end - begin, sentence.substr(begin, end - begin) == "{value}" ? value : "X");
  }
  return sentence;
}

}  // namespace

TEST_CASE("A value that a model tells without its property is found", "[polish][claims]") {
  static const Claims claims(rules_dir());
  const auto found = [](const std::string& text, const std::string& product, bool generated = true) {
    return check(claims, text, product, "", generated);
  };
  // Found in the texts of a shop that nobody had seen: 650g was of the down, 150PSI of the pump.
  const std::string coat =
      R"({"id":"a","title":"北岭 羽绒服","price":"89.00","compare_at_price":"109.00","currency":"CNY",)"
      R"("attributes":{"充绒量":"650g","折叠厚度":"5cm","香味":"雪松与佛手柑","适用犬龄":"12月龄以上","耐寒温度":"-15℃"}})";
  CHECK(found("能装650g。", coat) == Strings{"facts/attribute@650g"});
  CHECK(found("旋钮厚度：5cm。", coat) == Strings{"facts/attribute@5cm"});
  CHECK(found("你既爱滑雪，又爱滑雪松与佛手柑，这一款就是为你挑的。", coat) ==
        Strings{"facts/attribute@雪松与佛手柑"});
  CHECK(found("论粗脂肪，它是12月龄。", coat) == Strings{"facts/attribute@12"});
  for (const char* text : {"充绒量是650g。", "650g，是它的充绒量。", "想看参数的话，折叠厚度：5cm。",
                           "香味写的是雪松与佛手柑。", "北岭 羽绒服，想了解的话，适用犬龄：12月龄以上。"})
    CHECK(found(text, coat).empty());
  CHECK(found("能装650g。", coat, /*generated=*/false).empty());  // a person may have left the name out
  CHECK(found("耐寒温度，15℃。", coat) == Strings{"facts/number@15℃"});
  CHECK(found("耐寒温度，15℃。", coat, /*generated=*/false).empty());
  for (const char* text : {"耐寒温度，-15℃。", "耐寒温度：零下15℃。", "耐寒温度为−15℃。"})
    CHECK(found(text, coat).empty());
  // 电源线长 is not the 电源; a side of three is missing.
  const std::string lamp =
      R"({"id":"d","title":"北岭 台灯","attributes":{"电源":"12V/2A","尺寸":"36x18x18cm"}})";
  CHECK(found("电源线长12V/2A，摆放的时候留意一下。", lamp) == Strings{"facts/attribute@12V/2A"});
  CHECK(found("电源是12V/2A，摆放的时候留意一下。", lamp).empty());
  CHECK(found("尺寸是36x18cm。", lamp) == Strings{"facts/number@36x18"});
  CHECK(found("尺寸是18×18×36cm。", lamp) == Strings{"facts/number@18×18×36"});
  CHECK(found("尺寸是36×18×18cm。", lamp).empty());
  // Prices: the one before beside the one of now, and each once.
  CHECK(found("109元，喜欢就出手！", coat) == Strings{"facts/price@109元"});
  CHECK(found("从89元到89元。", coat) == Strings{"facts/price@89元"});
  for (const char* text : {"89元，喜欢就出手！", "从109元到89元。"}) CHECK(found(text, coat).empty());
  // What is saved may be as much as the price.
  const std::string half =
      R"({"id":"c","title":"北岭 围巾","price":"100.00","compare_at_price":"200.00","currency":"CNY"})";
  CHECK(found("原价200元，现价100元，立省100元。", half).empty());
  CHECK(found("立省100元，现价100元，只要100元。", half) == Strings{"facts/price@100元"});

  const std::string bag =
      R"({"id":"b","title":"Aire Pack","price":"112.00","currency":"USD",)"
      R"("attributes":{"laptop size":"15 in","steeping time":"3-4 min","baking":"slow-baked","pockets":"4"}})";
  CHECK(found("It was $112, it is now $112.", bag) == Strings{"facts/price@$112"});
  CHECK(found("It is listed for babies of 15 in.", bag) == Strings{"facts/attribute@15 in"});
  CHECK(found("The texest on the bag is 3-4 min.", bag) == Strings{"facts/attribute@3-4 min"});
  CHECK(found("You enjoy road trips and slow-baked, and we like that.", bag) ==
        Strings{"facts/attribute@slow-baked"});
  for (const char* text : {"The laptop size is listed as 15 in.", "Steeping time: 3-4 min.",
                           "The price: $112.", "If you want to know about the pockets, the answer is 4."})
    CHECK(found(text, bag).empty());
}

TEST_CASE("What a model puts between marks of quotation is the shop's or the reader's", "[polish][claims]") {
  static const Claims claims(rules_dir());
  const std::string
      lamp =
          R"({"id":"a","title":"静谷 台灯","description":"光照得柔和。","price":"89.00","currency":"CNY"})",
      tv = R"({"id":"b","title":"Aire 55\" TV","description":"Quiet at night."})",
      reader = R"({"id":"c","reviews":[{"text":"夜里看书正好"},{"text":"My dog sleeps by it"}]})";
  const auto found = [&](const std::string& text, const std::string& product, bool generated = true) {
    return check(claims, text, product, reader, generated);
  };
  CHECK(found("“不刺眼”，你写得真好。", lamp) == Strings{"facts/quotation@不刺眼"});
  CHECK(found("“不刺眼”，你写得真好。", lamp, /*generated=*/false).empty());
  CHECK(found("“夜里看书正好”，你写得真好，“光照得柔和”。", lamp).empty());
  CHECK(found("You wrote \"my cat sleeps by it\" on it.", tv) ==
        Strings{"facts/quotation@my cat sleeps by it"});
  for (const char* text :
       {"You wrote \"my dog sleeps by it\" on it.", "Aire 55\" TV is here, and \"quiet at night\"."})
    CHECK(found(text, tv).empty());
}

TEST_CASE("A value that the corpus's sentences tell as another property's is found", "[polish][claims]") {
  const auto [language, product, value] = GENERATE(table<std::string, std::string, std::string>(
      {{"zh", R"({"id":"a","title":"拾音 竹影某物","attributes":{"赠品":"琥珀石"}})", "琥珀石"},
       {"en", R"({"id":"b","title":"Zyxel Quonk","attributes":{"keepsake":"amber stone"}})",
        "amber stone"}}));
  const Claims claims(rules_dir());
  const Product item = product_from_json(io::parse_json(product, "p"), {"p.jsonl", 1});
  std::size_t all = 0, found = 0;
  for (const std::string& sentence : sentences_of_facts(language)) {
    const auto findings = claims.check(with_value(sentence, value), item, nullptr, parse_language(language));
    ++all;
    found += std::any_of(findings.begin(), findings.end(),
                         [](const Finding& one) { return one.level == Level::error; });
  }
  INFO(language << " " << found << " of " << all);
  REQUIRE(all > 600);
  CHECK(static_cast<double>(found) >= 0.9 * static_cast<double>(all));
}

TEST_CASE("A value under the name of another property is found, whatever that is", "[polish][claims]") {
  const std::string candle =
      R"({"id":"c","title":"听潮 香薰蜡烛","attributes":{"净重":"180克","香味":"雪松与柑橘","蜡":"大豆蜡"}})";
  CHECK(told("净重180克。香味是雪松与柑橘。", candle).empty());
  CHECK(told("水温建议180克，泡之前留意一下。", candle) == Strings{"facts/attribute@180克"});
  CHECK(told("焦距为雪松与柑橘。", candle) == Strings{"facts/attribute@雪松与柑橘"});
  CHECK(told("香味是标签上的产地。", candle) == Strings{"facts/attribute@标签上的产地"});
  CHECK(told("称起来是2升。", R"({"id":"d","title":"毛豆家 饮水机","attributes":{"容量":"2升"}})").size() ==
        1);
  CHECK(told("先说一项：净含量，干松果皮。", candle) == Strings{"facts/attribute@干松果皮"});
  const std::string bike =
      R"({"id":"b","title":"Tarnbeck Gravel Bike","attributes":{"brakes":"hydraulic disc","load limit":"105 kg","frame":"chromoly steel"}})";
  CHECK(told("The brakes: hydraulic disc. Frame: chromoly steel. The load limit is 105 kg.", bike).empty());
  CHECK(told("The strap is described as hydraulic disc.", bike) == Strings{"facts/attribute@hydraulic disc"});
  CHECK(told("For your garden, note the capacity: 105 kg.", bike) == Strings{"facts/attribute@105 kg"});
  CHECK(told("If you ask what it is made of, it is as hydraulic disc.", bike) ==
        Strings{"facts/attribute@hydraulic disc"});
  CHECK(told("With 105 kg listed under colour, you know.", bike) == Strings{"facts/attribute@105 kg"});
  // Words that are no name there: "fit", "keys".
  CHECK(told("Fit it in the shed: chromoly steel, and keys in your pocket.", bike).empty());
}

TEST_CASE("A value that breaks off is found", "[polish][claims]") {
  const std::string pot =
      R"({"id":"p","title":"拾火 手冲咖啡壶","attributes":{"材质":"304不锈钢","尺寸":"60×40厘米","面料":"六层纱布","风味":"莓果与可可"}})";
  CHECK(told("材质是304不锈钢。尺寸是60×40厘米。风味是莓果。面料：六层纱布。", pot).empty());
  CHECK(told("材质是304不锈，家长可以先看这一项。", pot) == Strings{"facts/attribute@304不锈"});
  CHECK(told("40厘米，是它的尺寸。", pot) == Strings{"facts/attribute@40厘米"});
  CHECK(told("聊聊三层纱布。", pot) == Strings{"facts/attribute@三层纱布"});
  const std::string towel =
      R"({"id":"t","title":"Oakhollow Bath Towel","attributes":{"weight":"550 g/m²","roast":"medium dark","material":"cotton twill"}})";
  CHECK(told("The weight is 550 g/m². The material is cotton.", towel).empty());
  CHECK(told("Weight: 550 g.", towel) == Strings{"facts/number@550 g"});
  CHECK(told("It is 550 g/m.", towel) == Strings{"facts/number@550 g/m"});
  CHECK(told("The roast is medium.", towel) == Strings{"facts/attribute@medium"});
}

TEST_CASE("A quotation that breaks off is found", "[polish][claims]") {
  const std::string ukulele =
      R"({"id":"u","title":"Fiddlewood Ukulele","description":"Set up before it ships, with a padded bag."})";
  CHECK(told("The stated description, for reference: Set up before it ships.", ukulele).empty());
  CHECK(told("The stated description, for reference: Set up before it.", ukulele) ==
        Strings{"facts/quotation@Set up before it"});
  const std::string pan =
      R"({"id":"p","title":"拾火 不粘煎锅","description":"手柄带挂孔，锅底加厚。","attributes":{"笔尖":"EF尖"}})";
  CHECK(told("“手柄带挂孔”，这句话好记。", pan).empty());
  CHECK(told("“手柄带挂”，这句话好记。", pan) == Strings{"facts/quotation@手柄带挂"});
  CHECK(told("“比想象的小”，这句话我们记得。", pan, R"({"id":"c","reviews":[{"text":"比想象的小，好用"}]})")
            .empty());
  CHECK(told("翻开详情，写的是：笔尖。", pan) == Strings{"facts/quotation@笔尖"});
}

TEST_CASE("The names of what a customer looked at are held to, too", "[polish][claims]") {
  const std::string pan = R"({"id":"p","title":"拾火 不粘煎锅"})";
  const std::string customer =
      R"({"id":"c","browsing":[{"title":"跳跳实验室 木质天平算术玩具","brand":"跳跳实验室"}]})";
  CHECK(told("你看过跳跳实验室 木质天平算术玩具。", pan, customer).empty());
  CHECK(told("你看过跳实验室 木质天平算术玩具。", pan, customer).size() == 1);
}

TEST_CASE("A name that goes on is not the name", "[polish][claims]") {
  const std::string ukulele =
      R"({"id":"u","title":"Fiddlewood Concert Ukulele","attributes":{"frets":"18"}})";
  CHECK(told("Meet Fiddlewood Concert Ukulele.", ukulele).empty());
  CHECK(told("Meet Fiddlewood Concert Ukulelele.", ukulele) ==
        Strings{"facts/name@Fiddlewood Concert Ukulelele"});
  const std::string scarf = R"({"id":"s","title":"素里 真丝印花方巾","attributes":{"姆米":"16姆米"}})";
  CHECK(told("姆米是16姆米。", scarf).empty());
  CHECK(told("这里写着16便。", scarf) == Strings{"facts/number@16"});
}

TEST_CASE("A level of membership is the reader's own", "[polish][reader]") {
  const ReaderRules rules(rules_dir(), {});
  Customer gold;
  gold.member_level = "Gold";
  CHECK(rules.check("You are a member (Gold). Your card says Gold, and so do we.", Language::en, &gold)
            .empty());
  CHECK(rules.check("A note for you as a member (Insider).", Language::en, &gold).size() == 1);
  CHECK(rules.check("Thank you for being with us at £112; this is for you.", Language::en, &gold).size() ==
        1);
  CHECK(rules.check("It says Silver on your card.", Language::en, &gold).size() == 1);
}
