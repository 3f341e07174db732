// Words that are quoted as the shop's.
#include <algorithm>
#include <iterator>
#include <utility>

#include "adlib/tokenizer/characters.h"
#include "copywriter/polish/claims/context.h"
#include "copywriter/polish/claims/text.h"

namespace adlib::copywriter::claims {
namespace {

constexpr std::size_t kQuotedLetters = 2;  // fewer say nothing that could be wrong

// Marks of quotation and of the end of a sentence, which are no part of what is quoted.
constexpr std::string_view kMarks[] = {"“", "”", "「", "」", "『", "』", "\"", "'", "。",
                                       ".", "!", "?",  ",",  ";",  ":",  " ",  "…", "—"};

std::string_view without_marks(std::string_view text) {
  for (bool again = true; again;) {
    again = false;
    for (const std::string_view mark : kMarks) {
      if (text.starts_with(mark)) text.remove_prefix(mark.size()), again = true;
      if (text.ends_with(mark)) text.remove_suffix(mark.size()), again = true;
    }
  }
  return text;
}

// Whether the facts hold words as a whole sentence or as whole clauses: "set up before it", of "set up before
// it ships", is a quotation that breaks off.
bool holds_clauses(std::string_view facts, std::string_view words) {
  const auto is_mark = [&](std::size_t at) {
    constexpr std::string_view marks = ",.;:!?()\n\"'/ ",
                               wide[] = {"。", "、", "“", "”", "「", "」", "—", "…", "·"};
    const auto c = static_cast<unsigned char>(facts[at]);
    if (c == ' ') return at > 0 && marks.find(facts[at - 1]) != std::string_view::npos;
    if (c < 0x80) return marks.find(facts[at]) != std::string_view::npos;
    return std::any_of(std::begin(wide), std::end(wide), [&](std::string_view mark) {
      return at + 1 >= mark.size() && facts.substr(at + 1 - mark.size(), mark.size()) == mark;
    });
  };
  for (std::size_t at = find_words(facts, words); at != std::string_view::npos;
       at = find_words(facts, words, at + 1)) {
    const std::size_t end = at + words.size();
    const auto ends = [&] {
      if (end >= facts.size()) return true;
      const std::size_t size = static_cast<unsigned char>(facts[end]) < 0x80 ? 1 : 3;
      return facts[end] != ' ' && is_mark(std::min(end + size, facts.size()) - 1);
    };
    if ((at == 0 || is_mark(at - 1)) && ends()) return true;
  }
  return false;
}

void report_quotation(const Context& context, Range range, std::vector<Finding>& findings) {
  const std::string_view words = without_marks(context.at(range));
  std::size_t letters = 0;
  for (const char32_t c : code_points(words)) letters += script_of(c) != Script::common;
  if (letters < kQuotedLetters || holds_clauses(context.facts.own_text, words)) return;
  const std::size_t begin = range.begin + static_cast<std::size_t>(words.data() - context.at(range).data());
  const Range where{begin, begin + words.size()};
  const Range source = context.text.source_of(where);
  if (std::any_of(findings.begin(), findings.end(), [&](const Finding& other) {
        return other.rule == "facts/quotation" && other.where.overlaps(source);
      }))
    return;
  const std::string quoted = context.quoted(context.source(where));
  findings.push_back(
      {"facts/quotation", Level::error, source,
       context.say(quoted + "不是商品信息里的原话", quoted + " is not what the product's facts say")});
}

// Whether the reader wrote or did what these words say.
bool is_theirs(const Context& context, std::string_view words) {
  const auto& theirs = context.facts.theirs;
  return std::any_of(theirs.begin(), theirs.end(),
                     [&](const std::string& one) { return holds_clauses(one, words); });
}

// In a text that a model wrote, what stands between marks of quotation is the shop's or the reader's own: a
// small model quotes what nobody said.
void check_marks(const Context& context, std::vector<Finding>& findings) {
  const std::string_view folded = context.text.folded();
  constexpr std::pair<std::string_view, std::string_view> pairs[] = {{"“", "”"}, {"「", "」"}, {"\"", "\""}};
  for (const auto& [opens, closes] : pairs) {
    for (std::size_t at = folded.find(opens); at != folded.npos;) {
      const std::size_t begin = at + opens.size(), end = folded.find(closes, begin);
      if (end == folded.npos) break;
      // 6.5" are inches.
      const bool inches = opens == "\"" && at > 0 && folded[at - 1] != ' ' && folded[at - 1] != '(';
      if (!inches && !is_theirs(context, without_marks(folded.substr(begin, end - begin))))
        report_quotation(context, {begin, end}, findings);
      at = folded.find(opens, inches ? begin : end + closes.size());
    }
  }
}

}  // namespace

void check_quotations(const Context& context, const ClaimLexicon& lexicon, std::vector<Finding>& findings) {
  const std::string_view folded = context.text.folded();
  for (const Range& opener : lexicon.quotations.before.find_all(context.text)) {
    const Range sentence = context.sentence({opener.end, opener.end});
    report_quotation(context, {opener.end, std::max(opener.end, sentence.end)}, findings);
  }
  for (const Range& closer : lexicon.quotations.behind.find_all(context.text)) {
    const std::string_view before = folded.substr(0, closer.begin);
    std::size_t begin = std::string_view::npos;
    for (const std::string_view mark : {"“", "「", "\""}) {
      const std::string_view inside =
          before.substr(0, before.size() - std::min(before.size(), std::size_t{1}));
      if (const std::size_t at = inside.rfind(mark);
          at != inside.npos && (begin == before.npos || at > begin))
        begin = at;
    }
    if (begin == std::string_view::npos) continue;
    // "…，这句话" may also stand behind what the reader wrote.
    if (!is_theirs(context, without_marks(folded.substr(begin, closer.begin - begin))))
      report_quotation(context, {begin, closer.begin}, findings);
  }
  if (context.generated) check_marks(context, findings);
}

}  // namespace adlib::copywriter::claims
