#include <algorithm>
#include <numeric>
#include <random>

#include "campaign/collect_support.h"
#include "copywriter/collect/read.h"
#include "copywriter/shop/text.h"
#include "copywriter/store/records.h"

namespace {

using namespace adlib;
using namespace adlib::copywriter;
using adlib::test::CollectedShop;
using adlib::test::have;
using adlib::test::kLog;
using adlib::test::shared_dir;

}  // namespace

TEST_CASE("a log becomes users, products and events, and reading it again changes nothing", "[collect]") {
  CollectedShop shop;
  const CollectedFile first = shop.take(FileKind::events, "log.csv", kLog);
  CHECK(first.rows == 5);
  CHECK(first.new_rows == 4);  // one is there twice
  CHECK_FALSE(first.known);
  CHECK(shop.text("SELECT record FROM user ORDER BY shop_id") == R"({"id":"u1"}|{"id":"u2"})");
  // As the latest event has it, wherever that stands in the file.
  CHECK(io::parse_json(shop.text("SELECT record FROM product WHERE shop_id = 'p1'"), "p") ==
        io::Json({{"id", "p1"},
                  {"title", "山序 红茶"},
                  {"brand", "山序"},
                  {"brand_id", "7"},
                  {"category", "茶叶"},
                  {"category_id", "70"},
                  {"price", "66.00"},
                  {"currency", "CNY"}}));
  CHECK(shop.text("SELECT listed FROM product") == "0|0");
  CHECK(shop.text("SELECT behaviour || ':' || coalesce(price, 'none') FROM event ORDER BY time") ==
        "2:60.00|0:68.00|3:66.00|1:none");
  const std::string before = shop.everything();
  const CollectedFile again = shop.read(FileKind::events, shop.store.directory() / "log.csv");
  CHECK(again.rows == 5);
  CHECK(again.new_rows == 0);
  CHECK(again.known);
  CHECK(shop.everything() == before);
  CHECK(shop.text("SELECT hex(digest) = (SELECT hex(digest) FROM source) FROM source") == "1|1");
  CHECK(shop.count("run WHERE stage = 'collect' AND finished IS NOT NULL") == 2);
}

TEST_CASE("the order of a log's rows and its format change nothing", "[collect]") {
  std::vector<std::string> rows, objects;
  std::mt19937 random(3);
  for (int i = 0; i < 200; ++i) {
    const std::string user = concat("u", random() % 9), item = concat("p", random() % 7),
                      price = concat(random() % 90, ".5");
    const int time = 1'700'000'000 + i, title = static_cast<int>(random() % 3);
    const std::string behaviour = std::array{"pv", "fav", "cart", "buy"}[random() % 4];
    rows.push_back(concat(user, ",", item, ",", title == 0 ? "" : concat("T", title), ",", behaviour, ",",
                          time, ",", price, "\n"));
    io::Json object{
        {"user_id", user}, {"item", item}, {"behavior", behaviour}, {"timestamp", time}, {"price", price}};
    if (title != 0) object["title"] = concat("T", title);
    objects.push_back(object.dump() + "\n");
  }
  const auto all = [](const std::string& head, const std::vector<std::string>& lines) {
    return std::accumulate(lines.begin(), lines.end(), head);
  };
  const std::string head = "user,item,title,behaviour,time,price\n";
  CollectedShop in_order, shuffled, json;
  in_order.take(FileKind::events, "log.csv", all(head, rows));
  json.take(FileKind::events, "log.jsonl", all("", objects));
  // A title that only an earlier event has may stand or not, so those rows keep their order.
  std::vector<std::string> titled;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(titled),
               [](const std::string& row) { return row.find(",T") != row.npos; });
  CollectedShop plain;
  plain.take(FileKind::events, "log.csv", all(head, titled));
  std::shuffle(titled.begin(), titled.end(), random);
  shuffled.take(FileKind::events, "log.csv", all(head, titled));
  CHECK(shuffled.everything() == plain.everything());
  CHECK(json.everything() == in_order.everything());
}

TEST_CASE("files are UTF-8 or GB18030, with a mark, quoted newlines and empty cells", "[collect]") {
  const std::string text = "客户ID,姓名,兴趣,备注\nc1,小林,茶;书,\"第一行\n第二行\"\nc2,,,\n";
  // The same in GB18030.
  const std::string gb =
      "\xBF\xCD\xBB\xA7ID,\xD0\xD5\xC3\xFB,\xD0\xCB\xC8\xA4,\xB1\xB8\xD7\xA2\nc1,\xD0\xA1\xC1\xD6,\xB2\xE8;"
      "\xCA\xE9,"
      "\"\xB5\xDA\xD2\xBB\xD0\xD0\n\xB5\xDA\xB6\xFE\xD0\xD0\"\nc2,,,\n";
  CollectedShop utf8, marked, chinese;
  CHECK(utf8.take(FileKind::customers, "c.csv", text).encoding == Encoding::utf8);
  CHECK(marked.take(FileKind::customers, "c.csv", "\xEF\xBB\xBF" + text).encoding == Encoding::utf8);
  CHECK(chinese.take(FileKind::customers, "c.csv", gb).encoding == Encoding::gb18030);
  CHECK(utf8.user("c1") ==
        io::Json({{"id", "c1"}, {"name", "小林"}, {"interests", {"茶", "书"}}, {"备注", "第一行\n第二行"}}));
  CHECK(marked.everything() == utf8.everything());
  CHECK(chinese.everything() == utf8.everything());
  // One wrong byte does not make the rest of a UTF-8 file Chinese.
  CollectedShop damaged;
  CollectOptions options;
  options.max_errors = 1;
  const CollectedFile result = damaged.take(FileKind::customers, "c.csv", text + "c3,\xE5\xB0,,\n", options);
  CHECK(result.encoding == Encoding::utf8);
  CHECK(result.rejected == 1);
  CHECK(damaged.rejected.at(0).line == 5);
  CHECK(damaged.everything() == utf8.everything());
  // Long enough that characters are cut by every block that is read.
  std::string long_utf8 = "id,note\n", long_gb = long_utf8;
  for (int i = 0; i < 15'000; ++i) {
    const std::string id = concat("c", i, ",", std::string(static_cast<std::size_t>(i % 3), 'x'));
    long_utf8 += id + "茶叶\n", long_gb += id + "\xB2\xE8\xD2\xB6\n";
  }
  CollectedShop one, other;
  CHECK(one.take(FileKind::customers, "c.csv", long_utf8).encoding == Encoding::utf8);
  CHECK(other.take(FileKind::customers, "c.csv", long_gb).encoding == Encoding::gb18030);
  CHECK(one.everything() == other.everything());
}

TEST_CASE("a bad row refuses the file, or is left out and reported without what it holds", "[collect]") {
  const std::string good = "id,age,spend,gender,sms_consent\nc1,30,5.00,f,yes\n";
  for (const std::string bad :
       {"c2,SECRET,,,", "c2,,SECRET,,", "c2,,,SECRET,", "c2,,,,SECRET", "c2,SECRET", "c2,\"SECRET\"x,,,",
        "c2,SEC\"RET,,,", "c2,SECRET\xFF,,,", "c2,199,,,", "c2,,,,,SECRET,SECRET"}) {
    CAPTURE(bad);
    CollectedShop strict, lenient;
    CHECK_THAT(
        test::error_of([&] { strict.take(FileKind::customers, "c.csv", good + bad + "\nc3,31,,,\n"); }),
        Catch::Contains("c.csv:3: ") && Catch::Contains("nothing of the file was kept") &&
            !Catch::Contains("SECRET"));
    CHECK(strict.count("user") + strict.count("source") + strict.count("rejected") +
              strict.count("consent") ==
          0);
    CollectOptions options;
    options.max_errors = 1;
    const CollectedFile result =
        lenient.take(FileKind::customers, "c.csv", good + bad + "\nc3,31,,,\n", options);
    CHECK(result.rows == 3);
    CHECK(result.rejected == 1);
    CHECK(lenient.text("SELECT shop_id FROM user ORDER BY shop_id") == "c1|c3");
    REQUIRE(lenient.rejected.size() == 1);
    CHECK(lenient.rejected[0].line == 3);
    CHECK(lenient.rejected[0].reason.size() > 10);
    CHECK_THAT(lenient.rejected[0].reason, !Catch::Contains("SECRET"));
    CHECK(lenient.text("SELECT line || ' ' || reason FROM rejected") == "3 " + lenient.rejected[0].reason);
    CHECK_FALSE(lenient.on_disk("SECRET"));
    CollectedShop twice;
    CHECK_THROWS_AS(twice.take(FileKind::customers, "c.csv", good + bad + "\n" + bad + "\n", options), Error);
    CHECK(twice.count("user") == 0);
  }
  for (const std::string bad :
       {"{\"SECRET\"}", "[\"SECRET\"]", R"({"id":"c2","age":"SECRET"})", R"({"SECRET":1,"SECRET":2})",
        R"({"id":"SECRET)", R"({"id":"c2","reviews":[{"rating":"SECRET"}]})",
        R"({"id":"c2","purchases":"SECRET"})", R"({"id":["SECRET"]})"}) {
    CAPTURE(bad);
    CollectedShop lenient;
    CollectOptions options;
    options.max_errors = 1;
    lenient.take(FileKind::customers, "c.jsonl", "{\"id\":\"c1\"}\n" + bad + "\n{\"id\":\"c3\"}\n", options);
    CHECK(lenient.text("SELECT shop_id FROM user ORDER BY shop_id") == "c1|c3");
    CHECK_THAT(lenient.rejected.at(0).reason, !Catch::Contains("SECRET"));
  }
}

TEST_CASE("a file in which nobody knows where rows begin is refused whatever is allowed", "[collect]") {
  CollectedShop shop;
  CollectOptions options;
  options.max_errors = 100;
  CHECK_THAT(test::error_of([&] {
               shop.take(FileKind::customers, "c.csv", "id,name\nc1,\"open\nc2,x\nc3,y\n", options);
             }),
             Catch::Contains("never closed"));
  CHECK_THAT(test::error_of([&] { shop.take(FileKind::customers, "c.csv", "id,name\n", options); }),
             Catch::Contains("no row"));
  CHECK_THAT(test::error_of([&] { shop.take(FileKind::customers, "c.csv", "", options); }),
             Catch::Contains("empty"));
  CHECK_THAT(test::error_of([&] { shop.take(FileKind::customers, "c.csv", kLog, options); }),
             Catch::Contains("--events"));
  CHECK_THAT(test::error_of([&] { shop.take(FileKind::events, "c.csv", "a,b\n1,2\n", options); }),
             Catch::Contains("--map"));
  CHECK_THAT(test::error_of([&] { shop.take(FileKind::reviews, "c.csv", "user,b\n1,2\n", options); }),
             Catch::Contains("'text'"));
  CHECK_THAT(test::error_of([&] { shop.read(FileKind::events, shop.store.directory()); }),
             Catch::Contains("directory"));
  CHECK_THAT(test::error_of([&] { shop.read(FileKind::events, shop.store.directory() / "none"); }),
             Catch::Contains("no such file"));
  CHECK(shop.count("user") + shop.count("product") + shop.count("source") == 0);
}

TEST_CASE("a file that cannot be read leaves no new store, and only collect makes one", "[collect]") {
  const test::TempDir dir;
  CollectOptions options;
  options.files = {{FileKind::customers, dir / "none.csv"}};
  CHECK_THROWS_AS(collect(dir / "new.db", options), Error);
  test::write_text(dir / "bad.csv", "id,age\na,old\n");
  options.files = {{FileKind::customers, dir / "bad.csv"}};
  CHECK_THROWS_AS(collect(dir / "new.db", options), Error);
  test::write_text(dir / "good.csv", "id,age\na,30\n");
  for (const auto& entry : std::filesystem::directory_iterator(dir.path()))
    CHECK(entry.path().extension() == ".csv");
  // One file was taken: that is kept.
  options.files = {{FileKind::customers, dir / "good.csv"}, {FileKind::customers, dir / "bad.csv"}};
  CHECK_THROWS_AS(collect(dir / "new.db", options), Error);
  CHECK(Store(dir / "new.db", Store::Mode::read).database().integer("SELECT count(*) FROM user") == 1);
  options.files = {{FileKind::customers, dir / "bad.csv"}};
  CHECK_THROWS_AS(collect(dir / "new.db", options), Error);
  CHECK(std::filesystem::exists(dir / "new.db"));

  test::write_text(dir / "empty.db", "");
  for (const Store::Mode mode : {Store::Mode::write, Store::Mode::read}) {
    CHECK_THAT(test::error_of([&] { Store(dir / "empty.db", mode); }), Catch::Contains("the file is empty"));
    CHECK(std::filesystem::file_size(dir / "empty.db") == 0);
  }
  options.files = {{FileKind::customers, dir / "good.csv"}};
  CHECK(collect(dir / "empty.db", options).front().new_rows == 1);
}

TEST_CASE("times with a zone, milliseconds and a name in capitals are read", "[collect]") {
  CHECK(parse_time("2026-11-01T08:00:00+08:00") == 1793491200);
  CHECK(parse_time("2026-11-01T08:00:00+0800") == 1793491200);
  CHECK(parse_time("2026-11-01 08:00+08") == 1793491200);
  CHECK(parse_time("2026-10-31T19:30:00-04:30") == 1793491200);
  CHECK(parse_time("2026-11-01T00:00:00.250Z") == 1793491200);
  CHECK(parse_time("2026-11-01T00:00:00.123456") == 1793491200);
  CHECK(parse_time("1793491200999") == 1793491200);
  CHECK(parse_time("1793491200.999") == 1793491200);
  CHECK(parse_time("1793491200999.5") == 1793491200);
  for (const char* bad : {"2026-11-01T08:00:00+15:00", "2026-11-01T08:00:00+08:60", "2026-11-01T08:00:00+8",
                          "2026-11-01T08:00:00.", "2026-11-01T08:00:00.1x", "2026-11-01+08:00", "1.5.5",
                          "179349120099999", "2026-11-01T08:00:00+08:00+08:00"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_time(bad).has_value());
  }
  CollectedShop shop;
  CHECK(shop.take(FileKind::events, "E.TSV",
                  "user\titem\tbehaviour\ttime\nu\tp\tbuy\t2026-11-01T08:00:00+08:00\n")
            .new_rows == 1);
  CHECK(shop.text("SELECT time FROM event") == "1793491200");
  CHECK(read_customers(shop.file("C.Tsv", "id\tage\nc\t30\n"), {}).size() == 1);
}

TEST_CASE("people without an id are themselves again in the next reading", "[collect]") {
  CollectedShop shop;
  const std::string lines = "{\"age\":30}\n{\"age\":30}\n{\"age\":31}\n";
  CHECK(shop.take(FileKind::customers, "c.jsonl", lines).new_rows == 3);
  CHECK(shop.take(FileKind::customers, "c.jsonl", lines).new_rows == 0);
  CHECK(shop.count("user") == 3);
}

TEST_CASE("real files of every kind come in whole", "[collect][golden]") {
  const auto data = shared_dir() / "data";
  if (!have(data / "email_ctr/subject_lines.csv") || !have(data / "taobao_behavior/user_behavior.csv") ||
      !have(data / "shopify/apparel.csv"))
    return;
  CollectedShop shop;
  CollectOptions options;
  options.map = shop.file(
      "map.toml",
      "[copy.columns]\nSUBJECT = \"text\"\nDELIVERIES = \"sent\"\nOPENS = \"opened\"\nCLICKS = \"clicked\"\n"
      "KICKS = \"converted\"\nUNSUBS = \"unsubscribed\"\n[copy.values]\nlanguage = \"en\"\nchannel = "
      "\"email\"\n");
  const CollectedFile copy = shop.read(FileKind::copy, data / "email_ctr/subject_lines.csv", options);
  CHECK(copy.rows == 379);
  CHECK(copy.new_rows > 370);
  CHECK(copy.unmapped.empty());
  CHECK(shop.text("SELECT sent || ' ' || opened || ' ' || clicked || ' ' || unsubscribed || channel FROM "
                  "past_copy WHERE id = 1") == "1073 751 215 1email");
  CHECK(shop.read(FileKind::products, data / "shopify/apparel.csv").new_rows == 20);
  CHECK(shop.read(FileKind::products, data / "shopify/home-and-garden.csv").contacts == 0);
  const CollectedFile log = shop.read(FileKind::events, data / "taobao_behavior/user_behavior.csv");
  CHECK(log.rows > 20'000);
  CHECK(log.contacts == 0);
  CHECK(shop.count("event") == log.new_rows);
  CHECK(shop.read(FileKind::events, data / "taobao_behavior/user_behavior.csv").new_rows == 0);
  CHECK(read_stored_products(*shop.store).size() > 30);
}
