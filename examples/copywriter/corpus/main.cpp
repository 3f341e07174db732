// adlib-corpus: writes the corpus that the shipped model learns from, and pairs that it has not seen.
#include <algorithm>
#include <exception>
#include <fstream>
#include <iostream>
#include <set>
#include <unordered_set>

#include <CLI/CLI.hpp>

#include "adlib/core/error.h"
#include "adlib/io/atomic_file.h"
#include "adlib/io/json.h"
#include "copywriter/collect/text.h"
#include "copywriter/corpus/example.h"
#include "copywriter/write/json_lines_sink.h"

namespace adlib::copywriter::corpus {
namespace {

struct Options {
  std::string texts = "examples/copywriter/corpus";
  std::string output;
  std::int64_t examples = 150'000;
  std::uint64_t seed = 1;
  std::string language;
  std::string unlike;
  bool held_out = false;
};

// corpus.txt: "category pet", "kind gardener", a line each.
WorldOptions read_held_out(const std::filesystem::path& directory) {
  const std::filesystem::path file = directory / "corpus.txt";
  std::ifstream in(file);
  if (!in) fail(ErrorCode::not_found, "cannot open ", file.string());
  WorldOptions options;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.empty() || line.starts_with("# ")) continue;
    const std::size_t blank = line.find(' ');
    const std::string what = line.substr(0, blank);
    require(blank != std::string::npos && (what == "category" || what == "kind"), file.string(), ":", number,
            ": expected 'category NAME' or 'kind NAME', got '", line, "'");
    (what == "category" ? options.held_out_categories : options.held_out_kinds).insert(line.substr(blank + 1));
  }
  return options;
}

std::string dump(const OrderedJson& record) {
  return record.dump(-1, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
}

OrderedJson training_line(const Example& example) {
  OrderedJson line{{"prompt", to_text(example.prompt)}, {"completion", example.copy}};
  line["language"] = to_string(example.brief.language);
  if (example.product.category) line["category"] = example.product.category->id;
  if (example.customer.kind) line["kind"] = example.customer.kind->id;
  return line;
}

int write_corpus(const Options& options) {
  const Lexicon zh = Lexicon::from_directory(options.texts, Language::zh);
  const Lexicon en = Lexicon::from_directory(options.texts, Language::en);
  const ExampleMaker maker(zh, en, read_held_out(options.texts));
  std::optional<Language> language;
  if (!options.language.empty()) language = parse_language(options.language);
  io::AtomicFile file(options.output);
  for (std::int64_t i = 0; i < options.examples; ++i) {
    file.write(dump(training_line(maker.make(options.seed, static_cast<std::uint64_t>(i), language))));
    if ((i + 1) % 10'000 == 0) std::cerr << i + 1 << " of " << options.examples << " examples\n";
  }
  file.commit();
  return 0;
}

// Every sentence, list entry and name once: what a vocabulary is learned from. In the joined corpus whole sentences come so
// often that they would become tokens.
int write_sentences(const Options& options) {
  const Lexicon zh = Lexicon::from_directory(options.texts, Language::zh);
  const Lexicon en = Lexicon::from_directory(options.texts, Language::en);
  const WorldOptions held_out = read_held_out(options.texts);
  io::AtomicFile file(options.output);
  std::uint64_t number = 0;
  const auto write = [&](const std::string& text) { file.write(dump({{"text", text}})); };
  for (const Lexicon* lexicon : {&zh, &en}) {
    const Language language = lexicon->language;
    const std::string before = language == Language::en ? " " : "";
    const auto write_word = [&](std::string_view word) { write(concat(before, word)); };
    const auto expanded = [&](const Pattern& pattern, const Book& book) {
      Random random(options.seed, number++);
      Scope scope;
      for (std::size_t i = 0; i < kSlots; ++i) scope.set(static_cast<Slot>(i), random.pick(lexicon->words));
      for (std::size_t i = 0; i < kLists; ++i) {
        scope.lists[i] = book.lists[i].empty() ? &lexicon->general.lists[i] : &book.lists[i];
        if (!scope.lists[i]->empty()) scope.lists_there |= ListMask{1} << i;
      }
      std::string text;
      SlotMask used = 0;
      if (pattern.possible(scope)) pattern.expand(scope, random, text, used);
      write_word(text);
    };
    const auto write_book = [&](const Book& book) {
      for (const auto& entries : book.entries) {
        for (const Entry& entry : entries) expanded(entry.pattern, book);
      }
      for (const auto& list : book.lists) {
        for (const Pattern& entry : list) expanded(entry, book);
      }
      for (const auto* patterns : {&book.titles, &book.reviews}) {
        for (const Pattern& pattern : *patterns) expanded(pattern, book);
      }
      for (const Attribute& attribute : book.attributes) {
        for (const Pattern& value : attribute.values) expanded(value, book);
        write_word(attribute.name);
      }
      for (const auto* words : {&book.names, &book.interests, &book.cities}) {
        for (const std::string& word : *words) write_word(word);
      }
    };
    write_book(lexicon->general);
    for (const Book& book : lexicon->categories) {
      if (!held_out.held_out_categories.contains(book.id)) write_book(book);
    }
    for (const Book& book : lexicon->kinds) {
      if (!held_out.held_out_kinds.contains(book.id)) write_book(book);
    }
    for (const std::string& character : lexicon->characters) write(character);
    // Often enough to become one token each.
    for (int i = 0; i < 60; ++i) {
      for (const auto scene : all_scenes()) write_word(to_string(scene));
      for (const auto channel : all_channels()) write_word(to_string(channel));
      for (const auto tone : all_tones()) write_word(to_string(tone));
      for (const char* word : {"male", "female", "high", "low"}) write_word(word);
    }
  }
  write("!\"#$%&'()*+,-./0123456789:;=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]_abcdefghijklmnopqrstuvwxyz|~£€¥°℃×½·–—’“”‘…™®éèêëáàâäåçíîïñóôöøúüß");
  file.commit();
  return 0;
}

// Names, brands and values of a corpus.
std::unordered_set<std::string> facts_of(const std::string& path) {
  std::unordered_set<std::string> facts;
  std::ifstream in(path);
  if (!in) fail(ErrorCode::not_found, "cannot open ", path);
  for (std::string line; std::getline(in, line);) {
    const std::string prompt = io::Json::parse(line).at("prompt").get<std::string>();
    for (std::size_t at = prompt.find("<|"); at != std::string::npos;) {
      const std::size_t close = prompt.find("|>", at);
      const std::size_t next = prompt.find("<|", close);
      std::string text(trim(std::string_view(prompt).substr(close + 2, next - close - 2)));
      const std::string tag = prompt.substr(at, close + 2 - at);
      if (tag == "<|fact|>") {
        const std::size_t wide = text.find("：");
        text = wide != std::string::npos ? text.substr(wide + 3) : text.substr(std::min(text.size(), text.find(": ") + 2));
      }
      if (tag == "<|product|>" || tag == "<|brand|>" || tag == "<|fact|>") facts.insert(std::move(text));
      at = next;
    }
  }
  return facts;
}

OrderedJson product_line(const Product& product, const std::string& id) {
  OrderedJson line{{"id", id}, {"title", product.title}};
  if (!product.brand.empty()) line["brand"] = product.brand;
  if (!product.category.empty()) line["category"] = product.category;
  if (product.price) line["price"] = product.price->amount, line["currency"] = product.price->currency;
  if (product.compare_at_price) line["compare_at_price"] = product.compare_at_price->amount;
  for (const auto& [name, values] : product.attributes) line["attributes"][name] = values;
  if (!product.description.empty()) line["description"] = product.description;
  return line;
}

OrderedJson customer_line(const MadeCustomer& made, const std::string& id) {
  const Customer& customer = made.customer;
  OrderedJson line{{"id", id}};
  if (!customer.name.empty()) line["name"] = customer.name;
  if (customer.age) line["age"] = *customer.age;
  if (!customer.gender.empty()) line["gender"] = customer.gender;
  if (!customer.interests.empty()) line["interests"] = customer.interests;
  const auto events = [&](const char* field, const std::vector<Event>& list) {
    for (const Event& event : list) {
      OrderedJson item;
      if (!event.title.empty()) item["title"] = event.title;
      if (!event.category.empty()) item["category"] = event.category;
      line[field].push_back(std::move(item));
    }
  };
  events("purchases", customer.purchases);
  events("browsing", customer.browsing);
  events("cart", customer.cart);
  events("favourites", customer.favourites);
  for (const Review& review : customer.reviews) line["reviews"].push_back(review.text);
  if (!customer.member_level.empty()) line["member_level"] = customer.member_level;
  if (customer.spend) line["spend"] = customer.spend->amount, line["currency"] = customer.spend->currency;
  for (const auto& [name, value] : customer.extras.items()) line[name] = value;
  if (made.kind) line["kind"] = made.kind->id;
  return line;
}

int write_pairs(const Options& options) {
  const Lexicon zh = Lexicon::from_directory(options.texts, Language::zh);
  const Lexicon en = Lexicon::from_directory(options.texts, Language::en);
  WorldOptions world = read_held_out(options.texts);
  world.held_out = options.held_out;
  world.invented_values = 1;
  const ExampleMaker maker(zh, en, world);
  const std::unordered_set<std::string> known = options.unlike.empty() ? std::unordered_set<std::string>{} : facts_of(options.unlike);
  const std::filesystem::path directory = options.output;
  std::filesystem::create_directories(directory);
  io::AtomicFile products(directory / "products.jsonl"), customers(directory / "customers.jsonl"),
      copies(directory / "corpus-copies.jsonl");
  const Language language = parse_language(options.language);
  std::int64_t written = 0;
  for (std::uint64_t i = 0; written < options.examples; ++i) {
    const Example example = maker.make(options.seed, i, language);
    const Product& product = example.product.product;
    const bool seen = known.contains(product.title) || known.contains(product.brand) ||
                      std::any_of(product.attributes.begin(), product.attributes.end(),
                                  [&](const auto& attribute) { return known.contains(attribute.second[0]); });
    if (seen) continue;
    const std::string number = std::to_string(++written);
    products.write(dump(product_line(product, "p" + number)));
    customers.write(dump(customer_line(example.customer, "c" + number)));
    OrderedJson copy = training_line(example);
    copy["text"] = trim(example.copy);
    copies.write(dump(copy));
  }
  products.commit();
  customers.commit();
  copies.commit();
  return 0;
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("Writes the corpus of adlib's own model", "adlib-corpus");
  app.require_subcommand(1);
  const auto shared = [&](CLI::App* command) {
    command->add_option("--texts", options.texts, "The folder with zh, en and corpus.txt")->capture_default_str();
    command->add_option("--examples", options.examples, "How many")->capture_default_str();
    command->add_option("--seed", options.seed, "Of all that is drawn")->capture_default_str();
  };
  CLI::App* write = app.add_subcommand("write", "Examples to learn from: JSON Lines of prompt and completion");
  write->add_option("FILE", options.output, "Appears when it is whole")->required();
  shared(write);
  write->add_option("--language", options.language, "zh or en; both without it")->check(CLI::IsMember({"zh", "en"}));
  CLI::App* sentences = app.add_subcommand("sentences", "Every sentence once: what a vocabulary is learned from");
  sentences->add_option("FILE", options.output, "Appears when it is whole")->required();
  shared(sentences);
  CLI::App* pairs = app.add_subcommand("pairs", "Products and customers, the n-th for the n-th, with copies from the corpus's sentences");
  pairs->add_option("DIR", options.output, "Gets products.jsonl, customers.jsonl, corpus-copies.jsonl")->required();
  shared(pairs);
  pairs->add_option("--language", options.language, "zh or en")->check(CLI::IsMember({"zh", "en"}))->required();
  pairs->add_option("--unlike", options.unlike, "A corpus: no name, brand or value that it has");
  pairs->add_flag("--held-out", options.held_out, "Categories and kinds that the corpus leaves out, instead of the others");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (sentences->parsed()) return write_sentences(options);
  return write->parsed() ? write_corpus(options) : write_pairs(options);
}

}  // namespace
}  // namespace adlib::copywriter::corpus

int main(int argc, char** argv) {
  try {
    return adlib::copywriter::corpus::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "adlib-corpus: error: " << error.what() << "\n";
    return 1;
  }
}
