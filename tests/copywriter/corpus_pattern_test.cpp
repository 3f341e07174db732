// The grammar of one entry, the draws behind it, and what is said of entries and files that cannot be read.
#include "copywriter/corpus/pattern.h"

#include <set>

#include "copywriter/shop/lines.h"
#include "corpus_support.h"

using namespace adlib;
using namespace adlib::copywriter;
using namespace adlib::copywriter::corpus;
using adlib::test::message_of;
using adlib::test::SmallTexts;
using adlib::test::TempDir;
using adlib::test::write_text;

namespace {

using Texts = std::set<std::string>;

Pattern pattern(const std::string& text) { return Pattern(text, "t.txt:7"); }

// Everything that a few hundred draws make of a pattern.
Texts expansions(const std::string& text, const Scope& scope = {}) {
  const Pattern parsed = pattern(text);
  Texts all;
  for (std::uint64_t i = 0; i < 400; ++i) {
    Random random(1, i);
    all.insert(parsed.expand(scope, random));
  }
  return all;
}

Scope product_scope() {
  Scope scope;
  scope.set(Slot::name, "静谷 Q2");
  scope.set(Slot::price, "399元");
  return scope;
}

}  // namespace

TEST_CASE("Draws are those of SplitMix64", "[copywriter][corpus]") {
  Random random(0, 0);  // the state is 0: the values are those of the reference implementation
  CHECK(random.next() == 0xE220A8397B1DCDAFu);
  CHECK(random.next() == 0x6E789E6AA1B965F4u);
  CHECK(random.next() == 0x06C45D188009454Fu);
}

TEST_CASE("A draw covers its range and nothing else", "[copywriter][corpus]") {
  Random random(3, 4);
  std::set<std::int64_t> numbers;
  std::vector<int> counts(3);
  for (int i = 0; i < 3000; ++i) {
    numbers.insert(random.between(-2, 2));
    ++counts[random.weighted({1, 0, 3})];
    const double unit = random.unit();
    REQUIRE((unit >= 0 && unit < 1));
  }
  CHECK(numbers == std::set<std::int64_t>{-2, -1, 0, 1, 2});
  CHECK(counts[1] == 0);
  CHECK(std::abs(counts[2] - 2250) < 150);  // six standard deviations
  CHECK(random.sample(std::vector<int>{1, 2, 3}, 5).size() == 3);
  CHECK(random.sample(std::vector<int>{}, 2).empty());
  CHECK_THAT(message_of([&] { random.pick(std::vector<int>{}); }), ContainsSubstring("nothing to draw from"));
  CHECK_THAT(message_of([&] { random.between(2, 1); }), ContainsSubstring("no number from 2 to 1"));
}

TEST_CASE("A pattern is one of its alternatives", "[copywriter][corpus]") {
  CHECK(expansions("清早。") == Texts{"清早。"});
  CHECK(expansions("[a|b|]c") == Texts{"ac", "bc", "c"});
  CHECK(expansions("[a[b|[c|d]e]|f]") == Texts{"ab", "ace", "ade", "f"});
  CHECK(expansions("[a]") == Texts{"a"});
  CHECK(expansions("a | b") == Texts{"a | b"});  // outside brackets a bar is a bar
  CHECK(expansions("") == Texts{""});
}

TEST_CASE("Slots and lists bring their texts along", "[copywriter][corpus]") {
  Scope scope = product_scope();
  const std::vector<Pattern> moments{pattern("清早"), pattern("[傍晚|入夜]")};
  scope.lists[static_cast<std::size_t>(List::moment)] = &moments;
  CHECK(expansions("<moment>，{name}。", scope) ==
        Texts{"清早，静谷 Q2。", "傍晚，静谷 Q2。", "入夜，静谷 Q2。"});

  Random random(1, 1);
  std::string text = "前";
  SlotMask used = mask(Slot::was);
  pattern("[{name}]只要{price}").expand(scope, random, text, used);
  CHECK(text == "前静谷 Q2只要399元");
  CHECK(used == (mask(Slot::was) | mask(Slot::name) | mask(Slot::price)));
}

TEST_CASE("Alternatives that ask for what is missing are left out", "[copywriter][corpus]") {
  const Scope scope = product_scope();
  CHECK(expansions("{name}[，原价{was}|]", scope) == Texts{"静谷 Q2"});
  CHECK(expansions("[看过{viewed}|{price}起|<joy>]", scope) == Texts{"399元起"});
  CHECK(expansions("[a[{was}|b]|{was}]", scope) == Texts{"ab"});
}

TEST_CASE("A pattern is possible where one way through it is", "[copywriter][corpus]") {
  const Scope scope = product_scope();
  CHECK(pattern("{name}，{price}").possible(scope));
  CHECK_FALSE(pattern("{name}，{was}").possible(scope));
  CHECK_FALSE(pattern("<joy>").possible(scope));
  CHECK(pattern("[{was}|{price}]").possible(scope));
  CHECK_FALSE(pattern("喜欢[{bought}|{viewed}]").possible(scope));  // neither may vanish without a trace
  CHECK_FALSE(pattern("[a[{was}|<joy>]|{was}]").possible(scope));
  CHECK(pattern("[[{was}|]|{viewed}]").possible(scope));
}

TEST_CASE("A pattern knows what it needs and what it can use", "[copywriter][corpus]") {
  const Pattern parsed = pattern("{name}[{brand}|{brand}{was}|[{brand}]<joy>]<moment>");
  CHECK(parsed.needs() == (mask(Slot::name) | mask(Slot::brand)));
  CHECK(parsed.uses() == (mask(Slot::name) | mask(Slot::brand) | mask(Slot::was)));
  CHECK(parsed.needs_lists() == mask(List::moment));
  CHECK(parsed.uses_lists() == (mask(List::moment) | mask(List::joy)));
  CHECK_FALSE(parsed.uses_numbers());
  CHECK(pattern("[a|[b|{int 1 2}]]").uses_numbers());
  CHECK(pattern("{pick S M}").uses_numbers());
  for (std::size_t i = 0; i < kSlots; ++i) {
    const auto slot = static_cast<Slot>(i);
    CHECK(pattern(concat("{", name_of(slot), "}")).needs() == mask(slot));
  }
}

TEST_CASE("Numbers are drawn with both ends, to the places of the range", "[copywriter][corpus]") {
  CHECK(expansions("{int 8 11}") == Texts{"8", "9", "10", "11"});
  CHECK(expansions("{int 0 0}") == Texts{"0"});
  CHECK(expansions("{dec 0.08 0.11}") == Texts{"0.08", "0.09", "0.10", "0.11"});
  CHECK(expansions("{dec 9.9 10.1}") == Texts{"9.9", "10.0", "10.1"});
  CHECK(expansions("{dec 1 1.2}") == Texts{"1.0", "1.1", "1.2"});
  CHECK(expansions("{pick 135x200 -5 1.5}") == Texts{"135x200", "-5", "1.5"});
  CHECK(expansions("{pick 7}") == Texts{"7"});
}

TEST_CASE("A pattern that cannot be read says where and why", "[copywriter][corpus]") {
  const auto [text, message] = GENERATE(table<std::string, std::string>({
      {"a{name", "a '}' is missing"},
      {"a<joy", "a '>' is missing"},
      {"[a|b", "a ']' is missing"},
      {"[a|[b]", "a ']' is missing"},
      {"[", "a ']' is missing"},
      {"a]b", "a ']' closes nothing"},
      {"a}b", "a '}' closes nothing"},
      {"a>b", "a '>' closes nothing"},
      {"{colour}", "there is no slot {colour}"},
      {"{}", "there is no slot {}"},
      {"{name }", "there is no slot {name }"},
      {"[a|{nmae}]", "there is no slot {nmae}"},
      {"<mood>", "there is no list <mood>"},
      {"<>", "there is no list <>"},
      {"{int}", "{int} needs the lowest and the highest number"},
      {"{int 5}", "{int 5} needs the lowest and the highest number"},
      {"{dec 1 2 3}", "{dec 1 2 3} needs the lowest and the highest number"},
      {"{int 9 1}", "{int 9 1} is no range"},
      {"{int 1 1.5}", "{int 1 1.5} is no range"},
      {"{int a b}", "{int a b} is no range"},
      {"{int -3 3}", "{int -3 3} is no range"},
      {"{dec 1e3 2e3}", "{dec 1e3 2e3} is no range"},
      {"{dec 1. 2.}", "{dec 1. 2.} is no range"},
      {"{dec 1.2.3 4.5.6}", "{dec 1.2.3 4.5.6} is no range"},
      {"{dec . 2}", "{dec . 2} is no range"},
      {"{int 1 99999999999999999999}", "is no range"},
      {"{pick}", "{pick} needs something to pick from"},
  }));
  INFO(text);
  const std::string error = message_of([&, text = text] { pattern(text); });
  CHECK_THAT(error, ContainsSubstring("t.txt:7: "));
  CHECK_THAT(error, ContainsSubstring(message));
  CHECK_THAT(error, ContainsSubstring(text));
}

TEST_CASE("A file's sections become entries with their conditions", "[copywriter][corpus]") {
  TempDir dir;
  write_text(dir / "b.txt",
             "# a comment\r\n"
             "== open tone=warm,playful age=senior\r\n"
             "早。\r\n"
             "\r\n"
             "== open\n#好好生活#\n"  // no comment: there is no blank behind the #
             "== attribute Net weight\n{int 50 500} g\n"
             "== fact Net weight scene=ad\nIt weighs {value}.\n"
             "== attribute Net weight\n1 kg\n"
             "== attribute Scent\n"
             "== @moment\n清早\n"
             "== levels level=high\nV{int 6 9}");
  Book book;
  book.read(dir / "b.txt");

  const auto& open = book.of(Role::open);
  REQUIRE(open.size() == 2);
  CHECK(open[0].pattern.text() == "早。");
  CHECK(open[1].pattern.text() == "#好好生活#");
  Traits traits;
  CHECK_FALSE(open[0].conditions.hold(traits));
  CHECK(open[1].conditions.hold(traits));
  traits.set(Trait::tone, "playful");
  CHECK_FALSE(open[0].conditions.hold(traits));
  traits.set(Trait::age, "senior");
  CHECK(open[0].conditions.hold(traits));
  traits.set(Trait::tone, "plain");
  CHECK_FALSE(open[0].conditions.hold(traits));
  CHECK(open[0].conditions.count() == 2);
  CHECK(open[0].conditions.on_customer());
  CHECK_FALSE(open[1].conditions.on_customer());

  REQUIRE(book.attributes.size() == 2);
  CHECK(book.attributes[0].name == "Net weight");
  CHECK(book.attributes[0].values.size() == 2);
  CHECK(book.attributes[1].values.empty());
  REQUIRE(book.of(Role::fact).size() == 1);
  CHECK(book.of(Role::fact)[0].fact == "Net weight");
  CHECK(book.of(Role::fact)[0].conditions.ask_for(Trait::scene));
  CHECK(book.lists[0].size() == 1);
  CHECK(book.levels.size() == 1);
}

TEST_CASE("A file that breaks the format is refused at its line", "[copywriter][corpus]") {
  const auto [text, message] = GENERATE(table<std::string, std::string>({
      {"早。\n", "1: the first line must open a section"},
      {"== \n", "1: a section needs a name"},
      {"==open\n", "1: a blank is missing behind '=='"},
      {"== opne\n", "1: there is no section 'opne'"},
      {"== @mood\n", "1: there is no section '@mood'"},
      {"== open\n早。\n{\n", "3: a '}' is missing"},
      {"== open mood=warm\n", "1: 'mood=warm' is no condition"},
      {"== open =warm\n", "1: '=warm' is no condition"},
      {"== open tone=\n", "1: 'tone=' is no condition"},
      {"== open tone=warm,cosy\n", "1: 'cosy' is no tone"},
      {"== open warm\n", "1: 'open' takes no name, got 'warm'"},
      {"== @joy tone=warm\n", "1: '@joy' takes no conditions"},
      {"== attribute 颜色 tone=warm\n", "1: 'attribute' takes no conditions"},
      {"== interests age=teen\n", "1: 'interests' takes no conditions"},
      {"== attribute\n", "1: 'attribute' needs the attribute's name"},
      {"== levels\n", "1: 'levels' needs level=high or level=low"},
      {"== levels tone=warm\n", "1: 'levels' needs level=high or level=low"},
      {"== name\n看看它。\n", "2: every entry of 'name' holds {name}"},
      {"== name\n[{name}|它]来了。\n", "2: every entry of 'name' holds {name}"},
      {"== short\n看看它。\n", "2: every entry of 'short' holds {name}"},
      {"== fact\n有{value}。\n", "2: every entry of 'fact' holds {fact}"},
      {"== fact 颜色\n有颜色。\n", "2: every entry of 'fact' holds {value}"},
      {"== about\n店家这么说。\n", "2: every entry of 'about' holds {about}"},
      {"== offer\n有优惠。\n", "2: every entry of 'offer' holds {price}"},
      {"== open\n{int 1 9}点了。\n", "2: there are no numbers here"},
      {"== open\n{model}\n", "2: there is no such slot here"},
      {"== titles\n{brand} {price}\n", "2: there is no such slot here"},
      {"== titles\n<joy>\n", "2: there are no lists here"},
      {"== attribute 颜色\n{brand}蓝\n", "2: there are no slots here"},
      {"== @joy\n[茶香|{name}在]\n", "2: there are no slots here"},
      {"== @joy\n<moment>茶香\n", "2: there are no lists here"},
      {"== reviews\n用了{int 2 9}年\n", "2: there are no numbers here"},
      {"== ages\nold\n", "2: 'old' is no age"},
      {"== open\n\xFF\n", "2: the line is not UTF-8"},
  }));
  INFO(text);
  TempDir dir;
  const auto file = dir / "b.txt";
  write_text(file, text);
  Book book;
  CHECK_THAT(message_of([&] { book.read(file); }), ContainsSubstring(file.string() + ":" + message));
}

TEST_CASE("Texts that lack something say what", "[copywriter][corpus]") {
  const auto [file, text, message] = GENERATE(table<std::string, std::string, std::string>({
      {"zh/names.txt", "== cities\n杭州\n", "zh/names.txt: the section 'levels' is missing"},
      {"en/names.txt", "== levels level=low\nNew\n", "en/names.txt: the section 'cities' is missing"},
      {"zh/characters.txt", "", "zh/characters.txt: the file is empty"},
      {"zh/kinds/cook.txt", "== ages\nadult\n", "zh/kinds/cook.txt: the section 'interests' is missing"},
      {"en/kinds/cook.txt", "== interests\ncooking\n== buys\ncups\n",
       "en/kinds/cook.txt: 'buys' names cups, but there is no categories/cups.txt"},
      {"en/general.txt", "== opening\n", "en/general.txt:1: there is no section 'opening'"},
  }));
  const SmallTexts texts;
  texts.write(file, text);
  const auto read = [&] {
    Lexicon::from_directory(texts.path(), Language::zh);
    Lexicon::from_directory(texts.path(), Language::en);
  };
  CHECK_THAT(message_of(read), ContainsSubstring(message));

  texts.write(file, "");
  std::filesystem::remove(texts / file);
  if (file.find("kinds") == std::string::npos)
    CHECK_THAT(message_of(read), ContainsSubstring("cannot open "));
}

TEST_CASE("A folder without files is named", "[copywriter][corpus]") {
  const SmallTexts texts;
  std::filesystem::remove_all(texts / "en/kinds");
  CHECK_THAT(message_of([&] { Lexicon::from_directory(texts.path(), Language::en); }),
             ContainsSubstring("there are no files NAME.txt in " + (texts / "en/kinds").string()));
}

TEST_CASE("What is held out must exist, and leave something", "[copywriter][corpus]") {
  const SmallTexts texts;
  const auto world = [&] {
    const Lexicon zh = Lexicon::from_directory(texts.path(), Language::zh);
    const Lexicon en = Lexicon::from_directory(texts.path(), Language::en);
    const World made(zh, en, read_held_out(texts / "corpus.txt"));
  };
  world();
  texts.write("corpus.txt", "category lamps\n");
  CHECK_THAT(message_of(world), ContainsSubstring("the category 'lamps', which is held out, is not in zh"));
  texts.write("corpus.txt", "kind cook\nkind reader\n");
  CHECK_THAT(message_of(world), ContainsSubstring("no kind of customer is left in zh"));
  texts.write("corpus.txt", "# held out\ncategories lamp\n");
  CHECK_THAT(message_of(world),
             ContainsSubstring("corpus.txt:2: expected 'category NAME' or 'kind NAME', got 'categories"));
  texts.write("corpus.txt", "kind\n");
  CHECK_THAT(message_of(world), ContainsSubstring("corpus.txt:1: expected"));
}

TEST_CASE("The traits of sentences are the names that prompts have", "[copywriter][corpus]") {
  for (const Scene scene : all_scenes())
    CHECK(trait_values(Trait::scene)[static_cast<std::size_t>(scene)] == to_string(scene));
  for (const Channel channel : all_channels()) {
    CHECK(trait_values(Trait::channel)[static_cast<std::size_t>(channel)] == to_string(channel));
  }
  for (const Tone tone : all_tones())
    CHECK(trait_values(Trait::tone)[static_cast<std::size_t>(tone)] == to_string(tone));
  Traits traits;
  CHECK_FALSE(traits.known(Trait::tone));
  CHECK_FALSE(traits.is(Trait::tone, "plain"));
  traits.set(Trait::tone, "plain");
  CHECK(traits.is(Trait::tone, "plain"));
  CHECK_FALSE(traits.is(Trait::tone, "cosy"));
  CHECK_THAT(message_of([&] { traits.set(Trait::tone, "cosy"); }), ContainsSubstring("'cosy' is no tone"));
}
