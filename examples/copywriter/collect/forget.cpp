#include "copywriter/collect/forget.h"

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

}  // namespace

bool forget(const Store& store, std::string_view id) {
  const std::string stored = stored_user_id(store, id);
  bool erased = false;
  {
    Transaction transaction(store.database());
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
  empty_log(store);
  store.database().execute("VACUUM");
  empty_log(store);
  return erased;
}

}  // namespace adlib::copywriter
