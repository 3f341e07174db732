#include "copywriter/rules/rule_set.h"

#include <algorithm>
#include <numeric>

#include "copywriter/write/phrase_sets.h"
#include "support/catch.h"
#include "support/error_of.h"
#include "support/files.h"

namespace adlib::copywriter {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::TempDir;
using test::write_text;

using Keys = std::vector<std::u32string>;

Keys keys_of(const std::string& phrase) { return phrase_keys({phrase, "here"}); }

const RuleSet& own_rules() {
  static const RuleSet set(test::rules_dir());
  return set;
}

bool has(const std::vector<const Rule*>& rules, const Rule& rule) {
  return std::find(rules.begin(), rules.end(), &rule) != rules.end();
}

// A folder of rules with one pack.
void write_rules(const fs::path& folder, const std::string& rules) {
  write_text(folder / "units.txt", "元 yuan\n");
  write_text(folder / "kinds.toml", "[[kind]]\nid = \"food\"\nwords = [\"饼干\"]\nexcept = []\n");
  write_text(
      folder / "channels.toml",
      "[[channel]]\nid = \"sms-1\"\nfamily = \"sms\"\ntitle = \"SMS\"\nlimit = 70\nunit = \"characters\"\n"
      "source = \"none\"\n");
  write_text(
      folder / "pack.toml",
      "[pack]\nid = \"p\"\ntitle = \"P\"\nversion = \"1\"\nsources = []\nlanguages = [\"zh\"]\n" + rules);
}

const std::string kTwoRules =
    "[[rule]]\nid = \"best\"\nlevel = \"ban\"\nbasis = \"law\"\nmessage = \"m\"\nphrases = [\"最{佳|好}\"]\n"
    "except = [\"最好是\"]\nbad = [\"最佳\"]\ngood = [\"好\"]\n"
    "[[rule]]\nid = \"first\"\nlevel = \"ban\"\nbasis = \"law\"\nmessage = \"m\"\nphrases = [\"第一\"]\n"
    "bad = [\"第一\"]\ngood = [\"好\"]\n";

}  // namespace

TEST_CASE("what holds the goods, or has their colour, is not of their kind", "[copywriter][rules]") {
  const auto kinds = [](const char* text) { return own_rules().kinds().of(text); };
  using Names = std::vector<std::string>;
  for (const char* text : {"Wine glasses, set of four", "红酒杯套装", "An investment piece for ten winters",
                           "保险柜 家用", "口红收纳盒", "奶茶色毛衣", "Kitchen thermometer", "雪茄裤"}) {
    CAPTURE(text);
    CHECK(kinds(text) == Names{});
  }
  CHECK(kinds("A red wine, and the wine glass for it") == Names{"alcohol"});
  CHECK(kinds("红酒与红酒杯礼盒") == Names{"alcohol"});
  CHECK(kinds("A loan of up to £5,000") == Names{"finance"});
  CHECK(kinds("哑光口红") == Names{"cosmetics"});
}

TEST_CASE("the keys of a pattern are letters that each match holds", "[copywriter][rules]") {
  CHECK(keys_of("最{佳|好}~") == Keys{U"最佳", U"最好"});
  CHECK(keys_of("#折") == Keys{U"折"});
  CHECK(keys_of("#").empty());
  CHECK(keys_of("{#|折}").empty());
  CHECK(keys_of("best seller") == Keys{U"bes"});
  CHECK(keys_of("Ｂｅ st") == Keys{U"be"});
  CHECK(keys_of("{a|}bc") == Keys{U"abc", U"bc"});
  CHECK(keys_of("~{国家级|#第}") == Keys{U"国家级", U"第"});
  CHECK(keys_of("全网第一名") == Keys{U"全网第"});
  CHECK(keys_of("{你|您}~{糖尿病|痛风}") == Keys{U"痛风", U"糖尿病"});
  CHECK(keys_of("你~#") == Keys{U"你"});
}

TEST_CASE("what a pattern stands for holds one of its keys", "[copywriter][rules]") {
  std::string many = "{";
  for (char c = 'a'; c <= 'z'; ++c) many += std::string(1, c) + "|";
  many.back() = '}';
  int seen = 0;
  for (const std::string& pattern :
       {many + many, "x" + many + "{|1}", many + " " + "y{s|}", std::string("{a|b}{|c}{d|}")}) {
    const Keys keys = keys_of(pattern);
    CAPTURE(pattern);
    REQUIRE_FALSE(keys.empty());
    for (const std::string& phrase : plain_phrases({pattern, "here"})) {
      const std::u32string letters = code_points(FoldedText(phrase).folded());
      CAPTURE(phrase);
      CHECK(std::any_of(keys.begin(), keys.end(), [&](const std::u32string& key) {
        return letters.find(key) != std::u32string::npos;
      }));
      ++seen;
    }
  }
  CHECK(seen > 100);
  CHECK(keys_of(many + many + many + many).size() == 26 * 26);  // not 456,976
}

TEST_CASE("no rule that a text breaks is left out", "[copywriter][rules]") {
  const RuleSet& set = own_rules();
  std::vector<std::string> texts;
  std::size_t rules = 0;
  for (const RulePack& pack : set.packs()) {
    for (const Rule& rule : pack.rules) {
      ++rules;
      for (const std::string& text : rule.bad) CHECK(has(set.rules_for(FoldedText(text)), rule));
      texts.push_back(rule.bad.front() + "\n" + rule.good.front());
    }
  }
  REQUIRE(rules > 200);
  std::size_t broken = 0, named = 0, looked = 0;
  for (std::size_t i = 0; i < texts.size(); i += 8) {  // each text against each rule
    const FoldedText text(texts[i]);
    for (const Language language : {Language::zh, Language::en}) {
      const std::vector<const Rule*> near = set.rules_for(text, language);
      named += near.size();
      for (const RulePack& pack : set.packs()) {
        if (!pack.is_about(language)) continue;
        for (const Rule& rule : pack.rules) {
          ++looked;
          if (rule.breaches(text).empty()) continue;
          ++broken;
          CAPTURE(rule.id, texts[i]);
          CHECK(has(near, rule));
        }
      }
    }
  }
  CHECK(broken > 40);
  CHECK(named < looked / 2);  // else it would be no use
}

TEST_CASE("the rules for a text stand in the order of the packs, each once", "[copywriter][rules]") {
  const RuleSet& set = own_rules();
  const FoldedText text("全国最佳、全网第一、国家级，最好的也是最佳的。");
  std::vector<const Rule*> all;
  for (const RulePack& pack : set.packs()) {
    for (const Rule& rule : pack.rules) {
      if (pack.is_about(Language::zh)) all.push_back(&rule);
    }
  }
  std::size_t last = 0;
  for (const Rule* rule : set.rules_for(text, Language::zh)) {
    const auto at = static_cast<std::size_t>(std::find(all.begin(), all.end(), rule) - all.begin());
    REQUIRE(at < all.size());
    CHECK((at > last || rule == all.front()));
    last = at;
  }
  CHECK(last > 0);
}

TEST_CASE("of several files with mistakes the first by name is told", "[copywriter][rules]") {
  const TempDir folder;
  write_rules(folder.path(), kTwoRules);
  for (const char* name : {"q.toml", "r.toml", "s.toml", "t.toml"})
    write_text(folder.path() / name, "[pack]\nid = \"" + std::string(name) + "\"\n");
  for (int round = 0; round < 20; ++round)
    CHECK_THAT(error_of([&] { const RuleSet set(folder.path()); }), Catch::Contains("q.toml"));
}

TEST_CASE("phrase sets that were asked for last are kept, and no more than so many", "[copywriter][guard]") {
  const TempDir folder;
  write_rules(folder.path(), kTwoRules);
  const auto rules = std::make_shared<const RuleSet>(folder.path());
  const std::vector<RulePack>& packs = rules->packs();
  REQUIRE(packs.size() == 1);
  const std::vector<const Rule*> both{&packs[0].rules[0], &packs[0].rules[1]}, one{&packs[0].rules[0]};
  PhraseSets sets(rules, 3);
  std::vector<std::weak_ptr<const PhraseSet>> seen;
  const auto ask = [&](const std::vector<const Rule*>& of, const std::string& word) {
    const auto set = sets.of(of, {word}, {});
    seen.push_back(set);
    return set.get();
  };
  ask(both, "a");
  ask(both, "b");
  CHECK(ask(both, "a") == seen[0].lock().get());
  CHECK(ask(one, "a") != seen[0].lock().get());  // of other rules
  ask(both, "c");                                // b was asked for longest ago
  CHECK_FALSE(seen[0].expired());
  CHECK(seen[1].expired());
  CHECK_FALSE(seen[3].expired());
  const auto held = sets.of(both, {"b"}, {});
  for (const char* word : {"d", "e", "f"}) ask(both, word);
  CHECK(seen[0].expired());
  CHECK(held->size() == 5);  // 最佳, 最好, 第一, b and the exception 最好是: whoever has it keeps it
  CHECK(sets.of({}, {}, {}) == nullptr);
}

}  // namespace adlib::copywriter
