#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "adlib/tokenizer/characters.h"
#include "copywriter/polish/typography/text.h"

namespace adlib::copywriter::typography {
namespace {

const Rules& english_mark_rules() {
  static const Rules rules = {
      {"typography/space-before-mark", Level::error, "标点前有空格", "a space before a mark",
       R"((?<=[\p{L}\p{N}%)”"])[^\S\r\n]+(?=[,.;!?](?:\s|\z)))", ""},
      {"typography/space-before-mark", Level::style, "标点前有空格", "a space before a colon",
       R"((?<=[\p{L}\p{N}%)”"])[^\S\r\n]+(?=:(?:[^\S\r\n]+\S|\z)))", ""},
      // Upper case may be sizes: S,M,L.
      {"typography/space-after-mark", Level::error, "逗号后没有空格", "no space after a comma",
       R"((?<=\p{Ll}{2}),(?=\p{L}\p{Ll}))", ", "},
      {"typography/space-after-mark", Level::error, "句号后没有空格", "no space after a full stop",
       R"((?<=\p{Ll}{3}|\p{Ll}[)”"])(?<!\bMrs)\.(?=\p{Lu}\p{Ll}+(?:\s|[,.!?]))(?!\.(?:Com|Net|Org|Js)\b))",
       ". "},
      {"typography/space-after-mark", Level::error, "标点后没有空格", "no space after a mark",
       R"((?<=\p{Ll}{2})[!?;](?=\p{L}{2}))", "$0 "},
      {"typography/repeated-mark", Level::error, "标点重复", "the same mark twice",
       R"((?<=[\p{L}\p{N})”"])\.\.(?=\s|\z))", "."},
      {"typography/wrong-mark", Level::error, "两个不同的标点", "two marks where there should be one",
       R"((?<=[\p{L}\p{N})”"])(?:,[.;:!?]|[;:][.,]|,;)(?=\s|\z))", nullptr},
      {"typography/final-mark", Level::style, "最后一句没有标点", "the last sentence has no mark",
       R"(\A[^\n]*\p{Ll}[.!?]["”’)]*[^\S\n]+["“‘(]?\p{Lu}[^\n]*\s\p{Ll}+\K\z)", nullptr},
  };
  return rules;
}

const Rules& english_words() {
  static const char* const doubled = "单词重复";
  static const char* const twice = "the same word twice";
  static const char* const one = "两样东西其实是同一样";
  static const char* const is_one = "two things that are one";
  static const Rules rules = {
      // The second begins in lower case: "the The North Face jacket" names a brand.
      {"grammar/doubled-word", Level::error, doubled, twice,
       R"((?<![\w’'-])((?i)the|an|of|to|and|or|your|our|my|their|for|with|from|at|by|into|we|they|be|but|its|than)[^\S\r\n]+(?=\p{Ll})(?i:\1)(?![\w’'-]))",
       "$1"},
      {"grammar/doubled-word", Level::error, doubled, twice, R"((?<![\w’'-])(a)[^\S\r\n]+a(?![\w’'-]))",
       "$1"},
      {"grammar/doubled-word", Level::style, doubled, twice,
       R"((?<![\w’'-])(?!(?:that|very|really|much|many|never|long|super|soft|extra|pretty|truly|such|this|more|ever|over|high|deep|fast|slow|good|nice|warm|cool|best|yeah|blah|yada|chop|knock|there|cous|bling|hush|tick|tock|pompom)\b)(\p{Ll}{4,})[^\S\r\n]+\1(?![\w’'-]))",
       nullptr},
      {"grammar/doubled-word", Level::error, "两个冠词", "two articles in a row",
       R"((?<![\w’'-])(?:a an|an a|the a|a the|the an|an the)(?![\w’'-])(?! la\b| cappella\b| posteriori\b))",
       nullptr},
      // Not "loved more and more", which is one thing twice on purpose.
      {"grammar/same-twice", Level::style, one, is_one,
       R"((?<![\w’'-])(?:loves?|likes?|enjoys?|both|between|(?:time|enough|day) for)\s+(?!more |again |over )(\p{L}[\p{L} -]{2,30}?),? and (?:for |both )?\1(?![\w’'-]))",
       nullptr},
      {"grammar/same-twice", Level::style, one, is_one,
       R"((?<![\w’'-])[Yy]ou (love|like|enjoy) (\p{L}[\p{L} -]{2,30}?),? (?:and )?you (?:also )?\1 \2(?![\w’'-]))",
       nullptr},
      // "Then coffee, then coffee": several words; one alone may be said twice for effect.
      {"grammar/same-twice", Level::style, one, is_one,
       R"((?<![\w’'-])(?i)(?!(?:and|so|on|yes|no|go) )(\p{L}[\p{L}’'-]* [\p{L} ’'-]{2,40}), (?:and )?\1(?![\w’'-]))",
       nullptr},
      // "US$ 5", "5 $" and "$AAPL" are something else.
      {"grammar/missing-word", Level::error, "金额没有写出来", "an amount is missing",
       R"((?<![\p{L}\d])(?<!\d )[$£€¥￥](?!\s?\d)(?!\p{L}))", nullptr},
      // Not the roman number: type i, part i.
      {"grammar/capital-i", Level::error, "“I”要大写", "the pronoun I is a capital",
       R"((?:(?<=\s)|(?<=["“‘(])|(?<![\s\S]))(?<!\b[Tt]ype |\b[Pp]art |\b[Cc]lass |\b[Pp]hase |\b[Ss]tage |\b[Gg]rade )i(?=[’'](?:m|ve|ll|d)\b|[^\S\r\n]+\p{Ll}{2,}))",
       "I"},
  };
  return rules;
}

/// A subject, where it must stand to be sure, and verbs that do not agree with it.
struct Agreement {
  const char* subject;  ///< a pattern that ends before the verb; ~: only at the beginning of a clause
  const char* wrong;
  const char* right;  ///< null: the subject may be what is wrong
};

// "A gift for me and you is …", "what suits you is …": only where the clause begins with it.
std::vector<std::pair<Pattern, const char*>> agreements() {
  // "A gift for me and you is …", "what suits you is …": only where a clause begins with it.
  const std::string clause =
      R"((?:(?<![^\n])|(?<=[.!?] )|(?<=[“"])|(?<=\b[Bb]ut )|(?<=\b[Bb]ecause )|(?<=\b[Ii]f )|(?<=\b[Ww]hen )))";
  const std::vector<Agreement> all = {
      {"~[Yy]ou ", "is", "are"},
      {"~[Yy]ou ", "was", "were"},
      {"~[Yy]ou ", "has", "have"},
      {"~[Yy]ou ", "isn(?=[’']t\\b)", "aren"},
      {"~[Yy]ou ", "wasn(?=[’']t\\b)", "weren"},
      {"\\b[Yy]ou ", "doesn(?=[’']t\\b)", "don"},
      {"~(?:[Ww]e|[Tt]hey) ", "is", "are"},
      {"\\b(?:[Ww]e|[Tt]hey) ", "was", "were"},
      {"\\b(?:[Ww]e|[Tt]hey) ", "has", "have"},
      {"\\b(?:[Ww]e|[Tt]hey) ", "isn(?=[’']t\\b)", "aren"},
      {"\\b(?:[Ww]e|[Tt]hey) ", "wasn(?=[’']t\\b)", "weren"},
      {"\\b(?:[Ww]e|[Tt]hey) ", "doesn(?=[’']t\\b)", "don"},
      {"~(?:[Hh]e|[Ss]he|[Ii]t) ", "have", "has"},
      {"~(?:[Hh]e|[Ss]he|[Ii]t) ", "are", "is"},
      {"~(?:[Hh]e|[Ss]he|[Ii]t) ", "don(?=[’']t\\b)", "doesn"},
      {"\\b(?:[Hh]e|[Ss]he) ", "don(?=[’']t\\b)", "doesn"},
      {"~(?:[Hh]e|[Ss]he|[Ii]t) ", "haven(?=[’']t\\b)", "hasn"},
      {"~(?:[Hh]e|[Ss]he|[Ii]t) ", "aren(?=[’']t\\b)", "isn"},
      {"~(?:This|this|That) ", "are", nullptr},
      {"~(?:This|this) ", "have", nullptr},
      {"~(?:[Tt]hese|[Tt]hose) ", "is", nullptr},
      {"~(?:[Tt]hese|[Tt]hose) ", "has", nullptr},
      {"~(?:[Tt]hese|[Tt]hose) ", "was", nullptr},
      {"~I ", "is", "am"},
      {"~I ", "has", "have"},
      {"~I ", "are", "am"},
      {"~I ", "doesn(?=[’']t\\b)", "don"},
      {"\\b(?:doesn|don|didn)[’']t ", "(?:has|had)(?! to\\b)", "have"},
      {"\\b(?:[Ww]ould|[Cc]ould|[Ss]hould) ", "has", "have"},
      {"\\b[Tt]here ",
       "is(?= (?:two|three|four|five|six|seven|eight|nine|ten|several|many|[2-9]|[1-9][0-9]) "
       "(?!dollars|pounds|euros|cents|degrees|miles|metres|meters|feet|inches|minutes|hours|days|weeks|"
       "months|"
       "years|grams|ounces|litres|liters|points|percent)[a-z]+s\\b)",
       "are"},
  };
  std::vector<std::pair<Pattern, const char*>> patterns;
  for (const Agreement& one : all) {
    std::string subject = one.subject;
    if (subject[0] == '~') subject = clause + subject.substr(1);
    patterns.emplace_back(
        Pattern("(?<![’'\\w-])" + subject + "\\K" + one.wrong + "(?:\\b(?![’'-])|(?=[’']t\\b))"), one.right);
  }
  return patterns;
}

void check_agreement(Proof& proof) {
  static const std::vector<std::pair<Pattern, const char*>> patterns = agreements();
  std::vector<std::size_t> seen;
  for (const auto& [pattern, right] : patterns) {
    for (const Pattern::Match& match : pattern.find_all(proof.text())) {
      if (std::find(seen.begin(), seen.end(), match.whole.begin) != seen.end()) continue;
      seen.push_back(match.whole.begin);
      proof.add("grammar/agreement", Level::error, match.whole,
                proof.say("主语和动词不一致", "subject and verb do not agree"),
                right ? std::optional<std::string>(right) : std::nullopt);
    }
  }
}

// Marks of Chinese text, and what an English one has instead.
void chinese_marks(Proof& proof) {
  static const Pattern marks(R"((?<!\p{Han})([，。！？；：（）、])(?!\p{Han}))");
  for (const Pattern::Match& match : marks.find_all(proof.text())) {
    const std::string& text = proof.text();
    const Range at = match.whole;
    const auto is_word = [&](std::size_t i) {
      const auto c = static_cast<unsigned char>(i < text.size() ? text[i] : ' ');
      return c >= 0x80 ? false : is_word_character(c);
    };
    const char32_t mark = code_points(match.text(text))[0];
    std::string fix;
    if (mark == U'（') {
      fix = at.begin > 0 && is_word(at.begin - 1) ? " (" : "(";
    } else {
      fix = mark == U'，' || mark == U'、' ? ","
            : mark == U'。'                ? "."
            : mark == U'！'                ? "!"
            : mark == U'？'                ? "?"
            : mark == U'；'                ? ";"
            : mark == U'：'                ? ":"
                                           : ")";
      if (is_word(at.end)) fix += ' ';
    }
    proof.add("typography/chinese-mark", Level::error, at,
              proof.say("英文里用了中文标点", "a Chinese mark in English"), fix);
  }
}

// What stands before a full stop that ends no sentence.
bool is_abbreviation(std::string_view word) {
  static const Pattern all(
      R"((?i)\A(?:vs|nos?|approx|mrs?|ms|dr|st|inc|co|ltd|corp|oz|lbs?|in|ft|yd|mi|gal|qt|pts?|ct|pp?|min|max|sec|hrs?)"
      R"(|diam?|[ie]ncl|excl|est|etc|ea|ex|figs?|vol|dept|tel|ext|temp|avg|qty|pkg?|pcs?|pr|wt|sq|cu|jan|feb|mar|apr)"
      R"(|aug|sept?|oct|nov|dec|cf|al|ed|eds|gen|bn|tbsp|tsp|assoc|orig|adj|asst|misc)\z)");
  return all.found_in(word);
}

// Words that no brand has for a name. A sentence that begins with any other in lower case may begin with one.
bool is_common(std::string_view word) {
  static const Pattern all(
      R"(\A(?:a|all|also|an|and|as|at|because|before|both|but|buy|by|can|choose|come|comes|do|don['’]t|each|enjoy|every)"
      R"(|for|from|get|give|has|have|he|her|here|his|how|i[fnst]|it['’]?s|just|let|made|many|more|most|my|no|not|now|of|on)"
      R"(|only|or|our|perfect|please|she|so|some|that|the|their|then|there|these|they|they['’]re|this|those|to|try|use)"
      R"(|we|we['’](?:ll|re|ve)|what|when|where|while|why|with|yes|you|you['’](?:ll|re|ve)|your)\z)");
  return all.found_in(word);
}

void check_capitals(Proof& proof) {
  const std::string& text = proof.text();
  // Some write everything in lower case.
  static const Pattern upper(R"(\A[^\p{L}\x1A]*\p{Lu})");
  if (!upper.found_in(text)) return;
  static const Pattern starts(
      R"((?<![\p{L}\p{N}’'-])(\p{L}[\p{L}\p{N}’'-]+)([.!?])[^\S\r\n]+\K([a-z])[a-z]*(?:['’][a-z]+)?(?![\p{L}\p{N}\x1A-]|\.\p{L}))");
  for (const Pattern::Match& match : starts.find_all(text)) {
    const std::string_view before = match.text(text, 1);
    const bool full_stop = match.text(text, 2) == ".";
    if (!is_common(match.text(text)) || (full_stop && is_abbreviation(before))) continue;
    // The mark of "Yahoo! is …" belongs to a name.
    const bool sure = full_stop || !(before[0] >= 'A' && before[0] <= 'Z');
    std::optional<std::string> fix;
    if (sure) fix = std::string(1, static_cast<char>(match.text(text, 3)[0] & ~0x20));
    proof.add("grammar/capital", full_stop ? Level::error : Level::style, match.groups[3],
              proof.say("句首字母要大写", "a sentence begins with a capital"), std::move(fix));
  }
}

}  // namespace

void check_english(Proof& proof) {
  proof.apply(english_mark_rules());
  proof.apply(english_words());
  chinese_marks(proof);
  check_agreement(proof);
  check_capitals(proof);
}

}  // namespace adlib::copywriter::typography
