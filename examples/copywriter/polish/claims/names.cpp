// Words that are nearly a name: "Sidgeway" for "Sidgway", 静谷 N1 头充电 for 静谷 N1 头戴耳机.
#include <algorithm>

#include "adlib/core/error.h"
#include "adlib/tokenizer/characters.h"
#include "copywriter/polish/claims/context.h"

namespace adlib::copywriter::claims {
namespace {

// Letters, digits and ideographs, each with its place; what else stands in a name is no difference.
struct Letter {
  char32_t c;
  Range where;  // in the folded text
};
std::vector<Letter> letters_of(std::string_view folded) {
  std::vector<Letter> out;
  std::size_t at = 0;
  for (const char32_t c : code_points(folded)) {
    const std::size_t size = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    if (is_word_character(c) || script_of(c) == Script::han || script_of(c) == Script::kana)
      out.push_back({c, {at, at + size}});
    at += size;
  }
  return out;
}

// Of how many letters a name of that many may differ and still seem to be meant.
std::size_t tolerance(const std::vector<Letter>& name) {
  const bool han =
      std::any_of(name.begin(), name.end(), [](Letter one) { return script_of(one.c) == Script::han; });
  const std::size_t n = name.size();
  if (han) return n < 6 ? 0 : n < 12 ? 1 : 2;
  return n < 10 ? 0 : n < 20 ? 1 : n < 32 ? 2 : 3;
}

void report(const Context& context, Range part, std::string_view name, std::vector<Finding>& findings) {
  const std::string words = context.quoted(context.source(part)), right = context.quoted(name);
  findings.push_back(
      {"facts/name", Level::error, context.text.source_of(part),
       context.say(words + "与名称不一致；名称是" + right, words + " is not quite the name, " + right)});
}

// The word around a place of folded text: letters and digits of Latin script, or one ideograph.
Range word_at(std::string_view folded, std::size_t at) {
  const auto is_letter = [&](std::size_t i) {
    return i < folded.size() &&
           ((folded[i] >= 'a' && folded[i] <= 'z') || (folded[i] >= '0' && folded[i] <= '9'));
  };
  Range word{at, at};
  while (word.begin > 0 && is_letter(word.begin - 1)) --word.begin;
  while (is_letter(word.end)) ++word.end;
  return word;
}

// Sellers' algorithm ("The theory and computation of evolutionary distances", 1980): the ends of the parts of
// a text that differ least from a pattern.
void check_near_title(const Context& context, std::string_view title, std::vector<Finding>& findings) {
  const std::string folded_title = folded_text(title);
  const std::vector<Letter> name = letters_of(folded_title), text = letters_of(context.text.folded());
  const std::size_t most = tolerance(name);
  if (most == 0 || text.size() + most < name.size()) return;
  struct Cell {
    std::size_t cost, begin;  // begin: of the part, a letter of the text
  };
  std::vector<Cell> row(name.size() + 1), next(name.size() + 1);
  for (std::size_t i = 0; i <= name.size(); ++i) row[i] = {i, 0};
  std::vector<std::pair<std::size_t, Range>> near;  // cost, part
  for (std::size_t j = 0; j < text.size(); ++j) {
    next[0] = {0, j + 1};
    for (std::size_t i = 1; i <= name.size(); ++i) {
      const std::size_t change = row[i - 1].cost + (name[i - 1].c == text[j].c ? 0 : 1);
      Cell best{change, row[i - 1].begin};
      if (row[i].cost + 1 < best.cost) best = {row[i].cost + 1, row[i].begin};
      if (next[i - 1].cost + 1 < best.cost) best = {next[i - 1].cost + 1, next[i - 1].begin};
      next[i] = best;
    }
    std::swap(row, next);
    const Cell end = row[name.size()];
    if (end.cost <= most && end.begin <= j)
      near.push_back({end.cost, {text[end.begin].where.begin, text[j].where.end}});
  }
  std::stable_sort(near.begin(), near.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Range> taken;
  for (const auto& [cost, part] : near) {
    if (std::any_of(taken.begin(), taken.end(), [part = part](Range one) { return one.overlaps(part); }))
      continue;
    const std::string_view folded = context.text.folded();
    // "Ukulelele" is no Ukulele.
    const bool whole = is_word_edge(folded, part.begin) && is_word_edge(folded, part.end);
    if (cost == 0 && !whole) {
      const Range longer{word_at(folded, part.begin).begin, word_at(folded, part.end).end};
      taken.push_back(longer);
      if (!context.facts.hold(context.at(longer))) report(context, longer, title, findings);
      continue;
    }
    const bool right = cost == 0 || context.is_known(part);
    // Words that end where the name goes on are no other name; it may go wrong behind them.
    if (!right && (context.facts.hold(context.at(part)) || !whole)) continue;
    taken.push_back(part);
    if (right) continue;
    report(context, part, title, findings);
  }
}

bool is_capital(std::string_view words) { return !words.empty() && words[0] >= 'A' && words[0] <= 'Z'; }
bool starts_with_han(std::string_view text) {
  const std::u32string first = code_points(text.substr(0, std::min<std::size_t>(text.size(), 3)));
  return !first.empty() && script_of(first[0]) == Script::han;
}

class NearNames {
 public:
  NearNames(const Context& context, std::span<const IndexMatch> matches, std::vector<Finding>& findings)
      : context_(context), matches_(matches), findings_(findings) {}

  // A name that begins rightly and goes wrong inside of one of its later words: "Oxford Should".
  void check_beginning(std::string_view name) {
    const std::string title = folded_text(name);
    std::vector<std::size_t> begins;  // of its words
    for (std::size_t from = 0, at = 0; from < name.size();) {
      const std::size_t space = std::min(name.find(' ', from), name.size());
      const std::string word = folded_text(name.substr(from, space - from));
      at = title.find(word, at);
      if (at == std::string::npos) return;
      if (!word.empty()) begins.push_back(at);
      at += word.size();
      from = space + 1;
    }
    if (begins.size() < 2) return;
    const std::string_view folded = context_.text.folded();
    const std::string_view head = std::string_view(title).substr(0, begins[1]);
    for (std::size_t at = folded.find(head); at != std::string_view::npos; at = folded.find(head, at + 1)) {
      if (!is_word_edge(folded, at)) continue;
      std::size_t same = 0;
      while (same < title.size() && at + same < folded.size() && folded[at + same] == title[same]) ++same;
      if (same == title.size()) continue;
      while (same > 0 && (static_cast<unsigned char>(title[same]) & 0xC0) == 0x80)
        --same;  // whole characters
      const std::size_t begin = *(std::upper_bound(begins.begin(), begins.end(), same) - 1);
      if (begin == 0 || same <= begin || title[same] == ' ' || at + same >= folded.size()) continue;
      const std::string_view rest = folded.substr(at + same);
      Range part{at, 0};
      if (starts_with_han(title.substr(same))) {
        if (!starts_with_han(rest)) continue;
        part.end = at + same + 3;
      } else {
        const Range word = word_at(folded, at + same);
        if (!is_capital(context_.source({at + begin, word.end}))) continue;
        part.end = word.end;
      }
      take(part, name);
    }
  }
  // A capitalised word that differs from a brand of one word by a letter or two.
  void check_brand(std::string_view name) {
    const std::string brand = folded_text(name);
    if (brand.size() < kShortestBrand || word_at(brand, 0).end != brand.size()) return;
    const std::size_t most = brand.size() < kLongBrand ? 1 : 2;
    const std::string_view folded = context_.text.folded();
    for (std::size_t at = 0; at < folded.size();) {
      const Range word = word_at(folded, at);
      if (word.end == at) {  // no letter there
        ++at;
        continue;
      }
      at = word.end;
      const std::string_view words = context_.at(word);
      const std::size_t longer = std::max(words.size(), brand.size());
      if (longer - std::min(words.size(), brand.size()) > most || words == brand ||
          !is_capital(context_.source(word)))
        continue;
      if (distance(words, brand) <= most && !begins_sentence(word)) take(word, name);
    }
  }

 private:
  static constexpr std::size_t kShortestBrand = 6, kLongBrand = 8;  // letters

  // A word there has a capital anyway.
  bool begins_sentence(Range word) const {
    const Range sentence = context_.sentence(word);
    const std::string_view before = context_.at({sentence.begin, word.begin});
    return std::none_of(before.begin(), before.end(), [](char c) { return c >= 'a' && c <= 'z'; }) &&
           !is_capital(context_.source({std::min(word.end + 1, sentence.end), sentence.end}));
  }
  // Levenshtein's.
  static std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
      std::size_t corner = row[0]++;
      for (std::size_t j = 1; j <= b.size(); ++j) {
        const std::size_t change = corner + (a[i - 1] == b[j - 1] ? 0 : 1);
        corner = row[j];
        row[j] = std::min({change, row[j] + 1, row[j - 1] + 1});
      }
    }
    return row[b.size()];
  }
  void take(Range part, std::string_view name) {
    const auto in_title = [&](const IndexMatch& match) {
      return (match.entry->kind == IndexEntry::Kind::title || match.entry->kind == IndexEntry::Kind::brand) &&
             match.where.contains(part);
    };
    if (context_.is_known(part) || context_.facts.hold(context_.at(part)) ||
        std::any_of(matches_.begin(), matches_.end(), in_title))
      return;
    for (const std::string& theirs : context_.facts.theirs) {
      if (holds_words(theirs, context_.at(part))) return;
    }
    report(context_, part, name, findings_);
  }

  const Context& context_;
  std::span<const IndexMatch> matches_;
  std::vector<Finding>& findings_;
};

}  // namespace

void check_near_names(const Context& context, std::span<const std::string> names,
                      std::span<const IndexMatch> matches, std::vector<Finding>& findings) {
  if (names.empty()) return;
  for (const std::string& name : names) check_near_title(context, name, findings);
  NearNames near(context, matches, findings);
  for (const std::string& name : names) {
    near.check_beginning(name);
    near.check_brand(name);
  }
}

}  // namespace adlib::copywriter::claims
