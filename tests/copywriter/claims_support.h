// tests/copywriter/claims_support.h: good copies, their facts, and copies in which one fact was altered. How
// copies are altered, and what counts as altered, is told here by plain search, and shares nothing with the
// checker.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "adlib/io/json.h"
#include "copywriter/corpus/random.h"
#include "copywriter/polish/claims/claims.h"
#include "copywriter/shop/customer.h"
#include "copywriter/shop/product.h"
#include "copywriter/shop/text.h"
#include "corpus_support.h"

namespace adlib::test::claims_data {

using namespace copywriter;
using copywriter::corpus::Example;
using copywriter::corpus::ExampleMaker;
using copywriter::corpus::Random;
using copywriter::corpus::WorldOptions;

using test::rules_dir;

using Strings = std::vector<std::string>;

// A good copy, and everything that it may tell.
struct Case {
  const Product* product = nullptr;
  Customer customer;
  Language language = Language::zh;
  std::string copy;
  std::string facts;  // all of them, a line each
};

// A copy in which one fact was altered.
struct Altered {
  const Case* good = nullptr;
  std::string kind;
  std::string copy;
  Range where;
};

inline std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}
inline bool holds(const std::string& text, const std::string& words) {
  return lower(text).find(lower(words)) != std::string::npos;
}
inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
// Where words stand in a text, if they stand there once, and not inside of another word: a value may also be
// a word of another sentence.
inline std::size_t only_place(const std::string& text, const std::string& words) {
  const auto is_letter = [&](std::size_t at) {
    return at < text.size() && (is_digit(text[at]) || ((text[at] | 0x20) >= 'a' && (text[at] | 0x20) <= 'z'));
  };
  const std::size_t at = text.find(words);
  if (at == std::string::npos || text.find(words, at + 1) != std::string::npos) return std::string::npos;
  const std::size_t end = at + words.size();
  const bool inside =
      (at > 0 && is_letter(at - 1) && is_letter(at)) || (is_letter(end - 1) && is_letter(end));
  return inside ? std::string::npos : at;
}
inline bool is_ascii(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<signed char>(c) >= 0; });
}

// A number in a text: its digits, with points and commas between them.
inline std::vector<Range> numbers_of(const std::string& text) {
  std::vector<Range> out;
  for (std::size_t at = 0; at < text.size();) {
    if (!is_digit(text[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < text.size() && (is_digit(text[end]) || ((text[end] == '.' || text[end] == ',') &&
                                                         end + 1 < text.size() && is_digit(text[end + 1]))))
      ++end;
    out.push_back({at, end});
    at = end;
  }
  return out;
}
// Without what makes no difference: 1,299.50 is 1299.5.
inline std::string plain_number(std::string number) {
  std::erase(number, ',');
  if (number.find('.') != std::string::npos) {
    number.erase(number.find_last_not_of('0') + 1);
    if (number.ends_with('.')) number.pop_back();
  }
  const std::size_t first = std::min(number.find_first_not_of('0'), number.size() - 1);
  return number.substr(number[first] == '.' ? first - 1 : first);
}
inline std::string part(const std::string& text, Range range) {
  return text.substr(range.begin, range.end - range.begin);
}
// rule@words of each finding; product and customer are records in JSON.
inline Strings check(const Claims& claims, const std::string& text, const std::string& product,
                     const std::string& customer = "", bool generated = false) {
  const Language language = is_ascii(text) ? Language::en : Language::zh;
  const Product item = product_from_json(io::parse_json(product, "p"), {"p.jsonl", 1});
  std::optional<Customer> person;
  if (!customer.empty()) person = customer_from_json(io::parse_json(customer, "c"), {"c.jsonl", 1});
  Strings out;
  for (const Finding& finding : claims.check(text, item, person ? &*person : nullptr, language, generated))
    out.push_back(finding.rule + "@" + part(text, finding.where));
  return out;
}
inline std::set<std::string> plain_numbers(const std::string& text) {
  std::set<std::string> out;
  for (const Range range : numbers_of(text)) out.insert(plain_number(part(text, range)));
  return out;
}

inline std::string facts_of(const Product& product, const Customer& customer, Language language) {
  std::string facts;
  const auto add = [&](const std::string& text) { facts += text + "\n"; };
  for (const auto* text :
       {&product.title, &product.brand, &product.category, &product.description, &product.sku})
    add(*text);
  for (const auto* named : {&product.attributes, &product.options}) {
    for (const auto& [name, values] : *named) {
      add(name);
      for (const std::string& value : values) add(value);
    }
  }
  for (const std::string& tag : product.tags) add(tag);
  for (const auto* price : {&product.price, &product.price_max, &product.compare_at_price}) {
    if (*price) add(money_text(**price, language));
  }
  for (const Variant& variant : product.variants) {
    if (variant.price) add(money_text(*variant.price, language));
    if (variant.compare_at_price) add(money_text(*variant.compare_at_price, language));
  }
  for (const Image& image : product.images) add(image.alt);
  add(product.extras.dump());
  for (const auto* events : {&customer.browsing, &customer.favourites, &customer.cart, &customer.purchases}) {
    for (const Event& event : *events) add(event.title + " " + event.category + " " + event.brand);
  }
  for (const Review& review : customer.reviews) add(review.text);
  for (const std::string& interest : customer.interests) add(interest);
  add(customer.member_level);
  add(customer.name);
  add(customer.extras.dump());
  return facts;
}

// Units that copies have, and others that mean something else.
inline const std::vector<std::pair<std::string, Strings>>& unit_exchanges() {
  static const std::vector<std::pair<std::string, Strings>> all{
      {"小时", {"克", "厘米"}},    {"厘米", {"千克", "分钟"}},  {"毫米", {"小时", "克"}},
      {"千克", {"厘米", "小时"}},  {"公斤", {"米", "分钟"}},    {"克", {"毫米", "小时"}},
      {"毫升", {"厘米", "克"}},    {"升", {"公里", "年"}},      {"瓦", {"毫升", "克"}},
      {"分钟", {"毫米", "瓦"}},    {"个月", {"毫升", "公斤"}},  {"天", {"升", "瓦"}},
      {"年", {"瓦", "毫升"}},      {"英寸", {"克", "瓦"}},      {"米", {"年", "瓦"}},
      {"元", {"克", "小时"}},      {"cm", {"kg", "ml"}},        {"mm", {"kg", "hours"}},
      {"kg", {"cm", "hours"}},     {"ml", {"cm", "W"}},         {"g", {"cm", "ml"}},
      {"W", {"ml", "kg"}},         {"hours", {"cm", "ml"}},     {"minutes", {"kg", "cm"}},
      {"litres", {"hours", "kg"}}, {"months", {"ml", "cm"}},    {"years", {"kg", "cm"}},
      {"days", {"ml", "W"}},       {"inches", {"kg", "hours"}}, {"m", {"kg", "W"}},
      {"mAh", {"cm", "hours"}},    {"GB", {"cm", "hours"}}};
  return all;
}

class Alterations {
 public:
  Alterations(const std::vector<Case>& cases, std::uint64_t seed) : cases_(cases), seed_(seed) {
    for (const Case& one : cases) {
      titles_[one.language].insert(one.product->title);
      for (const auto& [name, values] : one.product->attributes) {
        for (const std::string& value : values) values_[name].insert(value);
        for (const std::string& value : values) all_values_ += value + "\n";
      }
      all_values_ += one.facts;
    }
  }

  std::vector<Altered> make(const std::map<std::string, Strings>& words_of_property) const {
    std::vector<Altered> all;
    for (std::size_t i = 0; i < cases_.size(); ++i) {
      Random random(seed_, i);
      numbers(cases_[i], random, all);
      attributes(cases_[i], random, all);
      words(cases_[i], words_of_property, random, all);
      names(cases_[i], random, all);
    }
    return all;
  }

 private:
  static void add(const Case& good, const std::string& kind, Range where, const std::string& with,
                  std::vector<Altered>& all) {
    std::string copy = good.copy;
    copy.replace(where.begin, where.end - where.begin, with);
    all.push_back({&good, kind, std::move(copy), {where.begin, where.begin + with.size()}});
  }

  static void numbers(const Case& good, Random& random, std::vector<Altered>& all) {
    const std::set<std::string> facts = plain_numbers(good.facts);
    for (const Range where : numbers_of(good.copy)) {
      const std::string number = part(good.copy, where);
      const auto altered = [&](const char* kind, const std::string& with) {
        const bool number_still = !with.empty() && is_digit(with.front()) && is_digit(with.back());
        if (number_still && !facts.contains(plain_number(with))) add(good, kind, where, with, all);
      };
      std::string with = number;
      std::size_t at = 0;
      do at = random.below(with.size());
      while (!is_digit(with[at]));
      with[at] = static_cast<char>('0' + (with[at] - '0' + 1 + static_cast<int>(random.below(9))) % 10);
      altered("digit changed", with);
      with = number;
      with.insert(random.below(with.size() + 1), 1, static_cast<char>('0' + random.below(10)));
      altered("digit added", with);
      with = number;
      with.erase(random.below(with.size()), 1);
      altered("digit dropped", with);
      with = number;
      std::erase(with, '.');
      with.insert(random.below(with.size()), 1, '.');
      if (with.front() != '.') altered("point moved", with);
      units(good, where, number, random, all);
    }
  }
  static void units(const Case& good, Range number, const std::string& digits, Random& random,
                    std::vector<Altered>& all) {
    std::size_t begin = number.end;
    if (begin < good.copy.size() && good.copy[begin] == ' ') ++begin;
    for (const auto& [unit, others] : unit_exchanges()) {
      if (good.copy.compare(begin, unit.size(), unit) != 0) continue;
      const std::size_t end = begin + unit.size();
      const auto is_letter = [](char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; };
      if (is_letter(unit.back()) && end < good.copy.size() && is_letter(good.copy[end])) continue;
      const std::string& other = random.pick(others);
      // No number of the facts may have that unit already.
      if (holds(good.facts, digits + other) || holds(good.facts, digits + " " + other)) return;
      add(good, "unit exchanged", {number.begin, end},
          good.copy.substr(number.begin, begin - number.begin) + other, all);
      return;
    }
  }

  void attributes(const Case& good, Random& random, std::vector<Altered>& all) const {
    for (const auto& [name, values] : good.product->attributes) {
      for (const std::string& value : values) {
        const std::size_t at = only_place(good.copy, value);
        if (at == std::string::npos) continue;
        const auto& others = values_.at(name);
        const Strings list(others.begin(), others.end());
        for (int attempt = 0; attempt < 10; ++attempt) {
          const std::string& with = random.pick(list);
          if (holds(good.facts, with)) continue;
          add(good, "value of another product", {at, at + value.size()}, with, all);
          break;
        }
      }
    }
  }
  void words(const Case& good, const std::map<std::string, Strings>& words_of_property, Random& random,
             std::vector<Altered>& all) const {
    for (const auto& [name, values] : good.product->attributes) {
      const auto words = words_of_property.find((good.language == Language::zh ? "zh " : "en ") + name);
      if (words == words_of_property.end()) continue;
      for (const std::string& value : values) {
        const std::size_t at = only_place(good.copy, value);
        if (at == std::string::npos) continue;
        for (int attempt = 0; attempt < 20; ++attempt) {
          const std::string& line = random.pick(words->second);  // of words that mean the same
          if (holds(line, "|" + value + "|")) continue;
          std::size_t begin = line.find('|', random.below(line.size() - 1)) + 1;
          if (begin == line.size()) begin = 1;
          const std::string with = line.substr(begin, line.find('|', begin) - begin);
          if (is_ascii(with) != (good.language == Language::en)) continue;
          if (holds(all_values_, with) || holds(good.facts, with) || holds(with, value)) continue;
          add(good, "word of no product", {at, at + value.size()}, with, all);
          break;
        }
      }
    }
  }
  void names(const Case& good, Random& random, std::vector<Altered>& all) const {
    const std::size_t at = good.copy.find(good.product->title);
    if (at == std::string::npos) return;
    const auto& others = titles_.at(good.language);
    const Strings list(others.begin(), others.end());
    for (int attempt = 0; attempt < 10; ++attempt) {
      const std::string& with = random.pick(list);
      if (holds(good.facts, with)) continue;
      add(good, "name exchanged", {at, at + good.product->title.size()}, with, all);
      return;
    }
  }

  const std::vector<Case>& cases_;
  std::uint64_t seed_;
  std::map<Language, std::set<std::string>> titles_;
  std::map<std::string, std::set<std::string>> values_;
  std::string all_values_;
};

struct Rate {
  std::size_t found = 0, all = 0;
  double share() const { return all == 0 ? 1 : static_cast<double>(found) / static_cast<double>(all); }
};

inline std::string shown(const Altered& one) {
  return one.copy.substr(0, one.where.begin) + "[[" + part(one.copy, one.where) + "]]" +
         one.copy.substr(one.where.end);
}

// By kind, and "all". With ADLIB_CLAIMS_SHOW=missed those that were not found are printed.
inline std::map<std::string, Rate> found(const Claims& claims, const std::vector<Altered>& all) {
  std::map<std::string, Rate> rates;
  const char* show = std::getenv("ADLIB_CLAIMS_SHOW");
  for (const Altered& one : all) {
    const auto findings = claims.check(one.copy, *one.good->product, &one.good->customer, one.good->language);
    const bool is_found = std::any_of(findings.begin(), findings.end(), [&](const Finding& finding) {
      return finding.where.overlaps(one.where);
    });
    for (const std::string& kind : {one.kind, std::string("all")}) {
      ++rates[kind].all;
      rates[kind].found += is_found;
    }
    if (show && !is_found)
      std::cout << "missed, " << one.kind << ": " << shown(one) << "\n  " << one.good->facts.substr(0, 400)
                << "\n";
  }
  return rates;
}
inline Rate flagged(const Claims& claims, const std::vector<Case>& cases) {
  Rate rate;
  const char* show = std::getenv("ADLIB_CLAIMS_SHOW");
  for (const Case& one : cases) {
    const auto findings = claims.check(one.copy, *one.product, &one.customer, one.language);
    ++rate.all;
    rate.found += !findings.empty();
    for (const Finding& finding : findings) {
      if (show)
        std::cout << "flagged: " << finding.rule << " " << finding.message << "\n  " << one.copy << "\n";
    }
  }
  return rate;
}
inline void print(const std::string& what, const std::map<std::string, Rate>& rates) {
  std::cout << what << "\n";
  for (const auto& [kind, rate] : rates)
    std::cout << "  " << kind << ": " << rate.found << " of " << rate.all << " (" << 100 * rate.share()
              << "%)\n";
}

}  // namespace adlib::test::claims_data
