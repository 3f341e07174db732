#include "copywriter/review/review.h"

#include <algorithm>
#include <utility>

#include "adlib/core/error.h"
#include "copywriter/collect/problems.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

constexpr std::string_view kSelectItem =
    "SELECT c.id, coalesce(u.shop_id, ''), pr.shop_id, p.scene, p.channel, p.language, c.arm, c.status, "
    "c.text, "
    "c.guarded, coalesce((SELECT max(d.id) FROM decision d WHERE d.copy = c.id), 0) "
    "FROM copy c JOIN placement p ON p.id = c.placement JOIN product pr ON pr.id = p.product "
    "LEFT JOIN user u ON u.id = p.user ";
constexpr std::string_view kSelectFindings =
    "SELECT rule, level, message FROM finding WHERE copy = ? ORDER BY first, rule";

ReviewItem item_of(const Statement& row, Statement& findings) {
  ReviewItem item;
  item.id = row.integer(0);
  item.customer = row.text(1);
  item.product = row.text(2);
  item.scene = row.text(3);
  item.channel = row.text(4);
  item.language = row.text(5);
  item.arm = row.text(6);
  item.status = row.text(7);
  item.text = row.text(8);
  item.guarded = row.integer(9) != 0;
  item.last_decision = row.integer(10);
  findings.with(item.id);
  while (findings.step()) {
    item.findings.push_back(
        {std::string(findings.text(0)), std::string(findings.text(1)), std::string(findings.text(2))});
  }
  return item;
}

void check_label(const Reviewer& reviewer) {
  if (trim(reviewer.who).empty() || clean_text(reviewer.who) != reviewer.who || reviewer.who.size() > 200) {
    fail(ErrorCode::invalid_argument, "review: who decides is '",
         first_characters(clean_text(reviewer.who), 40),
         "', expected a label of one line such as a name or a role");
  }
  if (reviewer.who == "polish")
    fail(ErrorCode::invalid_argument,
         "review: the label 'polish' is kept for adlib's own fixes; give another");
  if (!is_utf8(reviewer.note)) fail(ErrorCode::invalid_argument, "review: the note is not UTF-8");
}

// "warn" is what other programs may call the level in between.
Level level_of(const std::string& name) { return name == "warn" ? Level::caution : parse_level(name); }

bool is_clean(const ReviewItem& item, Level accept) {
  return item.guarded && std::all_of(item.findings.begin(), item.findings.end(),
                                     [&](const ReviewFinding& one) { return level_of(one.level) <= accept; });
}

io::Json settings_of(const char* action, const Reviewer& reviewer) {
  return {{"action", action}, {"who", reviewer.who}};  // the note is about people: it stands in `decision`
}

// Looks up all ids before anything is changed.
std::vector<ReviewItem> find_all(const Store& store, ReviewDesk& desk, std::span<const std::int64_t> ids,
                                 std::string (*why_not)(const ReviewItem&)) {
  std::vector<ReviewItem> items;
  Problems problems;
  for (const std::int64_t id : ids) {
    std::optional<ReviewItem> item = desk.find(id);
    if (!item)
      fail(ErrorCode::not_found, store.where(), ": there is no copy ", id,
           "; 'adlib review list' shows them");
    if (why_not == ReviewDesk::why_not_approve) desk.recheck(*item);
    if (const std::string why = why_not(*item); !why.empty()) problems.add(concat("copy ", id, " ", why));
    items.push_back(*std::move(item));
  }
  if (!problems.empty())
    fail(ErrorCode::invalid_argument, store.where(), ": nothing was changed: ", problems.text());
  return items;
}

// Keeps what was changed, and the row of the run only where something was.
void keep(const Store& store, Transaction& transaction, const char* action, const Reviewer& reviewer,
          const ReviewResult& result) {
  if (result.approved + result.rejected + result.edited == 0) return;
  Run run(store, "review", settings_of(action, reviewer));
  run.finish();
  transaction.commit();
}

}  // namespace

const ReviewFinding* ReviewItem::obstacle() const {
  const auto found = std::find_if(findings.begin(), findings.end(), [](const ReviewFinding& finding) {
    return level_of(finding.level) >= Level::error;
  });
  return found == findings.end() ? nullptr : &*found;
}

std::string ReviewItem::digest() const {
  // The letter keeps spreadsheets from reading digits with one 'e' as a number.
  return "d" + hexadecimal(sha256(concat(id, '\n', last_decision, '\n', text))).substr(0, 16);
}

void for_each_in_review(const Store& store, const ReviewFilter& filter,
                        const std::function<void(const ReviewItem& item)>& take) {
  const auto list = [](const std::vector<std::string>& values) { return io::Json(values).dump(); };
  Statement rows = store.prepare(
      concat(kSelectItem,
             "WHERE (?1 = '[]' OR c.status IN (SELECT value FROM json_each(?1))) "
             "AND (?2 = '[]' OR p.channel IN (SELECT value FROM json_each(?2))) "
             "AND (?3 = '[]' OR p.language IN (SELECT value FROM json_each(?3))) ORDER BY c.id"));
  Statement findings = store.prepare(kSelectFindings);
  rows.with(list(filter.statuses), list(filter.channels), list(filter.languages));
  while (rows.step()) take(item_of(rows, findings));
}

std::string unix_lines(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    out += text[i] == '\r' ? '\n' : text[i];
  }
  return out;
}

std::string edited_text(std::string_view text) {
  const std::string out = unix_lines(text);
  if (clean_text(out).empty())  // of what nobody sees, too
    fail(ErrorCode::invalid_argument, "review: the new text is empty; reject the copy instead");
  if (!is_utf8(out)) fail(ErrorCode::invalid_argument, "review: the new text is not UTF-8");
  for (std::size_t at = 0; at < out.size();) {
    const std::size_t begin = at;
    const char32_t c = next_code_point(out, at);
    if (c == U'\n' || c == U'\t') continue;
    if (c < 0x20 || (c >= 0x7F && c < 0xA0)) {
      fail(ErrorCode::invalid_argument, "review: the new text holds the control character ",
           static_cast<std::uint32_t>(c), " at byte ", begin, "; take it out");
    }
  }
  return out;
}

ReviewDesk::ReviewDesk(const Store& store, const Reviewer& reviewer, CheckCopy check)
    : store_(store),
      reviewer_((check_label(reviewer), reviewer)),
      check_(std::move(check)),
      select_(store.prepare(concat(kSelectItem, "WHERE c.id = ?"))),
      findings_(store.prepare(kSelectFindings)),
      status_(store.prepare("UPDATE copy SET status = ? WHERE id = ?")),
      decision_(store.prepare("INSERT INTO decision(copy, time, who, action, before, after, note) "
                              "VALUES (?, ?, ?, ?, ?, ?, ?)")),
      last_edit_(store.prepare(
          "SELECT after FROM decision WHERE copy = ? AND action = 'edit' ORDER BY id DESC LIMIT 1")) {}

bool ReviewDesk::was_edited_to(std::int64_t id, std::string_view text) {
  const bool so = last_edit_.with(id).step() && last_edit_.text(0) == text;
  last_edit_.reset();
  return so;
}

std::optional<ReviewItem> ReviewDesk::find(std::int64_t id) {
  if (!select_.with(id).step()) return std::nullopt;
  ReviewItem item = item_of(select_, findings_);
  select_.reset();  // an open statement would keep the transaction from ending
  return item;
}

void ReviewDesk::recheck(ReviewItem& item) {
  if (item.status != "rejected" || !check_) return;
  check_(item.id);
  item = *find(item.id);
}

std::string ReviewDesk::why_not_decide(const ReviewItem& item) {
  return item.status == "written" ? "has not been checked yet; run 'adlib polish' first" : "";
}

std::string ReviewDesk::why_not_approve(const ReviewItem& item) {
  if (!item.guarded)
    return "was written without the guard, for evaluation only (--no-guard), and can never be approved";
  if (const ReviewFinding* why = item.obstacle())
    return concat("has a finding of level ", why->level, ": ", why->message, " [", why->rule,
                  "]; edit or reject it");
  if (item.status == "blocked") return "is blocked; edit or reject it";
  return why_not_decide(item);
}

void ReviewDesk::decide(const ReviewItem& item, const char* action, const char* status,
                        std::string_view note) {
  status_.run(status, item.id);
  decision_.run(item.id, now(), reviewer_.who, action, nullptr, nullptr,
                note.empty() ? std::string_view(reviewer_.note) : note);
}

void ReviewDesk::approve(const ReviewItem& item, std::string_view note, ReviewResult& result) {
  if (item.status == "approved" || item.status == "published") {
    ++result.unchanged;
    return;
  }
  decide(item, "approve", "approved", note);
  ++result.approved;
}

void ReviewDesk::reject(const ReviewItem& item, std::string_view note, ReviewResult& result) {
  if (item.status == "rejected") {
    ++result.unchanged;
    return;
  }
  decide(item, "reject", "rejected", note);
  ++result.rejected;
}

void ReviewDesk::edit(const ReviewItem& item, const std::string& text, std::string_view note,
                      ReviewResult& result) {
  if (item.text == text || was_edited_to(item.id, text)) {
    ++result.unchanged;
    return;
  }
  decision_.run(item.id, now(), reviewer_.who, "edit", item.text, text,
                note.empty() ? std::string_view(reviewer_.note) : note);
  store_.prepare("UPDATE copy SET text = ?, status = 'written' WHERE id = ?").run(text, item.id);
  result.blocked += check_(item.id) ? 0 : 1;
  ++result.edited;
}

ReviewResult approve(const Store& store, std::span<const std::int64_t> ids, const Reviewer& reviewer,
                     const CheckCopy& check) {
  ReviewResult result;
  Transaction transaction(store.database());
  ReviewDesk desk(store, reviewer, check);
  for (const ReviewItem& item : find_all(store, desk, ids, ReviewDesk::why_not_approve))
    desk.approve(item, {}, result);
  keep(store, transaction, "approve", reviewer, result);
  return result;
}

ReviewResult approve_all_clean(const Store& store, Level accept, const Reviewer& reviewer) {
  require(accept < Level::error, "review: a finding of level error or ban can never be accepted");
  ReviewResult result;
  Transaction transaction(store.database());
  ReviewDesk desk(store, reviewer, {});
  // Read first, then changed: a statement that is being read must not see its own changes.
  std::vector<ReviewItem> clean;
  for_each_in_review(store, {.statuses = {"ready"}}, [&](const ReviewItem& item) {
    if (is_clean(item, accept))
      clean.push_back(item);
    else
      ++result.passed_over;
  });
  for (const ReviewItem& item : clean) desk.approve(item, {}, result);
  keep(store, transaction, "approve --all-clean", reviewer, result);
  return result;
}

ReviewResult reject(const Store& store, std::span<const std::int64_t> ids, const Reviewer& reviewer) {
  ReviewResult result;
  Transaction transaction(store.database());
  ReviewDesk desk(store, reviewer, {});
  for (const ReviewItem& item : find_all(store, desk, ids, ReviewDesk::why_not_decide))
    desk.reject(item, {}, result);
  keep(store, transaction, "reject", reviewer, result);
  return result;
}

ReviewResult edit(const Store& store, std::int64_t id, std::string_view text, const Reviewer& reviewer,
                  const CheckCopy& check) {
  ReviewResult result;
  const std::string clean = edited_text(text);
  Transaction transaction(store.database());
  ReviewDesk desk(store, reviewer, check);
  const std::int64_t ids[] = {id};
  desk.edit(find_all(store, desk, ids, ReviewDesk::why_not_decide).front(), clean, {}, result);
  keep(store, transaction, "edit", reviewer, result);
  return result;
}

}  // namespace adlib::copywriter
