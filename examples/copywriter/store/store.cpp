#include "copywriter/store/store.h"

#include <algorithm>
#include <cstdlib>
#include <ctime>

#include "adlib/core/error.h"
#include "copywriter/shop/text.h"
#include "copywriter/store/schema.h"

namespace adlib::copywriter {

Store::Store(const std::filesystem::path& file, Mode mode) : database_(file, mode) {
  // 64 MiB of pages: an import of a million events stays in memory.
  database_.execute("PRAGMA foreign_keys = ON; PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY");
  if (mode != Mode::create && database_.integer("PRAGMA user_version") == 0 &&
      database_.integer("SELECT count(*) FROM sqlite_schema") == 0)
    fail(ErrorCode::bad_format, where(), ": the file is empty; 'adlib collect' makes a store");
  check_version();  // before anything is changed in a file that is another's
  if (mode != Mode::read) {
    // A deleted person's bytes are overwritten, and what was committed survives a power cut.
    database_.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON");
  }
  migrate(mode);
  read_key();
}

void Store::check_version() const {
  const auto newest = static_cast<std::int64_t>(migrations().size());
  const std::int64_t version = database_.integer("PRAGMA user_version");
  const std::int64_t application = database_.integer("PRAGMA application_id");
  const bool empty = database_.integer("SELECT count(*) FROM sqlite_schema") == 0;
  if (empty && version == 0) return;
  if (application != kStoreApplicationId)
    fail(ErrorCode::bad_format, where(), ": this database is none of adlib's");
  if (version < 1 || empty)
    fail(ErrorCode::bad_format, where(), ": version ", version, " of the store; put back a copy of it");
  if (version > newest) {
    fail(ErrorCode::unsupported, where(), ": version ", version, " of the store, this adlib knows ", newest,
         "; use the newer adlib that wrote it");
  }
}

void Store::migrate(Mode mode) {
  const auto newest = static_cast<std::int64_t>(migrations().size());
  const auto version = [&] { return database_.integer("PRAGMA user_version"); };
  if (version() == newest) return;
  if (mode == Mode::read) {
    fail(ErrorCode::unsupported, where(), ": version ", version(), " of the store, expected ", newest,
         "; any stage that writes, such as 'adlib prepare', brings it up to date");
  }
  Transaction transaction(database_);
  for (std::int64_t next = version(); next < newest; ++next)  // read again: another process may have done it
    database_.execute(std::string(migrations()[static_cast<std::size_t>(next)]));
  database_.execute("PRAGMA application_id = " + std::to_string(kStoreApplicationId) +
                    "; PRAGMA user_version = " + std::to_string(newest));
  Statement key = database_.prepare("INSERT OR IGNORE INTO setting VALUES ('key', ?)");
  key.run(random_key());
  transaction.commit();
}

void Store::read_key() {
  Statement find = database_.prepare("SELECT value FROM setting WHERE name = 'key'");
  if (!find.step() || find.blob(0).size() != key_.size())
    fail(ErrorCode::bad_format, where(), ": the store has lost its key");
  std::copy_n(find.blob(0).begin(), key_.size(), key_.begin());
}

Run::Run(const Store& store, std::string_view stage, const io::Json& settings) : store_(store) {
  store.prepare("INSERT INTO run(stage, started, version, settings) VALUES (?, ?, ?, ?)")
      .run(stage, now(), ADLIB_VERSION, settings.dump());
  id_ = store.database().last_id();
}

void Run::finish() { store_.prepare("UPDATE run SET finished = ? WHERE id = ?").run(now(), id_); }

std::int64_t now() {
  if (const char* set = std::getenv("ADLIB_NOW")) {
    if (const auto time = parse_time(set)) return *time;
    fail(ErrorCode::invalid_argument, "ADLIB_NOW is '", set, "', expected Unix seconds or a date");
  }
  return static_cast<std::int64_t>(std::time(nullptr));
}

}  // namespace adlib::copywriter
