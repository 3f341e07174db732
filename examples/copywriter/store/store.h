// copywriter/store/store.h: one file that holds a campaign, from the first customer to the last click.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "adlib/io/json.h"
#include "copywriter/store/database.h"
#include "copywriter/store/digest.h"

namespace adlib::copywriter {

/// The database of a campaign (SQLite, write-ahead log): docs/store.md has its tables. What a transaction has
/// committed is on disk. Stages reach it through database(); what several of them share stands in this
/// folder.
class Store {
 public:
  using Mode = Database::Mode;
  /// Opens it, brings an older one up to date, and makes a new one with Mode::create. Throws what Database
  /// throws, Error(bad_format) for a database that is none of adlib's, Error(unsupported) for one of a newer
  /// adlib, and, with Mode::read, for one of an older.
  Store(const std::filesystem::path& file, Mode mode);

  const Database& database() const { return database_; }
  Statement prepare(std::string_view sql) const { return database_.prepare(sql); }
  const std::string& where() const { return database_.where(); }

  /// The HMAC-SHA-256 of a text under the key of this store: the same text is found again, and cannot be
  /// read.
  Digest keyed_hash(std::string_view text) const { return hmac_sha256(key_, text); }

 private:
  void check_version() const;
  void migrate(Mode mode);
  void read_key();

  Database database_;
  Digest key_{};
};

/// The row of a stage's call in the table `run`. Not finished unless finish() is called.
class Run {
 public:
  /// `settings`: all that the stage was told, so that it can be repeated. Own transaction, or the one under
  /// way.
  Run(const Store& store, std::string_view stage, const io::Json& settings);
  std::int64_t id() const { return id_; }
  void finish();

 private:
  const Store& store_;
  std::int64_t id_;
};

/// Unix seconds. ADLIB_NOW, where it is set to such a number, is the clock of tests and demonstrations.
std::int64_t now();

}  // namespace adlib::copywriter
