#include "copywriter/polish/check_reader.h"

#include <algorithm>
#include <set>

#include "adlib/core/error.h"
#include "adlib/tokenizer/characters.h"
#include "copywriter/rules/toml_table.h"

namespace adlib::copywriter {
namespace {

// What a record says of a person and a copy may tell, folded, a line each.
struct Known {
  std::string tastes;  // and history: what somebody may be said to like
  std::string others;  // level, name, city and whatever else: "for people who love Boise" is none of these
  std::string level;
  bool holds(std::string_view words) const {
    return tastes.find(words) != std::string::npos || others.find(words) != std::string::npos;
  }
};

Known known_of(const Customer& customer) {
  Known known;
  std::string* list = &known.tastes;
  const auto add = [&](std::string_view text) {
    if (!text.empty()) *list += FoldedText(text).folded() + "\n";
  };
  for (const std::string& interest : customer.interests) add(interest);
  for (const auto* events : {&customer.browsing, &customer.favourites, &customer.cart, &customer.purchases}) {
    for (const Event& event : *events) add(event.title), add(event.category), add(event.brand);
  }
  for (const Review& review : customer.reviews) add(review.text), add(review.product);
  list = &known.others;
  add(customer.member_level);
  known.level = known.others;
  add(customer.name);
  for (const auto& [name, value] : customer.extras.items()) {
    if (value.is_string()) add(value.get<std::string>());
  }
  return known;
}

}  // namespace

// Whether an exception begins before the statement and reaches into it, or goes on behind it: "if you like",
// 你喜欢就好.
bool ReaderRules::is_excepted(const Statement& statement, const FoldedText& text, Range before) {
  const std::vector<Range> all = statement.except.find_all(text);
  return std::any_of(all.begin(), all.end(), [&](Range one) { return one.overlaps(before); });
}

ReaderRules::ReaderRules(const std::filesystem::path& rules, std::span<const Product> catalogue) {
  const std::filesystem::path file = rules / "reader.toml";
  const toml::table root = read_toml(file);
  TomlTable top(root, file.string(), "the file");
  std::vector<PhraseSource> tastes = top.list("tastes");
  std::set<std::string> categories;
  for (const Product& product : catalogue) {
    const std::string folded = FoldedText(product.category).folded();
    if (!folded.empty() && categories.insert(folded).second)
      tastes.push_back({escaped_phrase(product.category), product.source.text()});
  }
  tastes_ = PhraseMatcher(tastes);
  const toml::array* all = top.at("statement").as_array();
  if (!all) top.refuse(top.at("statement"), "begins each with [[statement]]");
  for (const toml::node& node : *all) {
    const toml::table* one = node.as_table();
    if (!one) top.refuse(node, "begins each with [[statement]]");
    TomlTable table(*one, file.string(), "statement");
    Statement statement;
    statement.id = table.text("id");
    for (const PhraseSource& language : table.list("languages"))
      statement.languages.push_back(parse_language(language.text));
    statement.before = PhraseMatcher(table.list("before"));
    statement.behind = PhraseMatcher(table.list("behind"));
    statement.except = PhraseMatcher(table.list("except"));
    statement.any = table.flag("any");
    statement.exact = table.flag("exact");
    statement.own = table.flag("own");
    statement.unpersonalised_only = table.flag("unpersonalised-only");
    statement.basis = table.text_or_none("basis");
    statement.zh = table.text("zh");
    statement.en = table.text("en");
    table.refuse_unknown_keys();
    statements_.push_back(std::move(statement));
  }
  top.refuse_unknown_keys();
}

std::vector<Finding> ReaderRules::check(std::string_view text, Language language,
                                        const Customer* customer) const {
  const FoldedText folded(text);
  const Known known = customer ? known_of(*customer) : Known();
  std::vector<Finding> out;
  for (const Statement& statement : statements_) {
    if (std::find(statement.languages.begin(), statement.languages.end(), language) ==
        statement.languages.end())
      continue;
    if (customer ? statement.unpersonalised_only : statement.own) continue;
    const std::vector<Range> ends = statement.behind.find_all(folded);
    for (const Range& before : statement.before.find_all(folded)) {
      if (is_excepted(statement, folded, before)) continue;
      // What is said of the reader: up to what stands behind it, or to the end of the clause.
      const std::string& all = folded.folded();
      std::size_t stop = all.find_first_of(".,!?;:\n", before.end);
      if (const std::size_t full = all.find("。", before.end); full < stop) stop = full;
      stop = std::min(stop, all.size());
      if (!statement.behind.empty()) {
        const auto end = std::find_if(ends.begin(), ends.end(), [&](Range one) {
          return one.begin >= before.end && one.begin <= stop;
        });
        if (end == ends.end()) continue;
        stop = end->begin;
      }
      const Range slot{before.end, std::max(stop, before.end)};
      Range where{before.begin, slot.end};
      if (customer) {
        const std::string_view words = std::string_view(all).substr(slot.begin, slot.end - slot.begin);
        std::string_view trimmed = words;
        while (trimmed.starts_with(' ')) trimmed.remove_prefix(1);
        while (trimmed.ends_with(' ')) trimmed.remove_suffix(1);
        if (trimmed.empty()) continue;
        // A level is nothing but the record's; and nobody likes a city or a name that the record holds as
        // such.
        const std::string& right = statement.exact ? known.level : known.tastes;
        if (right.find(trimmed) != std::string::npos) continue;
        const bool nothing = known.tastes.empty() && known.others.empty();
        bool wrong = statement.exact || (statement.any && nothing) ||
                     known.others.find(concat(trimmed, '\n')) != std::string::npos;
        for (const Range& taste : tastes_.find_all(folded)) {
          if (statement.own || !slot.contains(taste)) continue;
          if (!known.holds(std::string_view(all).substr(taste.begin, taste.end - taste.begin))) {
            wrong = true;
            where = {before.begin, taste.end};
          }
        }
        if (!wrong) continue;
      }
      out.push_back(
          {"reader/" + statement.id, Level::error, folded.source_of(where),
           customer ? (language == Language::zh ? statement.zh + "，客户的记录里没有"
                                                : statement.en + " that the customer's record does not hold")
                    : (language == Language::zh ? statement.zh + "，而这条文案不针对个人"
                                                : statement.en + ", in a text that is not personalised"),
           statement.basis});
    }
  }
  return out;
}

}  // namespace adlib::copywriter
