#include "copywriter/rules/phrase_pattern.h"

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>

#include "adlib/core/error.h"
#include "adlib/tokenizer/characters.h"
#include "copywriter/rules/pcre2_code.h"

namespace adlib::copywriter {
namespace {

constexpr std::size_t kMostPhrases = 500;      // that are listed of one pattern
constexpr std::size_t kEnoughLetters = 2;      // of a key, to which choices would add many others
constexpr std::size_t kSafeRegex = 24'000;     // bytes, which make less code than PCRE2's limit
constexpr std::size_t kLargestRegex = 12'000;  // bytes; PCRE2's code has an upper limit of 64 KiB
constexpr std::size_t kFarthest = 400;  // bytes by which an exception may begin before a match, or end behind

// Folded text has no other forms of these marks.
constexpr const char* kGap = "[^.。!?;\\n]{0,20}?";
// Not possessive: pcre2_dfa_match() of 10.42 loses matches beside a gap then.
constexpr const char* kNumber = "[0-9]+(?:[.,][0-9]+)*(?![0-9])";
// Where nothing but a gap goes before a number it begins where its digits do: to try at each of them takes
// time that grows with the square of their count.
constexpr const char* kNumberBegins = "(?<![0-9])(?<![0-9][.,])";
// Where a phrase begins or ends in letters, a word must, too. \b would see an end between 最 and a.
constexpr const char* kEdge =
    "(?!(?<=[\\p{Latin}\\p{Cyrillic}\\p{Greek}0-9])[\\p{Latin}\\p{Cyrillic}\\p{Greek}0-9])";

// What a pattern consists of, in the order of the text.
struct Part {
  enum Kind { text, gap, number, choice } kind = text;
  std::u32string letters = {};
  std::vector<std::vector<Part>> alternatives = {};  // of a choice
};
using Parts = std::vector<Part>;

class Parser {
 public:
  explicit Parser(const PhraseSource& phrase) : phrase_(phrase), text_(code_points(phrase.text)) {}
  Parts parse() {
    Parts parts = sequence(false);
    if (at_ < text_.size()) refuse("'}' closes nothing");
    return parts;
  }

 private:
  [[noreturn]] void refuse(const char* what) const {
    fail(ErrorCode::bad_format, phrase_.where, ": phrase '", phrase_.text, "': ", what);
  }
  Parts sequence(bool inside) {
    Parts parts;
    const auto add = [&](char32_t letter) {
      if (parts.empty() || parts.back().kind != Part::text) parts.push_back({});
      parts.back().letters += letter;
    };
    while (at_ < text_.size() && text_[at_] != U'}' && !(inside && text_[at_] == U'|')) {
      const char32_t c = text_[at_++];
      switch (c) {
        case U'~':
          parts.push_back({Part::gap});
          break;
        case U'#':
          parts.push_back({Part::number});
          break;
        case U'{':
          parts.push_back(choice());
          break;
        case U'\\':
          if (at_ == text_.size()) refuse("'\\' stands at its end; write '\\\\' for the character");
          add(text_[at_++]);
          break;
        default:
          add(c);
      }
    }
    return parts;
  }
  Part choice() {
    Part part{Part::choice};
    do {
      part.alternatives.push_back(sequence(true));
      if (at_ == text_.size()) refuse("'{' is never closed; write '\\{' for the character");
    } while (text_[at_++] == U'|');
    return part;
  }

  const PhraseSource& phrase_;
  std::u32string text_;
  std::size_t at_ = 0;
};

bool is_open(const Parts& parts) {
  return std::any_of(parts.begin(), parts.end(), [](const Part& part) {
    return part.kind == Part::gap || part.kind == Part::number ||
           std::any_of(part.alternatives.begin(), part.alternatives.end(), is_open);
  });
}

// Whether words may matter to it: without, PCRE2 knows better where a match can begin.
bool has_word_characters(const Parts& parts) {
  return std::any_of(parts.begin(), parts.end(), [](const Part& part) {
    return part.kind == Part::number ||
           std::any_of(part.letters.begin(), part.letters.end(), is_word_character) ||
           std::any_of(part.alternatives.begin(), part.alternatives.end(), has_word_characters);
  });
}

// The fewest letters that a match can have.
std::size_t shortest(const Parts& parts) {
  std::size_t letters = 0;
  for (const Part& part : parts) {
    std::u32string folded;
    for (const char32_t c : part.letters) append_rule_letters(folded, c);
    letters += folded.size() + (part.kind == Part::number ? 1 : 0);
    if (part.alternatives.empty()) continue;
    std::size_t least = shortest(part.alternatives.front());
    for (const Parts& alternative : part.alternatives) least = std::min(least, shortest(alternative));
    letters += least;
  }
  return letters;
}

// How many phrases a pattern stands for, up to one more than are listed.
std::size_t count_of(const Parts& parts) {
  std::size_t count = 1;
  for (const Part& part : parts) {
    std::size_t choices = part.alternatives.empty() ? 1 : 0;
    for (const Parts& alternative : part.alternatives) choices += count_of(alternative);
    count = std::min(count * choices, kMostPhrases + 1);
  }
  return count;
}

std::vector<std::u32string> expand(const Parts& parts) {
  std::vector<std::u32string> all = {U""};
  for (const Part& part : parts) {
    std::vector<std::u32string> ends, longer;
    if (part.kind == Part::text) ends = {part.letters};
    for (const Parts& alternative : part.alternatives) {
      for (std::u32string& end : expand(alternative)) ends.push_back(std::move(end));
    }
    for (const std::u32string& begin : all) {
      for (const std::u32string& end : ends) longer.push_back(begin + end);
    }
    all = std::move(longer);
  }
  return all;
}

// Runs of letters, of which a text that a pattern is found in holds one.
struct Keys {
  std::vector<std::u32string> open = {U""};  // what comes next in the pattern stands right behind them
  std::vector<std::u32string> closed = {};

  void close(std::size_t letters) {  // those that have so many
    const auto done = std::stable_partition(open.begin(), open.end(),
                                            [&](const std::u32string& key) { return key.size() < letters; });
    closed.insert(closed.end(), done, open.end());
    open.erase(done, open.end());
  }
  std::size_t shortest() const {
    std::size_t least = kPhraseKeyLetters;
    for (const auto* list : {&open, &closed}) {
      for (const std::u32string& key : *list) least = std::min(least, key.size());
    }
    return least;
  }
};

void drop_repeated(std::vector<std::u32string>& list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

template <class Iterator>
void extend(Keys& keys, Iterator part, Iterator end) {
  for (; part != end && !keys.open.empty(); ++part) {
    if (part->kind == Part::gap || part->kind == Part::number) keys.close(1);
    for (const char32_t c : part->letters) {
      if (is_white_space(c)) {
        keys.close(1);
        continue;
      }
      for (std::u32string& key : keys.open) {
        append_rule_letters(key, c);
        if (key.size() > kPhraseKeyLetters) key.resize(kPhraseKeyLetters);
      }
      keys.close(kPhraseKeyLetters);
    }
    if (part->alternatives.empty()) continue;
    keys.close(kEnoughLetters);
    Keys all{{}, std::move(keys.closed)};
    for (const Parts& alternative : part->alternatives) {
      Keys longer{keys.open, {}};
      extend(longer, alternative.begin(), alternative.end());
      all.open.insert(all.open.end(), longer.open.begin(), longer.open.end());
      all.closed.insert(all.closed.end(), longer.closed.begin(), longer.closed.end());
    }
    drop_repeated(all.open);
    keys = std::move(all);
  }
}

// Adds the regular expression of a pattern over folded text, and tells how many letters it asks for at most.
// A space also matches a hyphen or nothing, since people write "best seller" in all three ways. `edge` is
// what must hold where a gap begins and ends; `open` tells that the pattern or a gap ends right before.
std::size_t append_regex(std::string& out, const Parts& parts, const std::string& edge, bool open = true) {
  std::size_t length = 0;
  for (const Part& part : parts) {
    const bool begins = std::exchange(open, part.kind == Part::gap);
    bool space = false;
    for (const char32_t c : part.letters) {
      if (is_white_space(c)) {
        if (!space) out += " ?-? ?";
        space = true;
        continue;
      }
      space = false;
      std::u32string letters;
      append_rule_letters(letters, c);
      length += letters.size();
      for (const char32_t letter : letters) {
        const bool plain = letter >= 0x80 || digit_value(letter) >= 0 || (letter >= 'a' && letter <= 'z');
        if (!plain) out += '\\';
        out += utf8(std::u32string_view(&letter, 1));
      }
    }
    if (part.kind == Part::gap) out += edge + kGap + edge;
    if (part.kind == Part::number) out += concat(begins ? kNumberBegins : "", kNumber), ++length;
    if (part.kind != Part::choice) continue;
    // PCRE2 takes the first alternative that matches: the longest stands first.
    std::vector<std::pair<std::size_t, std::string>> all;
    for (const Parts& alternative : part.alternatives) {
      std::string regex;
      const std::size_t letters = append_regex(regex, alternative, edge, begins);
      all.emplace_back(letters, std::move(regex));
    }
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    length += all.front().first;
    std::string choice;
    for (const auto& one : all) choice += (choice.empty() ? "(?:" : "|") + one.second;
    out += choice + ")";
  }
  return length;
}

// The first match of a code from a byte on. Folded text is well-formed: to check so at each match would take
// most of the time.
std::optional<Range> first(const Pcre2Code& code, std::string_view folded, std::size_t from) {
  thread_local const Pcre2Match data(pcre2_match_data_create(1, nullptr));
  const auto match = [&](std::uint32_t options) {
    return code.match(folded, from, PCRE2_NO_UTF_CHECK | options, data.get());
  };
  int found = match(0);
  if (found == PCRE2_ERROR_JIT_STACKLIMIT) found = match(PCRE2_NO_JIT);
  if (found == PCRE2_ERROR_NOMATCH) return std::nullopt;
  require(found >= 0, "a text of ", folded.size(), " bytes is too hard for the rules (PCRE2 error ", found,
          "); check it in parts");
  const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(data.get());
  return Range{ends[0], ends[1]};
}

}  // namespace

std::vector<std::string> plain_phrases(const PhraseSource& phrase) {
  const Parts parts = Parser(phrase).parse();
  std::vector<std::string> out;
  if (is_open(parts) || count_of(parts) > kMostPhrases) return out;
  for (std::u32string& one : expand(parts)) {
    out.push_back(utf8(one));
    if (one.find(U' ') != std::u32string::npos) {  // "best seller" is also "best-seller"
      std::u32string joined = one;
      std::replace(joined.begin(), joined.end(), U' ', U'-');
      out.push_back(utf8(joined));
    }
    if (one.find(U'\'') == std::u32string::npos) continue;
    std::replace(one.begin(), one.end(), U'\'', U'’');
    out.push_back(utf8(one));
  }
  return out;
}

std::vector<std::u32string> phrase_keys(const PhraseSource& phrase) {
  // What stands in the middle may tell more than the beginning: 你~糖尿病.
  const Parts parts = Parser(phrase).parse();
  Keys best;
  for (auto begin = parts.begin(); begin != parts.end() && best.shortest() < kEnoughLetters; ++begin) {
    Keys keys;
    extend(keys, begin, parts.end());
    if (keys.shortest() > best.shortest()) best = std::move(keys);
  }
  if (best.shortest() == 0) return {};
  best.close(0);
  drop_repeated(best.closed);
  return best.closed;
}

std::string escaped_phrase(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("{|}~#\\").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

/// Some of the phrases: one regular expression, which is compiled when it is first needed. Most rules are
/// about other languages and words than the texts at hand, and to compile them all is most of what reading
/// them would take.
class PhraseMatcher::Expression {
 public:
  Expression(std::string regex, std::string where) : regex_(std::move(regex)), where_(std::move(where)) {
    if (regex_.size() > kSafeRegex) (void)code();  // may be too large: that is told at once
  }
  const Pcre2Code& code() const {
    std::call_once(once_, [this] {
      std::string error;
      code_ = Pcre2Code::compile(regex_, PCRE2_UTF, error);
      if (!code_) fail(ErrorCode::bad_format, where_, ": these phrases make no pattern: ", error);
    });
    return *code_;
  }

 private:
  std::string regex_, where_;
  mutable std::once_flag once_;
  mutable std::shared_ptr<const Pcre2Code> code_;
};

PhraseMatcher::PhraseMatcher(const std::vector<PhraseSource>& phrases) {
  std::vector<std::pair<std::size_t, std::string>> all;  // length, regular expression
  for (const PhraseSource& phrase : phrases) {
    const Parts parts = Parser(phrase).parse();
    const std::string edge = has_word_characters(parts) ? kEdge : "";
    std::string regex = !parts.empty() && parts.front().kind == Part::number ? "" : edge;
    const std::size_t length = append_regex(regex, parts, edge);
    if (shortest(parts) == 0) {
      fail(ErrorCode::bad_format, phrase.where, ": phrase '", phrase.text,
           "': there is nothing in it to look for");
    }
    if (parts.back().kind != Part::number) regex += edge;
    all.emplace_back(length, std::move(regex));
  }
  if (all.empty()) return;
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string regex;
  for (const auto& one : all) {
    if (regex.size() > kLargestRegex) {
      expressions_.push_back(std::make_shared<Expression>(std::exchange(regex, {}), phrases.front().where));
      regex.clear();
    }
    regex += (regex.empty() ? "" : "|") + one.second;
  }
  expressions_.push_back(std::make_shared<Expression>(std::exchange(regex, {}), phrases.front().where));
}

bool PhraseMatcher::found_in(const FoldedText& text) const {
  return std::any_of(expressions_.begin(), expressions_.end(), [&](const auto& expression) {
    return first(expression->code(), text.folded(), 0).has_value();
  });
}

std::vector<Range> PhraseMatcher::find_all(const FoldedText& text) const {
  std::vector<Range> out;
  std::vector<std::optional<Range>> next;  // match of each code
  for (const auto& expression : expressions_) next.push_back(first(expression->code(), text.folded(), 0));
  for (;;) {
    const std::optional<Range>* best = nullptr;
    for (const std::optional<Range>& match : next) {
      const auto before = [](Range a, Range b) {
        return a.begin != b.begin ? a.begin < b.begin : a.end > b.end;
      };
      if (match && (!best || before(*match, **best))) best = &match;
    }
    if (!best) return out;
    out.push_back(**best);
    for (std::size_t i = 0; i < expressions_.size(); ++i) {
      if (next[i] && next[i]->begin < out.back().end)
        next[i] = first(expressions_[i]->code(), text.folded(), out.back().end);
    }
  }
}

bool PhraseMatcher::covers(const FoldedText& text, Range range) const {
  if (empty()) return false;
  // pcre2_dfa_match() finds the longest match at a place, whatever the order of the alternatives, but takes
  // its time: it is asked only where there is a match.
  thread_local const Pcre2Match data(pcre2_match_data_create(1, nullptr));
  thread_local std::vector<int> space(1000);
  const std::string_view all = text.folded();
  const auto inside = [&](std::size_t at) {  // of a character
    return at < all.size() && (static_cast<unsigned char>(all[at]) & 0xC0) == 0x80;
  };
  std::size_t farthest = range.begin > kFarthest ? range.begin - kFarthest : 0;
  while (inside(farthest)) ++farthest;
  std::size_t end = std::min(range.end + kFarthest, all.size());
  while (inside(end)) ++end;
  const std::string_view near = all.substr(0, end);  // or each search would go on to the end of the text
  for (const auto& expression : expressions_) {
    for (std::size_t at = farthest; at <= range.begin;) {
      const std::optional<Range> match = first(expression->code(), near, at);
      if (!match || match->begin > range.begin) break;
      at = match->begin;
      int found = 0;
      while ((found = pcre2_dfa_match(expression->code().get(), pcre2_bytes(all), all.size(), at,
                                      PCRE2_ANCHORED | PCRE2_NO_UTF_CHECK, data.get(), nullptr, space.data(),
                                      space.size())) == PCRE2_ERROR_DFA_WSSIZE) {
        space.resize(2 * space.size());
      }
      if (found >= 0 && pcre2_get_ovector_pointer(data.get())[1] >= range.end) return true;
      do ++at;
      while (inside(at));
    }
  }
  return false;
}

}  // namespace adlib::copywriter
