#include "support.h"

using namespace adlib;
using namespace adlib::copywriter;
using adlib::test::customers_from;
using adlib::test::message_of;

namespace {

Customer customer(const std::string& line) { return customers_from(line + "\n").at(0); }
std::string customer_error(const std::string& text) {
  return message_of([&] { customers_from(text); });
}
using List = std::vector<std::string>;

}  // namespace

TEST_CASE("The canonical customer is read", "[copywriter][customers]") {
  const Customer seed = customer(R"({"age":25,"gender":"male","interests":["科技","游戏","电影"]})");
  CHECK(seed.age == 25);
  CHECK(seed.gender == "male");
  CHECK(seed.interests == List{"科技", "游戏", "电影"});
  CHECK(seed.anonymous);
  CHECK(seed.id.starts_with("anon-"));
  CHECK(seed.id.size() == 17);
  CHECK(seed.source.text() == "customers.jsonl:1");
  CHECK(seed.extras.empty());
}

TEST_CASE("Every field of a customer may stand alone", "[copywriter][customers]") {
  CHECK(customer(R"({"id":"c1"})").id == "c1");
  CHECK(customer(R"({"id":17})").id == "17");
  CHECK(customer(R"({"name":"N"})").name == "N");
  CHECK(customer(R"({"age":0})").age == 0);
  CHECK(customer(R"({"age":150})").age == 150);
  CHECK(customer(R"({"gender":"女"})").gender == "female");
  CHECK(customer(R"({"gender":"M"})").gender == "male");
  CHECK(customer(R"({"gender":"其他"})").gender == "other");
  CHECK(customer(R"({"gender":"unknown"})").gender.empty());
  CHECK(customer(R"({"interests":"茶"})").interests == List{"茶"});
  CHECK(customer(R"({"interests":[" a ","","b"]})").interests == List{"a", "b"});

  const Customer browsing = customer(R"({"browsing":["Lamp",{"category":"茶","time":1512189107}]})");
  REQUIRE(browsing.browsing.size() == 2);
  CHECK(browsing.browsing[0].title == "Lamp");
  CHECK_FALSE(browsing.browsing[0].time.has_value());
  CHECK(browsing.browsing[1].category == "茶");
  CHECK(browsing.browsing[1].time == 1512189107);
  CHECK(customer(R"({"favourites":["Lamp"]})").favourites.size() == 1);
  CHECK(customer(R"({"cart":["Lamp"]})").cart.size() == 1);

  const Customer buyer = customer(
      R"({"purchases":[{"item":7,"title":"T","brand":"B","category":"C","price":"59.90","time":"2025-11-02"}],"currency":"CNY"})");
  REQUIRE(buyer.purchases.size() == 1);
  const Event& bought = buyer.purchases[0];
  CHECK(bought.item == "7");
  CHECK(bought.title == "T");
  CHECK(bought.brand == "B");
  CHECK(bought.category == "C");
  CHECK(bought.price->amount == "59.90");
  CHECK(bought.price->currency == "CNY");
  CHECK(bought.time == 1762041600);

  const Customer critic =
      customer(R"({"reviews":["good",{"text":"bad","rating":1.5,"product":"P"},{"rating":5}]})");
  REQUIRE(critic.reviews.size() == 3);
  CHECK(critic.reviews[0].text == "good");
  CHECK(critic.reviews[1].rating == 1.5);
  CHECK(critic.reviews[1].product == "P");
  CHECK(critic.reviews[2].text.empty());
  CHECK(customer(R"({"member_level":"金卡"})").member_level == "金卡");
  CHECK(customer(R"({"member_level":3})").member_level == "3");
  CHECK(customer(R"({"spend":0})").spend->amount == "0");
  CHECK(customer(R"({"spend":412.5})").spend->amount == "412.5");
  CHECK(customer(R"({"spend":"3280.50"})").spend->amount == "3280.50");
}

TEST_CASE("Fields that are null or blank are missing, unknown ones are kept", "[copywriter][customers]") {
  const Customer blank = customer(
      R"({"age":null,"gender":"","interests":[],"spend":"","name":" ","first_name":"Jo","tier":{"x":1},"none":null,"empty":""})");
  CHECK_FALSE(blank.age.has_value());
  CHECK(blank.gender.empty());
  CHECK_FALSE(blank.spend.has_value());
  CHECK(blank.name.empty());
  CHECK(blank.extras == io::Json({{"first_name", "Jo"}, {"tier", {{"x", 1}}}}));
}

TEST_CASE("A person may opt out of personal marketing under several names", "[copywriter][customers]") {
  CHECK(customer(R"({"id":"c"})").personalised);
  for (const char* line : {R"({"personalised":true})", R"({"personalized":"yes"})", R"({"个性化":"是"})",
                           R"({"opt_out":false})", R"({"opt_out":"否"})", R"({"退出个性化":"0"})",
                           R"({"opt_out":null,"name":"N"})", R"({"personalised":"","name":"N"})"}) {
    INFO(line);
    CHECK(customer(line).personalised);
    CHECK(customer(line).extras.empty());
  }
  for (const char* line :
       {R"({"personalised":false})", R"({"personalized":"No"})", R"({"个性化":"否"})", R"({"opt_out":true})",
        R"({"Opt-Out":"YES"})", R"({"optOut":1})", R"({"退出个性化":"是"})",
        R"({"personalised":true,"opt_out":true})", R"({"personalised":false,"opt_out":false})"}) {
    INFO(line);
    CHECK_FALSE(customer(line).personalised);
    CHECK(customer(line).extras.empty());
  }
  const auto rows = customers_from("id,个性化,opt_out\na,是,\nb,否,\nc,,1\nd,,\ne,TRUE,no\n");
  CHECK(rows.at(0).personalised);
  CHECK_FALSE(rows.at(1).personalised);
  CHECK_FALSE(rows.at(2).personalised);
  CHECK(rows.at(3).personalised);
  CHECK(rows.at(4).personalised);
  CHECK_THAT(customer_error("id,opt_out\na,no\nb,perhaps\n"),
             ContainsSubstring("customers.jsonl:3: field 'opt_out' is \"perhaps\", expected true or false"));
  CHECK_THAT(customer_error(R"({"personalised":2})"),
             ContainsSubstring("customers.jsonl:1: field 'personalised'"));
  CHECK_THAT(customer_error(R"({"personalised":[]})"), ContainsSubstring("field 'personalised' is []"));
  CHECK_THAT(customer_error("user,item,behaviour,timestamp,opt_out\nu,i,pv,1,1\n"),
             ContainsSubstring("a behaviour log has no column 'opt_out'"));

  const Customer left = unpersonalised(customer(R"({"id":"c","name":"N","age":30,"city":"X"})"));
  CHECK(left.id == "c");
  CHECK(left.source.line == 1);
  CHECK((left.name.empty() && !left.age && left.extras.empty() && !left.personalised));
}

TEST_CASE("A customer's wrong field is refused with file and line", "[copywriter][customers]") {
  const std::string ok = "{\"id\":\"a\"}\n\n";
  const auto error = [&](const std::string& line) { return customer_error(ok + line + "\n"); };
  CHECK_THAT(error(R"({"age":151})"),
             ContainsSubstring("customers.jsonl:3: field 'age' is 151, expected an integer from 0 to 150"));
  CHECK_THAT(error(R"({"age":-1})"), ContainsSubstring("field 'age' is -1"));
  CHECK_THAT(error(R"({"age":"25"})"), ContainsSubstring("field 'age' is \"25\", expected an integer"));
  CHECK_THAT(error(R"({"age":25.5})"), ContainsSubstring("expected an integer"));
  CHECK_THAT(error(R"({"gender":"mle"})"),
             ContainsSubstring("customers.jsonl:3: field 'gender' is \"mle\", expected male"));
  CHECK_THAT(error(R"({"interests":[1]})"),
             ContainsSubstring("field 'interests' is [1], expected text or a list"));
  CHECK_THAT(error(R"({"browsing":"Lamp"})"),
             ContainsSubstring("field 'browsing' is \"Lamp\", expected a list"));
  CHECK_THAT(error(R"({"browsing":["a",{"brand":"b"}]})"),
             ContainsSubstring("customers.jsonl:3: browsing[1]: neither 'title' nor 'category'"));
  CHECK_THAT(error(R"({"cart":[{"title":"a","price":"1,299"}]})"),
             ContainsSubstring("cart[0]: field 'price' is \"1,299\", expected an amount"));
  CHECK_THAT(error(R"({"cart":[{"title":"a","time":"yesterday"}]})"),
             ContainsSubstring("cart[0]: field 'time' is \"yesterday\""));
  CHECK_THAT(error(R"({"reviews":[{"rating":6}]})"),
             ContainsSubstring("reviews[0]: field 'rating' is 6, expected a number from 0 to 5"));
  CHECK_THAT(error(R"({"reviews":[{"product":"x"}]})"),
             ContainsSubstring("reviews[0]: neither 'text' nor 'rating'"));
  CHECK_THAT(error(R"({"spend":-5})"), ContainsSubstring("field 'spend' is -5, expected an amount"));
  CHECK_THAT(error(R"({"spend":1e30})"), ContainsSubstring("field 'spend'"));
  CHECK_THAT(error(R"({"currency":"yuan"})"),
             ContainsSubstring("the currency is 'yuan', expected an ISO 4217 code"));
  CHECK_THAT(error(R"({"id":"a"})"),
             ContainsSubstring("customers.jsonl:3: customer 'a' is already on line 1"));
  CHECK_THAT(error(R"({"id":)"), ContainsSubstring("customers.jsonl:3:"));
  CHECK_THAT(customer_error(""), ContainsSubstring("customers.jsonl: the file is empty"));
  CHECK_THAT(customer_error("[{\"id\":\"a\"}]"),
             ContainsSubstring("customers.jsonl:1: the file is one JSON array; write JSON Lines"));
}

TEST_CASE("Customers without an id get one from what is known of them", "[copywriter][customers]") {
  const auto forward = customers_from("{\"age\":1}\n{\"age\":2}\n{\"age\":1}\n");
  const auto backward = customers_from("\n{\"age\":2}\n{\"age\":1}\n");
  CHECK(forward[0].id == backward[1].id);
  CHECK(forward[1].id == backward[0].id);
  CHECK(forward[0].id != forward[1].id);
  CHECK(forward[2].id == forward[0].id + "-2");
}

TEST_CASE("Customers come from CSV with list cells and Chinese headers too", "[copywriter][customers]") {
  const auto customers = customers_from(
      "\xEF\xBB\xBFid,age,gender,interests,purchases,reviews,spend,first_name\r\n"
      "c1,25,male,科技;游戏；电影,Lamp|Tea; green,\"good, really\nvery\",59.90,Jo\r\n"
      "c2,,,,,,,\r\n");
  REQUIRE(customers.size() == 2);
  CHECK(customers[0].age == 25);
  CHECK(customers[0].interests == List{"科技", "游戏", "电影"});
  REQUIRE(customers[0].purchases.size() == 2);
  CHECK(customers[0].purchases[1].title == "Tea; green");
  CHECK(customers[0].reviews.at(0).text == "good, really\nvery");
  CHECK(customers[0].spend->amount == "59.90");
  CHECK(customers[0].extras == io::Json({{"first_name", "Jo"}}));
  CHECK(customers[1].source.line == 4);
  CHECK_FALSE(customers[1].age.has_value());
  CHECK(customers[1].extras.empty());

  const auto chinese = customers_from("客户ID,年龄,性别,兴趣,会员等级\n7,30,女,茶|书,金卡\n");
  CHECK(chinese[0].id == "7");
  CHECK(chinese[0].gender == "female");
  CHECK(chinese[0].interests == List{"茶", "书"});
  CHECK(chinese[0].member_level == "金卡");

  CHECK_THAT(customer_error("id,age\nc1,old\n"),
             ContainsSubstring("customers.jsonl:2: field 'age' is \"old\", expected an integer"));
  CHECK_THAT(customer_error("id,age\nc1,1\nc2\n"),
             ContainsSubstring("customers.jsonl:3: the row has 1 cell"));
  CHECK_THAT(customer_error("id,客户ID\n1,2\n"),
             ContainsSubstring("customers.jsonl:1: two columns mean 'id'"));
  CHECK_THAT(customer_error("id,age\n"), ContainsSubstring("there is no customer in the file"));
}

namespace {

const std::string kChineseLog =
    "用户ID,商品ID,品牌,品牌ID,商品名称,商品类别,商品类目ID,行为类型,时间戳,售价\n"
    "u1,i1,静谷,b1,静谷 Q2 耳机,数码,k1,buy,1512189107,399.1\n"
    "u2,i2,山序,b2,正山小种,茶叶,k2,fav,1512000000,68\n"
    "u1,i2,山序,b2,正山小种,茶叶,k2,pv,1512000001,68\n"
    "u1,i3,山序,b2,茉莉绿茶,茶叶,k2,cart,1512000002,58.00\n"
    "u1,i3,山序,b2,茉莉绿茶,茶叶,k2,buy,1512000003,58.25\n";

}  // namespace

TEST_CASE("A behaviour log's events are gathered by user, in order of time", "[copywriter][log]") {
  const std::string english_header =
      "user_id,item_id,brand,brand_id,title,category,category_id,behavior,timestamp,price\n";
  const std::string rows = kChineseLog.substr(kChineseLog.find('\n') + 1);
  for (const std::string& text :
       {kChineseLog, english_header + rows,
        "User,Item,Brand,Brand ID,Title,Category,Category ID,Behaviour,Timestamp,Price\n" + rows}) {
    const auto customers = customers_from(text);
    REQUIRE(customers.size() == 2);
    const Customer& first = customers[0];
    CHECK(first.id == "u1");
    CHECK_FALSE(first.anonymous);
    CHECK(first.source.line == 2);
    CHECK(first.interests == List{"茶叶", "数码"});
    REQUIRE(first.browsing.size() == 1);
    CHECK(first.browsing[0].title == "正山小种");
    REQUIRE(first.cart.size() == 1);
    REQUIRE(first.purchases.size() == 2);
    CHECK(first.purchases[0].title == "茉莉绿茶");  // bought before the earphones
    CHECK(first.purchases[1].brand == "静谷");
    CHECK(first.purchases[1].price->amount == "399.1");
    CHECK(first.purchases[1].time == 1512189107);
    CHECK(first.spend->amount == "457.35");
    CHECK(first.spend->currency == "CNY");
    CHECK(customers[1].favourites.size() == 1);
    CHECK_FALSE(customers[1].spend.has_value());
  }
}

TEST_CASE("A behaviour log's wrong rows are refused with file and line", "[copywriter][log]") {
  const auto error = [&](const std::string& row) { return customer_error(kChineseLog + row); };
  CHECK_THAT(error("u1,i1,,,T,,,click,1512189107,1\n"),
             ContainsSubstring("customers.jsonl:7: the behaviour is 'click', expected pv, fav, cart or buy"));
  CHECK_THAT(error(",i1,,,T,,,pv,1512189107,1\n"), ContainsSubstring("customers.jsonl:7: the user is empty"));
  CHECK_THAT(error("u1,,,,T,,,pv,1512189107,1\n"), ContainsSubstring("customers.jsonl:7: the item is empty"));
  CHECK_THAT(error("u1,i1,,,T,,,pv,soon,1\n"), ContainsSubstring("customers.jsonl:7: the time is 'soon'"));
  CHECK_THAT(error("u1,i1,,,T,,,pv,1512189107,-1\n"),
             ContainsSubstring("customers.jsonl:7: the price is '-1'"));
  CHECK_THAT(error("u1,i1,,,T,,,pv\n"),
             ContainsSubstring("customers.jsonl:7: the row has 8 cells, the header has 10"));
  const auto lean = customers_from("user,item,behaviour,timestamp\nu,i,pv,1\n");
  CHECK(lean.at(0).browsing.at(0).item == "i");
}

TEST_CASE("A behaviour log's items are products as they were seen last", "[copywriter][log]") {
  const auto products = test::products_from(kChineseLog +
                                            "u9,i1,静谷,b1,静谷 Q2 耳机 黑,数码,k1,pv,1512189200,380\n"
                                            "u8,i1,静谷,b1,静谷 Q2 耳机 黑,数码,k1,pv,1512189200,388\n");
  REQUIRE(products.size() == 3);
  CHECK(products[0].id == "i1");
  CHECK(products[0].title == "静谷 Q2 耳机 黑");
  CHECK(products[0].price->amount == "388");
  CHECK(products[0].price->currency == "CNY");
  CHECK(products[0].brand == "静谷");
  CHECK(products[0].category == "数码");
  CHECK(products[0].extras == io::Json({{"brand_id", "b1"}, {"category_id", "k1"}}));
  CHECK(products[2].price->amount == "58.25");
  CHECK_THAT(message_of([] { test::products_from("user,item,behaviour,timestamp\nu,i,pv,1\n"); }),
             ContainsSubstring("products.csv:2: item 'i' has no title"));
}
