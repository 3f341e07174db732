// copywriter/collect/rows.h: the rows of a shop's file, whatever its format, and what becomes of bad ones.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adlib/core/error.h"
#include "adlib/io/json.h"
#include "copywriter/collect/csv.h"

namespace adlib::copywriter {

/// Takes note of a row that cannot be read, which is then left out; it may throw to end the reading. Where
/// there is none, the Error itself ends it.
using OnBadRow = std::function<void(std::int64_t line, const Error& error)>;

/// What a shop calls things in one kind of file.
struct FieldNames {
  std::map<std::string, std::string>
      ours;  ///< the shop's name of a column or field -> ours; "" leaves it out
  std::map<std::string, std::string> values;  ///< our field -> what it is in rows that do not have it

  /// Renames columns. Returns those of `ours` that the table does not have.
  std::vector<std::string> apply(CsvTable& table) const;
  /// Renames the fields of one row, and adds the values. Throws Error(bad_format) "where: …" when two fields
  /// of the object get one name.
  void apply(io::Json& object, const std::string& where) const;
};

/// Opens a file of rows. Throws Error(not_found) or Error(io), also for a directory.
std::ifstream open_rows(const std::filesystem::path& path);

/// Runs `action` for the row of `line`: an Error(bad_format) goes to `on_bad`, where there is one.
template <class Action>
void guard_row(const OnBadRow& on_bad, std::int64_t line, const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    if (!on_bad || error.code() != ErrorCode::bad_format) throw;
    on_bad(line, error);
  }
}

/// Runs `take` for every row of the table. Throws, even with `on_bad`, what leaves the table lost().
template <class Take>
void for_each_row(CsvTable& table, const OnBadRow& on_bad, const Take& take) {
  for (bool more = true; more;) {
    try {
      more = table.next();
      if (more) take();
    } catch (const Error& error) {
      if (!on_bad || table.lost() || error.code() != ErrorCode::bad_format) throw;
      on_bad(table.line(), error);
    }
  }
}

using TakeObject = std::function<void(io::Json&& object, std::int64_t line)>;

/// What the fields of records are called that may have others beside them.
struct RecordFields {
  std::set<std::string> names;
  std::set<std::string> lists;  ///< those whose cells in CSV are lists

  /// The field that a file means by this name: one of `names` in any case and spelling of hyphens, or by its
  /// usual Chinese name; else the name as it is.
  std::string ours(const std::string& name) const;
  /// Renames the fields of an object so, where it does not have what is meant.
  void rename(io::Json& object) const;
};
const RecordFields& product_fields();
const RecordFields& customer_fields();
/// Chinese names of columns, and the fields that they mean.
std::span<const std::pair<std::string_view, std::string_view>> chinese_names();

/// The rows of a plain CSV file as JSON objects, so that both formats are checked by the same code. Empty
/// cells are missing fields; an age of digits becomes a number.
void for_each_csv_object(CsvTable& table, const RecordFields& fields, const TakeObject& take,
                         const OnBadRow& on_bad = {});
/// The lines of JSON Lines.
void for_each_json_object(std::istream& in, const std::string& where, const TakeObject& take,
                          const OnBadRow& on_bad = {});

/// A field of rows that have neither lists nor objects: its own name, then what files call it; "" ends them.
struct FlatField {
  std::array<std::string_view, 10> names;
  bool needed = false;  ///< a table without such a column is refused
  std::string name() const { return std::string(names.front()); }
};
std::optional<std::size_t> find_column(const CsvTable& table, const FlatField& field);

/// Takes the cells of a row, one for each field, trimmed, "" where there is none. They are valid during the
/// call.
using TakeCells = std::function<void(std::span<const std::string_view> cells, std::int64_t line)>;

/// The rows of a CSV file whose columns `names` has renamed; an empty cell is what `names` has for it.
void for_each_flat_row(CsvTable& table, std::span<const FlatField> fields, const FieldNames& names,
                       const TakeCells& take, const OnBadRow& on_bad = {});
/// Looks at an object under the names that the mapping gives, and may throw.
using LookAtObject = std::function<void(const io::Json& object, std::int64_t line)>;

/// The same of JSON Lines. `look` sees each object before its cells are taken.
void for_each_flat_object(std::istream& in, const std::string& where, std::span<const FlatField> fields,
                          const FieldNames& names, const TakeCells& take, const OnBadRow& on_bad = {},
                          const LookAtObject& look = {});

}  // namespace adlib::copywriter
