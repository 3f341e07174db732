// copywriter/measure/report_page.h: the sections of the report. Inside the library only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "copywriter/measure/html.h"
#include "copywriter/measure/results.h"
#include "copywriter/shop/language.h"
#include "copywriter/store/store.h"

namespace adlib::copywriter {

// SQL, of a copy `c` and its placement `p`: nothing in its words is about one person. A text that was made of
// what is known of one stays between that person and the shop, since a report goes round.
inline constexpr std::string_view kNobodys = "(p.user IS NULL OR c.personalised = 0)";
// SQL, of a finding `f`: its message is the same for every text. Others quote the text.
inline constexpr std::string_view kQuotesNothing =
    "(f.rule NOT LIKE 'facts/%' AND f.rule NOT LIKE 'grammar/%')";

/// What every section needs: the store, and the page's language.
class Page {
 public:
  Page(const Store& store, Language language) : store_(store), language_(language) {}
  const Store& store() const { return store_; }
  Language language() const { return language_; }
  /// One of the two.
  std::string say(std::string_view en, std::string_view zh) const {
    return std::string(language_ == Language::zh ? zh : en);
  }
  /// What people call a value of the store: a scene, a stage of the life cycle, a status; itself where it has
  /// no other name.
  std::string name(std::string_view value) const;
  std::int64_t count(std::string_view sql) const { return store_.database().integer(sql); }
  /// A command for a shell, such as command("review export", "-o sheet.csv"): the store stands in between, by
  /// its file's name where that needs no quotes.
  std::string command(std::string_view name, std::string_view arguments = {}) const;

 private:
  const Store& store_;
  Language language_;
};

std::string collected_section(const Page& page);
std::string customers_section(const Page& page);
std::string recommended_section(const Page& page);
std::string written_section(const Page& page);
std::string reviewed_section(const Page& page);
std::string published_section(const Page& page);
std::string results_section(const Page& page, const Results& results);
std::string allocation_section(const Page& page);
std::string samples_section(const Page& page);
std::string next_section(const Page& page, const Results& results);
/// The result in a sentence.
std::string headline(const Page& page, const Results& results);
/// A rate for people.
struct Rate {
  Rate(const Estimate& rate, bool telling) : estimate(rate), is_telling(telling) {}
  /// wilson(), of at least kFewTrials trials.
  explicit Rate(const Count& count) : Rate(wilson(count), count.trials >= kFewTrials) {}
  Estimate estimate;
  bool is_telling;
};
/// Whether both sides have at least kFewTrials users.
bool can_compare(const Lift& lift);
/// "2.50% to 4.10%".
std::string range_text(const Page& page, const Estimate& estimate);
/// "3.21% (2.50% to 4.10%)", or "too little data (20.7% to 100%)".
std::string rate_text(const Page& page, const Rate& rate);
/// The same as a cell of a table.
Cell rate_cell(const Page& page, const Rate& rate);

}  // namespace adlib::copywriter
