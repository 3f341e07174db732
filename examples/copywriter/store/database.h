// copywriter/store/database.h: SQLite with C++'s lifetimes and adlib's errors; no SQL of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace adlib::copywriter {

/// One statement, prepared once and run many times:
///
///     Statement find = database.prepare("SELECT id, record FROM user WHERE shop_id = ?");
///     find.with("c-17");
///     while (find.step()) use(find.integer(0), find.text(1));
///
/// Must not outlive its Database. Texts and blobs that it returns are valid until the next step(), with() or
/// reset().
class Statement {
 public:
  /// Begins anew with these values for its question marks, in order: integers, doubles, texts, blobs
  /// (std::span of bytes), nullptr, or an optional of them for NULL.
  template <class... Values>
  Statement& with(const Values&... values) {
    static_assert(sizeof...(values) > 0, "to leave a row that is open, call reset()");
    reset();
    int at = 0;
    (bind(++at, values), ...);
    return *this;
  }
  /// Leaves the row it stands at, where there is one, and forgets the values: an open row keeps a transaction
  /// from ending and the log of writes from being emptied. The last row is left by step() itself.
  void reset();
  /// The next row. Throws Error(io) "shop.db: …".
  bool step();
  /// Runs it to its end and returns how many rows it changed.
  std::int64_t run();
  template <class... Values>
  std::int64_t run(const Values&... values) {
    return with(values...).run();
  }

  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string_view text(int column) const;  ///< "" for NULL
  std::span<const std::byte> blob(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };
  Statement(sqlite3* database, const std::string* where, sqlite3_stmt* statement)
      : database_(database), where_(where), statement_(statement) {}

  template <class T>
  void bind(int at, const T& value) {
    if constexpr (std::is_same_v<T, bool> || std::is_integral_v<T>) {
      bind_integer(at, static_cast<std::int64_t>(value));
    } else if constexpr (std::is_floating_point_v<T>) {
      bind_real(at, value);
    } else if constexpr (std::is_null_pointer_v<T>) {
      bind_null(at);
    } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
      bind_text(at, value);
    } else {
      bind_blob(at, std::as_bytes(std::span(value)));
    }
  }
  template <class T>
  void bind(int at, const std::optional<T>& value) {
    if (value)
      bind(at, *value);
    else
      bind_null(at);
  }
  void bind_null(int at);
  void bind_integer(int at, std::int64_t value);
  void bind_real(int at, double value);
  void bind_text(int at, std::string_view value);
  void bind_blob(int at, std::span<const std::byte> value);
  void check(int result) const;

  sqlite3* database_;
  const std::string* where_;  // the database's, for messages
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// One connection. Not for several threads at once; each opens its own.
class Database {
 public:
  enum class Mode { read, write, create };  ///< `create` makes the file where it is missing
  /// Throws Error(not_found) where there is no file, Error(io) with SQLite's reason, Error(bad_format) for a
  /// file that is no database.
  Database(const std::filesystem::path& file, Mode mode);

  Statement prepare(std::string_view sql) const;
  /// Runs any number of statements, without values.
  void execute(const std::string& sql) const;
  /// The first column of the first row, which must be there.
  std::int64_t integer(std::string_view sql) const;
  std::int64_t last_id() const;  ///< of the last row that was inserted
  const std::string& where() const { return *where_; }

 private:
  friend class Transaction;
  struct Close {
    void operator()(sqlite3* database) const noexcept;
  };
  std::unique_ptr<std::string> where_;  // Statements keep a pointer to it
  std::unique_ptr<sqlite3, Close> handle_;
};

/// All or nothing: what was changed since it began is undone unless commit() was called. It takes the lock
/// for writing at once, waiting up to ten seconds for another process.
class Transaction {
 public:
  explicit Transaction(const Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  const Database& database_;
  bool open_ = true;
};

}  // namespace adlib::copywriter
