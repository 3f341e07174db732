#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <random>

#include "campaign/support.h"
#include "copywriter/collect/collect.h"
#include "copywriter/collect/forget.h"
#include "copywriter/collect/people.h"
#include "copywriter/collect/read.h"
#include "copywriter/collect/text.h"
#include "copywriter/store/records.h"

namespace {

using namespace adlib;
using namespace adlib::copywriter;
using adlib::test::have;
using adlib::test::NewStore;
using adlib::test::shared_dir;

// A store and a folder of files to read into it.
struct Shop {
  NewStore store;
  std::vector<RejectedRow> rejected = {};

  std::filesystem::path file(const std::string& name, const std::string& text) const {
    test::write_text(store.directory() / name, text);
    return store.directory() / name;
  }
  CollectedFile read(FileKind kind, const std::filesystem::path& path, CollectOptions options = {}) {
    options.files = {{kind, path}};
    options.on_rejected = [&](const RejectedRow& row) { rejected.push_back(row); };
    return collect(*store, options).front();
  }
  CollectedFile take(FileKind kind, const std::string& name, const std::string& text,
                     const CollectOptions& options = {}) {
    return read(kind, file(name, text), options);
  }
  std::int64_t count(const std::string& rest) const {
    return store->database().integer("SELECT count(*) FROM " + rest);
  }
  std::string text(const std::string& sql) const {
    Statement rows = store->prepare(sql);
    std::string all;
    while (rows.step()) all += (all.empty() ? "" : "|") + std::string(rows.text(0));
    return all;
  }
  io::Json user(const std::string& id) const {
    return io::parse_json(text("SELECT record FROM user WHERE shop_id = '" + id + "'"), "user");
  }
  // What the shop's files have said, without the numbers of rows and files.
  std::string everything() const {
    return text("SELECT shop_id || record || personalised FROM user ORDER BY shop_id") + "\n" +
           text("SELECT shop_id || listed || seen || record FROM product ORDER BY shop_id") + "\n" +
           text(
               "SELECT u.shop_id || ' ' || time || ' ' || p.shop_id || ' ' || behaviour || ' ' || "
               "coalesce(price, '-') "
               "FROM event JOIN user u ON u.id = event.user JOIN product p ON p.id = event.product "
               "ORDER BY u.shop_id, time, p.shop_id, behaviour") +
           "\n" +
           text(
               "SELECT u.shop_id || r.text || coalesce(rating, '') || coalesce(time, '') FROM review r JOIN "
               "user u ON "
               "u.id = r.user ORDER BY 1");
  }
  // Whether the bytes stand anywhere in the files of the database.
  bool on_disk(const std::string& bytes) const {
    for (const auto& entry : std::filesystem::directory_iterator(store.directory())) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("shop.db") && test::read_text(entry.path()).find(bytes) != std::string::npos)
        return true;
    }
    return false;
  }
};

constexpr const char* kLog =
    "用户ID,商品ID,品牌,品牌ID,商品名称,商品类别,商品类目ID,行为类型,时间戳,售价\n"
    "u1,p1,山序,7,山序 红茶,茶叶,70,pv,1512189107,68.00\n"
    "u1,p1,山序,7,山序 红茶,茶叶,70,buy,1512189207,66.00\n"
    "u2,p2,,,素陶 盖碗,茶具,71,fav,1512189307,\n"
    "u2,p1,山序,7,山序 红茶,茶叶,70,cart,1512189100,60.00\n"
    "u1,p1,山序,7,山序 红茶,茶叶,70,pv,1512189107,68.00\n";

}  // namespace

TEST_CASE("a log becomes users, products and events, and reading it again changes nothing", "[collect]") {
  Shop shop;
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
  Shop in_order, shuffled, json;
  in_order.take(FileKind::events, "log.csv", all(head, rows));
  json.take(FileKind::events, "log.jsonl", all("", objects));
  // A title that only an earlier event has may stand or not, so those rows keep their order.
  std::vector<std::string> titled;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(titled),
               [](const std::string& row) { return row.find(",T") != row.npos; });
  Shop plain;
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
  Shop utf8, marked, chinese;
  CHECK(utf8.take(FileKind::customers, "c.csv", text).encoding == Encoding::utf8);
  CHECK(marked.take(FileKind::customers, "c.csv", "\xEF\xBB\xBF" + text).encoding == Encoding::utf8);
  CHECK(chinese.take(FileKind::customers, "c.csv", gb).encoding == Encoding::gb18030);
  CHECK(utf8.user("c1") ==
        io::Json({{"id", "c1"}, {"name", "小林"}, {"interests", {"茶", "书"}}, {"备注", "第一行\n第二行"}}));
  CHECK(marked.everything() == utf8.everything());
  CHECK(chinese.everything() == utf8.everything());
  // One wrong byte does not make the rest of a UTF-8 file Chinese.
  Shop damaged;
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
  Shop one, other;
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
    Shop strict, lenient;
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
    Shop twice;
    CHECK_THROWS_AS(twice.take(FileKind::customers, "c.csv", good + bad + "\n" + bad + "\n", options), Error);
    CHECK(twice.count("user") == 0);
  }
  for (const std::string bad :
       {"{\"SECRET\"}", "[\"SECRET\"]", R"({"id":"c2","age":"SECRET"})", R"({"SECRET":1,"SECRET":2})",
        R"({"id":"SECRET)", R"({"id":"c2","reviews":[{"rating":"SECRET"}]})",
        R"({"id":"c2","purchases":"SECRET"})", R"({"id":["SECRET"]})"}) {
    CAPTURE(bad);
    Shop lenient;
    CollectOptions options;
    options.max_errors = 1;
    lenient.take(FileKind::customers, "c.jsonl", "{\"id\":\"c1\"}\n" + bad + "\n{\"id\":\"c3\"}\n", options);
    CHECK(lenient.text("SELECT shop_id FROM user ORDER BY shop_id") == "c1|c3");
    CHECK_THAT(lenient.rejected.at(0).reason, !Catch::Contains("SECRET"));
  }
}

TEST_CASE("a file in which nobody knows where rows begin is refused whatever is allowed", "[collect]") {
  Shop shop;
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

TEST_CASE("a later record updates what it has, and an opt-out lasts until somebody opts in", "[collect]") {
  Shop shop;
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

namespace {

// The clock of the test.
class Clock {
 public:
  ~Clock() { unsetenv("ADLIB_NOW"); }
  void set(const char* time) { setenv("ADLIB_NOW", time, 1); }
};

}  // namespace

TEST_CASE("a refusal is undone by a consent with a later date of its own, and by nothing else",
          "[collect][consent]") {
  Clock clock;
  Shop shop;
  const auto customers = [&](const char* now, const char* name, const std::string& cells) {
    clock.set(now);
    return shop.take(FileKind::customers, name,
                     concat("id,push_consent,push_consent_at,city\nc,", cells, ",", name, "\n"));
  };
  const auto row = [&] {
    return shop.text("SELECT channel || granted || ' ' || time || ' ' || origin FROM consent");
  };
  customers("1000000000", "1.csv", "yes,");
  CHECK(row() == "push1 1000000000 file");
  customers("1000000100", "2.csv", "no,");
  CHECK(row() == "push0 1000000100 file");
  CHECK(customers("1000000200", "3.csv", "yes,").refused_before == 1);
  CHECK(customers("1000000200", "4.csv", "yes,1000000100").refused_before == 1);
  CHECK(row() == "push0 1000000100 file");
  CHECK(customers("1000000300", "5.csv", "yes,1000000150").refused_before == 0);
  CHECK(row() == "push1 1000000150 dated");
  // The old refusal again, and an older consent: each is as old as it was.
  clock.set("1000000400");
  shop.read(FileKind::customers, shop.store.directory() / "2.csv");
  shop.read(FileKind::customers, shop.store.directory() / "1.csv");
  CHECK(row() == "push1 1000000150 dated");
  customers("1000000500", "6.csv", "no,");
  CHECK(row() == "push0 1000000500 file");
  // Who dates a consent ahead does not silence the refusals that come before that day.
  customers("1000000600", "7.csv", "yes,2000000000");
  CHECK(row() == "push1 1000000600 dated");
  customers("1000000700", "8.csv", "no,");
  CHECK(row() == "push0 1000000700 file");
}

TEST_CASE("in any order the same answers leave the same consent", "[collect][consent]") {
  struct Said {
    bool granted;
    std::int64_t time;
    ConsentRows::Origin origin;
  };
  using Origin = ConsentRows::Origin;
  std::vector<Said> all;
  for (const std::int64_t time : {10, 20, 30}) {
    all.push_back({true, time, Origin::file});
    all.push_back({true, time, Origin::dated});
    all.push_back({false, time, Origin::dated});
    all.push_back({false, time, Origin::unsubscribe});
  }
  NewStore store;
  const auto user = test::add_user(*store, "c");
  ConsentRows rows(*store);
  std::mt19937 random(5);
  for (int round = 0; round < 200; ++round) {
    std::shuffle(all.begin(), all.end(), random);
    const std::size_t count = 1 + random() % 5;
    std::int64_t refused = -1, consented = -1;
    store->database().execute("DELETE FROM consent");
    for (std::size_t i = 0; i < count; ++i) {
      if (!all[i].granted) refused = std::max(refused, all[i].time);
      if (all[i].granted && all[i].origin == Origin::dated) consented = std::max(consented, all[i].time);
      rows.put(user, "sms", all[i].granted, all[i].time, all[i].origin);
    }
    CHECK(store->database().integer("SELECT granted FROM consent") ==
          (refused < 0 || consented > refused ? 1 : 0));
  }
}

TEST_CASE("columns that may tell of consent and are not understood are told once", "[collect][consent]") {
  Shop shop;
  const CollectedFile result =
      shop.take(FileKind::customers, "c.csv",
                "id,do_not_contact,privacy_consent,退订\na,yes,v2,\nb,no,v3,是\nc,,v3,\n");
  CHECK(result.unclear == std::vector<std::string>{"privacy_consent"});
  CHECK(
      shop.text(
          "SELECT u.shop_id || channel || granted FROM consent c JOIN user u ON u.id = c.user ORDER BY 1") ==
      "a0|b0");
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
  Shop shop;
  CHECK(shop.take(FileKind::events, "E.TSV",
                  "user\titem\tbehaviour\ttime\nu\tp\tbuy\t2026-11-01T08:00:00+08:00\n")
            .new_rows == 1);
  CHECK(shop.text("SELECT time FROM event") == "1793491200");
  CHECK(read_customers(shop.file("C.Tsv", "id\tage\nc\t30\n"), {}).size() == 1);
}

TEST_CASE("people without an id are themselves again in the next reading", "[collect]") {
  Shop shop;
  const std::string lines = "{\"age\":30}\n{\"age\":30}\n{\"age\":31}\n";
  CHECK(shop.take(FileKind::customers, "c.jsonl", lines).new_rows == 3);
  CHECK(shop.take(FileKind::customers, "c.jsonl", lines).new_rows == 0);
  CHECK(shop.count("user") == 3);
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
    Shop shop;
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
  Shop shop;
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
  Shop shop;
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
  Shop shop;
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
  Shop shop;
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

TEST_CASE("a person who is forgotten leaves no byte and does not come back", "[collect][forget]") {
  Shop shop;
  const std::string customers = R"({"id":"c-unmistakable","name":"欧阳早起","interests":["手冲咖啡"]})"
                                "\n"
                                R"({"id":"c2","name":"留下的人"})"
                                "\n";
  const std::string log =
      "user,item,title,behaviour,time\nc-unmistakable,p1,T,buy,1512189107\nc2,p1,T,buy,1512189107\n";
  const std::string reviews = "user,text\nc-unmistakable,这句评价独一无二\nc2,这句留下\n";
  shop.take(FileKind::customers, "c.jsonl", customers);
  shop.take(FileKind::events, "e.csv", log);
  shop.take(FileKind::reviews, "r.csv", reviews);
  const auto user = shop.store->database().integer("SELECT id FROM user WHERE shop_id = 'c-unmistakable'");
  test::add_copy(
      *shop.store,
      {.user = user, .product = 1, .run = test::add_run(*shop.store), .text = "写给欧阳早起的独家文案"});
  const std::vector<std::string> traces{"c-unmistakable", "欧阳早起", "手冲咖啡", "这句评价独一无二",
                                        "独家文案"};
  for (const std::string& trace : traces) CHECK(shop.on_disk(trace));

  CHECK_THAT(test::error_of([&] { forget(*shop.store, "nobody"); }),
             Catch::Contains("there is no user 'nobody'"));
  CHECK(forget(*shop.store, "c-unmistakable"));
  for (const std::string& trace : traces) {
    CAPTURE(trace);
    CHECK_FALSE(shop.on_disk(trace));
  }
  CHECK(shop.on_disk("留下的人"));
  CHECK(shop.count("user") == 1);
  CHECK(shop.count("copy") + shop.count("placement") == 0);
  CHECK(shop.count("event") == 1);
  CHECK_FALSE(forget(*shop.store, "c-unmistakable"));
  CHECK(shop.count("forgotten") == 1);

  CHECK(shop.read(FileKind::customers, shop.store.directory() / "c.jsonl").forgotten == 1);
  const CollectedFile events = shop.read(FileKind::events, shop.store.directory() / "e.csv");
  CHECK(events.forgotten == 1);
  CHECK(events.new_rows == 0);
  CHECK(shop.read(FileKind::reviews, shop.store.directory() / "r.csv").forgotten == 1);
  for (const std::string& trace : traces) CHECK_FALSE(shop.on_disk(trace));
  CHECK(shop.count("user") == 1);

  shop.take(FileKind::customers, "d.jsonl", "{\"id\":\"li@example.com\",\"name\":\"李\"}\n");
  CHECK(forget(*shop.store, "Li@example.com"));
  CHECK(shop.count("user") == 1);
}

TEST_CASE("while another process reads, what is forgotten is said to be still in the log",
          "[collect][forget]") {
  Shop shop;
  shop.take(FileKind::customers, "c.jsonl", "{\"id\":\"c1\",\"name\":\"欧阳早起\"}\n");
  {
    const Store reader(shop.store.file(), Store::Mode::read);
    Statement rows = reader.prepare("SELECT * FROM user");
    REQUIRE(rows.step());
    shop.store->database().execute("PRAGMA busy_timeout = 50");
    CHECK_THAT(test::error_of([&] { forget(*shop.store, "c1"); }), Catch::Contains("run forget again"));
  }
  CHECK(shop.count("user") == 0);
  CHECK_FALSE(forget(*shop.store, "c1"));
  CHECK_FALSE(shop.on_disk("欧阳早起"));
}

TEST_CASE("real files of every kind come in whole", "[collect][golden]") {
  const auto data = shared_dir() / "data";
  if (!have(data / "email_ctr/subject_lines.csv") || !have(data / "taobao_behavior/user_behavior.csv") ||
      !have(data / "shopify/apparel.csv"))
    return;
  Shop shop;
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
