// copywriter/review/review.h: a person decides what is published. Nothing is without that.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "copywriter/rules/rule_pack.h"
#include "copywriter/store/store.h"

namespace adlib::copywriter {

/// Who decides, a label that the caller gives, and why.
struct Reviewer {
  std::string who;
  std::string note = {};
};

/// Checks a copy again inside the caller's transaction: Polish::polish() keeps its findings and sets its
/// status. False where the text breaks a rule.
using CheckCopy = std::function<bool(std::int64_t copy)>;

/// A finding as the store has it.
struct ReviewFinding {
  std::string rule, level, message;
};
/// A copy as reviewers see it.
struct ReviewItem {
  std::int64_t id = 0;
  std::string customer;  ///< the shop's id; "" for a copy that is for everybody
  std::string product, scene, channel, language, arm, status, text;
  bool guarded = true;
  std::int64_t last_decision = 0;  ///< id of the newest row of `decision`, fixes included; 0: none
  std::vector<ReviewFinding> findings;

  /// A finding of level error or ban: the copy must not go out.
  const ReviewFinding* obstacle() const;
  /// The same as long as neither the text nor what was decided changes: "d" and 16 hexadecimal digits.
  std::string digest() const;
};
/// Which copies; an empty list is all of them.
struct ReviewFilter {
  std::vector<std::string> statuses = {}, channels = {}, languages = {};
};
/// Calls `take` for each copy, by id.
void for_each_in_review(const Store& store, const ReviewFilter& filter,
                        const std::function<void(const ReviewItem& item)>& take);

struct ReviewResult {
  std::int64_t approved = 0, rejected = 0, edited = 0;
  std::int64_t blocked = 0;      ///< of the edited ones: the new text has a finding of level error or ban
  std::int64_t unchanged = 0;    ///< it was so before
  std::int64_t passed_over = 0;  ///< ready, but approve_all_clean() leaves it to a person's eye
};

/// Approves these copies, or none: throws Error(not_found) for an id that there is not and
/// Error(invalid_argument) for a copy that was not checked yet, has a finding of level error or ban, or was
/// written without the guard, naming all of them. A rejected copy is checked again first: rules and products
/// may have changed since; only tests give no `check`.
ReviewResult approve(const Store& store, std::span<const std::int64_t> ids, const Reviewer& reviewer,
                     const CheckCopy& check = {});
/// Approves every copy that is ready and has no finding above the level `accept`, which is below error.
ReviewResult approve_all_clean(const Store& store, Level accept, const Reviewer& reviewer);
/// Rejects these copies, or none, also ones that were approved or published. Throws as approve().
ReviewResult reject(const Store& store, std::span<const std::int64_t> ids, const Reviewer& reviewer);
/// Replaces the text of a copy, checks it again, and makes it ready (or blocked, with a finding of level
/// error or ban): it needs approval again. Throws Error(invalid_argument) for an empty text and one that is
/// not UTF-8 or holds control characters other than tabs and ends of lines.
ReviewResult edit(const Store& store, std::int64_t id, std::string_view text, const Reviewer& reviewer,
                  const CheckCopy& check);

/// The text with "\n" for every end of a line.
std::string unix_lines(std::string_view text);
/// The same. Throws Error(invalid_argument) as edit() does.
std::string edited_text(std::string_view text);

/// Decisions inside the caller's transaction.
class ReviewDesk {
 public:
  /// Throws Error(invalid_argument) for a label that is empty, of several lines, or adlib's own ("polish").
  ReviewDesk(const Store& store, const Reviewer& reviewer, CheckCopy check);

  std::optional<ReviewItem> find(std::int64_t id);
  /// A rejected copy is checked again, and has the findings of now; others are as they were.
  void recheck(ReviewItem& item);
  /// Whether the newest edit of a copy gave it this text, which fixes may have changed since.
  bool was_edited_to(std::int64_t id, std::string_view text);
  /// Why it cannot be approved, or rejected or edited; "" when it can.
  static std::string why_not_approve(const ReviewItem& item);
  static std::string why_not_decide(const ReviewItem& item);
  void approve(const ReviewItem& item, std::string_view note, ReviewResult& result);
  void reject(const ReviewItem& item, std::string_view note, ReviewResult& result);
  void edit(const ReviewItem& item, const std::string& text, std::string_view note, ReviewResult& result);

 private:
  void decide(const ReviewItem& item, const char* action, const char* status, std::string_view note);

  const Store& store_;
  Reviewer reviewer_;
  CheckCopy check_;
  Statement select_, findings_, status_, decision_, last_edit_;
};

}  // namespace adlib::copywriter
