// The other things that adlib-corpus writes: texts for a vocabulary, and products and customers to measure
// on.
#include "copywriter/corpus/pairs.h"

#include <algorithm>
#include <set>

#include "copywriter/corpus/sentences.h"
#include "copywriter/shop/text.h"
#include "corpus_support.h"

using namespace adlib;
using namespace adlib::copywriter;
using namespace adlib::copywriter::corpus;
using adlib::test::corpus_dir;
using adlib::test::example_maker;
using adlib::test::lexicon;
using adlib::test::message_of;
using adlib::test::read_text;
using adlib::test::SmallTexts;
using adlib::test::TempDir;
using adlib::test::write_text;

namespace {

std::vector<io::Json> json_lines(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::vector<io::Json> records;
  io::for_each_json_line(in, file.string(),
                         [&](io::Json&& record, std::int64_t) { records.push_back(std::move(record)); });
  return records;
}

// The fields of a prompt that are not the brief's, sorted: files give attributes in the order of their names.
std::vector<std::string> sorted_fields(const std::string& prompt) {
  std::vector<std::string> fields;
  for (std::size_t at = prompt.find("<|"); at != std::string::npos;) {
    const std::size_t next = prompt.find("<|", at + 1);
    const std::string field = prompt.substr(at, next - at);
    const bool brief =
        field.starts_with("<|scene|>") || field.starts_with("<|channel|>") || field.starts_with("<|tone|>");
    if (!brief) fields.push_back(field);
    at = next;
  }
  std::sort(fields.begin(), fields.end());
  return fields;
}

WorldOptions unseen_world() {
  WorldOptions options = read_held_out(corpus_dir() / "corpus.txt");
  options.invented_values = 1;
  return options;
}

}  // namespace

TEST_CASE("Pairs read back as the products and customers that their copies are for", "[copywriter][corpus]") {
  const Language language = GENERATE(Language::zh, Language::en);
  const TempDir dir;
  write_pairs(example_maker(unseen_world()), {language, 150, 3, {}}, dir / "pairs");
  std::ifstream product_lines(dir / "pairs/products.jsonl"), customer_lines(dir / "pairs/customers.jsonl");
  const auto products = read_products(product_lines, "products.jsonl", {});
  const auto customers = read_customers(customer_lines, "customers.jsonl", {});
  const auto copies = json_lines(dir / "pairs/corpus-copies.jsonl");
  REQUIRE(products.size() == 150);
  REQUIRE(customers.size() == 150);
  REQUIRE(copies.size() == 150);
  for (std::size_t i = 0; i < copies.size(); ++i) {
    CHECK(products[i].id == concat("p", i + 1));
    CHECK(customers[i].id == concat("c", i + 1));
    const std::string prompt = to_text(tagged_prompt({language, {}, {}, {}}, products[i], customers[i]));
    REQUIRE(sorted_fields(prompt) == sorted_fields(copies[i].at("prompt")));
    CHECK(copies[i].at("text") == trim(copies[i].at("completion").get_ref<const std::string&>()));
  }
}

TEST_CASE("Pairs unlike a corpus have none of its names, brands and values", "[copywriter][corpus]") {
  const TempDir dir;
  const ExampleMaker maker = example_maker(unseen_world());
  std::string corpus;
  std::set<std::string> titles, brands, values;
  for (std::uint64_t i = 0; i < 40; ++i) {
    const Example example = maker.make(3, i, Language::en);
    corpus += training_record(example).dump() + "\n";
    const Product& product = example.product.product;
    titles.insert(clean_text(product.title));
    if (!product.brand.empty()) brands.insert(product.brand);
    for (const auto& [name, attribute] : product.attributes) values.insert(attribute[0]);
  }
  write_text(dir / "corpus.jsonl", corpus);

  const std::set<std::string> facts = facts_of(dir / "corpus.jsonl");
  std::set<std::string> expected = titles;
  expected.insert(brands.begin(), brands.end());
  expected.insert(values.begin(), values.end());
  CHECK(facts == expected);

  // The same seed would draw the same products again.
  write_pairs(maker, {Language::en, 60, 3, facts}, dir / "pairs");
  std::ifstream lines(dir / "pairs/products.jsonl");
  const auto products = read_products(lines, "products.jsonl", {});
  REQUIRE(products.size() == 60);
  for (const Product& product : products) {
    CHECK_FALSE(facts.contains(product.title));
    CHECK_FALSE(facts.contains(product.brand));
    for (const auto& [name, attribute] : product.attributes) CHECK_FALSE(facts.contains(attribute[0]));
  }
}

TEST_CASE("Pairs that cannot be new, and corpora that are none, are refused", "[copywriter][corpus]") {
  const TempDir dir;
  const ExampleMaker maker = example_maker(unseen_world());
  std::set<std::string> all;
  for (std::uint64_t i = 0; i < 1000; ++i) all.insert(maker.make(3, i, Language::zh).product.product.title);
  CHECK_THAT(message_of([&] {
               write_pairs(maker, {Language::zh, 1, 3, all}, dir / "pairs");
             }),
             ContainsSubstring("of 1000 products that were drawn only 0 are new"));
  CHECK_FALSE(std::filesystem::exists(dir / "pairs/products.jsonl"));

  CHECK_THAT(message_of([&] { facts_of(dir / "none.jsonl"); }), ContainsSubstring("cannot open "));
  write_text(dir / "c.jsonl", "{\"prompt\":\"<|zh|><|copy|>\"}\n{\"text\":\"a\"}\n");
  CHECK_THAT(message_of([&] { facts_of(dir / "c.jsonl"); }), ContainsSubstring("c.jsonl:2: field 'prompt'"));
  write_text(dir / "c.jsonl", "{\"prompt\":\"no tags <| at all<|fact|>no colon\"}\n");
  CHECK(facts_of(dir / "c.jsonl") == std::set<std::string>{"no colon"});
}

TEST_CASE("A vocabulary is learned from every text once, but for what is held out", "[copywriter][corpus]") {
  const WorldOptions held_out = read_held_out(corpus_dir() / "corpus.txt");
  const Lexicon &zh = lexicon(Language::zh), &en = lexicon(Language::en);
  const auto texts_of = [&](std::uint64_t seed) {
    std::vector<std::string> all;
    for_each_sentence(zh, en, held_out, seed, [&](const std::string& text) { all.push_back(text); });
    return all;
  };
  const std::vector<std::string> texts = texts_of(1);
  CHECK(texts == texts_of(1));
  CHECK(texts != texts_of(2));
  const std::set<std::string> there(texts.begin(), texts.end());
  for (const std::string& text : texts) {
    REQUIRE(is_utf8(text));
    REQUIRE(text.find_first_of("{}\n") == std::string::npos);  // no slot is left
  }
  for (const Book& kind : zh.kinds) {
    const bool left_out = held_out.held_out_kinds.contains(kind.id);
    for (const std::string& interest : kind.interests) CHECK((left_out || there.contains(interest)));
    if (left_out) {
      const std::size_t found =
          static_cast<std::size_t>(std::count_if(kind.interests.begin(), kind.interests.end(),
                                                 [&](const auto& word) { return there.contains(word); }));
      CHECK(found < kind.interests.size() / 2);  // some are words of other files, too
    }
  }
  for (const Book& category : en.categories) {
    if (held_out.held_out_categories.contains(category.id)) continue;
    for (const std::string& name : category.names) CHECK(there.contains(" " + name));
    for (const Attribute& attribute : category.attributes) CHECK(there.contains(" " + attribute.name));
  }
  for (const std::string& character : zh.characters) CHECK(there.contains(character));
  for (const Tone tone : all_tones())
    CHECK((there.contains(to_string(tone)) && there.contains(concat(" ", to_string(tone)))));
}
