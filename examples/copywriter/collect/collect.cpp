#include "copywriter/collect/collect.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "adlib/core/error.h"
#include "copywriter/collect/collect_file.h"
#include "copywriter/collect/field_map.h"
#include "copywriter/collect/reason.h"
#include "copywriter/shop/text.h"
#include "copywriter/store/shop_names.h"

namespace adlib::copywriter {
namespace {

void run_reader(FileJob& job) {
  switch (job.result.kind) {
    case FileKind::products:
      return collect_products(job);
    case FileKind::customers:
      return collect_customers(job);
    case FileKind::events:
      return collect_events(job);
    case FileKind::reviews:
      return collect_reviews(job);
    case FileKind::copy:
      return collect_past_copy(job);
  }
}

CollectedFile collect_file(const Store& store, const CollectOptions& options,
                           const CollectOptions::File& file, const FieldNames& names, std::int64_t run) {
  InputFile input(file.path, options.encoding);
  CollectedFile result;
  result.file = input.where();
  result.kind = file.kind;
  result.encoding = input.encoding();
  const Digest digest = input.digest();

  Transaction transaction(store.database());
  Statement seen = store.prepare("SELECT 1 FROM source WHERE digest = ? AND kind = ?");
  result.known = seen.with(digest, to_string(file.kind)).step();
  store
      .prepare(
          "INSERT INTO source(run, file, kind, digest, rows, new_rows, rejected) VALUES (?, ?, ?, ?, 0, 0, "
          "0)")
      .run(run, result.file, to_string(file.kind), digest);
  const std::int64_t source = store.database().last_id();

  Statement reject = store.prepare("INSERT INTO rejected(source, line, reason) VALUES (?, ?, ?)");
  const auto on_bad = [&](std::int64_t line, const Error& error) {
    if (!std::string_view(error.what()).starts_with(result.file + ":"))
      throw error;  // the database's, not the row's
    RejectedRow row{result.file, line, reason_of(error.what(), result.file)};
    ++result.rows;
    ++result.rejected;
    if (options.on_rejected) options.on_rejected(row);
    if (result.rejected > options.max_errors) {
      fail(ErrorCode::bad_format, row.file, ":", row.line, ": ", row.reason,
           "; nothing of the file was kept (",
           options.max_errors == 0 ? "no bad row is"
                                   : concat("no more than ", options.max_errors, " bad rows are"),
           " allowed, --max-errors allows more)");
    }
    reject.run(source, row.line, row.reason);
  };
  Statement first = store.prepare(
      "SELECT min(r.started) FROM source s JOIN run r ON r.id = s.run WHERE s.digest = ? AND s.kind = ?");
  first.with(digest, to_string(file.kind)).step();
  People people(store, {.source = source,
                        .known_file = result.known,
                        .time = first.integer(0),
                        .contact_hashes = options.contact_hashes});
  ShopProducts products(store, source);
  NameCheck name_check(file.kind, names, result.file, options.on_slip);
  FileJob job{store,  options, names,    input.stream(), result.file, delimiter_of(file.path),
              result, people,  products, on_bad,         name_check};
  run_reader(job);
  if (result.rows == 0)
    fail(ErrorCode::bad_format, result.file, ": there is no row of ", to_string(file.kind), " in the file");
  products.finish();
  result.contacts += products.contacts() + people.hidden_ids();
  result.refused_before = people.refused_before();
  store.prepare("UPDATE source SET rows = ?, new_rows = ?, rejected = ? WHERE id = ?")
      .run(result.rows, result.new_rows, result.rejected, source);
  transaction.commit();
  return result;
}

io::Json settings_of(const CollectOptions& options) {
  io::Json settings{{"currency", options.currency},
                    {"encoding", to_string(options.encoding)},
                    {"max_errors", options.max_errors},
                    {"contacts", options.contact_hashes ? "hash" : "none"},
                    {"files", io::Json::array()}};
  if (!options.shop_names.empty()) settings["shop_names"] = options.shop_names;
  if (!options.map.empty()) settings["map"] = options.map.string();
  for (const CollectOptions::File& file : options.files)
    settings["files"].push_back({{"kind", to_string(file.kind)}, {"file", file.path.string()}});
  return settings;
}

std::vector<std::string> names_of(const CollectOptions& options) {
  std::vector<std::string> names;
  for (const std::string& name : options.shop_names) {
    names.push_back(clean_text(name));
    require(!names.back().empty() && is_utf8(name), "collect: a name of the shop is empty or not UTF-8");
  }
  return names;
}

}  // namespace

const char* to_string(FileKind kind) {
  constexpr std::array<const char*, kFileKinds> names{"products", "customers", "events", "reviews", "copy"};
  return names[static_cast<std::size_t>(kind)];
}

std::vector<CollectedFile> collect(const Store& store, const CollectOptions& options) {
  require(!options.files.empty() || !options.shop_names.empty(), "collect: there is no file to read");
  require(options.max_errors >= 0, "collect: max_errors is ", options.max_errors, ", expected 0 or more");
  const auto pipes = std::count_if(options.files.begin(), options.files.end(),
                                   [](const CollectOptions::File& file) { return file.path == "-"; });
  require(pipes <= 1, "collect: stdin can be only one of the files");
  const FieldMap map = options.map.empty() ? FieldMap() : FieldMap::read(options.map);
  std::vector<CollectOptions::File> files = options.files;
  std::stable_sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.kind < b.kind; });

  Run run(store, "collect", settings_of(options));
  if (!options.shop_names.empty()) set_shop_names(store, names_of(options));
  std::vector<CollectedFile> results;
  for (const CollectOptions::File& file : files) {
    results.push_back(collect_file(store, options, file, map.of(file.kind), run.id()));
    if (options.on_file) options.on_file(results.back());
  }
  run.finish();
  return results;
}

std::vector<CollectedFile> collect(const std::filesystem::path& file, const CollectOptions& options) {
  std::error_code error;
  const bool there = std::filesystem::exists(file, error);
  std::optional<Store> store;
  store.emplace(file, Store::Mode::create);
  try {
    return collect(*store, options);
  } catch (...) {
    const bool unused = !there && store->database().integer("SELECT count(*) FROM source") == 0 &&
                        store->database().integer("SELECT count(*) FROM run") <= 1;
    store.reset();  // which takes its log along
    if (unused) std::filesystem::remove(file, error);
    throw;
  }
}

}  // namespace adlib::copywriter
