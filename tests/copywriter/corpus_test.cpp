// The generator: what every example holds and what none does, on the project's own texts.
#include <algorithm>
#include <map>
#include <set>

#include "adlib/eval/facts.h"
#include "adlib/eval/text.h"
#include "copywriter/shop/hash.h"
#include "copywriter/shop/text.h"
#include "corpus_support.h"

using namespace adlib;
using namespace adlib::copywriter;
using namespace adlib::copywriter::corpus;
using adlib::test::any_language;
using adlib::test::corpus_dir;
using adlib::test::example_maker;
using adlib::test::kNone;
using adlib::test::lexicon;
using adlib::test::SmallTexts;

namespace {

using StringSet = std::set<std::string>;

constexpr std::uint64_t kExamples = 2000;  // of each language

const WorldOptions& held_out() {
  static const WorldOptions options = read_held_out(corpus_dir() / "corpus.txt");
  return options;
}

const std::vector<Example>& examples(Language language) {
  static const auto make = [](Language of) {
    const ExampleMaker maker = example_maker(held_out());
    std::vector<Example> all;
    for (std::uint64_t i = 0; i < kExamples; ++i) all.push_back(maker.make(5, i, of));
    return all;
  };
  static const std::vector<Example> zh = make(Language::zh), en = make(Language::en);
  return language == Language::zh ? zh : en;
}

StringSet fields(const TaggedPrompt& prompt, std::string_view tag) {
  StringSet found;
  for (const PromptField& field : prompt) {
    if (field.tag == tag) found.insert(std::string(trim(field.text)));
  }
  return found;
}

// The examples for which `broken` says something, as a report that Catch prints.
template <class Broken>
std::vector<std::string> failed_examples(Language language, const Broken& broken) {
  std::vector<std::string> all;
  for (const Example& example : examples(language)) {
    const std::string why = broken(example);
    if (!why.empty()) all.push_back(concat(why, "\n", to_text(example.prompt), "\n", example.copy));
  }
  return all;
}

bool same(const Example& a, const Example& b) {
  return to_text(a.prompt) == to_text(b.prompt) && a.copy == b.copy;
}

}  // namespace

TEST_CASE("An example depends on its seed and number alone", "[copywriter][corpus]") {
  const Language language = any_language();
  const ExampleMaker maker = example_maker(held_out());
  const auto& first = examples(language);
  for (const std::uint64_t i : {1999u, 3u, 0u, 777u}) CHECK(same(maker.make(5, i, language), first[i]));
  std::size_t changed = 0;
  for (std::uint64_t i = 0; i < 50; ++i) changed += same(maker.make(6, i, language), first[i]) ? 0 : 1;
  CHECK(changed == 50);

  StringSet texts;
  for (const Example& example : first) texts.insert(to_text(example.prompt) + example.copy);
  CHECK(texts.size() == kExamples);
}

TEST_CASE("Without a language both come equally often, each as if it had been asked for",
          "[copywriter][corpus]") {
  const ExampleMaker maker = example_maker(held_out());
  std::size_t chinese = 0;
  for (std::uint64_t i = 0; i < 400; ++i) {
    const Example example = maker.make(5, i);
    REQUIRE(same(example, examples(example.brief.language)[i]));
    chinese += example.brief.language == Language::zh ? 1 : 0;
  }
  CHECK((chinese > 150 && chinese < 250));  // five standard deviations
}

TEST_CASE("The same seed gives the same bytes with every compiler", "[copywriter][corpus]") {
  const SmallTexts texts;
  const Lexicon zh = Lexicon::from_directory(texts.path(), Language::zh);
  const Lexicon en = Lexicon::from_directory(texts.path(), Language::en);
  const ExampleMaker maker(zh, en, {});
  StableHash hash;
  for (std::uint64_t i = 0; i < 2000; ++i) hash.add(maker.record(1, i).dump());
  // A change of the draws changes this, and with it the corpus that the shipped weights come from.
  CHECK(hexadecimal(hash.value()) == "c58fc537ba498f62");
}

TEST_CASE("Every copy is whole: it ends as sentences do and is in its language", "[copywriter][corpus]") {
  const Language language = any_language();
  const std::vector<std::string> ends = language == Language::zh
                                            ? std::vector<std::string>{"。", "！", "？", "”", "#"}
                                            : std::vector<std::string>{".", "!", "?", ".\"", "?\"", "!\""};
  CHECK(failed_examples(language, [&](const Example& example) -> std::string {
          const std::string& copy = example.copy;
          if (!is_utf8(copy)) return "not UTF-8";
          if (clean_text(copy) != trim(copy)) return "not one clean line";
          if ((language == Language::en) != copy.starts_with(' ')) return "the space in front";
          if (copy.find_first_of("{}<>[]") != std::string::npos &&
              to_text(example.prompt).find_first_of("{}[]") == std::string::npos) {
            return "a bracket of a pattern";
          }
          const bool ended =
              std::any_of(ends.begin(), ends.end(), [&](const auto& end) { return copy.ends_with(end); });
          return ended ? "" : "no end";
        }) == kNone);
}

TEST_CASE("Every copy names its product in one sentence, as the prompt does", "[copywriter][corpus]") {
  CHECK(failed_examples(any_language(), [](const Example& example) -> std::string {
          const StringSet names = fields(example.prompt, "<|product|>");
          if (names.size() != 1) return "no product";
          const std::string& name = *names.begin();
          const std::size_t first = example.copy.find(name), last = example.copy.rfind(name);
          if (first == std::string::npos) return "no name";
          // Nearly always once; a sentence may play with it: "you, {name}; {name}, you".
          const std::string between = example.copy.substr(first, last - first);
          const bool again =
              between.find("。") != std::string::npos || between.find(". ") != std::string::npos;
          return first != last && (again || between.size() > name.size() + 8) ? "twice" : "";
        }) == kNone);
}

TEST_CASE("No copy repeats four characters or words", "[copywriter][corpus]") {
  const Language language = any_language();
  const auto kind = language == Language::zh ? eval::Language::zh : eval::Language::en;
  CHECK(failed_examples(language, [&](const Example& example) -> std::string {
          const eval::Tokens units = eval::units(example.copy, kind);
          std::set<std::vector<std::string>> seen;
          for (std::size_t i = 0; i + 4 <= units.size(); ++i) {
            const auto at = units.begin() + static_cast<std::ptrdiff_t>(i);
            if (!seen.insert({at, at + 4}).second)
              return concat("twice: ", units[i], units[i + 1], units[i + 2], units[i + 3]);
          }
          return "";
        }) == kNone);
}

TEST_CASE("No copy has a number that its prompt lacks", "[copywriter][corpus]") {
  CHECK(failed_examples(any_language(), [](const Example& example) -> std::string {
          const auto invented = eval::invented_numbers(example.copy, to_text(example.prompt));
          return invented.empty() ? "" : invented[0];
        }) == kNone);
}

TEST_CASE("No copy says more of the customer than its prompt", "[copywriter][corpus]") {
  const Language language = any_language();
  // Words that no sentence has: a copy that holds one was told it.
  StringSet words;
  for (const Example& example : examples(language)) {
    const Customer& customer = example.customer.customer;
    words.insert({customer.name, customer.extras.value("city", ""), customer.member_level});
    words.insert(customer.interests.begin(), customer.interests.end());
    for (const auto* events :
         {&customer.purchases, &customer.browsing, &customer.cart, &customer.favourites}) {
      for (const Event& event : *events) words.insert(clean_text(event.title));
    }
  }
  std::erase_if(words,
                [](const std::string& word) { return word.size() < 18; });  // short ones are there by chance
  REQUIRE(words.size() > kExamples / 2);
  CHECK(failed_examples(language, [&](const Example& example) -> std::string {
          const std::string prompt = to_text(example.prompt);
          for (const std::string& word : words) {
            if (example.copy.find(word) != std::string::npos && prompt.find(word) == std::string::npos)
              return word;
          }
          return "";
        }) == kNone);
}

TEST_CASE("A sentence for an age, a level or a purse is for customers of whom the prompt tells it",
          "[copywriter][corpus]") {
  CHECK(failed_examples(any_language(), [&](const Example& example) -> std::string {
          const Traits& traits = example.customer.traits;
          for (const auto& [trait, tag] :
               {std::pair{Trait::age, "<|age|>"}, std::pair{Trait::gender, "<|gender|>"},
                std::pair{Trait::spend, "<|spend|>"}, std::pair{Trait::level, "<|level|>"},
                std::pair{Trait::sensitivity, "<|prices|>"}}) {
            if (traits.known(trait) == fields(example.prompt, tag).empty()) return tag;
          }
          const bool occasion =
              traits.known(Trait::scene) || traits.known(Trait::channel) || traits.known(Trait::tone);
          return occasion ? "the customer's traits say something of the occasion" : "";
        }) == kNone);
}

TEST_CASE("A kind of customer counts only where an interest shows it", "[copywriter][corpus]") {
  const Language language = any_language();
  const Lexicon& texts = lexicon(language);
  const Composer composer(texts);
  const Book& kind = texts.kinds[0];
  Product product;
  product.title = language == Language::zh ? "雾灰 Q2 马克杯" : "Brel Q2 Mug";
  Customer customer;
  const Brief brief{language, Scene::recommendation, Channel::detail, Tone::plain};
  const auto copies = [&](const Book* of, const std::string& interest) {
    customer.interests = {interest};
    StringSet all;
    for (std::uint64_t i = 0; i < 20; ++i) {
      Random random(1, i);
      all.insert(composer.compose(tagged_prompt(brief, product, customer), nullptr, of, {}, random));
    }
    return all;
  };
  CHECK(copies(&kind, "Zorb") == copies(nullptr, "Zorb"));
  CHECK(copies(&kind, kind.interests[0]) != copies(nullptr, kind.interests[0]));
}

TEST_CASE("More drafts put something of the customer's own behind the first clause oftener",
          "[copywriter][corpus]") {
  const Language language = any_language();
  const std::string interest = "Zorb";
  Product product;
  product.title = language == Language::zh ? "雾灰 Q2 马克杯" : "Brel Q2 Mug";
  Customer customer;
  customer.interests = {interest};
  const TaggedPrompt prompt =
      tagged_prompt({language, Scene::recommendation, Channel::push, Tone::plain}, product, customer);
  constexpr std::size_t copies = 200;
  const auto later = [&](int drafts) {
    std::size_t count = 0;
    for (std::uint64_t i = 0; i < copies; ++i) {
      Random random(1, i);
      const std::string text =
          Composer(lexicon(language), drafts).compose(prompt, nullptr, nullptr, {}, random);
      std::size_t end = std::string::npos;  // of the first clause
      for (const char* mark : {"，", "。", "！", "？", "；", "：", ", ", ". ", "! ", "? ", "; ", ": "})
        end = std::min(end, text.find(mark));
      const std::size_t at = text.rfind(interest);
      count += at != std::string::npos && at > end ? 1 : 0;
    }
    return count;
  };
  const std::size_t one = later(1), many = later(30);
  CHECK(one < copies / 2);
  CHECK(many > copies * 9 / 10);
}

TEST_CASE("Two customers get two copies for one product, equal ones the same", "[copywriter][corpus]") {
  const Language language = any_language();
  const World world(lexicon(Language::zh), lexicon(Language::en), held_out());
  const Composer composer(lexicon(language));
  const Brief brief{language, Scene::recommendation, Channel::feed, Tone::warm};
  std::size_t differ = 0;
  constexpr std::size_t products = 300;
  for (std::uint64_t i = 0; i < products; ++i) {
    Random random(9, i);
    const MadeProduct product = world.product(language, random);
    const auto copy = [&](const MadeCustomer& customer) {
      Random same_draws(10, i);
      const TaggedPrompt prompt = tagged_prompt(brief, product.product, customer.customer);
      std::string text =
          composer.compose(prompt, product.category, customer.kind, customer.traits, same_draws);
      // Without the customer's own words: what is left must differ, too.
      for (const PromptField& field : prompt) {
        const bool own = field.tag == "<|interest|>" || field.tag == "<|bought|>" ||
                         field.tag == "<|viewed|>" || field.tag == "<|cart|>" || field.tag == "<|saved|>" ||
                         field.tag == "<|review|>" || field.tag == "<|city|>" || field.tag == "<|level|>" ||
                         field.tag == "<|customer|>";
        const std::string word(trim(field.text));
        for (std::size_t at = 0; own && (at = text.find(word, at)) != std::string::npos;)
          text.erase(at, word.size());
      }
      return text;
    };
    MadeCustomer a = world.customer(language, random), b = world.customer(language, random);
    CHECK(copy(a) == copy(a));
    differ += copy(a) != copy(b) ? 1 : 0;
  }
  CHECK(differ >= products * 98 / 100);
}

TEST_CASE("Every scene, channel, tone, category and kind occurs, with and without each field",
          "[copywriter][corpus]") {
  const Language language = any_language();
  std::map<std::string_view, std::size_t> with;
  StringSet scenes, channels, tones, categories, kinds;
  for (const Example& example : examples(language)) {
    for (const std::string_view tag : prompt_tags()) {
      const bool there = std::any_of(example.prompt.begin(), example.prompt.end(),
                                     [&](const PromptField& field) { return field.tag == tag; });
      with[tag] += there ? 1 : 0;
    }
    scenes.merge(fields(example.prompt, "<|scene|>"));
    channels.merge(fields(example.prompt, "<|channel|>"));
    tones.merge(fields(example.prompt, "<|tone|>"));
    if (example.product.category) categories.insert(example.product.category->id);
    if (example.customer.kind) kinds.insert(example.customer.kind->id);
  }
  CHECK(scenes.size() == all_scenes().size());
  CHECK(channels.size() == all_channels().size());
  CHECK(tones.size() == all_tones().size());
  CHECK(categories.size() == lexicon(language).categories.size() - held_out().held_out_categories.size());
  CHECK(kinds.size() == lexicon(language).kinds.size() - held_out().held_out_kinds.size());
  const std::string own = language == Language::zh ? "<|zh|>" : "<|en|>";
  for (const std::string_view tag : prompt_tags()) {
    INFO(tag);
    if (tag == own || tag == "<|product|>" || tag == "<|copy|>") {
      CHECK(with[tag] == kExamples);
    } else if (tag == "<|zh|>" || tag == "<|en|>") {
      CHECK(with[tag] == 0);
    } else {
      CHECK((with[tag] > kExamples / 20 && with[tag] < kExamples * 19 / 20));
    }
  }
}

TEST_CASE("What is held out of training never appears, and alone where it is asked for",
          "[copywriter][corpus]") {
  const Language language = any_language();
  REQUIRE(held_out().held_out_categories.size() == 3);
  REQUIRE(held_out().held_out_kinds.size() == 2);
  // The words that only the held-out files have.
  const auto own_words = [](const std::vector<Book>& books, const StringSet& ids,
                            std::vector<std::string> Book::*words) {
    StringSet own, others;
    for (const Book& book : books)
      (ids.contains(book.id) ? own : others).insert((book.*words).begin(), (book.*words).end());
    for (const std::string& word : others) own.erase(word);
    return own;
  };
  const Lexicon& texts = lexicon(language);
  const StringSet names = own_words(texts.categories, held_out().held_out_categories, &Book::names);
  const StringSet interests = own_words(texts.kinds, held_out().held_out_kinds, &Book::interests);
  REQUIRE(names.size() > 10);
  REQUIRE(interests.size() > 10);
  CHECK(failed_examples(language, [&](const Example& example) -> std::string {
          if (example.product.category &&
              held_out().held_out_categories.contains(example.product.category->id))
            return "category";
          if (example.customer.kind && held_out().held_out_kinds.contains(example.customer.kind->id))
            return "kind";
          for (const std::string& name : fields(example.prompt, "<|category|>")) {
            if (names.contains(name)) return name;
          }
          for (const std::string& interest : fields(example.prompt, "<|interest|>")) {
            if (interests.contains(interest)) return interest;
          }
          return "";
        }) == kNone);

  WorldOptions options = held_out();
  options.held_out = true;
  const ExampleMaker maker = example_maker(options);
  StringSet categories, kinds;
  for (std::uint64_t i = 0; i < 200; ++i) {
    const Example example = maker.make(5, i, language);
    if (example.product.category) categories.insert(example.product.category->id);
    if (example.customer.kind) kinds.insert(example.customer.kind->id);
  }
  CHECK(categories == held_out().held_out_categories);
  CHECK(kinds == held_out().held_out_kinds);
}

TEST_CASE("A line of the corpus holds the prompt and its copy", "[copywriter][corpus]") {
  const Example& example = examples(Language::zh)[0];
  const OrderedJson record = training_record(example);
  CHECK(record.at("prompt") == to_text(example.prompt));
  CHECK(record.at("completion") == example.copy);
  CHECK(record.at("language") == "zh");
  CHECK(record.contains("category") == (example.product.category != nullptr));
  CHECK(record.contains("kind") == (example.customer.kind != nullptr));
}

TEST_CASE("Three lines of ten are exercises in repeating words", "[copywriter][corpus]") {
  const Language language = any_language();
  const ExampleMaker maker = example_maker(held_out());
  CHECK(std::count(prompt_tags().begin(), prompt_tags().end(), kRepeatTag) == 0);
  std::size_t exercises = 0;
  for (std::uint64_t i = 0; i < kExamples; ++i) {
    const OrderedJson record = maker.record(5, i, language);
    const std::string prompt = record.at("prompt");
    const std::string words = record.at("completion");
    REQUIRE(record.at("language") == to_string(language));
    if (prompt.find(kRepeatTag) == std::string::npos) {
      REQUIRE(record == training_record(examples(language)[i]));
      continue;
    }
    ++exercises;
    REQUIRE(prompt == concat("<|", to_string(language), "|>", kRepeatTag, words, "<|copy|>"));
    REQUIRE(words.find("<|") == std::string::npos);
    REQUIRE(clean_text(words) == trim(words));
    REQUIRE((language == Language::en) == words.starts_with(' '));
    REQUIRE(trim(words).size() > 1);
  }
  CHECK((exercises > 518 && exercises < 682));  // four standard deviations about 600
}

TEST_CASE("Repetition is four units twice", "[copywriter][corpus]") {
  CHECK(repeats_itself("今天喝茶，明天今天喝茶", Language::zh));
  CHECK_FALSE(repeats_itself("今天喝茶，明天喝茶", Language::zh));
  CHECK(repeats_itself(" One of these days, one of THESE days.", Language::en));
  CHECK_FALSE(repeats_itself(" One of these, one of these.", Language::en));
  CHECK(repeats_itself("啊啊啊啊啊", Language::zh));
  CHECK_FALSE(repeats_itself("", Language::zh));
}

TEST_CASE("A product that repeats itself gets no copy", "[copywriter][corpus]") {
  Product product;
  product.title = "好看好看好看好看好看的杯子";
  const Customer customer;
  Random random(1, 1);
  const TaggedPrompt prompt = tagged_prompt({Language::zh, {}, {}, {}}, product, customer);
  CHECK(Composer(lexicon(Language::zh)).compose(prompt, nullptr, nullptr, {}, random).empty());
}

TEST_CASE("Texts of which no copy can be made are named, not tried for ever", "[copywriter][corpus]") {
  const SmallTexts texts;
  texts.write("en/general.txt", "== close\nTake your time.\n");
  const Lexicon zh = Lexicon::from_directory(texts.path(), Language::zh);
  const Lexicon en = Lexicon::from_directory(texts.path(), Language::en);
  const ExampleMaker maker(zh, en, {});
  CHECK_THAT(test::message_of([&] { maker.make(1, 7, Language::en); }),
             ContainsSubstring("no copy for example 7 of seed 1"));
  CHECK_FALSE(maker.make(1, 7, Language::zh).copy.empty());
}
