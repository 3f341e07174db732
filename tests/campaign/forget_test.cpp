#include "copywriter/collect/forget.h"
#include "campaign/collect_support.h"

namespace {

using namespace adlib;
using namespace adlib::copywriter;
using adlib::test::CollectedShop;

}  // namespace

TEST_CASE("a person who is forgotten leaves no byte and does not come back", "[collect][forget]") {
  CollectedShop shop;
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
  CollectedShop shop;
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

TEST_CASE("where a person's copies went is told once, since afterwards nobody knows", "[collect][forget]") {
  CollectedShop shop;
  const auto user = test::add_user(*shop.store, "c1"), other = test::add_user(*shop.store, "c2"),
             product = test::add_product(*shop.store, "p1"), run = test::add_run(*shop.store);
  int key = 0;
  const auto publish = [&](std::int64_t copy, const char* target, const char* destination, const char* status,
                           int attempts) {
    shop.store
        ->prepare(
            "INSERT INTO publication(copy, target, destination, idempotency_key, status, attempts, time) "
            "VALUES (?, ?, ?, ?, ?, ?, 1)")
        .run(copy, target, destination, concat("k", key++), status, attempts);
  };
  const auto copy_of = [&](std::optional<std::int64_t> whose, const char* arm) {
    return test::add_copy(*shop.store, {.user = whose, .product = product, .run = run, .arm = arm});
  };
  const auto warm = copy_of(user, "warm"), plain = copy_of(user, "plain");
  publish(warm, "sms", "/out/sms.jsonl", "sent", 1);
  publish(plain, "sms", "/out/sms.jsonl", "sent", 1);
  publish(warm, "webhook", "https://example.com/hook", "sent", 2);
  publish(plain, "webhook", "https://example.com/hook", "dead", 5);     // may have arrived
  publish(warm, "webhook", "https://example.com/later", "pending", 0);  // never left
  publish(warm, "push", "/out/push.jsonl", "pending", 0);               // interrupted: the file may be there
  publish(copy_of(other, "warm"), "email", "/out/mail.mbox", "sent", 1);       // somebody else's
  publish(copy_of(std::nullopt, "warm"), "meta", "/out/meta.csv", "sent", 1);  // nobody's

  std::vector<std::string> told;
  const auto tell = [&](const Elsewhere& one) {
    told.push_back(concat(one.target, " ", one.destination, " ", one.copies));
  };
  CHECK(forget(*shop.store, "c1", tell));
  CHECK(told == std::vector<std::string>{"push /out/push.jsonl 1", "sms /out/sms.jsonl 2",
                                         "webhook https://example.com/hook 2"});
  told.clear();
  CHECK_FALSE(forget(*shop.store, "c1", tell));
  CHECK(told.empty());
}
