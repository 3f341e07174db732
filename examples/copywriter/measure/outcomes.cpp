#include "copywriter/measure/outcomes.h"

#include <array>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "adlib/core/error.h"
#include "adlib/io/json.h"
#include "copywriter/collect/consent_rows.h"
#include "copywriter/collect/people.h"
#include "copywriter/collect/reason.h"
#include "copywriter/collect/rows.h"
#include "copywriter/collect/sniff.h"
#include "copywriter/measure/assign.h"
#include "copywriter/shop/hash.h"
#include "copywriter/shop/money.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

constexpr std::array<FlatField, 6> kFields{{
    {{"copy", "copy_id", "文案ID", "文案"}},
    {{"user", "user_id", "customer", "customer_id", "用户ID", "客户ID"}},
    {{"kind", "event", "type", "类型", "行为类型"}},
    {{"time", "timestamp", "时间", "时间戳"}},
    {{"value", "revenue", "amount", "金额"}},
    {{"id", "event_id", "事件ID"}},
}};
using Cells = std::span<const std::string_view>;  // of a row, in that order; "" is missing

constexpr std::array<std::pair<std::string_view, std::string_view>, 13> kKinds{{
    {"impression", "impression"},
    {"view", "impression"},
    {"曝光", "impression"},
    {"展示", "impression"},
    {"click", "click"},
    {"点击", "click"},
    {"conversion", "conversion"},
    {"purchase", "conversion"},
    {"转化", "conversion"},
    {"购买", "conversion"},
    {"unsubscribe", "unsubscribe"},
    {"退订", "unsubscribe"},
    {"opt_out", "unsubscribe"},
}};

// Times without a zone are read as UTC, and may be up to 14 hours ahead of it; clocks differ, too.
constexpr std::int64_t kAhead = 86'400;

// SQL, of a copy `c`: it went out, or may have (of a request whose answer was lost nobody knows).
constexpr std::string_view kWentOut =
    "(c.status = 'published' OR EXISTS(SELECT 1 FROM publication b WHERE b.copy = c.id AND (b.status = "
    "'sent' OR b.attempts > 0)))";

[[noreturn]] void bad_row(const std::string& reason) { fail(ErrorCode::bad_format, reason); }

// Writes rows into the store; what is wrong with one is thrown as Error(bad_format).
class Taker {
 public:
  Taker(const Store& store, const OutcomeOptions& options)
      : store_(store),
        options_(options),
        find_copy_(store.prepare(concat("SELECT p.user, p.channel, ", kWentOut,
                                        " FROM copy c JOIN placement p ON p.id = c.placement WHERE c.id = "
                                        "?"))),
        find_forgotten_(store.prepare("SELECT 1 FROM forgotten WHERE hash = ?")),
        find_user_(store.prepare("SELECT id FROM user WHERE shop_id = ?")),
        find_sent_(store.prepare(concat("SELECT c.id, p.channel FROM assignment a JOIN copy c ON c.id = "
                                        "a.copy JOIN placement p ON p.id = a.placement WHERE p.user = ? AND ",
                                        kWentOut, " LIMIT 2"))),
        find_outcome_(store.prepare("SELECT 1 FROM outcome WHERE hash = ?")),
        insert_(store.prepare("INSERT OR IGNORE INTO outcome(hash, user, copy, kind, time, value) "
                              "VALUES (?, ?, ?, ?, ?, ?)")),
        consents_(store) {}

  void take(Cells cells, OutcomeSummary& summary) {
    const std::string_view user_text = cells[1], value_text = cells[4];
    const std::string_view kind = kind_of(cells[2]);
    const auto time = parse_time(cells[3]);
    if (!time) bad_row("the time is no Unix seconds and no date such as 2025-11-02T08:30:00Z");
    if (*time > options_.now + kAhead)
      bad_row("the time is in the future, by more than a day; is its unit or its year right?");
    if (!value_text.empty() && !parse_money(value_text)) bad_row("the value is no amount such as 59.90");
    const std::optional<Target> found = find(cells[0], user_text, kind);
    if (!found) {
      ++summary.forgotten;
      return;
    }
    const auto& [copy, user, channel, of_one, unclear] = *found;

    // Of what the row says and not of what was found for it: that may be another copy tomorrow.
    StableHash hash;
    hash.add("outcome").add(kind);
    if (const std::string_view id = cells[5]; !id.empty()) {
      hash.add("id").add(id);
    } else {
      hash.add(cells[0].empty() ? ~std::uint64_t{0} : static_cast<std::uint64_t>(*number_of(cells[0])));
      hash.add(of_one || user_text.empty() ? "" : stored_user_id(store_, user_text));
      hash.add(static_cast<std::uint64_t>(*time));
      hash.add(value_text.empty() ? ~std::uint64_t{0}
                                  : static_cast<std::uint64_t>(parse_money(value_text)->ten_thousandths()));
    }
    const auto key = static_cast<std::int64_t>(hash.value());
    // What was clear when it was first read counts already, and may be read again.
    if (!unclear.empty() && !is_known(key)) bad_row(unclear);
    const std::optional<std::string_view> value =
        value_text.empty() ? std::nullopt : std::optional<std::string_view>(value_text);
    const std::int64_t added = insert_.run(key, user, copy, kind, *time, value);
    summary.new_rows += added;
    if (kind == "unsubscribe") {
      const bool withdrawn =
          consents_.put(*user, channel, /*granted=*/false, *time, ConsentRows::Origin::unsubscribe);
      summary.unsubscribed += added;
      if (!withdrawn) summary.outdated += added;
    }
  }

 private:
  static std::string_view kind_of(std::string_view text) {
    for (const auto& [name, kind] : kKinds) {
      if (equal_ignoring_case(text, name)) return kind;
    }
    bad_row("the kind is unknown, expected impression, click, conversion or unsubscribe");
  }
  // What a row is about, and the channel of the copy, where it is known.
  struct Target {
    std::optional<std::int64_t> copy, user;
    std::string channel;
    bool of_one = false;  // the copy tells whose it is
    std::string unclear;  // why nobody knows which copy it is about
  };
  bool is_known(std::int64_t key) {
    const bool found = find_outcome_.with(key).step();
    find_outcome_.reset();
    return found;
  }
  // Nothing for a person who was erased.
  std::optional<Target> find(std::string_view copy_text, std::string_view user_text, std::string_view kind) {
    Target target;
    auto& [copy, user, channel, of_one, unclear] = target;
    if (!user_text.empty()) {
      const std::string id = stored_user_id(store_, user_text);
      if (!find_user_.with(id).step()) {
        if (find_forgotten_.with(store_.keyed_hash(id)).step()) return std::nullopt;
        bad_row("the store has no such user");
      }
      user = find_user_.integer(0);
    }
    if (!copy_text.empty()) {
      copy = number_of(copy_text);
      if (!copy || !find_copy_.with(*copy).step()) bad_row("the store has no such copy");
      channel = consent_channel(options_.channels, find_copy_.text(1));
      if (!find_copy_.is_null(0)) {
        if (user && *user != find_copy_.integer(0)) bad_row("the copy is another user's");
        user = find_copy_.integer(0);
        of_one = true;
      }
      if (find_copy_.integer(2) == 0) {
        if (kind != "unsubscribe") bad_row("the copy was never published, so nobody can have seen it");
        copy.reset();  // who wants no more gets no more, whatever they saw
      }
    } else if (user) {
      find_sent_.with(*user);
      if (find_sent_.step()) {
        copy = find_sent_.integer(0);
        channel = consent_channel(options_.channels, find_sent_.text(1));
        if (find_sent_.step()) {
          copy.reset();
          channel.clear();
          unclear = "the user was sent several copies; name the one in the field copy";
        }
      } else {
        unclear = "the user was sent no copy; name the one that was seen in the field copy";
      }
      // Conversions and unsubscribes are the user's, whatever led to them.
      if (kind != "impression" && kind != "click") unclear.clear();
    } else {
      bad_row("neither copy nor user is named");
    }
    if (kind == "unsubscribe" && !user)
      bad_row("the copy is for everybody; name who unsubscribes in the field user");
    return target;
  }
  static std::optional<std::int64_t> number_of(std::string_view text) {
    if (text.empty() || text.size() > 18) return std::nullopt;
    std::int64_t value = 0;
    for (const char c : text) {
      if (c < '0' || c > '9') return std::nullopt;
      value = value * 10 + (c - '0');
    }
    return value;
  }

  const Store& store_;
  const OutcomeOptions& options_;
  Statement find_copy_, find_forgotten_, find_user_, find_sent_, find_outcome_, insert_;
  ConsentRows consents_;
};

// The row of the file, the same one for the same file.
std::int64_t source_row(const Store& store, std::int64_t run, const std::string& where,
                        const Digest& digest) {
  Statement find = store.prepare("SELECT id FROM source WHERE kind = 'outcomes' AND digest = ?");
  if (find.with(digest).step()) {
    const std::int64_t id = find.integer(0);
    store.prepare("DELETE FROM rejected WHERE source = ?").run(id);
    return id;
  }
  store
      .prepare(
          "INSERT INTO source(run, file, kind, digest, rows, new_rows, rejected) "
          "VALUES (?, ?, 'outcomes', ?, 0, 0, 0)")
      .run(run, where, digest);
  return store.database().last_id();
}

}  // namespace

OutcomeSummary import_outcomes(const Store& store, InputFile& file, const OutcomeOptions& options) {
  const std::string& where = file.where();
  const Digest digest = file.digest();
  OutcomeSummary summary;
  Transaction transaction(store.database());
  Run run(store, "measure",
          {{"file", where}, {"digest", hexadecimal(digest)}, {"max_errors", options.max_errors}});
  Taker taker(store, options);
  const TakeCells take = [&](Cells cells, std::int64_t) {
    ++summary.rows;
    if (options.progress && summary.rows % 10'000 == 0) options.progress(summary.rows);
    taker.take(cells, summary);
  };
  const OnBadRow refuse = [&](std::int64_t line, const Error& error) {
    // What a reader says may repeat the row; what Taker says does not.
    const std::string place = concat(where, ":", line), what = error.what();
    summary.rejected.push_back({where, line, what.starts_with(where + ":") ? reason_of(what, where) : what});
    if (options.on_rejected) options.on_rejected(summary.rejected.back());
    if (static_cast<std::int64_t>(summary.rejected.size()) <= options.max_errors) return;
    fail(ErrorCode::bad_format, place, ": ", summary.rejected.back().reason, "; that is bad row ",
         summary.rejected.size(),
         ", and nothing of the file was taken; mend it, or allow more with --max-errors N");
  };
  SniffBuffer buffer(file.stream());
  std::istream stream(&buffer);
  if (looks_like_json_lines(buffer.head(), where)) {
    for_each_flat_object(stream, where, kFields, {}, take, refuse);
  } else {
    CsvOptions csv;
    csv.delimiter = delimiter_of(where);
    CsvTable table(stream, where, csv);
    const auto has = [&](std::size_t field) { return find_column(table, kFields[field]).has_value(); };
    if (!has(2) || !has(3) || !(has(0) || has(1))) {
      fail(ErrorCode::bad_format, where,
           ":1: the header needs the columns kind and time, and copy or user, by a name of docs/measure.md");
    }
    for_each_flat_row(table, kFields, {}, take, refuse);
  }
  const std::int64_t source = source_row(store, run.id(), where, digest);
  Statement reject = store.prepare("INSERT INTO rejected VALUES (?, ?, ?)");
  for (const RejectedRow& row : summary.rejected) reject.run(source, row.line, row.reason);
  store.prepare("UPDATE source SET rows = ?, new_rows = new_rows + ?, rejected = ? WHERE id = ?")
      .run(summary.rows, summary.new_rows, summary.rejected.size(), source);
  run.finish();
  transaction.commit();
  return summary;
}

}  // namespace adlib::copywriter
