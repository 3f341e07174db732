// Any bytes, as each kind of file: the store holds all of a file or nothing of it, what it holds can be read
// by the stages that follow, and reading the file again changes nothing.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include <unistd.h>

#include "adlib/core/error.h"
#include "copywriter/collect/collect.h"
#include "copywriter/collect/contact.h"
#include "copywriter/shop/text.h"
#include "copywriter/store/records.h"

using namespace adlib::copywriter;

namespace {

void expect(bool condition) {
  if (!condition) std::abort();
}

constexpr const char* kTables[] = {"event",    "review", "past_copy", "consent", "contact",
                                   "rejected", "user",   "product",   "source",  "run"};

const Store& store() {
  static const Store one(":memory:", Store::Mode::create);
  return one;
}

std::string state() {
  std::string all;
  for (const char* sql :
       {"SELECT shop_id || record || personalised FROM user ORDER BY id",
        "SELECT shop_id || record || listed || seen FROM product ORDER BY id",
        "SELECT channel || granted FROM consent",
        "SELECT user || ' ' || time || ' ' || product || ' ' || behaviour || coalesce(price, '') FROM event",
        "SELECT user || text || coalesce(rating, '') FROM review ORDER BY id",
        "SELECT text || coalesce(sent, '') FROM past_copy ORDER BY id"}) {
    Statement rows = store().prepare(sql);
    while (rows.step()) all += std::string(rows.text(0)) + "\n";
  }
  return all;
}

void empty() {
  for (const char* table : kTables) store().database().execute(std::string("DELETE FROM ") + table);
}

// What later stages and prompts are made of.
void check_readable() {
  for (const StoredProduct& product : read_stored_products(store())) expect(!product.product.id.empty());
  StoredCustomers customers(store());
  for (const std::int64_t row : customers.rows()) expect(!customers.read(row).id.empty());
  for (const char* sql : {"SELECT text FROM review", "SELECT text FROM past_copy"}) {
    Statement rows = store().prepare(sql);
    while (rows.step()) {
      expect(is_utf8(rows.text(0)));
      expect(find_contacts(rows.text(0)).empty());
    }
  }
}

void read_as(FileKind kind, const std::string& path, std::int64_t max_errors) {
  CollectOptions options;
  options.files = {{kind, path}};
  options.max_errors = max_errors;
  options.contact_hashes = true;
  std::int64_t rejected = 0;
  options.on_rejected = [&](const RejectedRow& row) {
    expect(!row.reason.empty() && is_utf8(row.reason));
    ++rejected;
  };
  bool kept = true;
  try {
    const CollectedFile result = collect(store(), options).front();
    expect(result.rejected == rejected && result.rejected <= max_errors);
    expect(result.new_rows >= 0 && result.rows >= result.rejected);
  } catch (const adlib::Error& error) {
    expect(*error.what() != '\0');
    kept = false;
  }
  if (kept) {
    check_readable();
    const std::string before = state();
    const CollectedFile again = collect(store(), options).front();
    expect(again.known && again.new_rows == 0);
    expect(state() == before);
  } else {
    expect(store().database().integer("SELECT count(*) FROM source") == 0);
    expect(state().empty());
  }
  empty();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  const std::unique_ptr<std::FILE, Close> file(std::tmpfile());
  expect(file != nullptr);
  if (size > 0) expect(std::fwrite(data, 1, size, file.get()) == size);
  expect(std::fflush(file.get()) == 0);
  const std::string path = "/dev/fd/" + std::to_string(fileno(file.get()));
  for (const FileKind kind :
       {FileKind::products, FileKind::customers, FileKind::events, FileKind::reviews, FileKind::copy}) {
    read_as(kind, path, size % 2 == 0 ? 0 : 3);
  }
  return 0;
}
