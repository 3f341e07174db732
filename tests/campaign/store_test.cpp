#include <fstream>

#include "campaign/support.h"
#include "copywriter/store/records.h"

namespace {

using namespace adlib;
using namespace adlib::copywriter;
using adlib::test::NewStore;

TEST_CASE("a store is opened again with what was committed, and without what was not", "[store]") {
  const NewStore store;
  {
    const Transaction undone(store->database());
    test::add_user(*store, "lost");
  }
  {
    Transaction kept(store->database());
    test::add_user(*store, "kept");
    kept.commit();
  }
  const Store again(store.file(), Store::Mode::read);
  CHECK(again.database().integer("SELECT count(*) FROM user") == 1);
  CHECK(again.keyed_hash("kept") == store->keyed_hash("kept"));
  CHECK(again.keyed_hash("kept") != store->keyed_hash("lost"));
  CHECK_THROWS_AS(test::add_user(again, "read only"), Error);
}

TEST_CASE("files that are no store are refused by name", "[store]") {
  const test::TempDir directory;
  const auto file = directory.path() / "shop.db";
  CHECK_THAT(test::error_of([&] { Store(file, Store::Mode::write); }),
             Catch::Contains("there is no such file"));
  std::ofstream(file) << "id,title\n1,tea\n and enough bytes that SQLite looks for its own header in them\n"
                      << std::string(200, ' ');
  CHECK_THAT(test::error_of([&] { Store(file, Store::Mode::write); }), Catch::Contains("not a database"));
  CHECK_THAT(test::error_of([&] { Store(directory.path() / "none" / "shop.db", Store::Mode::create); }),
             Catch::Contains("its directory is missing"));
  CHECK_THAT(test::error_of([&] { Store(directory.path(), Store::Mode::create); }),
             Catch::Contains("a directory"));
  std::filesystem::remove(file);
  Database(file, Database::Mode::create).execute("CREATE TABLE other(id INTEGER)");
  const std::string before = test::read_text(file);
  for (const auto mode : {Store::Mode::create, Store::Mode::write})
    CHECK_THAT(test::error_of([&] { Store(file, mode); }), Catch::Contains("none of adlib's"));
  CHECK(test::read_text(file) == before);
  const NewStore store;
  store->database().execute("PRAGMA user_version = -1");
  CHECK_THAT(test::error_of([&] { Store(store.file(), Store::Mode::write); }), Catch::Contains("version -1"));
}

TEST_CASE("a store of a newer adlib is refused, one of an older brought up to date", "[store]") {
  const NewStore store;
  store->database().execute("PRAGMA user_version = 99");
  CHECK_THAT(test::error_of([&] { Store(store.file(), Store::Mode::write); }),
             Catch::Contains("version 99 of the store"));
}

TEST_CASE("everything about a person goes with the person", "[store]") {
  const NewStore store;
  const auto user = test::add_user(*store, "c-1"), product = test::add_product(*store, "p-1");
  test::add_event(*store, user, product, 3, 1'700'000'000);
  const auto copy = test::add_copy(*store, {.user = user, .product = product, .run = test::add_run(*store)});
  store->prepare("INSERT INTO decision(copy, time, who, action) VALUES (?, 1, 'editor', 'approve')")
      .run(copy);
  store->prepare("INSERT INTO outcome(hash, user, copy, kind, time) VALUES (1, ?, ?, 'click', 2)")
      .run(user, copy);
  store->prepare("DELETE FROM user WHERE id = ?").run(user);
  for (const char* table : {"event", "placement", "copy", "decision", "outcome"})
    CHECK(store->database().integer(concat("SELECT count(*) FROM ", table)) == 0);
}

TEST_CASE("a customer of the store has the record, and the newest events of the log", "[store]") {
  const NewStore store;
  const auto user = test::add_user(*store, "c-1", {{"name", "早起的鸟"}, {"purchases", {"素陶 手作盖碗"}}});
  const auto tea = test::add_product(
      *store, "tea", {{"title", "山序 红茶"}, {"category", "茶叶"}, {"price", "68.00"}, {"currency", "CNY"}});
  for (int i = 0; i < 30; ++i) test::add_event(*store, user, tea, 0, 1'700'000'000 + i);
  test::add_event(*store, user, tea, 3, 1'700'000'100);
  StoredCustomers customers(*store);
  CHECK(customers.rows() == std::vector{user});
  const Customer customer = customers.read(user);
  CHECK(customer.name == "早起的鸟");
  REQUIRE(customer.browsing.size() == 20);
  CHECK(customer.browsing.front().time == 1'700'000'010);
  CHECK(customer.browsing.back().time == 1'700'000'029);
  REQUIRE(customer.purchases.size() == 2);
  CHECK(customer.purchases[0].title == "素陶 手作盖碗");
  CHECK(customer.purchases[1].category == "茶叶");
  CHECK(customer.purchases[1].price->amount == "68.00");
}

TEST_CASE("digests are those of FIPS 180-4 and RFC 4231", "[store]") {
  CHECK(hexadecimal(sha256("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const std::string key(20, '\x0b');
  CHECK(hexadecimal(hmac_sha256(std::as_bytes(std::span(key)), "Hi There")) ==
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
}

}  // namespace
