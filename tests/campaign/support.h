// tests/campaign/support.h: a store in a directory of its own, and rows to fill it with.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "copywriter/store/store.h"
#include "support/catch.h"
#include "support/error_of.h"
#include "support/files.h"

namespace adlib::test {

/// A new store that is removed with the test.
class NewStore {
 public:
  NewStore() : store_(file(), copywriter::Store::Mode::create) {}
  std::filesystem::path file() const { return directory_.path() / "shop.db"; }
  const std::filesystem::path& directory() const { return directory_.path(); }
  const copywriter::Store& operator*() const { return store_; }
  const copywriter::Store* operator->() const { return &store_; }

 private:
  TempDir directory_;
  copywriter::Store store_;
};

inline std::int64_t add_user(const copywriter::Store& store, std::string_view shop_id,
                             const io::Json& record = io::Json::object()) {
  io::Json whole = record;
  whole["id"] = shop_id;
  store.prepare("INSERT INTO user(shop_id, record) VALUES (?, ?)").run(shop_id, whole.dump());
  return store.database().last_id();
}

inline std::int64_t add_product(const copywriter::Store& store, std::string_view shop_id,
                                const io::Json& record = {{"title", "静谷 Q2 降噪耳机"}}) {
  io::Json whole = record;
  whole["id"] = shop_id;
  store.prepare("INSERT INTO product(shop_id, listed, record) VALUES (?, 1, ?)").run(shop_id, whole.dump());
  return store.database().last_id();
}

/// `behaviour`: 0 viewed, 1 saved, 2 put in the cart, 3 bought.
inline void add_event(const copywriter::Store& store, std::int64_t user, std::int64_t product, int behaviour,
                      std::int64_t time) {
  store.prepare("INSERT INTO event(user, time, product, behaviour) VALUES (?, ?, ?, ?)")
      .run(user, time, product, behaviour);
}

inline std::int64_t add_run(const copywriter::Store& store, std::string_view stage = "write") {
  copywriter::Run run(store, stage, io::Json::object());
  run.finish();
  return run.id();
}

struct CopyRow {
  std::optional<std::int64_t> user = {};
  std::int64_t product = 0;
  std::int64_t run = 0;
  std::string text = "静谷 Q2 降噪耳机，续航30小时。";
  std::string scene = "recommendation", channel = "mi-push", language = "zh", arm = "warm",
              status = "written";
  bool guarded = true;
};
/// A copy and, where it is the first of its kind, its placement.
inline std::int64_t add_copy(const copywriter::Store& store, const CopyRow& row) {
  store
      .prepare(
          "INSERT OR IGNORE INTO placement(user, product, scene, channel, language) VALUES (?, ?, ?, ?, ?)")
      .run(row.user, row.product, row.scene, row.channel, row.language);
  copywriter::Statement placement = store.prepare(
      "SELECT id FROM placement WHERE coalesce(user, 0) = ? AND product = ? AND scene = ? AND channel = ? "
      "AND language = ?");
  REQUIRE(placement.with(row.user.value_or(0), row.product, row.scene, row.channel, row.language).step());
  store
      .prepare(
          "INSERT INTO copy(placement, arm, tone, run, prompt, request, seed, written, text, finish_reason, "
          "prompt_tokens, generated_tokens, guarded, personalised, status) "
          "VALUES (?, ?, 'warm', ?, '', '{}', 1, ?, ?, 'stop', 10, 10, ?, 1, ?)")
      .run(placement.integer(0), row.arm, row.run, row.text, row.text, row.guarded, row.status);
  return store.database().last_id();
}

}  // namespace adlib::test
