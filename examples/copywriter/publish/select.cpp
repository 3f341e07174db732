#include "copywriter/publish/select.h"

#include <algorithm>
#include <set>
#include <utility>

#include "adlib/core/error.h"

namespace adlib::copywriter {
namespace {

// Approved, by the newest of its decisions; written under the guard; nothing in it that is not allowed.
constexpr std::string_view kAllowed =
    "c.status IN ('approved', 'published') AND c.guarded = 1 "
    "AND NOT EXISTS (SELECT 1 FROM finding f WHERE f.copy = c.id AND f.level IN ('error', 'ban')) "
    "AND (SELECT d.action FROM decision d WHERE d.copy = c.id ORDER BY d.id DESC LIMIT 1) = 'approve'";

std::string_view order_of(Grouping grouping) {
  switch (grouping) {
    case Grouping::product:
      return "pr.shop_id";
    case Grouping::product_language:
      return "pr.shop_id, p.language";
    case Grouping::message:
      return "u.shop_id, pr.shop_id, p.language, p.scene";
    case Grouping::placement:
      return "u.shop_id, pr.shop_id, p.language, p.scene, p.channel";
  }
  return "p.id";
}

std::string_view audience_of(const Format& format) {
  switch (format.audience()) {
    case Audience::everybody:
      return "p.user IS NULL";
    case Audience::users:
      return "p.user IS NOT NULL";
    case Audience::both:
      return "1";
  }
  return "0";
}

}  // namespace

struct Selector::Row {
  std::int64_t copy = 0, placement = 0, product = 0;
  std::optional<std::int64_t> user;
  std::string user_id, scene, channel, language, arm, text;
  bool personalised = false;
  bool assigned = false;
  bool user_held_out = false;  // somewhere
  std::optional<std::int64_t> assigned_copy;

  bool same_item(const Row& other, Grouping grouping) const {
    if (grouping == Grouping::placement) return placement == other.placement;
    if (product != other.product) return false;
    if (grouping == Grouping::product) return true;
    if (language != other.language) return false;
    return grouping == Grouping::product_language || (user == other.user && scene == other.scene);
  }
};

// What this target has had of a placement, oldest first.
struct Selector::History {
  struct Publication {
    std::int64_t row = 0, copy = 0;
    std::string key, status, destination;
  };
  std::vector<Publication> all;

  std::vector<const Publication*> of(std::int64_t copy) const {
    std::vector<const Publication*> own;
    for (const Publication& one : all) {
      if (one.copy == copy) own.push_back(&one);
    }
    return own;
  }
};

Selector::Selector(const Store& store, const std::vector<ChannelField>& channels,
                   const PublishOptions& options, const Format& format, LastCheck& check,
                   std::string destination)
    : store_(store),
      channels_(channels),
      options_(options),
      format_(format),
      check_(check),
      destination_(std::move(destination)),
      webhook_(options.target == "webhook"),
      products_(check.products()),
      consents_(store),
      read_(store.prepare("SELECT c.placement, p.user, coalesce(u.shop_id, ''), p.product, p.scene, "
                          "p.channel, p.language, c.arm, "
                          "c.text, a.id, a.copy, c.personalised, EXISTS(SELECT 1 FROM placement o JOIN "
                          "assignment h ON h.placement = o.id WHERE o.user = p.user AND h.copy IS NULL) "
                          "FROM copy c JOIN placement p ON p.id = c.placement LEFT JOIN "
                          "user u ON u.id = p.user "
                          "LEFT JOIN assignment a ON a.placement = p.id WHERE c.id = ?")),
      history_(
          store.prepare("SELECT b.id, b.copy, b.idempotency_key, b.status, b.destination FROM publication b "
                        "WHERE b.copy IN (SELECT id FROM copy WHERE placement = ?1) AND b.target = ?2 AND "
                        "(?3 = '' OR b.destination = ?3) ORDER BY b.id")),
      allowed_(store.prepare(concat("SELECT 1 FROM copy c WHERE c.id = ? AND ", kAllowed))) {}

Selector::Row Selector::read(std::int64_t copy) {
  Row row;
  if (!read_.with(copy).step()) fail(ErrorCode::not_found, store_.where(), ": there is no copy ", copy);
  row.copy = copy;
  row.placement = read_.integer(0);
  if (!read_.is_null(1)) row.user = read_.integer(1);
  row.user_id = read_.text(2);
  row.product = read_.integer(3);
  row.scene = read_.text(4);
  row.channel = read_.text(5);
  row.language = read_.text(6);
  row.arm = read_.text(7);
  row.text = read_.text(8);
  row.assigned = !read_.is_null(9);
  if (!read_.is_null(10)) row.assigned_copy = read_.integer(10);
  row.personalised = read_.integer(11) != 0;
  row.user_held_out = read_.integer(12) != 0;
  read_.with(nullptr);
  return row;
}

// Who is held out anywhere gets nothing anywhere: what was written after `assign` has no assignment yet.
bool Selector::is_held_out(const Row& row) const {
  return row.assigned ? !row.assigned_copy : row.user_held_out;
}

// Whether the user would be written to, and with this text.
bool Selector::wants(const Row& row) {
  if (!row.user) return true;
  const Consents::Answer answer = consents_.of(*row.user, find_channel(channels_, row.channel));
  if (answer == Consents::Answer::refused || (answer == Consents::Answer::none && options_.require_consent))
    return false;
  return !row.personalised || check_.may_be_personal(*row.user);
}

std::string Selector::key(std::int64_t copy, std::string_view text, std::size_t round) const {
  return hexadecimal(
             store_.keyed_hash(concat("publication\n", options_.target, '\n', webhook_ ? destination_ : "",
                                      '\n', copy, '\n', round, '\n', text)))
      .substr(0, 32);
}

Selector::History Selector::history(std::int64_t placement) {
  History history;
  history_.with(placement, options_.target, webhook_ ? destination_ : "");
  while (history_.step()) {
    history.all.push_back({history_.integer(0), history_.integer(1), std::string(history_.text(2)),
                           std::string(history_.text(3)), std::string(history_.text(4))});
  }
  return history;
}

void Selector::set_state(const Row& row, const History& history, Candidate& candidate) const {
  const auto own = history.of(row.copy);
  const History::Publication* current = nullptr;  // of the text as it is now
  for (std::size_t round = 0; round < own.size(); ++round) {
    if (own[round]->key == key(row.copy, row.text, round)) current = own[round];
  }
  if (current && current->status == "pending") {
    if (current->destination != destination_ && !destination_.empty() && !options_.again) {
      fail(ErrorCode::invalid_argument, store_.where(), ": copy ", row.copy, " was begun for ",
           current->destination, " and may be in it; finish that with --output ", current->destination,
           ", or give --again");
    }
    candidate.row = current->row;
    candidate.key = current->key;
    return;
  }
  // A user is served once, whatever is edited afterwards; what everybody sees is brought up to date.
  const bool waits_are_unsent = !webhook_;  // in a file that never appeared
  const bool served = std::any_of(
      history.all.begin(), history.all.end(),
      [&](const History::Publication& one) { return one.status != "pending" || !waits_are_unsent; });
  candidate.fresh = options_.again || (row.user ? !served : current == nullptr);
  candidate.key = key(row.copy, row.text, own.size());
}

Item Selector::new_item(const Row& row) const {
  Item item;
  if (row.user) item.user = row.user_id;
  const auto product = products_.find(row.product);
  item.product = product == products_.end() ? nullptr : &product->second;
  item.token = [this](std::string_view text) { return hexadecimal(store_.keyed_hash(text)); };
  return item;
}

Candidate Selector::candidate_of(const Row& row) const {
  return {row.copy, row.placement, row.scene, row.channel, row.language, row.arm, row.text, {}};
}

void Selector::add_placement(const std::vector<Row>& rows, Item& item, PublishResult& result) {
  const Row& first = rows.front();
  // What was written for a user is not shown to everybody.
  if (first.user && find_channel(channels_, first.channel).everybody) return;
  if (is_held_out(first)) {
    ++result.held_out;
    return;
  }
  const History history = this->history(first.placement);
  std::vector<const Row*> chosen;
  for (const Row& row : rows) {
    if (!row.assigned || row.copy == *row.assigned_copy) chosen.push_back(&row);
  }
  const auto assigned = std::ssize(chosen);
  std::erase_if(chosen, [&](const Row* row) { return !wants(*row); });
  if (chosen.empty() && assigned > 0) {
    ++result.refused;
    return;
  }
  if (chosen.size() > 1 && !format_.all_variants()) {
    const auto before = std::find_if(chosen.begin(), chosen.end(),
                                     [&](const Row* row) { return !history.of(row->copy).empty(); });
    chosen = {before == chosen.end() ? chosen.front() : *before};
  }
  result.not_chosen += std::ssize(rows) - std::ssize(chosen);
  for (const Row* row : chosen) {
    Candidate candidate = candidate_of(*row);
    set_state(*row, history, candidate);
    item.texts.push_back(std::move(candidate));
  }
}

void Selector::for_each(PublishResult& result, const std::function<void(const Item& item)>& take) {
  const auto list = [](const std::vector<std::string>& values) { return io::Json(values).dump(); };
  std::vector<std::string> names = format_.channels();
  if (!options_.channels.empty()) {
    for (const std::string& name : options_.channels) {
      find_channel(channels_, name);
      if (!names.empty() && std::find(names.begin(), names.end(), name) == names.end())
        fail(ErrorCode::invalid_argument, "publish: the target ", options_.target,
             " takes no texts of the channel ", name);
    }
    names = options_.channels;
  }
  const std::string wanted = concat(audience_of(format_),
                                    " AND (?1 = '[]' OR p.channel IN (SELECT value FROM json_each(?1)))"
                                    " AND (?2 = '[]' OR p.language IN (SELECT value FROM json_each(?2)))"
                                    " AND (?3 = '[]' OR p.scene IN (SELECT value FROM json_each(?3)))");
  // Ids alone are sorted, so that a million texts need no memory at once.
  Statement ids = store_.prepare(concat(
      "SELECT c.id FROM copy c JOIN placement p ON p.id = c.placement JOIN product pr ON pr.id = p.product "
      "LEFT JOIN user u ON u.id = p.user WHERE ",
      kAllowed, " AND ", wanted, " ORDER BY ", order_of(format_.grouping()), ", p.id, c.id"));
  ids.with(list(names), list(options_.languages), list(options_.scenes));
  // Whose assigned copy somebody took back gets nothing, since another variant would spoil the comparison.
  Statement unapproved = store_.prepare(
      concat("SELECT count(DISTINCT p.user) FROM assignment a JOIN copy c ON c.id = a.copy JOIN placement p "
             "ON p.id = a.placement WHERE NOT (coalesce(",
             kAllowed, ", 0)) AND ", wanted,
             " AND NOT EXISTS(SELECT 1 FROM publication b WHERE b.copy = c.id AND b.target = ?4 AND "
             "b.status = 'sent')"));
  unapproved.with(list(names), list(options_.languages), list(options_.scenes), options_.target);
  unapproved.step();
  result.unapproved = unapproved.integer(0);
  unapproved.with(nullptr, nullptr, nullptr, nullptr);

  std::vector<Row> placement;
  std::optional<Row> first;
  Item item;
  const auto end_placement = [&] {
    if (!placement.empty()) add_placement(placement, item, result);
    placement.clear();
  };
  const auto end_item = [&] {
    end_placement();
    const auto fresh = [](const Candidate& text) { return text.fresh; };
    if (std::any_of(item.texts.begin(), item.texts.end(), fresh))
      take(item);
    else if (!item.texts.empty())
      ++result.before;
  };
  while (ids.step()) {
    Row row = read(ids.integer(0));
    if (!first || !first->same_item(row, format_.grouping())) {
      if (first) end_item();
      item = new_item(row);
      first = row;
    } else if (!placement.empty() && placement.front().placement != row.placement) {
      end_placement();
    }
    placement.push_back(std::move(row));
  }
  if (first) end_item();
}

std::optional<Item> Selector::find(std::int64_t copy, const std::string& wanted) {
  if (!may_go_out(copy)) return std::nullopt;
  const Row row = read(copy);
  Item item = new_item(row);
  if (!item.product) return std::nullopt;
  const std::size_t rounds = history(row.placement).of(copy).size();
  for (std::size_t round = 0; round < rounds; ++round) {
    if (key(copy, row.text, round) != wanted) continue;
    Candidate candidate = candidate_of(row);
    candidate.key = wanted;
    item.texts.push_back(std::move(candidate));
    return item;
  }
  return std::nullopt;  // the text is another one now
}

bool Selector::still_goes_out(std::int64_t copy, std::int64_t row, const std::string& key, bool fresh) {
  if (!may_go_out(copy)) return false;
  const Row now = read(copy);
  Candidate candidate = candidate_of(now);
  set_state(now, history(now.placement), candidate);
  return candidate.row == row && candidate.key == key && candidate.fresh == fresh;  // the key is the text's
}

bool Selector::may_go_out(std::int64_t copy) {
  const bool allowed = allowed_.with(copy).step();
  allowed_.reset();
  if (!allowed) return false;
  const Row row = read(copy);
  return (!row.assigned || row.assigned_copy == copy) && !is_held_out(row) && wants(row);
}

}  // namespace adlib::copywriter
