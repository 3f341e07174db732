#include <filesystem>
#include <random>

#include "adlib/tokenizer/characters.h"
#include "copywriter/rules/folded_text.h"
#include "copywriter/rules/phrase_pattern.h"
#include "copywriter/rules/rule_pack.h"
#include "copywriter/support.h"
#include "support/catch.h"

using namespace adlib;
using namespace adlib::copywriter;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> found(const std::vector<std::string>& phrases, const std::string& text) {
  std::vector<PhraseSource> sources;
  for (const std::string& phrase : phrases) sources.push_back({phrase, "test:1:1"});
  const FoldedText folded(text);
  std::vector<std::string> out;
  for (const Range& match : PhraseMatcher(sources).find_all(folded)) {
    const Range where = folded.source_of(match);
    out.push_back(text.substr(where.begin, where.end - where.begin));
  }
  return out;
}
using Words = std::vector<std::string>;

RulePack pack_of(const std::string& text) { return RulePack::parse(text, "pack.toml"); }
std::string pack_with(const std::string& rule) {
  return "[pack]\nid = \"p\"\ntitle = \"t\"\nversion = \"2026-11-30\"\nlanguages = [\"zh\"]\n" + rule;
}

}  // namespace

TEST_CASE("a folded text leads back to the bytes that it came from", "[copywriter][rules]") {
  const std::string text = "Ｂｅｓｔ，最 佳！\nÉtude  No. 1";
  const FoldedText folded(text);
  CHECK(folded.folded() == "best,最佳!\netude no. 1");
  const auto source = [&](const std::string& words) {
    const std::size_t at = folded.folded().find(words);
    const Range where = folded.source_of({at, at + words.size()});
    return text.substr(where.begin, where.end - where.begin);
  };
  CHECK(source("best") == "Ｂｅｓｔ");
  CHECK(source("最佳") == "最 佳");
  CHECK(source("etude no") == "Étude  No");
  CHECK(FoldedText("a\xff"
                   "b")
            .folded()
            .size() == 5);  // a malformed byte is U+FFFD
  CHECK(FoldedText("").source_of({0, 0}) == Range{0, 0});
}

TEST_CASE("phrases are found whatever their case, width and spaces", "[copywriter][rules]") {
  CHECK(found({"最{佳|好|高级}"}, "最佳、最 好，最高级，最大。") == Words{"最佳", "最 好", "最高级"});
  CHECK(found({"best seller"}, "BEST-SELLER, bestseller, Best  seller, best cellar") ==
        Words{"BEST-SELLER", "bestseller", "Best  seller"});
  CHECK(found({"best"}, "bestow the best, ｂｅｓｔ!") == Words{"best", "ｂｅｓｔ"});
  CHECK(found({"第一"}, "第一时间") == Words{"第一"});
  CHECK(found({"top1"}, "top10, TOP1, stop1") == Words{"TOP1"});
  CHECK(found({"no{.|} 1"}, "No.1 No 1 no1 No.12") == Words{"No.1", "No 1", "no1"});
  CHECK(found({"{真|}皮{包|}"}, "真皮包，皮") == Words{"真皮包", "皮"});
  CHECK(found({"\\{a\\}"}, "a {a}") == Words{"{a}"});
}

TEST_CASE("the longest phrase is found at each place", "[copywriter][rules]") {
  CHECK(found({"最佳", "最佳选择"}, "最佳选择") == Words{"最佳选择"});
}

TEST_CASE("gaps stay in their sentence and numbers take all their digits", "[copywriter][rules]") {
  CHECK(found({"追求~最佳"}, "追求体验的最佳。追求。最佳") == Words{"追求体验的最佳"});
  CHECK(found({"追求~最佳"}, "追求最佳") == Words{"追求最佳"});
  CHECK(found({"追求~最佳"}, "追求" + std::string("一二三四五六七八九十一二三四五六七八九十十") + "最佳")
            .empty());
  CHECK(found({"省#元"}, "省1,299.50元，省元") == Words{"省1,299.50元"});
  CHECK(found({"win~prize"}, "win a prize, winning prizes, win prizes") == Words{"win a prize"});
  CHECK(found({"{heal|cure}~diabetes"}, "healthy recipes for diabetes").empty());
  CHECK(found({"it's best"}, "It’s best") == Words{"It’s best"});
}

TEST_CASE("a number that begins a pattern or follows a gap is whole", "[copywriter][rules]") {
  CHECK(found({"#年"}, "2024年，1,299.5年，共3,4年") == Words{"2024年", "1,299.5年", "3,4年"});
  CHECK(found({"{#|多}年"}, "2024年，多年") == Words{"2024年", "多年"});
  CHECK(found({"满~#元"}, "满一百减1,500元") == Words{"满一百减1,500元"});
  CHECK(found({"top 1#"}, "top 10, top 1") == Words{"top 10"});  // one that goes on
  CHECK(found({"{1|2}#万"}, "12万，3万") == Words{"12万"});
}

// Quadratic time would take this past any limit that tests have.
TEST_CASE("a hundred thousand digits are looked through as fast as other letters", "[copywriter][rules]") {
  std::string digits;
  for (std::uint64_t i = 1, x = 7; i <= 300'000; ++i) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    digits += static_cast<char>('0' + (x >> 60) % 10);
  }
  CHECK(found({"#年", "{#|多}月", "满~#元", "{累计|}~#万"}, digits + "日").empty());
  CHECK(found({"#年"}, digits + "年").size() == 1);
}

TEST_CASE("a match inside an exception is covered, wherever the exception begins", "[copywriter][rules]") {
  const FoldedText text("追求最好。追求极致的最佳体验");
  const PhraseMatcher except(std::vector<PhraseSource>{{"追求~体验", "t"}, {"追求最好", "t"}});
  const auto at = [&](const std::string& words) {
    const std::size_t begin = text.folded().find(words);
    return Range{begin, begin + words.size()};
  };
  CHECK(except.covers(text, at("最佳")));
  CHECK(except.covers(text, at("最好")));
  CHECK_FALSE(except.covers(text, {0, text.folded().size()}));
  CHECK_FALSE(PhraseMatcher().covers(text, at("最佳")));
}

TEST_CASE("phrases that are no phrases are refused with their place", "[copywriter][rules]") {
  const auto refused = [](const std::string& phrase) {
    return test::message_of([&] {
      (void)PhraseMatcher(std::vector<PhraseSource>{{phrase, "law.toml:7:3"}});
    });
  };
  CHECK_THAT(refused("最{佳"), ContainsSubstring("law.toml:7:3: phrase '最{佳': '{' is never closed"));
  CHECK_THAT(refused("最}佳"), ContainsSubstring("'}' closes nothing"));
  CHECK_THAT(refused("最\\"), ContainsSubstring("'\\'"));
  CHECK_THAT(refused("{a|}"), ContainsSubstring("nothing in it to look for"));
  CHECK_THAT(refused("~"), ContainsSubstring("nothing in it to look for"));
  CHECK(plain_phrases({"最{佳|}{a|b}#", "t"}).empty());
  CHECK(plain_phrases({"it's {a|b}", "t"}) ==
        Words{"it's a", "it's-a", "it’s a", "it's b", "it's-b", "it’s b"});
  const std::string ten = "{a|b|c|d|e|f|g|h|i|j}";
  CHECK(plain_phrases({ten + ten + "{x|y|z}", "t"}).size() == 300);
  CHECK(plain_phrases({ten + ten + ten + ten + ten + ten + ten + ten + ten + ten + ten + ten + ten + ten +
                           ten + ten + ten + ten + ten + ten + ten + ten,
                       "t"})
            .empty());
}

TEST_CASE("phrases without gaps are found as a plain search over folded letters finds them",
          "[copywriter][rules]") {
  // The plain search shares nothing with the regular expressions but folding.
  std::mt19937_64 bits(7);
  const auto below = [&](std::uint64_t count) { return bits() % count; };
  const std::u32string alphabet = U"最佳好一AaＡé a";
  const auto word = [&](std::uint64_t most) {
    std::u32string out;
    for (std::uint64_t n = 1 + below(most); n > 0; --n) out += alphabet[below(7)];
    return out;
  };
  int matches = 0;
  for (int round = 0; round < 3000; ++round) {
    const std::u32string phrase = word(3);
    std::u32string text;
    for (int n = 0; n < 12; ++n) text += alphabet[below(alphabet.size())];
    const std::string source = utf8(text);
    const FoldedText folded_text(source);
    const std::u32string letters = code_points(folded_text.folded()), wanted = folded(utf8(phrase));
    const auto latin = [&](std::size_t at) {
      return at < letters.size() && letters[at] < 0x80 && letters[at] != ' ';
    };
    bool expected = false;
    for (std::size_t at = letters.find(wanted); at != std::u32string::npos;
         at = letters.find(wanted, at + 1)) {
      const std::size_t end = at + wanted.size();
      const bool inside_before = wanted.front() < 0x80 && at > 0 && latin(at - 1);
      const bool inside_after = wanted.back() < 0x80 && latin(end);
      if (!inside_before && !inside_after) expected = true;
    }
    CAPTURE(source, utf8(phrase));
    REQUIRE(!found({utf8(phrase)}, source).empty() == expected);
    matches += expected ? 1 : 0;
  }
  CHECK(matches > 300);
}

TEST_CASE("a rule finds its phrases outside of exceptions and names", "[copywriter][rules]") {
  const RulePack pack = pack_of(pack_with(R"(
[[rule]]
id = "absolute"
level = "ban"
basis = "第九条"
message = "绝对化用语"
phrases = ["最佳", "第一"]
except = ["最佳{食用|饮用}期", "第一时间"]
replace = { "国家级" = "优质" }
outside-names = true
bad = ["最佳。"]
good = ["第一时间。"]
[[rule]]
id = "stop"
level = "error"
message = "没有退订方式"
require = ["拒收请回复R"]
channels = ["sms"]
bad = ["买吧。"]
good = ["买吧，拒收请回复R"]
[[rule]]
id = "marks"
level = "style"
message = "感叹号太多"
phrases = ["!"]
at-most = 1
tones = ["elegant"]
bad = ["好！好！"]
good = ["好！"]
)"));
  CHECK(pack.failed_examples().empty());
  REQUIRE(pack.rules.size() == 3);
  const Rule& absolute = pack.rules[0];
  const std::string text = "第一时间尝第一口，国家级工艺，最佳食用期内最佳。第一牌饼干";
  const FoldedText folded(text);
  const auto words = [&](const std::vector<Range>& ranges) {
    Words out;
    for (const Range& range : ranges) out.push_back(text.substr(range.begin, range.end - range.begin));
    return out;
  };
  CHECK(words(absolute.breaches(folded)) == Words{"第一", "国家级", "最佳", "第一"});
  CHECK(words(absolute.breaches(folded, PhraseMatcher(std::vector<PhraseSource>{{"第一牌", "t"}}))) ==
        Words{"第一", "国家级", "最佳"});
  CHECK(pack.rules[1].concerns({.channels = {"sms"}}));
  CHECK_FALSE(pack.rules[1].concerns({.channels = {"push"}}));
  CHECK(pack.rules[2].concerns({.tone = "elegant"}));
  CHECK_FALSE(pack.rules[2].concerns({.tone = "playful"}));
}

TEST_CASE("mistakes in a file of rules are named with their place", "[copywriter][rules]") {
  const auto error = [](const std::string& text) { return test::message_of([&] { (void)pack_of(text); }); };
  const std::string head = "[[rule]]\nid = \"a\"\n";
  CHECK_THAT(error("[pack]\nid = \n"), ContainsSubstring("pack.toml:2"));
  CHECK_THAT(error("[[rule]]\nid = \"a\"\n"), ContainsSubstring("begins with [pack]"));
  CHECK_THAT(error(pack_with("")), ContainsSubstring("has no [[rule]]"));
  CHECK_THAT(error(pack_with(head + "level = \"bann\"\n")),
             ContainsSubstring("pack.toml:8:9: rule 'a': level 'bann'"));
  CHECK_THAT(error(pack_with(head + "level = \"ban\"\nmessage = \"m\"\nphrases = [\"x\"]\n")),
             ContainsSubstring("'basis' is missing"));
  CHECK_THAT(error(pack_with(head + "level = \"style\"\nmessage = \"m\"\n")),
             ContainsSubstring("needs either"));
  CHECK_THAT(error(pack_with(head + "level = \"style\"\nmessage = \"m\"\nphrases = \"x\"\n")),
             ContainsSubstring("not a list of texts"));
  CHECK_THAT(error(pack_with(head + "level = \"style\"\nmessage = \"m\"\nphrases = [\"x\"]\n")),
             ContainsSubstring("needs examples"));
  CHECK_THAT(error(pack_with(
                 head + "level = \"style\"\nmessage = \"m\"\nphrases = [\"x\"]\nbad=[\"x\"]\ngood=[\"y\"]\n"
                        "frases = []\n")),
             ContainsSubstring("'frases' is no key"));
  CHECK_THAT(error(pack_with(head + "level = \"style\"\nmessage = \"m\"\nphrase = [\"x\"]\n")),
             ContainsSubstring("'phrase' is no key"));
  CHECK_THAT(error("\xff"), ContainsSubstring("pack.toml:1"));
  CHECK_THAT(error("[pack]\nid = “p”\n"), ContainsSubstring("pack.toml:2:6: '“' stands outside of quotes"));
  CHECK_THAT(error("# 注\n[pack]\nid = \"引号 \\\" 内\" 外\n"), ContainsSubstring("pack.toml:3:16: '外'"));
  CHECK_THAT(error("a = '''多\n行'''\n[#b]"), ContainsSubstring("pack.toml:3"));
  CHECK_THAT(test::message_of([] { (void)RulePack::read("/nonexistent.toml"); }),
             ContainsSubstring("nonexistent.toml"));
}

TEST_CASE("every rule that comes with adlib judges its own examples rightly", "[copywriter][rules]") {
  const auto packs = read_packs(fs::path(ADLIB_SOURCE_DIR) / "examples/copywriter/rules");
  REQUIRE(packs.size() >= 10);
  for (const RulePack& pack : packs) {
    INFO(pack.id);
    CHECK(pack.failed_examples() == std::vector<std::string>{});
  }
}
