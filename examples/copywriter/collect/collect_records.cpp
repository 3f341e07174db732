// Products and customers: records with fields of any name.
#include <algorithm>
#include <unordered_map>
#include <utility>

#include "copywriter/collect/collect_file.h"
#include "copywriter/collect/contact.h"
#include "copywriter/collect/read.h"
#include "copywriter/collect/shopify.h"
#include "copywriter/collect/sniff.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

void drop_blank_fields(io::Json& object) {
  for (auto at = object.begin(); at != object.end();) {
    const bool blank = at->is_null() || (at->is_string() && trim(at->get_ref<const std::string&>()).empty());
    at = blank ? object.erase(at) : std::next(at);
  }
}

[[noreturn]] void refuse_log(const CsvTable& table, const char* kind) {
  fail(ErrorCode::bad_format, table.place(), ": this is a behaviour log and no file of ", kind,
       "; give it with --events, which makes rows of its users and products, too");
}

// Calls `take` for each object of JSON Lines or of a plain CSV file; `other` may read another kind of table
// instead and returns true then.
void for_each_object(FileJob& job, const RecordFields& fields, const std::function<bool(CsvTable&)>& other,
                     const TakeObject& take) {
  SniffBuffer buffer(job.in);
  std::istream stream(&buffer);
  if (looks_like_json_lines(buffer.head(), job.where)) {
    for_each_json_object(
        stream, job.where,
        [&](io::Json&& object, std::int64_t line) {
          job.names.apply(object, concat(job.where, ":", line));
          fields.rename(object);
          job.name_check.look(object, line);
          take(std::move(object), line);
        },
        job.on_bad);
    return;
  }
  CsvOptions options;
  options.delimiter = job.delimiter;
  CsvTable table(stream, job.where, options);
  job.result.unmapped = job.names.apply(table);
  if (other(table)) return;
  job.name_check.look(table);
  for_each_csv_object(
      table, fields,
      [&](io::Json&& object, std::int64_t line) {
        for (const auto& [name, value] : job.names.values) {
          if (!object.contains(name)) object[name] = value;
        }
        take(std::move(object), line);
      },
      job.on_bad);
}

// Addresses of pictures hold long numbers.
const std::set<std::string> kProductKeeps = {"id", "handle", "sku", "images", "price", "compare_at_price"};

void take_product(FileJob& job, io::Json record, const Product& product) {
  record["id"] = product.id;
  if (!record.contains("title")) record["title"] = product.title;
  RemovedContacts removed;
  remove_contacts(record, /*by_name=*/false, kProductKeeps, removed);
  job.result.contacts += removed.count;
  job.products.list(product.id, record, product.source.line);
}

// A name that the file chose may be anything.
void add_unclear(CollectedFile& result, const std::string& name) {
  constexpr std::size_t most = 20, characters = 60;
  std::int64_t removed = 0;
  std::string shown = first_characters(without_contacts(clean_text(name), removed), characters);
  auto& all = result.unclear;
  if (all.size() < most && std::find(all.begin(), all.end(), shown) == all.end())
    all.push_back(std::move(shown));
}

PersonRecord read_person(FileJob& job, io::Json&& object, std::int64_t line) {
  const Source source{job.where, line};
  PersonRecord person;
  person.line = line;
  std::set<std::string> unclear;
  person.consents = take_consents(object, source.text(), unclear);
  for (const std::string& name : unclear) add_unclear(job.result, name);
  RemovedContacts removed;
  remove_contacts(object, /*by_name=*/true, {"id", "user_id"}, removed);
  // What remains is what `adlib write` reads, so it must be what that accepts.
  const Customer customer = customer_from_json(object, source, job.options.currency);
  require_plain_id(customer.id, source.text());
  person.id = customer.id;
  person.personalised = personal_wish(object, source.text());
  if (const auto contact = contact_id(person.id); contact && !customer.anonymous)
    removed.whole.push_back(find_contacts(person.id).front());
  job.result.contacts += removed.count;
  person.contacts = std::move(removed.whole);
  drop_blank_fields(object);
  for (auto at = object.begin(); at != object.end();)
    at = tells_personalised(at.key()) ? object.erase(at) : std::next(at);
  if (!job.options.currency.empty() && !object.contains("currency"))
    object["currency"] = job.options.currency;
  person.record = std::move(object);
  return person;
}

}  // namespace

void collect_products(FileJob& job) {
  const std::string& currency = job.options.currency;
  const auto shopify = [&](CsvTable& table) {
    if (is_behaviour_log(table)) refuse_log(table, "products");
    if (!is_shopify_export(table)) return false;
    job.name_check.look(table);
    // A product is several rows of the file; on_bad counts the bad ones.
    for (const Product& product : products_of_shopify_export(table, job.where, currency, job.on_bad)) {
      job.begin_row();
      take_product(job, to_json(product), product);
    }
    return true;
  };
  for_each_object(job, product_fields(), shopify, [&](io::Json&& object, std::int64_t line) {
    const Source source{job.where, line};
    const Product product = product_from_json(object, source, currency);
    require_plain_id(product.id, source.text());
    job.begin_row();
    drop_blank_fields(object);
    if (!currency.empty() && !object.contains("currency")) object["currency"] = currency;
    take_product(job, std::move(object), product);
  });
  job.result.new_rows = job.products.added();
}

void collect_customers(FileJob& job) {
  std::unordered_map<std::string, int> alike;  // people without an id
  const auto refuse_logs = [&](CsvTable& table) {
    if (is_behaviour_log(table)) refuse_log(table, "customers");
    return false;
  };
  for_each_object(job, customer_fields(), refuse_logs, [&](io::Json&& object, std::int64_t line) {
    PersonRecord person = read_person(job, std::move(object), line);
    job.begin_row();
    if (person.id.starts_with("anon-")) {
      if (const int count = ++alike[person.id]; count > 1) person.id = concat(person.id, '-', count);
    }
    if (!job.people.take(std::move(person))) ++job.result.forgotten;
  });
  job.result.new_rows = job.people.added();
}

}  // namespace adlib::copywriter
