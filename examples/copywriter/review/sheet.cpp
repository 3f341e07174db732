#include "copywriter/review/sheet.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <sstream>
#include <unordered_set>
#include <utility>
#include <vector>

#include "adlib/core/error.h"
#include "copywriter/collect/csv.h"
#include "copywriter/collect/csv_writer.h"
#include "copywriter/collect/problems.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 30;
const std::vector<std::string> kColumns = {"id",       "customer", "product", "scene",    "channel",
                                           "language", "arm",      "text",    "findings", "decision",
                                           "new_text", "note",     "digest"};

enum class Wish { none, approve, reject, edit, unknown };

Wish parse_wish(std::string_view cell) {
  static const std::map<std::string_view, Wish> names = {
      {"", Wish::none},           {"approve", Wish::approve}, {"approved", Wish::approve},
      {"通过", Wish::approve},    {"批准", Wish::approve},    {"reject", Wish::reject},
      {"rejected", Wish::reject}, {"拒绝", Wish::reject},     {"驳回", Wish::reject},
      {"edit", Wish::edit},       {"修改", Wish::edit}};
  std::string lower(trim(cell));
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 'a' - 'A') : c;
  const auto found = names.find(lower);
  return found == names.end() ? Wish::unknown : found->second;
}

// What the header separates its names by; spreadsheet programs of some countries write semicolons.
char sheet_delimiter(std::string_view sheet) {
  const std::string_view header = sheet.substr(0, sheet.find_first_of("\r\n"));
  for (const char delimiter : {';', '\t'}) {
    if (header.find(delimiter) != std::string_view::npos && header.find(',') == std::string_view::npos)
      return delimiter;
  }
  return ',';
}

struct Columns {
  std::size_t id, decision, new_text, digest;
  std::optional<std::size_t> text, note;

  explicit Columns(const CsvTable& table) {
    const auto need = [&](const char* name) {
      const auto at = table.find({name});
      if (!at)
        fail(ErrorCode::bad_format, table.place(), ": there is no column '", name,
             "'; expected a sheet of 'adlib review export'");
      return *at;
    };
    id = need("id");
    decision = need("decision");
    new_text = need("new_text");
    digest = need("digest");
    text = table.find({"text"});
    note = table.find({"note"});
  }
};

struct Order {
  ReviewItem item;
  Wish wish = Wish::none;
  std::string new_text, note;
};

// One row: an order, or what is wrong with it.
class RowReader {
 public:
  RowReader(const CsvTable& table, const Columns& columns, ReviewDesk& desk)
      : table_(table), columns_(columns), desk_(desk) {}

  std::optional<Order> read() {
    const std::string cell(trim(table_.cell(columns_.id)));
    std::int64_t id = 0;
    const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), id);
    if (error != std::errc{} || end != cell.data() + cell.size())
      problem("id is '" + first_characters(clean_text(cell), 40) + "', expected the number of a copy");
    std::optional<ReviewItem> item = desk_.find(id);
    if (!item) problem(concat("there is no copy ", id, " in this store"));
    if (!seen_.insert(id).second) problem(concat("copy ", id, " is in the sheet twice"));

    const std::string& decision = table_.cell(columns_.decision);
    if (parse_wish(decision) == Wish::approve) desk_.recheck(*item);
    Order order{
        *std::move(item), parse_wish(decision), {}, unix_lines(formula_restored(table_.cell(columns_.note)))};
    if (order.wish == Wish::unknown) {
      problem(concat("copy ", id, ": decision is '", first_characters(clean_text(decision), 40),
                     "', expected approve, reject, edit or nothing"));
    }
    const std::string text = unix_lines(formula_restored(table_.cell(columns_.new_text)));
    if (order.wish == Wish::edit)
      order.new_text = edited(id, text);
    else if (!trim(text).empty())
      problem(concat("copy ", id,
                     ": new_text is given, but the decision is not 'edit'; an edited text is "
                     "checked, and approved in another round"));
    if (order.wish == Wish::none) return std::nullopt;
    refuse_changes(order);
    return order;
  }

 private:
  [[noreturn]] void problem(const std::string& what) const {
    fail(ErrorCode::bad_format, table_.place(), ": ", what);
  }
  std::string edited(std::int64_t id, const std::string& text) const {
    try {
      return edited_text(text);
    } catch (const Error& error) {
      problem(concat("copy ", id, ": ", error.what()));
    }
  }

  bool is_done(const Order& order) const {
    const ReviewItem& item = order.item;
    switch (order.wish) {
      case Wish::approve:
        return item.status == "approved" || item.status == "published";
      case Wish::reject:
        return item.status == "rejected";
      default:
        return item.text == order.new_text || desk_.was_edited_to(item.id, order.new_text);
    }
  }

  void refuse_changes(const Order& order) const {
    const ReviewItem& item = order.item;
    const std::string text = unix_lines(formula_restored(table_.cell(columns_.text)));
    const bool same_text = !columns_.text || text == unix_lines(item.text);
    if (trim(table_.cell(columns_.digest)) != item.digest()) {
      // The same sheet again: the decision is in the store, so nothing is left to do. An edit changed the
      // text.
      if (is_done(order) && (same_text || order.wish == Wish::edit)) return;
      problem(concat("copy ", item.id, " was changed or decided on since this sheet was exported (it is ",
                     item.status, " now); export it again"));
    }
    if (!same_text) {
      problem(
          concat("copy ", item.id,
                 ": the column text was changed; leave it, give the decision 'edit' and put the text into "
                 "new_text"));
    }
    const std::string why =
        order.wish == Wish::approve ? ReviewDesk::why_not_approve(item) : ReviewDesk::why_not_decide(item);
    if (!why.empty()) problem(concat("copy ", item.id, " ", why));
  }

  const CsvTable& table_;
  const Columns& columns_;
  ReviewDesk& desk_;
  std::unordered_set<std::int64_t> seen_;
};

std::vector<Order> read_orders(CsvTable& table, ReviewDesk& desk) {
  const Columns columns(table);
  RowReader reader(table, columns, desk);
  std::vector<Order> orders;
  Problems problems;
  while (table.next()) {
    try {
      if (std::optional<Order> order = reader.read()) orders.push_back(*std::move(order));
    } catch (const Error& error) {
      problems.add(error.what());
    }
  }
  if (!problems.empty()) fail(ErrorCode::bad_format, problems.text(), "\nNothing was changed.");
  return orders;
}

// Held whole: nobody may write to the sheet between the check and the change.
std::string read_whole(std::istream& in, const std::string& where) {
  std::string sheet;
  for (std::array<char, 65536> part; in.read(part.data(), part.size()) || in.gcount() > 0;) {
    sheet.append(part.data(), static_cast<std::size_t>(in.gcount()));
    if (sheet.size() > kMostBytes) fail(ErrorCode::bad_format, where, ": the sheet is over 1 GiB");
  }
  return sheet;
}

// Whether the store has all that people wrote into a row.
class ImportedRows {
 public:
  ImportedRows(const Store& store, const CsvTable& table, const Columns& columns)
      : table_(table),
        columns_(columns),
        find_(store.prepare("SELECT status, text, (SELECT d.after FROM decision d WHERE d.copy = c.id AND "
                            "d.action = 'edit' ORDER BY d.id DESC LIMIT 1) FROM copy c WHERE c.id = ?")),
        had_text_(store.prepare("SELECT 1 FROM copy WHERE id = ?1 AND ?2 IN (text, written) UNION ALL "
                                "SELECT 1 FROM decision WHERE copy = ?1 AND ?2 IN (before, after)")) {}

  bool has_row() {
    const Wish wish = parse_wish(table_.cell(columns_.decision));
    const std::string new_text = unix_lines(formula_restored(table_.cell(columns_.new_text)));
    const bool is_noted = !trim(table_.cell(columns_.note)).empty();
    const std::string id(trim(table_.cell(columns_.id)));
    if (wish == Wish::none) return trim(new_text).empty() && !is_noted && has_text(id);
    if (wish == Wish::unknown || trim(new_text).empty() == (wish == Wish::edit)) return false;
    if (!find_.with(id).step()) return false;
    const std::string_view status = find_.text(0);
    if (wish == Wish::approve) return status == "approved" || status == "published";
    if (wish == Wish::reject) return status == "rejected";
    return find_.text(1) == new_text || find_.text(2) == new_text;
  }

 private:
  // People change the text in its own column, too, although new_text is the one for it.
  bool has_text(const std::string& id) {
    if (!columns_.text || !find_.with(id).step()) return true;  // a copy that was erased is not asked for
    const std::string text = unix_lines(formula_restored(table_.cell(columns_.text)));
    return text == unix_lines(find_.text(1)) || had_text_.with(id, text).step();
  }

  const CsvTable& table_;
  const Columns& columns_;
  Statement find_, had_text_;
};

}  // namespace

void check_overwrite(const Store& store, std::istream& in, const std::string& where) {
  const std::string sheet = read_whole(in, where);
  if (sheet.empty()) return;
  const std::string advice = "; give another name, or --force to overwrite it";
  std::int64_t open = 0, first = 0;
  try {
    std::istringstream text(sheet);
    CsvTable table(text, where, {.delimiter = sheet_delimiter(sheet)});
    const Columns columns(table);
    ImportedRows imported(store, table, columns);
    while (table.next()) {
      if (!imported.has_row() && ++open == 1) first = table.line();
    }
  } catch (const Error& error) {
    fail(ErrorCode::invalid_argument, where, ": is there already, and is no sheet that can be read (",
         error.what(), ")", advice);
  }
  if (open > 0) {
    fail(ErrorCode::invalid_argument, where, ":", first, ": is there already, and ", open,
         open == 1 ? " row holds a decision, text or note that was"
                   : " rows hold decisions, texts or notes that were",
         " not imported; import it first with 'adlib review import'", advice);
  }
}

std::int64_t export_sheet(const Store& store, const ReviewFilter& filter,
                          const std::function<void(std::string_view piece)>& write) {
  std::int64_t count = 0;
  write(std::string(kByteOrderMark) + csv_row(kColumns));
  for_each_in_review(store, filter, [&](const ReviewItem& item) {
    std::string findings;
    for (const ReviewFinding& one : item.findings) {
      findings += concat(findings.empty() ? "" : "\n", one.level, ": ", one.message, " [", one.rule, "]");
    }
    const std::array<std::string, 13> row = {std::to_string(item.id),
                                             item.customer,
                                             item.product,
                                             item.scene,
                                             item.channel,
                                             item.language,
                                             item.arm,
                                             item.text,
                                             findings,
                                             "",
                                             "",
                                             "",
                                             item.digest()};
    write(csv_row(row));
    ++count;
  });
  return count;
}

ReviewResult import_sheet(const Store& store, std::istream& in, const std::string& where,
                          const Reviewer& reviewer, const CheckCopy& check) {
  const std::string sheet = read_whole(in, where);
  std::istringstream text(sheet);
  CsvTable table(text, where, {.delimiter = sheet_delimiter(sheet)});

  ReviewResult result;
  Transaction transaction(store.database());
  ReviewDesk desk(store, reviewer, check);
  for (const Order& order : read_orders(table, desk)) {
    if (order.wish == Wish::approve)
      desk.approve(order.item, order.note, result);
    else if (order.wish == Wish::reject)
      desk.reject(order.item, order.note, result);
    else
      desk.edit(order.item, order.new_text, order.note, result);
  }
  if (result.approved + result.rejected + result.edited > 0) {
    Run run(store, "review",
            {{"action", "import"}, {"who", reviewer.who}, {"sheet", hexadecimal(sha256(sheet))}});
    run.finish();
    transaction.commit();
  }
  return result;
}

}  // namespace adlib::copywriter
