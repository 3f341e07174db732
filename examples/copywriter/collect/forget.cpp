#include "copywriter/collect/forget.h"

#include <vector>

#include "adlib/core/error.h"
#include "copywriter/collect/people.h"

namespace adlib::copywriter {
namespace {

// Moves the log into the file and cuts it to nothing.
void empty_log(const Store& store) {
  if (store.database().integer("PRAGMA wal_checkpoint(TRUNCATE)") == 0) return;
  fail(ErrorCode::io, store.where(),
       ": the person's rows are erased, but another process keeps the log in which their bytes are; run "
       "forget "
       "again when it is done");
}

// What was handed over, or may have been: of a publication under way nobody knows.
std::vector<Elsewhere> published(const Store& store, std::string_view stored_id) {
  Statement rows = store.prepare(
      "SELECT b.target, b.destination, count(DISTINCT b.copy) FROM publication b "
      "JOIN copy c ON c.id = b.copy JOIN placement p ON p.id = c.placement JOIN user u ON u.id = p.user "
      "WHERE u.shop_id = ? AND (b.status = 'sent' OR b.attempts > 0 OR b.target <> 'webhook') "
      "GROUP BY b.target, b.destination ORDER BY b.target, b.destination");
  std::vector<Elsewhere> all;
  rows.with(stored_id);
  while (rows.step()) all.push_back({std::string(rows.text(0)), std::string(rows.text(1)), rows.integer(2)});
  return all;
}

}  // namespace

bool forget(const Store& store, std::string_view id,
            const std::function<void(const Elsewhere&)>& on_elsewhere) {
  const std::string stored = stored_user_id(store, id);
  bool erased = false;
  std::vector<Elsewhere> elsewhere;
  {
    Transaction transaction(store.database());
    elsewhere = published(store, stored);
    const Digest hash = store.keyed_hash(stored);
    Statement forgotten = store.prepare("SELECT 1 FROM forgotten WHERE hash = ?");
    erased = store.prepare("DELETE FROM user WHERE shop_id = ?").run(stored) > 0;
    if (!erased && !forgotten.with(hash).step()) {
      fail(ErrorCode::not_found, store.where(), ": there is no user '", id,
           "', and none of this id was ever forgotten; ids are those of the shop's files");
    }
    // The settings of the call hold no id: this is what remains.
    Run run(store, "forget", io::Json::object());
    store.prepare("INSERT OR IGNORE INTO forgotten(hash, time) VALUES (?, ?)").run(hash, now());
    run.finish();
    transaction.commit();
  }
  if (on_elsewhere) {
    for (const Elsewhere& one : elsewhere) on_elsewhere(one);
  }
  empty_log(store);
  store.database().execute("VACUUM");
  empty_log(store);
  return erased;
}

}  // namespace adlib::copywriter
