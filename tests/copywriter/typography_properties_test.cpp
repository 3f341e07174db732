// What holds of the typography of every text: of the corpus's copies, of cases in any order, of any bytes.
#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "adlib/tokenizer/characters.h"
#include "copywriter/rules/rule_pack.h"
#include "copywriter/shop/text.h"
#include "corpus_support.h"
#include "typography_support.h"

namespace adlib::copywriter {

using namespace std::string_view_literals;
using namespace typography_data;

namespace {

std::vector<std::string> copies(Language language, std::size_t count) {
  const corpus::ExampleMaker maker = test::example_maker({});
  std::vector<std::string> all;
  for (std::uint64_t i = 0; i < count; ++i) {
    all.emplace_back(trim(maker.make(71, i, language).copy));
  }
  return all;
}

}  // namespace

TEST_CASE("no copy of the corpus has an error of typography but those it is known for",
          "[copywriter][typography]") {
  const Language language = GENERATE(Language::zh, Language::en);
  // Sentences and titles of the corpus that put two pieces together badly; the weights have learnt them.
  const Strings known = {"待在在", " ct..", "Rocking Chair , "};
  Strings wrong;
  for (const std::string& copy : copies(language, 2000)) {
    for (const Finding& finding : check_typography(copy, language)) {
      if (finding.level < Level::error) continue;
      const std::size_t begin = finding.where.begin - std::min<std::size_t>(finding.where.begin, 15);
      const std::string around = copy.substr(begin, finding.where.end + 2 - begin);
      const bool is_known = std::any_of(known.begin(), known.end(), [&](const auto& fault) {
        return around.find(fault) != std::string::npos;
      });
      if (!is_known) wrong.push_back(concat(finding.rule, " at ", finding.where.begin, ": ", copy));
    }
  }
  CHECK(wrong == Strings{});
}

TEST_CASE("what all fixes leave needs no fix", "[copywriter][typography]") {
  const Language language = GENERATE(Language::zh, Language::en);
  const Strings marks = {"，",
                         "。",
                         "！",
                         ",",
                         ".",
                         "!",
                         "?",
                         ":",
                         ";",
                         "“",
                         "”",
                         "\"",
                         "'",
                         "’",
                         "(",
                         ")",
                         "（",
                         "）",
                         "《",
                         "…",
                         "...",
                         "--",
                         " ",
                         "  ",
                         "\n",
                         "　",
                         "的",
                         "了",
                         "在",
                         "the ",
                         "a ",
                         "an ",
                         " i ",
                         "A1",
                         "Ｂ",
                         "２",
                         "\xE2\x80\x8B",
                         "\xFF",
                         "\xE5\x9C",
                         "<UNK>",
                         "{x}",
                         ":)",
                         "https://a.cn",
                         " you is ",
                         "8",
                         "\t",
                         "\r\n"};
  std::mt19937_64 random(language == Language::zh ? 1 : 2);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  std::size_t changed = 0;
  for (const std::string& copy : copies(language, 300)) {
    for (int round = 0; round < 8; ++round) {
      std::string edited = copy;
      for (std::size_t edits = round == 0 ? 0 : 1 + below(6); edits > 0; --edits) {
        std::size_t at = below(edited.size() + 1);
        // Most edits between characters, some inside.
        while (below(10) > 0 && at < edited.size() && (edited[at] & 0xC0) == 0x80) ++at;
        switch (below(3)) {
          case 0:
            edited.insert(at, marks[below(marks.size())]);
            break;
          case 1:
            edited.insert(at, edited.substr(at, 1 + below(9)));
            break;
          default:
            edited.erase(at, 1 + below(6));
        }
      }
      CAPTURE(edited);
      const std::string once = fixed(edited, language);
      CAPTURE(once);
      REQUIRE_FALSE(has_fix(once, language));
      changed += once != edited ? 1 : 0;
    }
  }
  CHECK(changed > 700);
}

TEST_CASE("brackets are in pairs exactly where crossing them out in pairs leaves none",
          "[copywriter][typography]") {
  const Strings units = {"（", "）", "《", "》", "【", "】", "「", "」", "好茶", "好水"};
  std::mt19937_64 random(3);
  std::size_t sound = 0;
  for (int i = 0; i < 4000; ++i) {
    std::string text = "看", rest;
    for (std::size_t n = 1 + random() % 7; n > 0; --n) {
      const std::string& unit = units[random() % units.size()];
      text += unit;
      if (!unit.starts_with("好")) rest += unit;
    }
    for (bool again = true; again;) {
      again = false;
      for (std::size_t pair = 0; pair < 8; pair += 2) {
        const std::size_t at = rest.find(units[pair] + units[pair + 1]);
        if (at == std::string::npos) continue;
        rest.erase(at, units[pair].size() * 2);
        again = true;
      }
    }
    CAPTURE(text);
    const Strings rules = rules_of(text, zh);
    REQUIRE((std::count(rules.begin(), rules.end(), "typography/pair") == 0) == rest.empty());
    sound += rest.empty() ? 1 : 0;
  }
  CHECK(sound > 150);
}

TEST_CASE("a mark is told to be repeated once for each run of it", "[copywriter][typography]") {
  const std::u32string units = U"好茶，。！？；";
  std::mt19937_64 random(4);
  for (int i = 0; i < 4000; ++i) {
    std::u32string text = U"看";
    for (std::size_t n = 1 + random() % 9; n > 0; --n) text += units[random() % units.size()];
    std::ptrdiff_t runs = 0;
    for (std::size_t at = 0, end; at < text.size(); at = end) {
      for (end = at; end < text.size() && text[end] == text[at];) ++end;
      const bool word = text[at] == U'好' || text[at] == U'茶' || text[at] == U'看';
      const bool ellipsis = text[at] == U'。' && end - at > 2;
      runs += !word && !ellipsis && end - at > 1 ? 1 : 0;
    }
    CAPTURE(utf8(text));
    const Strings rules = rules_of(utf8(text), zh);
    REQUIRE(std::count(rules.begin(), rules.end(), "typography/repeated-mark") == runs);
  }
}

TEST_CASE("any bytes are checked without harm", "[copywriter][typography]") {
  std::mt19937_64 random(5);
  constexpr std::string_view alphabet =
      "ai.,\"'() \n\xE7\x9A\x84\xEF\xBC\x8C\xF0\x9F\x98\x80\x80\xC0\xFF\x00\x1A"sv;
  for (int i = 0; i < 4000; ++i) {
    std::string text;
    for (std::size_t n = random() % 40; n > 0; --n) {
      text += random() % 2 ? alphabet[random() % alphabet.size()] : static_cast<char>(random());
    }
    const Language language = i % 2 ? zh : en;
    REQUIRE_FALSE(has_fix(fixed(text, language), language));
  }
}

TEST_CASE("each confusion of the language packs is found, and its replacement is none",
          "[copywriter][typography]") {
  const Language language = GENERATE(Language::zh, Language::en);
  const RulePack pack =
      RulePack::read(std::filesystem::path(ADLIB_SOURCE_DIR) / "examples/copywriter/rules/language" /
                     concat(to_string(language), ".toml"));
  CHECK(pack.failed_examples() == Strings{});
  const auto breaches = [&](const std::string& text) {
    const FoldedText folded(text);
    Strings ids;
    for (const Rule& rule : pack.rules) {
      for (std::size_t n = rule.breaches(folded).size(); n > 0; --n)
        ids.push_back(concat(rule.id, ": ", text));
    }
    return ids;
  };
  std::size_t pairs = 0;
  for (const Rule& rule : pack.rules) {
    CHECK((rule.level == Level::error || rule.level == Level::style));
    pairs += rule.replacements.size();
    for (const PhraseSource& phrase : rule.phrases) {
      for (const std::string& words : plain_phrases(phrase)) {
        const Strings found = breaches(words);
        CAPTURE(rule.id, words, found);
        CHECK(found.size() == 1);
      }
    }
    for (const Replacement& one : rule.replacements) CHECK(breaches(one.with) == Strings{});
  }
  CHECK(pairs >= 240);
  Strings wrong;
  for (const std::string& copy : copies(language, 500)) {
    for (const std::string& id : breaches(copy)) wrong.push_back(id);
  }
  CHECK(wrong == Strings{});
}

}  // namespace adlib::copywriter
