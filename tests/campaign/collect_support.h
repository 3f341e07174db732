// tests/campaign/collect_support.h: a shop whose files are read into a store.
#pragma once

#include <cstdlib>
#include <string>
#include <vector>

#include "campaign/support.h"
#include "copywriter/collect/collect.h"

namespace adlib::test {

using namespace copywriter;

// A store and a folder of files to read into it.
struct CollectedShop {
  NewStore store;
  std::vector<RejectedRow> rejected = {};
  std::vector<std::string> slips = {};  // "pric > price"

  std::filesystem::path file(const std::string& name, const std::string& text) const {
    write_text(store.directory() / name, text);
    return store.directory() / name;
  }
  CollectedFile read(FileKind kind, const std::filesystem::path& path, CollectOptions options = {}) {
    options.files = {{kind, path}};
    options.on_rejected = [&](const RejectedRow& row) { rejected.push_back(row); };
    options.on_slip = [&](const std::string&, std::int64_t, const Slip& slip) {
      slips.push_back(slip.name + " > " + slip.meant);
    };
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
      if (name.starts_with("shop.db") && read_text(entry.path()).find(bytes) != std::string::npos)
        return true;
    }
    return false;
  }
};

// The clock of the test.
class Clock {
 public:
  ~Clock() { unsetenv("ADLIB_NOW"); }
  void set(const char* time) { setenv("ADLIB_NOW", time, 1); }
};

inline constexpr const char* kLog =
    "用户ID,商品ID,品牌,品牌ID,商品名称,商品类别,商品类目ID,行为类型,时间戳,售价\n"
    "u1,p1,山序,7,山序 红茶,茶叶,70,pv,1512189107,68.00\n"
    "u1,p1,山序,7,山序 红茶,茶叶,70,buy,1512189207,66.00\n"
    "u2,p2,,,素陶 盖碗,茶具,71,fav,1512189307,\n"
    "u2,p1,山序,7,山序 红茶,茶叶,70,cart,1512189100,60.00\n"
    "u1,p1,山序,7,山序 红茶,茶叶,70,pv,1512189107,68.00\n";

}  // namespace adlib::test
