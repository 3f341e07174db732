// Claims: small cases by hand; and how many of the facts of good copy are found once they have been altered.
#include <chrono>

#include "claims_cases.h"

using namespace adlib;
using namespace adlib::copywriter;
using namespace adlib::test::claims_data;
using adlib::test::have;
using adlib::test::shared_dir;
using adlib::test::TempDir;

// Under sanitizers.
#ifdef ADLIB_SANITIZED
constexpr bool few = true;
#else
constexpr bool few = false;
#endif

TEST_CASE("Altered facts of made products are found, and good copies are not flagged", "[polish][claims]") {
  const std::vector<Example> examples = made_examples(71, few ? 60 : 460);
  const std::vector<Case> cases = made_cases(examples);
  const std::vector<Product> catalogue = products_of(examples);
  const Claims claims(rules_dir(), catalogue);

  const Rate false_alarms = flagged(claims, cases);
  const auto rates = found(claims, Alterations(cases, 5).make(lexicon_words()));
  print("made products, altered facts found", rates);
  std::cout << "made products, good copies flagged: " << false_alarms.found << " of " << false_alarms.all
            << "\n";
  for (const auto& [kind, rate] : rates) {
    INFO(kind << " " << rate.found << " of " << rate.all);
    CHECK(rate.share() >= 0.99);
  }
  CHECK(false_alarms.share() <= 0.01);
}

TEST_CASE("Altered facts of Shopify's example products are found", "[polish][claims]") {
  const auto path = shared_dir() / "data/shopify";
  if (!have(path)) return;
  std::vector<Product> products;
  for (const char* file : {"apparel.csv", "home-and-garden.csv"}) {
    for (Product& product : read_products(path / file, {.currency = "USD"}))
      products.push_back(std::move(product));
  }
  REQUIRE(products.size() == 40);
  const std::vector<Case> cases = pattern_cases(products);
  const Claims claims(rules_dir(), products);

  const Rate false_alarms = flagged(claims, cases);
  std::vector<Altered> all = Alterations(cases, 6).make({});
  const Strings materials{"cotton",  "leather", "silk",   "wool",  "denim",    "polyester",
                          "ceramic", "copper",  "wooden", "linen", "cashmere", "velvet"};
  const Strings colours{"black", "white", "red",  "blue",   "yellow", "navy",
                        "pink",  "brown", "grey", "purple", "orange"};
  for (const auto& [words, kind] : {std::pair{materials, "material"}, std::pair{colours, "colour"}}) {
    for (Altered& one : exchanged_words(cases, words, kind, 7)) all.push_back(std::move(one));
  }
  const auto rates = found(claims, all);
  print("Shopify's products, altered facts found", rates);
  std::cout << "Shopify's products, good copies flagged: " << false_alarms.found << " of " << false_alarms.all
            << "\n";
  CHECK(rates.at("all").share() >= 0.99);
  CHECK(false_alarms.share() <= 0.01);
}

TEST_CASE("Of words that the lexicon lacks some are found, too", "[polish][claims]") {
  const TempDir dir;
  halve_lexicon(dir.path());
  const std::vector<Example> examples = made_examples(72, few ? 200 : 1200);
  const std::vector<Case> cases = made_cases(examples);
  const std::vector<Product> catalogue = products_of(examples);
  const Claims whole(rules_dir(), catalogue), half(dir.path(), catalogue);
  std::vector<Altered> all = Alterations(cases, 8).make(lexicon_words());
  std::erase_if(all, [](const Altered& one) { return one.kind != "word of no product"; });
  print("a whole lexicon", found(whole, all));
  const auto rates = found(half, all);
  print("half a lexicon", rates);
  CHECK(rates.at("all").share() >= 0.6);
}

TEST_CASE("Numbers are held to those of the product, with their units", "[polish][claims]") {
  const Claims claims(rules_dir());
  const std::string phone =
      R"({"id":"p","title":"静谷 Q2 降噪耳机","price":"399.00","compare_at_price":"459.00","currency":"CNY",)"
      R"("attributes":{"续航":"30小时","单只重量":"4.8克","保修":"两年","尺寸":"6x4厘米"}})";
  CHECK(check(claims, "静谷 Q2 降噪耳机，续航30小时，单只4.8 g，399元。", phone).empty());
  CHECK(check(claims, "续航40小时。", phone) == Strings{"facts/number@40小时"});
  CHECK(check(claims, "续航30分钟。", phone) == Strings{"facts/number@30分钟"});
  CHECK(check(claims, "续航四十小时，保修两年。", phone) == Strings{"facts/number@四十小时"});
  CHECK(check(claims, "续航三十个小时，保修2年，尺寸6厘米。", phone).empty());
  CHECK(check(claims, "单只0.0048千克。", phone).empty());
  CHECK(check(claims, "1杯咖啡，3个理由，第2步，11月11日见。", phone).empty());
  CHECK(check(claims, "现价389元。", phone) == Strings{"facts/price@389元"});
  CHECK(check(claims, "现价￥399.00，立减60元，8.7折，不到400元。", phone).empty());
  CHECK(check(claims, "立减70元，8.5折。", phone) == Strings{"facts/price@70元", "facts/price@8.5折"});
  CHECK(check(claims, "看过 Air 3 的你。", phone) == Strings{"facts/number@3"});
  CHECK(check(claims, "看过 Air 3 的你。", phone, R"({"id":"c","browsing":[{"title":"Air 3"}]})").empty());

  const std::string lamp =
      R"({"id":"l","title":"Reading Lamp","price":"80","compare_at_price":"100","currency":"USD",)"
      R"("attributes":{"Battery":"30 hours","Weight":"0.5 kg"}})";
  CHECK(check(claims, "It lasts thirty hours and weighs 500 g. Save $20, or 20% off.", lamp).empty());
  CHECK(check(claims, "It lasts forty hours and weighs 500 mg.", lamp) ==
        Strings{"facts/number@forty hours", "facts/number@500 mg"});
  CHECK(check(claims, "Now 25% off.", lamp) == Strings{"facts/price@25%"});
  CHECK(check(claims, "Weight: 300 g.", lamp) == Strings{"facts/number@300 g"});
}

TEST_CASE("Properties, claims, comparisons and names are held to the facts", "[polish][claims]") {
  const std::vector<Product> shop = adlib::test::products_from(
      "{\"id\":\"a\",\"title\":\"云舍 "
      "亚麻四件套\",\"brand\":\"山野集\",\"attributes\":{\"面料\":\"亚麻\",\"工艺\":\"手工扎染布艺\"}}\n"
      "{\"id\":\"b\",\"title\":\"云舍 "
      "长绒棉四件套\",\"attributes\":{\"面料\":\"纯棉\",\"颜色\":\"雾蓝\",\"工艺\":\"色织\"}}\n");
  const Claims claims(rules_dir(), shop);
  const std::string bed =
      R"({"id":"b","title":"云舍 长绒棉四件套","attributes":{"面料":"纯棉","颜色":"雾蓝","工艺":"色织"}})";
  CHECK(check(claims, "云舍 长绒棉四件套，面料是纯棉，颜色雾蓝，蓝色也耐看。", bed).empty());
  CHECK(check(claims, "面料是亚麻。", bed) == Strings{"facts/attribute@亚麻"});
  CHECK(check(claims, "贴着人的那层是桑蚕丝。", bed) == Strings{"facts/attribute@桑蚕丝"});
  CHECK(check(claims, "手工扎染布艺，值得细看。", bed) == Strings{"facts/attribute@手工扎染布艺"});
  CHECK(check(claims, "面料：鲸须绸。", bed) == Strings{"facts/attribute@鲸须绸"});
  CHECK(check(claims, "是纯棉，不是亚麻。", bed).empty());
  CHECK(check(claims, "德国进口，荣获红点奖，通过ISO 9001认证。", bed).size() == 4);
  CHECK(check(claims, "比同类轻30%。", bed) == Strings{"facts/comparison@比同类", "facts/comparison@轻30%"});
  CHECK(check(claims, "看看云舍 亚麻四件套。", bed) == Strings{"facts/name@云舍 亚麻四件套"});
  CHECK(check(claims, "看看云舍 长绒绵四件套。", bed) == Strings{"facts/name@云舍 长绒绵四件套"});
  CHECK(check(claims, "云舍长绒棉四件套，长绒棉四件套。", bed).empty());
  CHECK(check(claims, "和山野集一样好看。", bed) == Strings{"facts/name@山野集"});

  const std::string throw_ =
      R"({"id":"t","title":"Highland Throw","attributes":{"Material":"wool","Colour":"navy"}})";
  CHECK(check(claims,
              "A Highland Throw of wool, in navy: a blue for cold nights. Calm down with a glass of milk.",
              throw_)
            .empty());
  CHECK(check(claims, "Woven from cashmere.", throw_) == Strings{"facts/attribute@cashmere"});
  CHECK(check(claims, "The award-winning throw, twice as warm as others.", throw_) ==
        Strings{"facts/claim@award-winning", "facts/comparison@twice as warm"});
  CHECK(check(claims, "Handmade in Italy.", throw_) ==
        Strings{"facts/claim@Handmade", "facts/attribute@Italy"});
}

TEST_CASE("A value that is told as another property's is found", "[polish][claims]") {
  const Claims claims(rules_dir());
  const std::string lamp =
      R"({"id":"l","title":"Lumen Field Desk Lamp","attributes":{"base":"solid oak","power":"9 W","light":"2700 K to 5000 K"}})";
  CHECK(check(claims, "The base is solid oak. Plugged in, it draws 9 W. A word on light: 2700 K to 5000 K.",
              lamp)
            .empty());
  CHECK(check(claims, "If you ask what it is made of, it is 9 W.", lamp) == Strings{"facts/attribute@9 W"});
  CHECK(check(claims, "How does it charge? The page says solid oak.", lamp) ==
        Strings{"facts/attribute@solid oak"});
  CHECK(check(claims, "If you want to know about base, the answer is 9 W.", lamp) ==
        Strings{"facts/attribute@9 W"});
  CHECK(check(claims, "If you ask what it is made of, it is babented.", lamp) ==
        Strings{"facts/attribute@babented"});
  const std::string tea =
      R"({"id":"t","title":"山序 正山小种红茶","attributes":{"产地":"福建武夷山","净含量":"100克","包装":"铁罐"}})";
  CHECK(check(claims, "产地是福建武夷山。称起来100克。它装在铁罐里。", tea).empty());
  CHECK(check(claims, "保质期100克，开封后早些吃完。", tea) == Strings{"facts/attribute@100克"});
  CHECK(check(claims, "净含量是铁罐。", tea) == Strings{"facts/attribute@铁罐"});
  CHECK(check(claims, "先说一项：产地，福建武一点。", tea) == Strings{"facts/attribute@福建武一点"});
  CHECK(check(claims, "颜色叫队，喜欢就好。", tea) == Strings{"facts/attribute@队"});
  CHECK(check(claims, "颜色是你喜欢的那种。", tea).empty());
}

TEST_CASE("What is quoted as the shop's words stands in its description", "[polish][claims]") {
  const Claims claims(rules_dir());
  const std::string shirt =
      R"({"id":"s","title":"Oxford Shirt","description":"A button-down shirt that is washed once before it is packed."})";
  CHECK(check(claims,
              "The shop puts it briefly: A button-down shirt that is washed once before it is packed.", shirt)
            .empty());
  CHECK(check(claims, "The description says it quietly: A button-down shirt that is Battery.", shirt) ==
        Strings{"facts/quotation@A button-down shirt that is Battery"});
  const std::string shell =
      R"({"id":"j","title":"岚野 轻量冲锋衣","description":"可收进自带口袋的防雨外套，帽檐可调。"})";
  CHECK(check(claims, "“可收进自带口袋的防雨外套，帽檐可调”，商品页上写着这么一句。", shell).empty());
  CHECK(check(claims, "“可收进自带口袋的防雨外套，帽撤可调”，商品页上写着这么一句。", shell) ==
        Strings{"facts/quotation@可收进自带口袋的防雨外套，帽撤可调"});
}

TEST_CASE("Words that are nearly a name are found beside the right one", "[polish][claims]") {
  const Claims claims(rules_dir());
  const std::string shirt = R"({"id":"s","title":"Harborline Oxford Shirt","brand":"Harborline"})";
  CHECK(check(claims, "Harborline Oxford Shirt, look at Harborline Oxford Should.", shirt) ==
        Strings{"facts/name@Harborline Oxford Should"});
  CHECK(check(claims, "Harborline Oxford Shirt by Darborline.", shirt) == Strings{"facts/name@Darborline"});
  CHECK(check(claims, "A Harborline Oxford should last. Meet Harborline Oxford Shirt.", shirt).empty());
  const std::string phone = R"({"id":"p","title":"静谷 N1 头戴耳机","brand":"静谷"})";
  CHECK(check(claims, "静谷 N1 头戴耳机，也叫静谷 N1 头充电。", phone) == Strings{"facts/name@静谷 N1 头充"});
  CHECK(check(claims, "静谷 N1 头戴耳机，静谷 N1 很轻。", phone).empty());
  // What the customer looked at is held to its name, too.
  CHECK(check(claims, "You looked at Fernway Hydration Ver.", shirt,
              R"({"id":"c","browsing":[{"title":"Fernway Hydration Vest","brand":"Fernway"}]})") ==
        Strings{"facts/name@Fernway Hydration Ver"});
}

TEST_CASE("A catalogue of 10,000 products is searched at once", "[.][claims-speed]") {
  const std::vector<Example> examples = made_examples(73, 10000);
  const std::vector<Case> cases = made_cases(examples);
  const std::vector<Product> catalogue = products_of(examples);
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const Claims claims(rules_dir(), catalogue);
  const auto built = Clock::now();
  std::size_t findings = 0;
  for (const Case& one : cases)
    findings += claims.check(one.copy, *one.product, &one.customer, one.language).size();
  const auto checked = Clock::now();
  const auto ms = [](auto time) { return std::chrono::duration<double, std::milli>(time).count(); };
  std::cout << "10,000 products: built in " << ms(built - start) << " ms; "
            << ms(checked - built) / static_cast<double>(cases.size()) << " ms a copy, " << findings
            << " findings\n";
}
