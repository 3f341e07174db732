// tests/copywriter/claims_cases.h: where the good copies come from: the corpus, patterns for real products;
// and the words of rules/attributes, to exchange and to leave out.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "claims_support.h"

namespace adlib::test::claims_data {

// Copies of the corpus, which tell the facts of their prompts.
inline std::vector<Case> made_cases(const std::vector<Example>& examples) {
  std::vector<Case> cases;
  for (const Example& example : examples) {
    const Product& product = example.product.product;
    const Customer& customer = example.customer.customer;
    cases.push_back({&product, customer, example.brief.language, std::string(trim(example.copy)),
                     facts_of(product, customer, example.brief.language)});
  }
  return cases;
}
inline std::vector<Example> made_examples(std::uint64_t seed, std::size_t count) {
  const ExampleMaker maker = example_maker(WorldOptions{});
  std::vector<Example> all;
  for (std::uint64_t i = 0; i < count; ++i)
    all.push_back(maker.make(seed, i, i % 2 ? Language::en : Language::zh));
  return all;
}
inline std::vector<Product> products_of(const std::vector<Example>& examples) {
  std::vector<Product> all;
  for (const Example& example : examples) all.push_back(example.product.product);
  return all;
}

// The words of a property in a file of rules/attributes, as the rest of this test reads them: what stands in
// quotes behind "words = [".
inline Strings words_of(const std::string& file, const std::string& id) {
  const std::string text = read_text(rules_dir() / "attributes" / file);
  std::size_t at = text.find("words = [", text.find("id = \"" + id + "\""));
  const std::size_t end = text.find("]", at);
  Strings all;
  for (at = text.find('"', at); at < end; at = text.find('"', at + 1)) {
    const std::size_t close = text.find('"', at + 1);
    std::string line = text.substr(at + 1, close - at - 1);
    std::erase(line, '?');
    all.push_back("|" + line + "|");
    at = close;
  }
  return all;
}
inline std::map<std::string, Strings> lexicon_words() {
  struct Property {
    const char *file, *id;
    Strings zh, en;
  };
  const std::vector<Property> properties{
      {"materials.toml", "material", {"材质", "面料"}, {"Material", "Upper"}},
      {"colours.toml", "colour", {"颜色", "色号"}, {"Colour", "Shade"}},
      {"origins.toml", "origin", {"产地"}, {"Origin"}},
      {"tastes.toml", "flavour", {"口味"}, {"Flavour"}},
      {"tastes.toml", "scent", {"香型", "香味"}, {"Scent"}},
      {"makings.toml", "closure", {"闭合方式"}, {"Closure"}},
      {"makings.toml", "connection", {"连接", "连接方式"}, {"Connection"}},
      {"makings.toml", "finish", {"妆效"}, {"Finish"}}};
  std::map<std::string, Strings> out;
  for (const Property& property : properties) {
    for (const std::string& word : words_of(property.file, property.id)) {
      for (const std::string& name : property.zh) out["zh " + name].push_back(word);
      for (const std::string& name : property.en) out["en " + name].push_back(word);
    }
  }
  return out;
}

// Copies of a few patterns for products of which there is no more than a title, a price and a description.
inline std::vector<Case> pattern_cases(const std::vector<Product>& products) {
  const std::vector<Strings> zh{{"新到的{title}，", "现价{price}。", "原价{was}，现在{price}。",
                                 "店里这样写：{about}。", "可选{option}。"},
                                {"看看{title}吧。", "{price}就能带回家。", "从{was}到{price}，少了{saved}。",
                                 "它是这样的：{about}。", "有{option}可选。"}};
  const std::vector<Strings> en{
      {"Meet the {title}. ", "It is {price}. ", "It was {was} and is now {price}. ", "{about}. ",
       "Choose from {option}."},
      {"{title}: {about}. ", "Yours for {price}. ", "Now {price}, so you save {saved}. ",
       "Take a look at the pictures. ", "Sizes: {option}."}};
  std::vector<Case> cases;
  for (const Product& product : products) {
    for (const Language language : {Language::zh, Language::en}) {
      for (const Strings& pattern : language == Language::zh ? zh : en) {
        std::string copy = pattern[0];
        copy += pattern[product.compare_at_price ? 2 : 1] + pattern[3];
        if (!product.options.empty()) copy += pattern[4];
        const auto put = [&](const std::string& slot, const std::string& value) {
          for (std::size_t at = copy.find(slot); at != std::string::npos; at = copy.find(slot))
            copy.replace(at, slot.size(), value);
        };
        std::string about = product.description, option;
        while (!about.empty() && (about.back() == '.' || about.back() == ' ')) about.pop_back();
        if (!product.options.empty()) {
          for (const std::string& value : product.options[0].second)
            option += (option.empty() ? "" : language == Language::zh ? "、" : ", ") + value;
        }
        std::string facts = facts_of(product, {}, language);
        put("{title}", product.title), put("{about}", about), put("{option}", option);
        put("{price}", money_text(*product.price, language));
        if (product.compare_at_price) {
          const auto saved = product.compare_at_price->ten_thousandths() - product.price->ten_thousandths();
          const std::string saved_text =
              money_text(money_from_ten_thousandths(saved, product.price->currency), language);
          put("{was}", money_text(*product.compare_at_price, language)), put("{saved}", saved_text);
          facts += saved_text + "\n";
        }
        cases.push_back({&product, {}, language, copy, facts});
      }
    }
  }
  return cases;
}

// Each word of a list that stands in a copy, exchanged for others of the list.
inline std::vector<Altered> exchanged_words(const std::vector<Case>& cases, const Strings& words,
                                            const std::string& kind, std::uint64_t seed) {
  std::vector<Altered> all;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    Random random(seed, i);
    const std::string copy = lower(cases[i].copy);
    for (const std::string& word : words) {
      const auto is_letter = [&](std::size_t at) {
        return at < copy.size() && copy[at] >= 'a' && copy[at] <= 'z';
      };
      std::size_t at = copy.find(word);
      while (at != std::string::npos && (is_letter(at - 1) || is_letter(at + word.size())))
        at = copy.find(word, at + 1);
      if (at == std::string::npos) continue;
      const std::string& with = random.pick(words);
      if (holds(cases[i].facts, with)) continue;
      std::string altered = cases[i].copy;
      altered.replace(at, word.size(), with);
      all.push_back({&cases[i], kind, altered, {at, at + with.size()}});
    }
  }
  return all;
}

// A copy of the rules in which every second line of words is missing.
inline void halve_lexicon(const std::filesystem::path& to) {
  std::filesystem::create_directories(to / "attributes");
  write_text(to / "units.txt", read_text(rules_dir() / "units.txt"));
  for (const auto& file : std::filesystem::directory_iterator(rules_dir() / "attributes")) {
    std::string text = read_text(file.path());
    for (std::size_t at = text.find("words = ["); at != std::string::npos;
         at = text.find("words = [", at + 1)) {
      std::size_t number = 0;
      for (std::size_t quote = at; text[quote] != ']'; ++quote) {
        if (text[quote] != '"') continue;
        const std::size_t close = text.find('"', quote + 1);
        if (number++ % 2 == 1) text.replace(quote + 1, close - quote - 1, "word that no copy has");
        quote = text.find('"', quote + 1);
      }
    }
    // What `broader` names may be gone.
    for (std::size_t at = text.find("broader = ["); at != std::string::npos; at = text.find("broader = ["))
      text.erase(at, text.find("]]", at) + 2 - at);
    write_text(to / "attributes" / file.path().filename(), text);
  }
}

}  // namespace adlib::test::claims_data
