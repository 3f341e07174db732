#include "copywriter/store/database.h"

#include <sqlite3.h>
#include <unistd.h>

#include "adlib/core/error.h"

namespace adlib::copywriter {
namespace {

[[noreturn]] void fail_with(sqlite3* database, const std::string& where, int result) {
  const int kind = result & 0xFF;
  const ErrorCode code = kind == SQLITE_NOTADB || kind == SQLITE_CORRUPT ? ErrorCode::bad_format
                         : kind == SQLITE_NOMEM                          ? ErrorCode::out_of_memory
                                                                         : ErrorCode::io;
  const std::string reason = database ? sqlite3_errmsg(database) : sqlite3_errstr(result);
  if (kind == SQLITE_BUSY)
    fail(code, where, ": another process is writing to it; try again when that is done");
  if (kind == SQLITE_READONLY) {
    fail(code, where,
         ": cannot be opened while changes of another process wait beside it; let its owner run any command "
         "on "
         "it, or copy it with its -wal file into a folder of yours");
  }
  if (kind == SQLITE_CANTOPEN) {
    std::error_code error;
    const auto folder = std::filesystem::absolute(where).parent_path();
    fail(code, where, ": ", reason,
         std::filesystem::is_directory(where, error) ? "; it is a directory: give the file of a store in it"
         : !std::filesystem::is_directory(folder, error) ? "; its directory is missing"
                                                         : "; see whether its directory may be written");
  }
  if (kind == SQLITE_FULL || result == SQLITE_IOERR_WRITE)
    fail(code, where, ": ", reason,
         "; make room on its disk and run the command again: nothing is half done");
  if (kind == SQLITE_CORRUPT)
    fail(code, where, ": ", reason,
         "; put back a copy of it, or recover what is left with SQLite's '.recover'");
  if (kind == SQLITE_NOTADB) fail(code, where, ": ", reason, "; give the store that 'adlib collect' made");
  fail(code, where, ": ", reason);
}

// SQLite reads a file with a write-ahead log only where it can make another beside it. Where nobody may, and
// no log is there, the file is whole and does not change, and can be read as it is.
bool is_frozen(const std::filesystem::path& file) {
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::absolute(file).parent_path();
  const bool writable = ::access(file.c_str(), W_OK) == 0 && ::access(folder.c_str(), W_OK) == 0;
  const auto log = std::filesystem::file_size(file.string() + "-wal", error);
  return !writable && (error || log == 0);
}

// SQLite's own way to say it: https://www.sqlite.org/uri.html
std::string immutable_uri(const std::filesystem::path& file) {
  std::string out = "file:";
  for (const char c : std::filesystem::absolute(file).string()) {
    if (c != '%' && c != '?' && c != '#') {
      out += c;
      continue;
    }
    constexpr std::string_view digits = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out + "?immutable=1";
}

constexpr int kWaitMilliseconds = 10'000;

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
void Database::Close::operator()(sqlite3* database) const noexcept { sqlite3_close_v2(database); }

void Statement::check(int result) const {
  if (result != SQLITE_OK) fail_with(database_, *where_, result);
}
void Statement::reset() {
  sqlite3_reset(statement_.get());  // what it returns is the error of the step before, which was thrown
  sqlite3_clear_bindings(statement_.get());
}
void Statement::bind_null(int at) { check(sqlite3_bind_null(statement_.get(), at)); }
void Statement::bind_integer(int at, std::int64_t value) {
  check(sqlite3_bind_int64(statement_.get(), at, value));
}
void Statement::bind_real(int at, double value) { check(sqlite3_bind_double(statement_.get(), at, value)); }
void Statement::bind_text(int at, std::string_view value) {
  const char* data = value.data() ? value.data() : "";  // a null pointer would be NULL
  check(sqlite3_bind_text64(statement_.get(), at, data, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
}
void Statement::bind_blob(int at, std::span<const std::byte> value) {
  check(value.empty()
            ? sqlite3_bind_zeroblob(statement_.get(), at, 0)
            : sqlite3_bind_blob64(statement_.get(), at, value.data(), value.size(), SQLITE_TRANSIENT));
}

bool Statement::step() {
  const int result = sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) return true;
  if (result != SQLITE_DONE) {
    sqlite3_reset(statement_.get());
    fail_with(database_, *where_, result);
  }
  // A finished SELECT would keep its view of the file, which stops the log of writes from being emptied.
  sqlite3_reset(statement_.get());
  return false;
}
std::int64_t Statement::run() {
  while (step()) {
  }
  return sqlite3_changes64(database_);
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}
std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
double Statement::real(int column) const { return sqlite3_column_double(statement_.get(), column); }
std::string_view Statement::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  if (text == nullptr) return {};
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}
std::span<const std::byte> Statement::blob(int column) const {
  const auto* bytes = static_cast<const std::byte*>(sqlite3_column_blob(statement_.get(), column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

Database::Database(const std::filesystem::path& file, Mode mode)
    : where_(std::make_unique<std::string>(file.string())) {
  if (mode != Mode::create && !std::filesystem::exists(file))
    fail(ErrorCode::not_found, *where_, ": there is no such file; 'adlib collect' makes one");
  const int flags = mode == Mode::read    ? SQLITE_OPEN_READONLY
                    : mode == Mode::write ? SQLITE_OPEN_READWRITE
                                          : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  sqlite3* handle = nullptr;
  const bool frozen = mode == Mode::read && is_frozen(file);
  const std::string name = frozen ? immutable_uri(file) : *where_;
  const int result = sqlite3_open_v2(name.c_str(), &handle,
                                     flags | SQLITE_OPEN_EXRESCODE | (frozen ? SQLITE_OPEN_URI : 0), nullptr);
  handle_.reset(handle);
  if (result != SQLITE_OK) fail_with(handle, *where_, result);
  sqlite3_busy_timeout(handle, kWaitMilliseconds);
}

Statement Database::prepare(std::string_view sql) const {
  sqlite3_stmt* statement = nullptr;
  const int result = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (result != SQLITE_OK) fail_with(handle_.get(), *where_, result);
  return {handle_.get(), where_.get(), statement};
}

void Database::execute(const std::string& sql) const {
  const int result = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) fail_with(handle_.get(), *where_, result);
}

std::int64_t Database::integer(std::string_view sql) const {
  Statement statement = prepare(sql);
  if (!statement.step()) fail(ErrorCode::not_found, *where_, ": no row for ", sql);
  return statement.integer(0);
}

std::int64_t Database::last_id() const { return sqlite3_last_insert_rowid(handle_.get()); }

Transaction::Transaction(const Database& database) : database_(database) {
  database_.execute("BEGIN IMMEDIATE");
}
Transaction::~Transaction() {
  if (open_) sqlite3_exec(database_.handle_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
}
void Transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

}  // namespace adlib::copywriter
