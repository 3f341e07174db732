// copywriter/collect/collect.h: the stage that brings a shop's files into the store.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "copywriter/collect/input_file.h"
#include "copywriter/store/store.h"

namespace adlib::copywriter {

enum class FileKind { products, customers, events, reviews, copy };
inline constexpr std::size_t kFileKinds = 5;
/// "products", …, as the table `source` has it.
const char* to_string(FileKind kind);

/// A row that was left out. `reason` tells what was expected, never what the row holds.
struct RejectedRow {
  std::string file;
  std::int64_t line = 0;
  std::string reason;
};

/// A field that nobody reads, whose name is nearly that of one that somebody does.
struct Slip {
  std::string name;   ///< "intrests", or "variants.pric"
  std::string meant;  ///< "interests"
  /// What is lost must not be: a consent or a wish, a price, what tells rows apart, what their kind needs.
  /// Such a column refuses the file, such a field its row.
  bool vital = false;
};

/// What became of one file.
struct CollectedFile {
  std::string file;
  FileKind kind = FileKind::products;
  Encoding encoding = Encoding::utf8;
  std::int64_t rows = 0;              ///< that were read, those left out among them
  std::int64_t new_rows = 0;          ///< that the store did not have
  std::int64_t rejected = 0;          ///< bad ones, left out
  std::int64_t contacts = 0;          ///< pieces of contact data that were taken out
  std::int64_t forgotten = 0;         ///< left out, since they are of people who were erased
  bool known = false;                 ///< a file with these bytes has been read before
  std::int64_t refused_before = 0;    ///< consents without a later date, of people who had refused
  std::vector<std::string> unmapped;  ///< columns that the mapping names and the file does not have
  std::vector<std::string> unclear;   ///< columns that may tell of consent and were not understood
};

struct CollectOptions {
  struct File {
    FileKind kind;
    std::filesystem::path path;  ///< "-" is stdin
  };
  std::vector<File> files;  ///< read in the order of their kinds
  /// What the shop calls itself, which any copy may say; replaces what was told before. Empty: no change.
  std::vector<std::string> shop_names;
  std::filesystem::path map;  ///< of FieldMap; "" is none
  std::string currency;       ///< ISO 4217, of prices whose source names none; a log's default is CNY
  Encoding encoding = Encoding::automatic;
  std::int64_t max_errors = 0;  ///< bad rows of a file that are left out; one more refuses the file
  bool contact_hashes = false;  ///< keeps keyed hashes of the customers' own contact data; else nothing
  std::function<void(const std::string& file, std::int64_t rows)> progress = {};
  std::function<void(const RejectedRow&)> on_rejected = {};  ///< also for the rows of a file that is refused
  /// Of the slips that are not vital, once a file each; the column stays as it is.
  std::function<void(const std::string& file, std::int64_t line, const Slip&)> on_slip = {};
  std::function<void(const CollectedFile&)> on_file = {};  ///< each file, once it is in the store
};

/// Reads the files into the store, each in one transaction: all of a file or nothing of it. Reading one again
/// changes nothing. Throws what the readers throw, Error(bad_format) for a file with too many bad rows or a
/// vital slip, and Error(invalid_argument) for a file of another kind; the files before it are in the store
/// then.
std::vector<CollectedFile> collect(const Store& store, const CollectOptions& options);
/// The same into the store of this file, which is made where it is missing, and removed again when not one of
/// the files could be read.
std::vector<CollectedFile> collect(const std::filesystem::path& file, const CollectOptions& options);

}  // namespace adlib::copywriter
