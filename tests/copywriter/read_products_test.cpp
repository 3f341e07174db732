#include "support.h"
#include "support/files.h"

using namespace adlib;
using namespace adlib::copywriter;
using adlib::test::message_of;
using adlib::test::products_from;

namespace {

std::string product_error(const std::string& text) {
  return message_of([&] { products_from(text); });
}
using List = std::vector<std::string>;

const std::string kShopifyHeader =
    "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Option2 Name,Option2 "
    "Value,"
    "Variant SKU,Variant Price,Variant Compare At Price,Image Src,Image Alt Text,SEO Title\n";

}  // namespace

TEST_CASE("Products come from JSON Lines with all their facts", "[copywriter][products]") {
  const auto products = products_from(
      R"({"id":"p1","title":"T","brand":"B","category":"C","price":"59.90","compare_at_price":79,"currency":"CNY",)"
      R"("description":"<p>a &amp; b</p>","tags":["x","y"],"sku":"S","attributes":{"材质":"棉","颜色":["白","蓝"],"重量":120},)"
      R"("images":["u1",{"url":"u2","alt":"side"}],"season":"autumn"})"
      "\n"
      R"({"handle":"p2","name":"T2","vendor":"V","type":"Y"})"
      "\n");
  REQUIRE(products.size() == 2);
  const Product& p = products[0];
  CHECK(p.id == "p1");
  CHECK(p.title == "T");
  CHECK(p.brand == "B");
  CHECK(p.category == "C");
  CHECK(p.sku == "S");
  CHECK(p.price->amount == "59.90");
  CHECK(p.price->currency == "CNY");
  CHECK(p.compare_at_price->amount == "79");
  CHECK_FALSE(p.price_max.has_value());
  CHECK(p.description == "a & b");
  CHECK(p.tags == List{"x", "y"});
  CHECK(p.attributes == NamedValues{{"材质", {"棉"}}, {"重量", {"120"}}, {"颜色", {"白", "蓝"}}});
  REQUIRE(p.images.size() == 2);
  CHECK(p.images[1].alt == "side");
  CHECK(p.extras == io::Json({{"season", "autumn"}}));
  CHECK(products[1].id == "p2");
  CHECK(products[1].title == "T2");
  CHECK(products[1].brand == "V");
  CHECK(products[1].category == "Y");
  CHECK_FALSE(products[1].price.has_value());
}

TEST_CASE("An id that no file could hold is refused by its line", "[copywriter][products]") {
  for (const char* id : {R"(a\u0000b)", R"(a\r\nBcc: b)", R"(a\u202eb)", R"(a\u2028b)", R"(a\tb)"}) {
    CAPTURE(id);
    const std::string lines =
        std::string(R"({"id":"fine","title":"T"})") + "\n{\"id\":\"" + id + R"(","title":"T"})" + "\n";
    CHECK_THAT(message_of([&] { products_from(lines); }), ContainsSubstring(":2: the id 'a"));
  }
  CHECK(products_from(R"({"id":"-2+3 é 件","title":"T"})").at(0).id == "-2+3 é 件");
}

TEST_CASE("Variants set the price range, the options and the price before", "[copywriter][products]") {
  const auto products = products_from(
      R"({"id":"p","title":"T","currency":"USD","variants":[{"sku":"a","price":"54.00","compare_at_price":"60","options":{"size":"L"}},)"
      R"({"sku":"b","price":"49.5","compare_at_price":"49.50","options":{"size":"M"}},{"price":"49.50","options":{"size":"M"}}]})");
  const Product& p = products.at(0);
  CHECK(p.price->amount == "49.5");
  CHECK(p.price_max->amount == "54.00");
  CHECK_FALSE(p.compare_at_price.has_value());  // 49.50 is no higher than 49.5
  CHECK(p.sku == "a");
  CHECK(p.options == NamedValues{{"size", {"L", "M"}}});
}

TEST_CASE("A price before that is not higher is dropped", "[copywriter][products]") {
  const auto compare = [](const std::string& prices) {
    return products_from("{\"id\":\"p\",\"title\":\"T\"," + prices + "}").at(0).compare_at_price.has_value();
  };
  CHECK(compare(R"("price":"9.99","compare_at_price":"10")"));
  CHECK_FALSE(compare(R"("price":"9.99","compare_at_price":"9.990")"));
  CHECK_FALSE(compare(R"("price":"100","compare_at_price":"99.99")"));
  CHECK_FALSE(compare(R"("compare_at_price":"99.99")"));
}

TEST_CASE("A product's wrong field is refused with file and line", "[copywriter][products]") {
  const auto error = [](const std::string& line) { return product_error("\n" + line + "\n"); };
  CHECK_THAT(error(R"({"id":"p"})"), ContainsSubstring("products.csv:2: field 'title' is missing"));
  CHECK_THAT(error(R"({"title":"T"})"), ContainsSubstring("products.csv:2: field 'id' is missing"));
  CHECK_THAT(error(R"({"id":"p","title":["T"]})"),
             ContainsSubstring("products.csv:2: field 'title' is [\"T\"], expected text"));
  CHECK_THAT(error(R"({"id":"p","title":"T","price":"free"})"),
             ContainsSubstring("field 'price' is \"free\", expected an amount such as 59.90"));
  CHECK_THAT(error(R"({"id":"p","title":"T","currency":"$"})"), ContainsSubstring("the currency is '$'"));
  CHECK_THAT(error(R"({"id":"p","title":"T","attributes":["a"]})"), ContainsSubstring("field 'attributes'"));
  CHECK_THAT(error(R"({"id":"p","title":"T","attributes":{"a":{"b":1}}})"),
             ContainsSubstring("field 'attributes'"));
  CHECK_THAT(error(R"({"id":"p","title":"T","variants":[{"price":"x"}]})"),
             ContainsSubstring("variants[0]: field 'price'"));
  CHECK_THAT(error(R"({"id":"p","title":"T","images":[{"alt":"x"}]})"),
             ContainsSubstring("images[0]: field 'url' is missing"));
  CHECK_THAT(error("{\"id\":\"p\",\"title\":\"T\"}\n{\"id\":\"p\",\"title\":\"T\"}"),
             ContainsSubstring("products.csv:3: product 'p' is already on line 2"));
}

TEST_CASE("Products come from CSV, with attributes in one cell", "[copywriter][products]") {
  ReadOptions options;
  options.currency = "CNY";
  const auto products = products_from(
      "商品ID,商品名称,品牌,售价,原价,attributes,标签,season\n"
      "1,耳机,静谷,399.00,459,续航=30小时; 单位=a=b,数码;通勤,秋\n",
      options);
  const Product& p = products.at(0);
  CHECK(p.title == "耳机");
  CHECK(p.price->currency == "CNY");
  CHECK(p.compare_at_price->amount == "459");
  CHECK(p.attributes == NamedValues{{"续航", {"30小时"}}, {"单位", {"a=b"}}});
  CHECK(p.tags == List{"数码", "通勤"});
  CHECK(p.extras == io::Json({{"season", "秋"}}));
  CHECK_THAT(product_error("id,title,attributes\n1,T,cotton\n"),
             ContainsSubstring("products.csv:2: field 'attributes' is \"cotton\""));
  CHECK_THAT(product_error("id,title,price\n1,T,$5\n"),
             ContainsSubstring("products.csv:2: field 'price' is \"$5\""));
  CHECK_THAT(product_error("id,title\n1,\n"), ContainsSubstring("products.csv:2: field 'title' is missing"));
}

TEST_CASE("Rows of one Shopify handle become one product", "[copywriter][shopify]") {
  ReadOptions options;
  options.currency = "USD";
  const auto products =
      products_from(kShopifyHeader +
                        "pot,Clay Pot,\"<p>Blown clay</p>\n<p>for plants</p>\",Company,Outdoor,\"Pot, "
                        "Plants,,\",true,Size,Regular,Colour,Red,K1,15.99,,u1,front,Pots\n"
                        "lamp,Lamp,,Company,,,true,Title,Default Title,,,,59.99,75,,,\n"
                        "pot,,,,,,,,Large,,Red,K2,9.99,12,u2,,\n"
                        "pot,,,,,,,,,,,,,,u3,back,\n",
                    options);
  REQUIRE(products.size() == 2);
  const Product& pot = products[0];
  CHECK(pot.id == "pot");
  CHECK(pot.source.text() == "products.csv:2");
  CHECK(pot.title == "Clay Pot");
  CHECK(pot.description == "Blown clay for plants");
  CHECK(pot.brand == "Company");
  CHECK(pot.category == "Outdoor");
  CHECK(pot.tags == List{"Pot", "Plants"});
  CHECK(pot.sku == "K1");
  REQUIRE(pot.variants.size() == 2);
  CHECK(pot.variants[1].options ==
        std::vector<std::pair<std::string, std::string>>{{"Size", "Large"}, {"Colour", "Red"}});
  CHECK(pot.options == NamedValues{{"Size", {"Regular", "Large"}}, {"Colour", {"Red"}}});
  CHECK(pot.price->amount == "9.99");
  CHECK(pot.price->currency == "USD");
  CHECK(pot.price_max->amount == "15.99");
  CHECK(pot.compare_at_price->amount == "12");
  REQUIRE(pot.images.size() == 3);
  CHECK(pot.images[0].alt == "front");
  CHECK(pot.images[2].url == "u3");
  CHECK(pot.extras == io::Json({{"Published", "true"}, {"SEO Title", "Pots"}}));

  const Product& lamp = products[1];
  CHECK(lamp.source.line == 4);  // the body of the pot has two lines
  CHECK(lamp.options.empty());
  CHECK(lamp.variants.size() == 1);
  CHECK(lamp.compare_at_price->amount == "75");
  CHECK(lamp.images.empty());
}

TEST_CASE("Shopify's newer column names are known too", "[copywriter][shopify]") {
  const auto products = products_from(
      "Title,URL handle,Description,Vendor,Type,Tags,Option1 name,Option1 value,SKU,Price,Compare-at "
      "price,Product image URL\n"
      "Pot,pot,<b>Clay</b> pot,Company,Outdoor,,Size,Large,K,9.99,12,u\n");
  const Product& pot = products.at(0);
  CHECK(pot.id == "pot");
  CHECK(pot.description == "Clay pot");
  CHECK(pot.options == NamedValues{{"Size", {"Large"}}});
  CHECK(pot.price->amount == "9.99");
  CHECK(pot.images.size() == 1);
}

TEST_CASE("A broken Shopify export is refused with file and line", "[copywriter][shopify]") {
  const auto error = [](const std::string& rows) { return product_error(kShopifyHeader + rows); };
  CHECK_THAT(error(",T,,,,,,,,,,,,,,,\n"), ContainsSubstring("products.csv:2: the handle is empty"));
  CHECK_THAT(error("h,,,,,,,,,,,,,,,,\n"),
             ContainsSubstring("products.csv:2: handle 'h' begins with a row that has no title"));
  CHECK_THAT(error("h,T,,,,,,,,,,,abc,,,,\n"),
             ContainsSubstring("products.csv:2: 'Variant Price' is 'abc', expected an amount"));
  CHECK_THAT(error("h,T,,,,,,,,,,,1,\"1,000\",,,\n"),
             ContainsSubstring("'Variant Compare At Price' is '1,000'"));
  CHECK_THAT(error("h,T\n"), ContainsSubstring("products.csv:2: the row has 2 cells, the header has 17"));
  CHECK_THAT(error(""), ContainsSubstring("there is no product in the file"));
}

TEST_CASE("Files are opened by path, with messages that name it", "[copywriter][products]") {
  test::TempDir dir;
  test::write_text(dir / "p.tsv", "id\ttitle\n1\ta,b\n");
  CHECK(read_products(dir / "p.tsv").at(0).title == "a,b");
  test::write_text(dir / "p.csv", "id;title\n1;a,b\n");
  ReadOptions options;
  options.delimiter = ';';
  CHECK(read_products(dir / "p.csv", options).at(0).title == "a,b");
  CHECK_THAT(message_of([&] { read_products(dir / "none.csv"); }),
             ContainsSubstring("none.csv: there is no such file"));
  CHECK_THAT(message_of([&] { read_customers(dir.path()); }), ContainsSubstring("is a directory"));
}
