// The hand-written patterns against PCRE2, and the bridge from Oniguruma's syntax.
#include "tokenizer/src/pretokenizer.h"

#include <random>

#include "adlib/core/error.h"
#include "support/catch.h"
#include "tokenizer/src/regex.h"
#include "tokenizer/src/utf8.h"

using namespace adlib;
using namespace adlib::tok;

namespace {

std::vector<std::string> by_regex(const Regex& regex, const std::string& text) {
  std::vector<Range> ranges;
  regex.find_all(text, ranges);
  std::vector<std::string> out;
  for (const Range& r : ranges) out.push_back(text.substr(r.begin, r.end - r.begin));
  return out;
}

std::vector<std::string> by_hand(NextPiece next, const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = next(text, at);
    REQUIRE(end > at);
    out.push_back(text.substr(at, end - at));
    at = end;
  }
  return out;
}

/// Text dense with what the patterns look at: apostrophes, contractions, white space of every kind, any code
/// point.
std::string random_text(std::mt19937& random) {
  static const std::vector<std::string> parts = {
      " ",      " ",      "  ",     "\n",   "\r", "\r\n",    "\t",  "'",  "'s",     "'S",
      "'T",     "'re",    "'Re",    "'ve",  "'m", "'ll",     "'LL", "'d", "'ſ",     "s",
      "t",      "a",      "Z",      "1",    "23", ".",       ",",   "!?", "\u00a0", "\u3000",
      "\u2028", "\u180e", "\u0085", "中文", "é",  "e\u0301", "½",   "Ⅷ",  "😀"};
  std::string out;
  for (unsigned n = random() % 24; n > 0; --n) {
    if (random() % 4 > 0) {
      out += parts[random() % parts.size()];
      continue;
    }
    char32_t c = random() % (random() % 2 ? 0x3000 : 0x110000);
    if (c >= 0xD800 && c < 0xE000) c = 'x';
    append_utf8(out, c);
  }
  return out;
}

}  // namespace

TEST_CASE("the hand-written patterns cut random text exactly as PCRE2 does", "[tokenizer]") {
  const std::string_view pattern = GENERATE(kGpt2Pattern, kLlama3Pattern, kQwen2Pattern);
  const NextPiece next = fast_pattern(pattern);
  REQUIRE(next != nullptr);
  const Regex regex(pattern, "test");
  std::mt19937 random(7);
  for (int i = 0; i < 20000; ++i) {
    const std::string text = random_text(random);
    if (by_hand(next, text) == by_regex(regex, text)) continue;
    INFO("pattern " << pattern << "\ntext " << text);
    REQUIRE(by_hand(next, text) == by_regex(regex, text));
  }
}

TEST_CASE("the hand-written patterns class every code point as PCRE2 does", "[tokenizer]") {
  const NextPiece next = fast_pattern(kGpt2Pattern);
  const Regex regex(kGpt2Pattern, "test");
  std::string text;  // each character between letters: its own class shows in what joins it
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    text += 'a';
    append_utf8(text, c);
    text += '1';
  }
  CHECK((by_hand(next, text) == by_regex(regex, text)));
}

TEST_CASE("a pattern that is not known by heart has no hand-written form", "[tokenizer]") {
  CHECK(fast_pattern(R"(\s+)") == nullptr);
  CHECK(fast_pattern("") == nullptr);
}

TEST_CASE("patterns mean what Oniguruma means by them", "[tokenizer]") {
  using Strings = std::vector<std::string>;
  CHECK(by_regex(Regex(R"(\s)", "p"), "a\u180e \u3000b") == Strings{" ", "\u3000"});
  CHECK(by_regex(Regex(R"(\w+)", "p"), "e\u0301 a_b ½") == Strings{"e\u0301", "a_b", "½"});
  CHECK(by_regex(Regex(R"([^\w\s]+)", "p"), "a½!") == Strings{"½!"});
  CHECK(by_regex(Regex(R"(^a$)", "p"), "a\nb\na") == Strings{"a", "a"});
  CHECK(by_regex(Regex(R"([\]x]+)", "p"), "a]x") == Strings{"]x"});
  CHECK(by_regex(Regex(R"(\u4e2d)", "p"), "中") == Strings{"中"});
  CHECK(by_regex(Regex("", "p"), "ab").size() == 3);
}

TEST_CASE("constructs that PCRE2 would read otherwise are refused by name", "[tokenizer]") {
  const auto [pattern, named] =
      GENERATE(table<std::string, std::string>({{R"(\h+)", "\\h"},
                                                {R"([a[bc]])", "a class inside a class"},
                                                {R"([a-z&&[^b]])", "class"},
                                                {R"(\p{N}{1,3}+)", "{n,m}+"},
                                                {R"((?m:a.b))", "inline option 'm'"},
                                                {R"([\S])", "\\S inside a class"},
                                                {R"((*UTF)a)", "(*VERB)"}}));
  INFO(pattern);
  CHECK_THROWS_WITH(Regex(pattern, "here"), ContainsSubstring("here: pattern") && ContainsSubstring(named));
}

TEST_CASE("a pattern that does not compile is an error with PCRE2's reason", "[tokenizer]") {
  CHECK_THROWS_WITH(Regex("(a", "here"),
                    ContainsSubstring("does not compile") && ContainsSubstring("parenthesis"));
}

TEST_CASE("a pattern that backtracks without end is stopped with an error", "[tokenizer]") {
  const Regex regex("(a|aa)+$", "here");
  std::vector<Range> out;
  CHECK_THROWS_WITH(regex.find_all(std::string(200, 'a') + "b", out),
                    ContainsSubstring("backtracks too much"));
}

TEST_CASE("megabytes of one character pass through PCRE2", "[tokenizer]") {
  const Regex regex(R"([a-z]+|\s*[\r\n]+|\s+(?!\S)|\s+)", "here");
  for (const char c : {'a', ' '}) {
    std::vector<Range> out;
    regex.find_all(std::string(3'000'000, c) + "\n", out);
    CHECK(out.size() <= 2);
    CHECK(out.back().end == 3'000'001);
  }
}

TEST_CASE("a repetition too deep for the JIT's stack falls back to the interpreter", "[tokenizer]") {
  const Regex regex("(?:[a-z]|x)+", "here");
  std::vector<Range> out;
  regex.find_all(std::string(300'000, 'a'), out);
  REQUIRE(out.size() == 1);
  CHECK(out[0].end == 300'000);
}

TEST_CASE("the five split behaviours cut as Hugging Face's do", "[tokenizer]") {
  const std::string text = "the-final--countdown";
  std::vector<Range> matches;
  match_string("-")(text, matches);
  const auto cut = [&](SplitBehavior behavior) {
    std::vector<Range> out;
    split_at(text.size(), matches, behavior, false, 0, out);
    std::vector<std::string> words;
    for (const Range& r : out) words.push_back(text.substr(r.begin, r.end - r.begin));
    return words;
  };
  using Strings = std::vector<std::string>;
  CHECK(cut(SplitBehavior::removed) == Strings{"the", "final", "countdown"});
  CHECK(cut(SplitBehavior::isolated) == Strings{"the", "-", "final", "-", "-", "countdown"});
  CHECK(cut(SplitBehavior::merged_with_previous) == Strings{"the-", "final-", "-", "countdown"});
  CHECK(cut(SplitBehavior::merged_with_next) == Strings{"the", "-final", "-", "-countdown"});
  CHECK(cut(SplitBehavior::contiguous) == Strings{"the", "-", "final", "--", "countdown"});
}
