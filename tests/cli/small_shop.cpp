#include "cli/small_shop.h"

#include <stdexcept>

#include "campaign/support.h"

namespace adlib::test {
namespace {

using copywriter::Statement;
using copywriter::Store;

void add_copies(const Store& store) {
  copywriter::Transaction transaction(store.database());
  const std::int64_t run = add_run(store);
  const std::int64_t product = store.database().integer("SELECT id FROM product WHERE shop_id = 'jinggu-q2'");
  Statement users = store.prepare(
      "SELECT id FROM user WHERE json_extract(record, '$.language') = 'zh' AND personalised = 1 AND NOT "
      "EXISTS(SELECT 1 FROM consent WHERE user = user.id AND granted = 0) ORDER BY shop_id LIMIT ?");
  users.with(SmallShop::kCustomers);
  std::int64_t last = 0;
  while (users.step()) {
    last = users.integer(0);
    add_copy(store, {.user = last,
                     .product = product,
                     .run = run,
                     .text = "静谷 Q2 降噪耳机，路上听歌。（AI 生成）",
                     .arm = "plain"});
    add_copy(store, {.user = last,
                     .product = product,
                     .run = run,
                     .text = "静谷 Q2 降噪耳机，陪你一路。（AI 生成）",
                     .arm = "warm"});
  }
  add_copy(store, {.user = last,
                   .product = product,
                   .run = run,
                   .text = "静谷 Q2 降噪耳机，全国第一。（AI 生成）",
                   .scene = "promotion"});
  add_copy(store, {.product = product,
                   .run = run,
                   .text = "静谷 Q2 降噪耳机",
                   .scene = "ad",
                   .channel = "google-headline",
                   .arm = "any"});
  // What is everybody's is made of nobody.
  store.database().execute("UPDATE copy SET personalised = 0 WHERE id = 26");
  transaction.commit();
}

Finished run_with_clock(const std::vector<std::string>& arguments, RunOptions options) {
  options.environment.insert(options.environment.begin(), "ADLIB_NOW=2026-11-01");
  return adlib_tool(arguments, options);
}

// Made once a process.
const std::filesystem::path& original() {
  static const TempDir directory;
  static const std::filesystem::path file = [] {
    const std::string store = (directory / "shop.db").string();
    const std::filesystem::path demo = source_dir() / "examples/copywriter/demo/shop";
    const auto must = [](const std::vector<std::string>& arguments) {
      const Finished run = run_with_clock(arguments, {});
      if (run.exit_code != 0) throw std::runtime_error("adlib " + arguments[0] + ": " + run.err);
    };
    must({"collect", store, "--currency", "CNY", "--products", (demo / "products.csv").string(),
          "--customers", (demo / "customers.csv").string(), "--events", (demo / "events.csv").string()});
    must({"prepare", store});
    must({"recommend", store});
    add_copies(Store(store, Store::Mode::write));
    must({"polish", store});
    return std::filesystem::path(store);
  }();
  return file;
}

}  // namespace

SmallShop::SmallShop() { std::filesystem::copy_file(original(), directory_ / "shop.db"); }

Finished SmallShop::run(std::vector<std::string> arguments, RunOptions options) const {
  for (std::string& argument : arguments) {
    if (argument == "STORE") argument = (directory_ / "shop.db").string();
    if (argument.starts_with("DIR/")) argument = (directory_ / argument.substr(4)).string();
  }
  return run_with_clock(arguments, std::move(options));
}

std::string SmallShop::output_of(const std::vector<std::string>& arguments) const {
  const Finished finished = run(arguments);
  CAPTURE(arguments, finished.err);
  REQUIRE(finished.exit_code == 0);
  return finished.out;
}

std::int64_t SmallShop::count(const std::string& sql) const {
  return Store(directory_ / "shop.db", Store::Mode::read).database().integer(sql);
}

void SmallShop::execute(const std::string& sql) const {
  Store(directory_ / "shop.db", Store::Mode::write).database().execute(sql);
}

}  // namespace adlib::test
