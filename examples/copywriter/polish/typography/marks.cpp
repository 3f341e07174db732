#include <algorithm>
#include <array>
#include <vector>

#include "adlib/tokenizer/characters.h"
#include "copywriter/polish/typography/text.h"

namespace adlib::copywriter::typography {
namespace {

struct Pair {
  char32_t open, close;
  std::size_t kind;  ///< the same for both widths
};
constexpr std::array<Pair, 13> kPairs = {{{U'(', U')', 0},
                                          {U'（', U'）', 0},
                                          {U'[', U']', 1},
                                          {U'［', U'］', 1},
                                          {U'《', U'》', 2},
                                          {U'〈', U'〉', 3},
                                          {U'「', U'」', 4},
                                          {U'『', U'』', 5},
                                          {U'【', U'】', 6},
                                          {U'〔', U'〕', 7},
                                          {U'“', U'”', 8},
                                          {U'‘', U'’', 9},
                                          {U'〖', U'〗', 10}}};

const Pair* opened_by(char32_t c) {
  const auto* at =
      std::find_if(kPairs.begin(), kPairs.end(), [&](const Pair& pair) { return pair.open == c; });
  return at == kPairs.end() ? nullptr : at;
}
const Pair* closed_by(char32_t c) {
  const auto* at =
      std::find_if(kPairs.begin(), kPairs.end(), [&](const Pair& pair) { return pair.close == c; });
  return at == kPairs.end() ? nullptr : at;
}

class PairCheck {
 public:
  explicit PairCheck(Proof& proof) : proof_(proof), text_(characters(proof.text())) {
    const std::string_view source = proof.source();
    for (std::size_t i = 0; i < source.size(); ++i) {
      if (source[i] == ')' && proof.text()[i] == kBlank) blank_bracket_ = true;
    }
  }

  void run() {
    twins();
    for (std::size_t i = 0; i < text_.size(); ++i) {
      if (is_settled(i)) continue;
      const char32_t c = text_[i].code;
      if (opened_by(c)) {
        // A quote of several paragraphs is opened again by each.
        if (c == U'“' && at_line_start(i) && !open_.empty() && text_[open_.back()].code == c) pop();
        if (c == U'‘' && is_elision(i)) continue;
        open_.push_back(i);
        ++waiting_[kind_of(c)];
      } else if (const Pair* closing = closed_by(c)) {
        close(i, *closing);
      }
    }
    for (const std::size_t i : open_) unclosed(i);
    straight_quotes();
  }

 private:
  char32_t at(std::size_t i) const { return i < text_.size() ? text_[i].code : 0; }
  char32_t before(std::size_t i) const { return i > 0 ? text_[i - 1].code : 0; }
  bool at_line_start(std::size_t i) const { return i == 0 || text_[i - 1].code == '\n'; }
  bool is_settled(std::size_t i) const { return std::binary_search(settled_.begin(), settled_.end(), i); }

  static std::size_t kind_of(char32_t opening) { return opened_by(opening)->kind; }
  void pop() {
    --waiting_[kind_of(text_[open_.back()].code)];
    open_.pop_back();
  }

  // Of two quotes of a line, both opening or both closing, one is turned the wrong way.
  void twins() {
    for (std::size_t begin = 0; begin < text_.size();) {
      std::vector<std::size_t> quotes;
      std::size_t end = begin;
      for (; end < text_.size() && text_[end].code != '\n'; ++end) {
        if (text_[end].code == U'“' || text_[end].code == U'”') quotes.push_back(end);
      }
      begin = end + 1;
      if (quotes.size() != 2 || text_[quotes[0]].code != text_[quotes[1]].code) continue;
      const bool opening = text_[quotes[0]].code == U'“';
      if (!opening && (digit_value(before(quotes[0])) >= 0 || digit_value(before(quotes[1])) >= 0))
        continue;  // inches
      if (quotes[1] == quotes[0] + 1) continue;
      const std::size_t wrong = opening ? quotes[1] : quotes[0];
      proof_.add("typography/pair", Level::error, text_[wrong].at,
                 proof_.say("引号的方向反了", "this quotation mark is turned the wrong way"),
                 opening ? "”" : "“");
      settled_.insert(settled_.end(), {quotes[0], quotes[1]});
    }
  }

  // ‘90s, rock ‘n’ roll
  bool is_elision(std::size_t i) const {
    const char32_t next = at(i + 1), second = at(i + 2);
    return digit_value(next) >= 0 || (next == U'n' && !is_word_character(second)) ||
           (next == U'e' && second == U'm') || (next == U't' && (second == U'i' || second == U'w'));
  }

  // "1) ", "a) ", "二）": what numbers the items of a list.
  bool is_item_number(std::size_t i) const {
    constexpr std::u32string_view numerals = U"一二三四五六七八九十";
    const auto counts = [&](char32_t c) {
      return is_word_character(c) || numerals.find(c) != std::u32string_view::npos;
    };
    std::size_t begin = i;
    while (begin > 0 && counts(text_[begin - 1].code)) --begin;
    return begin < i && i - begin <= 2 && script_of(before(begin)) != Script::han;
  }

  void close(std::size_t i, const Pair& pair) {
    const char32_t c = text_[i].code;
    if (c == U'’') {
      const bool quoted = waiting_[kind_of(U'‘')] > 0;
      const bool apostrophe = script_of(before(i)) == Script::latin && script_of(at(i + 1)) == Script::latin;
      if (!quoted || apostrophe) return;
    }
    if (waiting_[pair.kind] == 0) {
      if (c == U'”' && (digit_value(before(i)) >= 0)) return;  // inches
      if ((c == U')' || c == U'）') && is_item_number(i)) return;
      const char32_t eyes = before(i);
      if (c == U')' && (eyes == U':' || eyes == U';' || eyes == U'=' || eyes == U'-' || eyes == U'^')) return;
      proof_.add("typography/pair", Level::error, text_[i].at,
                 proof_.say("缺少与它成对的前半个标点", "nothing opens what this closes"));
      return;
    }
    while (kind_of(text_[open_.back()].code) != pair.kind) {
      unclosed(open_.back());
      pop();
    }
    const Pair& opening = *opened_by(text_[open_.back()].code);
    pop();
    if (opening.close != c) {
      proof_.add("typography/pair", Level::error, text_[i].at,
                 proof_.say("前后半个标点的宽度不同", "this mark is not as wide as the one that opens it"),
                 utf8(std::u32string(1, opening.close)));
    }
  }

  void unclosed(std::size_t i) {
    const char32_t c = text_[i].code;
    if (c == U'‘' && proof_.language() == Language::en) return;  // as often an apostrophe
    if (c == U'(' && blank_bracket_) return;
    proof_.add("typography/pair", Level::error, text_[i].at,
               proof_.say("缺少与它成对的后半个标点", "nothing closes what this opens"));
  }

  void straight_quotes() {
    std::vector<std::size_t> quotes;
    bool inches = false;
    for (std::size_t i = 0; i < text_.size(); ++i) {
      if (text_[i].code != U'"') continue;
      if (digit_value(before(i)) >= 0)
        inches = true;  // or the end of a quote
      else
        quotes.push_back(i);
    }
    if (quotes.size() % 2 == 0 || inches) return;
    proof_.add("typography/pair", Level::error, text_[quotes.back()].at,
               proof_.say("引号不成对", "this quotation mark has no counterpart"));
  }

  Proof& proof_;
  std::vector<Character> text_;
  std::vector<std::size_t> open_, settled_;
  std::array<std::size_t, kPairs.size()> waiting_{};  // of open_, by kind
  bool blank_bracket_ = false;  // one went into an emoticon: it may have been the one that closes
};

// The same kind of quote or apostrophe in two forms.
void check_mixed_quotes(Proof& proof) {
  static const Pattern straight("(?<!\\d)\""), curly("[“”]"), plain(R"((?<=\p{L})'(?=\p{L}))"),
      typographic(R"((?<=\p{L})’(?=\p{L}))");
  const char* message = proof.say("直引号与弯引号混用", "straight and curly quotation marks are mixed");
  const auto a = straight.find_all(proof.text()), b = curly.find_all(proof.text());
  if (a.size() >= 2 && b.size() >= 2) {
    proof.add("typography/mixed-quotes", Level::style, (a.size() <= b.size() ? a : b)[0].whole, message);
  }
  const auto c = plain.find_all(proof.text()), d = typographic.find_all(proof.text());
  if (c.empty() || d.empty()) return;
  const bool to_curly = c.size() < d.size();
  for (const Pattern::Match& match : to_curly ? c : d) {
    proof.add("typography/mixed-quotes", Level::style, match.whole,
              proof.say("直撇号与弯撇号混用", "straight and curly apostrophes are mixed"),
              to_curly ? "’" : "'");
  }
}

void full_width_letters(Proof& proof) {
  static const Pattern letters("[Ａ-Ｚａ-ｚ０-９]+");
  for (const Pattern::Match& match : letters.find_all(proof.text())) {
    std::u32string narrow = code_points(match.text(proof.text()));
    for (char32_t& c : narrow) c -= U'Ａ' - U'A';
    proof.add("typography/full-width-letter", proof.language() == Language::zh ? Level::style : Level::error,
              match.whole, proof.say("字母和数字用了全角", "full-width letters or digits"), utf8(narrow));
  }
}

}  // namespace

void check_marks(Proof& proof) {
  static const Rules rules = {
      // Two ideographic spaces indent a paragraph.
      {"typography/outer-space", Level::style, "首尾有空白", "white space at the end",
       R"(\A(?!\x{3000}{2}\S)\s+|\s+\z|(?<=\S)[^\S\r\n]+(?=\r?\n))", ""},
      {"typography/double-space", Level::style, "连续的空格", "more than one space",
       R"((?<=\S)[^\S\r\n]{2,}(?=\S))", " "},
      {"typography/repeated-mark", Level::error, "标点重复", "the same mark twice",
       R"(([，、；：])\1{2,}(*SKIP)(*FAIL)|([，、；：])\2)", "$2"},
      {"typography/repeated-mark", Level::style, "标点重复", "the same mark many times",
       R"(([，、；：])\1{2,})", nullptr},
      {"typography/repeated-mark", Level::error, "标点重复", "the same mark twice", "(?<!。)。。(?!。)",
       "。"},
      {"typography/repeated-mark", Level::error, "标点重复", "the same mark twice",
       R"((?<=[\p{L}\p{N})”"]),,(?!,))", ","},
      {"typography/repeated-mark", Level::error, "标点重复", "the same mark twice",
       R"((?<=[\p{L}\p{N})”"]);;(?!;))", ";"},
      {"typography/repeated-mark", Level::style, "叹号或问号重复", "one mark is enough", R"(([!?！？])\1+)",
       nullptr},
  };
  proof.apply(rules);
  full_width_letters(proof);
  check_mixed_quotes(proof);
}

void check_pairs(Proof& proof) { PairCheck(proof).run(); }

}  // namespace adlib::copywriter::typography
