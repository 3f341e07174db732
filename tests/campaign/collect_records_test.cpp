#include "campaign/collect_support.h"
#include "copywriter/collect/people.h"
#include "copywriter/collect/read.h"
#include "copywriter/store/records.h"
#include "copywriter/store/shop_names.h"

namespace {

using namespace adlib;
using namespace adlib::copywriter;
using adlib::test::CollectedShop;

}  // namespace

TEST_CASE("a later record updates what it has, and an opt-out lasts until somebody opts in", "[collect]") {
  CollectedShop shop;
  const auto customers = [&](const char* name, const std::string& lines) {
    return shop.take(FileKind::customers, name, lines);
  };
  customers("1.jsonl", R"({"id":"a","name":"甲","age":30,"city":"杭州"})"
                       "\n"
                       R"({"user_id":"b","personalised":true,"sms_consent":"yes"})"
                       "\n");
  CHECK(customers("2.jsonl", R"({"id":"a","age":31,"name":"","opt_out":"yes"})"
                             "\n")
            .new_rows == 0);
  CHECK(shop.user("a") == io::Json({{"id", "a"}, {"name", "甲"}, {"age", 31}, {"city", "杭州"}}));
  CHECK(shop.text("SELECT personalised FROM user ORDER BY shop_id") == "0|1");
  customers("3.jsonl",
            R"({"id":"a","age":32})"
            "\n"
            R"({"id":"b","opt_out":true,"personalised":true,"sms_consent":"no","push_consent":"yes"})"
            "\n");
  CHECK(shop.text("SELECT personalised FROM user ORDER BY shop_id") == "0|0");
  CHECK(shop.text("SELECT channel || granted FROM consent ORDER BY channel") == "push1|sms0");
  // The first file again: what it grants is no newer than what was refused since.
  shop.read(FileKind::customers, shop.store.directory() / "1.jsonl");
  CHECK(shop.text("SELECT personalised FROM user ORDER BY shop_id") == "0|0");
  CHECK(shop.text("SELECT channel || granted FROM consent ORDER BY channel") == "push1|sms0");
  // Nor does a list without dates make a refusal undone.
  CHECK(customers("4.jsonl", R"({"id":"b","personalised":true,"sms_consent":"yes"})"
                             "\n")
            .refused_before == 1);
  CHECK(shop.text("SELECT personalised FROM user ORDER BY shop_id") == "0|1");
  CHECK(shop.text("SELECT channel || granted FROM consent ORDER BY channel") == "push1|sms0");
  CHECK(shop.user("b") == io::Json({{"id", "b"}}));
}

TEST_CASE("no byte of contact data reaches the store", "[collect][contact]") {
  const std::string customers =
      R"({"id":"c1","name":"小林","phone":"13812345678","email":"Lin@Example.com","address":"杭州市西湖区文三路12号","note":"微信：tea_lover88","id_card":"11010519491231002X","city":"杭州","extra":{"backup":["15000001111"]},"reviews":["好茶，电话13600002222"]})"
      "\n"
      R"({"id":"li@example.com","name":"李","tel":"0571-88886666"})"
      "\n";
  const std::string reviews =
      "用户ID,商品ID,评价内容,评分,评价时间\nc1,p1,\"很好，加我微信：seller_no_1\n或 139 8888 "
      "7777\",5,2025-11-02\n"
      "LI@example.com,p1,写信到 zhang@example.com,4,\n";
  const std::string log =
      "user,item,title,behaviour,time\n13500004444,p9,红茶 "
      "客服13700005555,buy,1512189107\n13500004444,p9,红茶 客服13700005555,pv,1512189108\n";
  const std::vector<std::string> secrets{"13812345678", "ample.com",   "Lin@",       "lin@",
                                         "文三路",      "tea_lover88", "1231002",    "15000001111",
                                         "13600002222", "88886666",    "8888 7777",  "seller_no_1",
                                         "zhang@",      "13500004444", "13700005555"};
  for (const bool hashes : {false, true}) {
    CollectedShop shop;
    CollectOptions options;
    options.contact_hashes = hashes;
    CHECK(shop.take(FileKind::customers, "c.jsonl", customers, options).contacts == 9);
    CHECK(shop.take(FileKind::reviews, "r.csv", reviews, options).contacts == 4);
    CHECK(shop.take(FileKind::events, "e.csv", log, options).contacts == 2);
    for (const std::string& secret : secrets) {
      CAPTURE(secret, hashes);
      CHECK_FALSE(shop.on_disk(secret));
    }
    CHECK(shop.on_disk("小林"));  // the search can find what is there
    CHECK(shop.text("SELECT text FROM review WHERE rating = 4") == "写信到 […]");
    // The e-mail address that is an id is the same user in every file, and in any case of letters.
    const std::string hidden = stored_user_id(*shop.store, "Li@Example.com");
    CHECK(hidden.starts_with("id-"));
    CHECK(shop.count("user") == 3);
    CHECK(shop.count("review r JOIN user u ON u.id = r.user WHERE u.shop_id = '" + hidden + "'") == 1);
    CHECK(shop.user("c1") == io::Json({{"id", "c1"},
                                       {"name", "小林"},
                                       {"city", "杭州"},
                                       {"extra", {{"backup", io::Json::array()}}},
                                       {"reviews", {"好茶，电话[…]"}}}));
    if (!hashes) {
      CHECK(shop.count("contact") == 0);
      continue;
    }
    Statement kinds = shop.store->prepare(
        "SELECT kind, hash FROM contact JOIN user u ON u.id = contact.user WHERE u.shop_id = 'c1' ORDER BY "
        "kind");
    std::string all;
    bool phone = false;
    const Digest expected = shop.store->keyed_hash("8613812345678");
    while (kinds.step()) {
      all += std::string(kinds.text(0)) + " ";
      phone = phone || std::ranges::equal(kinds.blob(1), expected);
    }
    CHECK(all == "account address email id_number phone phone ");
    CHECK(phone);
  }
}

TEST_CASE("products of every format are those that adlib write reads", "[collect]") {
  const std::string lines =
      R"({"id":"a","title":"静谷 Q2","price":"399","attributes":{"续航":"30小时"},"images":["https://example.com/13812345678.jpg"],"supplier":"li@example.com"})"
      "\n";
  const std::string table = "商品ID,标题,价格,原价,标签\nb,山序 红茶,68.00,88.00,茶;礼盒\n";
  const std::string shopify =
      "Handle,Title,Body (HTML),Vendor,Type,Tags,Option1 Name,Option1 Value,Variant SKU,Variant "
      "Price,Variant Compare At Price,"
      "Image Src\nmug,Mug,<p>A <b>mug</b></p>,Kiln,Cup,\"red, "
      "small\",Size,S,M-1,9.50,12.00,https://example.com/1.jpg\n"
      "mug,,,,,,,L,M-2,11.00,,\n";
  CollectedShop shop;
  CollectOptions options;
  options.currency = "EUR";
  CHECK(shop.take(FileKind::products, "a.jsonl", lines, options).contacts == 1);
  shop.take(FileKind::products, "b.csv", table, options);
  CHECK(shop.take(FileKind::products, "c.csv", shopify, options).new_rows == 1);
  std::vector<Product> expected;
  for (const char* name : {"a.jsonl", "b.csv", "c.csv"}) {
    for (Product& product : read_products(shop.store.directory() / name, {.currency = "EUR"}))
      expected.push_back(std::move(product));
  }
  const auto stored = read_stored_products(*shop.store);
  REQUIRE(stored.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    const Product &is = stored[i].product, &was = expected[i];
    CAPTURE(was.id);
    CHECK(stored[i].listed);
    CHECK((is.id == was.id && is.title == was.title && is.brand == was.brand && is.category == was.category &&
           is.sku == was.sku));
    CHECK((is.price->amount == was.price->amount && is.price->currency == "EUR"));
    CHECK(is.price_max.has_value() == was.price_max.has_value());
    CHECK(is.compare_at_price.has_value() == was.compare_at_price.has_value());
    CHECK((is.description == was.description && is.tags == was.tags && is.attributes == was.attributes &&
           is.options == was.options));
    CHECK(is.variants.size() == was.variants.size());
    CHECK(is.images.size() == was.images.size());
    CHECK(is.source.text() == was.source.text());
  }
  // What an event says of a listed product changes nothing; what the next list says replaces all.
  shop.take(FileKind::events, "e.csv", "user,item,title,behaviour,time,price\nu,b,Else,buy,1512189107,1\n");
  CHECK(shop.count("product WHERE shop_id = 'b' AND record LIKE '%68.00%' AND listed = 1") == 1);
  shop.take(FileKind::products, "b.csv", "商品ID,标题,价格\nb,山序 红茶,70.00\n");
  CHECK(io::parse_json(shop.text("SELECT record FROM product WHERE shop_id = 'b'"), "b") ==
        io::Json({{"id", "b"}, {"title", "山序 红茶"}, {"price", "70.00"}}));
}

TEST_CASE("a Shopify product that has a bad row is left out as a whole", "[collect]") {
  CollectedShop shop;
  CollectOptions options;
  options.max_errors = 5;
  const CollectedFile result = shop.take(FileKind::products, "s.csv",
                                         "Handle,Title,Option1 Name,Option1 Value,Variant "
                                         "Price\na,A,Size,S,1\na,,,M,cheap\na,,,L,3\nb,B,,,5\nc,,,,5\n",
                                         options);
  CHECK(result.rejected == 3);
  CHECK(result.new_rows == 1);
  CHECK(shop.text("SELECT shop_id FROM product") == "b");
}

TEST_CASE("a mapping tells what the shop calls things, and what is in no column", "[collect]") {
  CollectedShop shop;
  CollectOptions options;
  options.map = shop.file(
      "map.toml",
      "[events.columns]\n\"买家\" = \"user\"\n\"宝贝\" = \"item\"\n\"付款时间\" = \"time\"\n\"备注\" = \"\"\n"
      "[events.values]\nbehaviour = \"buy\"\n"
      "[customers.columns]\nvip_no = \"id\"\nsecret = \"\"\n[customers.values]\ncity = \"杭州\"\n");
  const CollectedFile result =
      shop.take(FileKind::events, "orders.csv", "买家,宝贝,付款时间\nc1,p1,2025-11-02 08:30:00\n", options);
  CHECK(result.new_rows == 1);
  CHECK(result.unmapped == std::vector<std::string>{"备注"});
  CHECK(shop.text("SELECT behaviour FROM event") == "3");
  shop.take(FileKind::customers, "c.csv", "vip_no,secret,name\nc1,x,甲\n", options);
  shop.take(FileKind::customers, "c.jsonl", "{\"vip_no\":\"c2\",\"secret\":\"x\",\"city\":\"上海\"}\n",
            options);
  CHECK(shop.user("c1") == io::Json({{"id", "c1"}, {"name", "甲"}, {"city", "杭州"}}));
  CHECK(shop.user("c2") == io::Json({{"id", "c2"}, {"city", "上海"}}));

  const auto refused = [&](const std::string& toml) {
    options.map = shop.file("bad.toml", toml);
    return test::error_of([&] { shop.take(FileKind::events, "e.csv", "a,b\n1,2\n", options); });
  };
  CHECK_THAT(refused("[events.columns]\nbuyer = \"usr\"\n"),
             Catch::Contains("bad.toml:2:") && Catch::Contains("'usr' is no field of events"));
  CHECK_THAT(refused("[event.columns]\n"), Catch::Contains("'event' is no key"));
  CHECK_THAT(refused("[events]\ncolums = {}\n"), Catch::Contains("'colums' is no key"));
  CHECK_THAT(refused("[events.columns]\na = \"user\"\nb = \"user\"\n"),
             Catch::Contains("two columns mean 'user'"));
  CHECK_THAT(refused("[events.columns]\na = 1\n"), Catch::Contains("in quotes"));
}

TEST_CASE("reviews and past copy are kept once, and newer numbers of a copy replace the old", "[collect]") {
  CollectedShop shop;
  const std::string reviews = R"({"user":"c1","product":"p1","text":"好茶","rating":5,"time":1512189107})"
                              "\n"
                              R"({"user":"c1","text":"再来"})"
                              "\n";
  CHECK(shop.take(FileKind::reviews, "r.jsonl", reviews).new_rows == 2);
  CHECK(shop.take(FileKind::reviews, "r.jsonl", reviews).new_rows == 0);
  CHECK(shop.text("SELECT coalesce(rating, '-') || coalesce(time, '-') FROM review ORDER BY id") ==
        "5.01512189107|--");
  const std::string copy =
      "id,text,product,language,channel,sent,clicked\nm1,红茶上新,p1,zh,sms,1000,12.0\n,Tea is "
      "here,,en,email,5,\n";
  CHECK(shop.take(FileKind::copy, "m.csv", copy).new_rows == 2);
  CHECK(shop.take(FileKind::copy, "m.csv", copy).new_rows == 0);
  CHECK(shop.take(FileKind::copy, "n.csv", "id,text,sent\nm1,红茶上新,2000\n").new_rows == 0);
  CHECK(shop.text("SELECT sent FROM past_copy ORDER BY id") == "2000|5");
  for (const char* bad :
       {"text,sent\na,-1\n", "text,sent\na,1.5\n", "text,language\na,fr\n", "text,sent\n,1\n"})
    CHECK_THROWS_AS(shop.take(FileKind::copy, "b.csv", bad), Error);
  for (const char* bad : {"user,text,rating\na,b,6\n", "user,text,rating\na,b,nan\n",
                          "user,text,time\na,b,soon\n", "user,text\n,b\n", "user,text,rating\na,,\n"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(shop.take(FileKind::reviews, "b.csv", bad), Error);
  }
}

TEST_CASE("the shop's own names are kept, and replaced by those of a later call", "[collect]") {
  CollectedShop shop;
  CHECK(shop_names(*shop.store).empty());
  CollectOptions options;
  options.shop_names = {"山序", " Hill &\nTea "};
  CHECK(collect(*shop.store, options).empty());
  CHECK(shop_names(*shop.store) == std::vector<std::string>{"山序", "Hill & Tea"});
  shop.take(FileKind::products, "p.csv", "id,title\np1,Tea\n");  // says nothing of it
  CHECK(shop_names(*shop.store).size() == 2);
  options.shop_names = {"Hill"};
  collect(*shop.store, options);
  CHECK(shop_names(*shop.store) == std::vector<std::string>{"Hill"});
  options.shop_names = {"  "};
  CHECK_THAT(test::error_of([&] { collect(*shop.store, options); }), Catch::Contains("name of the shop"));
  CHECK(shop_names(*shop.store) == std::vector<std::string>{"Hill"});
}
