#include "copywriter/collect/shop_products.h"

#include <algorithm>

#include "copywriter/collect/contact.h"
#include "copywriter/shop/hash.h"

namespace adlib::copywriter {
namespace {

constexpr std::size_t kMostKnown = 500'000;  // that are remembered, about 80 MB

std::uint64_t hash_of_details(const LogEvent& event) {
  StableHash hash;
  hash.add(event.event.title).add(event.event.brand).add(event.event.category);
  hash.add(event.brand_id).add(event.category_id);
  if (event.event.price) hash.add(event.event.price->amount).add(event.event.price->currency);
  return hash.value() | 1;  // never 0
}

}  // namespace

ShopProducts::ShopProducts(const Store& store, std::int64_t source)
    : store_(store),
      source_(source),
      find_(store.prepare(
          "SELECT id, listed, seen, json_extract(record, '$.title') <> '' FROM product WHERE shop_id = ?")),
      insert_(
          store.prepare("INSERT INTO product(shop_id, source, line, listed, record) VALUES (?, ?, ?, 0, ?)")),
      update_(store.prepare("UPDATE product SET source = ?, line = ?, record = ?, seen = ? WHERE id = ?")),
      read_(store.prepare("SELECT record FROM product WHERE id = ?")),
      list_(store.prepare("UPDATE product SET source = ?, line = ?, listed = 1, record = ? WHERE id = ? "
                          "AND (listed = 0 OR record <> ?3)")),
      seen_(store.prepare("UPDATE product SET seen = ? WHERE id = ?")) {}

ShopProducts::Known& ShopProducts::find(const std::string& id) {
  if (const auto known = known_.find(id); known != known_.end()) return known->second;
  if (known_.size() >= kMostKnown) {
    finish();
    known_.clear();
  }
  Known known;
  if (find_.with(id).step()) {
    known.row = find_.integer(0);
    known.listed = find_.integer(1) != 0;
    known.seen = find_.integer(2);
    known.titled = find_.integer(3) != 0;
  }
  return known_.emplace(id, known).first->second;
}

void ShopProducts::list(const std::string& id, const io::Json& record, std::int64_t line) {
  Known& known = find(id);
  if (known.row == 0) {
    insert_.run(id, source_, line, io::Json{{"id", id}}.dump());
    known.row = store_.database().last_id();
    ++added_;
  }
  known.listed = true;
  list_.run(source_, line, record.dump(), known.row);
}

std::int64_t ShopProducts::find_or_add(std::string_view id, std::string_view title, std::int64_t line) {
  Known& known = find(std::string(id));
  if (known.row == 0) {
    io::Json record{{"id", id}};
    if (!title.empty()) record["title"] = without_contacts(title, contacts_);
    insert_.run(id, source_, line, record.dump());
    known.row = store_.database().last_id();
    known.titled = !title.empty();
    ++added_;
  }
  return known.row;
}

std::int64_t ShopProducts::of_event(const LogEvent& event) {
  Known& known = find(event.event.item);
  const std::int64_t time = *event.event.time;
  if (known.listed) return known.row;
  if (known.row == 0) {
    insert_.run(event.event.item, source_, event.source.line, io::Json{{"id", event.event.item}}.dump());
    known.row = store_.database().last_id();
    known.seen = time;
    ++added_;
    describe(known, event);
  } else if (time >= known.seen || (!known.titled && !event.event.title.empty())) {
    const std::int64_t before = known.seen;
    known.seen = std::max(known.seen, time);
    if (hash_of_details(event) != known.details)
      describe(known, event);
    else
      known.dirty = known.dirty || known.seen != before;
  }
  return known.row;
}

// Sets the fields that the event has.
void ShopProducts::describe(Known& known, const LogEvent& event) {
  read_.with(known.row).step();
  const std::string before(read_.text(0));
  io::Json record = io::parse_json(before, store_.where() + ": product");
  const auto set = [&](const char* name, const std::string& text) {
    if (!text.empty()) record[name] = without_contacts(text, contacts_);
  };
  set("title", event.event.title);
  set("brand", event.event.brand);
  set("category", event.event.category);
  set("brand_id", event.brand_id);
  set("category_id", event.category_id);
  if (event.event.price) {
    record["price"] = event.event.price->amount;
    record["currency"] = event.event.price->currency;
  }
  const std::string after = record.dump();
  if (after != before) {
    update_.run(source_, event.source.line, after, known.seen, known.row);
  } else {
    known.dirty = true;
  }
  known.details = hash_of_details(event);
  known.titled = known.titled || !event.event.title.empty();
}

void ShopProducts::finish() {
  for (auto& [id, known] : known_) {
    if (known.dirty) seen_.run(known.seen, known.row);
    known.dirty = false;
  }
}

}  // namespace adlib::copywriter
