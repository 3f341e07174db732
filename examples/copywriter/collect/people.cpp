#include "copywriter/collect/people.h"

#include <algorithm>
#include <utility>

namespace adlib::copywriter {
namespace {

constexpr std::size_t kMostRows = 1'000'000;  // that are remembered, about 80 MB
constexpr std::size_t kHiddenDigits = 16;

// Five digits are no number to call, and looking closer takes a while.
bool may_be_contact(std::string_view id) {
  const auto digits = std::count_if(id.begin(), id.end(), [](char c) { return c >= '0' && c <= '9'; });
  return digits >= 7 || id.find('@') != std::string_view::npos ||
         std::any_of(id.begin(), id.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

}  // namespace

std::string stored_user_id(const Store& store, std::string_view id) {
  if (may_be_contact(id)) {
    if (const auto contact = contact_id(id))
      return "id-" + hexadecimal(store.keyed_hash(*contact)).substr(0, kHiddenDigits);
  }
  return std::string(id);
}

People::People(const Store& store, const Options& options)
    : store_(store),
      options_(options),
      find_(store.prepare("SELECT id FROM user WHERE shop_id = ?")),
      insert_(store.prepare("INSERT INTO user(shop_id, source, line, record) VALUES (?, ?, ?, ?)")),
      read_(store.prepare("SELECT record, personalised FROM user WHERE id = ?")),
      update_(
          store.prepare("UPDATE user SET source = ?, line = ?, record = ?, personalised = ? WHERE id = ?")),
      contact_(store.prepare("INSERT OR IGNORE INTO contact(user, kind, hash) VALUES (?, ?, ?)")),
      forgotten_(store.prepare("SELECT 1 FROM forgotten WHERE hash = ?")),
      consents_(store),
      any_forgotten_(store.database().integer("SELECT count(*) FROM forgotten") > 0) {}

std::optional<std::int64_t> People::find_or_add(std::string_view id, std::int64_t line) {
  std::string key(id);
  if (const auto known = rows_.find(key); known != rows_.end())
    return known->second == 0 ? std::nullopt : std::optional(known->second);
  if (rows_.size() >= kMostRows) rows_.clear();
  const std::string stored = stored_user_id(store_, id);
  if (stored != id) ++hidden_ids_;
  std::int64_t row = 0;
  if (any_forgotten_ && forgotten_.with(store_.keyed_hash(stored)).step()) {
    row = 0;
  } else if (find_.with(stored).step()) {
    row = find_.integer(0);
  } else {
    insert_.run(stored, options_.source, line, io::Json{{"id", stored}}.dump());
    row = store_.database().last_id();
    ++added_;
  }
  rows_.emplace(std::move(key), row);
  return row == 0 ? std::nullopt : std::optional(row);
}

bool People::take(PersonRecord&& person) {
  const auto row = find_or_add(person.id, person.line);
  if (!row) return false;
  read_.with(*row).step();
  const std::string before(read_.text(0));
  const bool was_personalised = read_.integer(1) != 0;
  io::Json record = io::parse_json(before, store_.where() + ": user");
  person.record.erase("id");
  person.record.erase("user_id");
  for (auto& [name, value] : person.record.items()) record[name] = std::move(value);
  bool personalised = person.personalised.value_or(was_personalised);
  if (options_.known_file && !was_personalised) personalised = false;
  const std::string after = record.dump();
  if (after != before || personalised != was_personalised)
    update_.run(options_.source, person.line, after, personalised, *row);
  for (const Consent& consent : person.consents) {
    // A date that lies ahead would win over every refusal to come.
    const std::int64_t time = std::min(consent.time.value_or(options_.time), options_.time);
    const auto origin = consent.time ? ConsentRows::Origin::dated : ConsentRows::Origin::file;
    if (!consents_.put(*row, consent.channel, consent.granted, time, origin) && consent.granted)
      ++refused_before_;
  }
  if (options_.contact_hashes) {
    for (const Contact& contact : person.contacts) {
      // A card's number has no use here, and too few digits for a hash to hide it.
      if (contact.kind != ContactKind::card && !contact.value.empty())
        contact_.run(*row, to_string(contact.kind), store_.keyed_hash(contact.value));
    }
  }
  return true;
}

}  // namespace adlib::copywriter
