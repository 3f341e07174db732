#include "copywriter/corpus/lexicon.h"

#include <algorithm>
#include <bit>
#include <fstream>
#include <set>

#include "adlib/core/error.h"
#include "copywriter/collect/text.h"

namespace adlib::copywriter::corpus {
namespace {

constexpr std::array<std::string_view, kRoles> kRoleNames{"open", "name",  "fact",  "about", "use",
                                                          "link", "offer", "close", "short"};
constexpr std::array<std::string_view, kTraits> kTraitNames{"scene",  "tone",        "channel", "age",
                                                            "gender", "sensitivity", "spend",   "level"};

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(separator, at), text.size());
    if (end > at) parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

// Words of letters in English; what stands between slots and punctuation in Chinese.
void collect_words(const std::string& text, Language language, std::set<std::string>& words) {
  std::string word;
  int depth = 0;
  std::size_t characters = 0;
  const auto flush = [&] {
    const bool fits = language == Language::zh ? characters >= 2 && characters <= 4 : characters >= 3 && characters <= 11;
    if (fits) words.insert(word);
    word.clear();
    characters = 0;
  };
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    const char32_t c = next_code_point(text, at);
    if (c == U'{' || c == U'<') ++depth;
    const bool letter = language == Language::zh ? c >= 0x4E00 && c < 0xA000 : (c | 32) >= 'a' && (c | 32) <= 'z';
    if (letter && depth == 0) {
      word.append(text, start, at - start);
      ++characters;
    } else {
      flush();
    }
    if (c == U'}' || c == U'>') --depth;
  }
  flush();
}

}  // namespace

const std::vector<std::string_view>& trait_values(Trait trait) {
  static const std::array<std::vector<std::string_view>, kTraits> values{{
      {"recommendation", "promotion", "member", "social", "ad"},
      {"plain", "warm", "playful", "elegant", "energetic", "expert"},
      {"push", "sms", "email", "chat", "feed", "detail", "banner"},
      {"teen", "young", "adult", "middle", "senior"},
      {"male", "female"},
      {"high", "low"},
      {"high", "low"},
      {"high", "low"},
  }};
  return values[static_cast<std::size_t>(trait)];
}

void Conditions::add(std::string_view condition, const std::string& where) {
  const std::size_t equals = std::min(condition.find('='), condition.size() - 1);
  const auto trait = std::find(kTraitNames.begin(), kTraitNames.end(), condition.substr(0, equals));
  require(trait != kTraitNames.end(), where, ": '", condition, "' is no condition, expected one such as tone=warm");
  const auto index = static_cast<std::size_t>(trait - kTraitNames.begin());
  const auto& names = trait_values(static_cast<Trait>(index));
  for (const std::string_view name : split(condition.substr(equals + 1), ',')) {
    const auto value = std::find(names.begin(), names.end(), name);
    require(value != names.end(), where, ": '", name, "' is no ", *trait);
    values_[index] = static_cast<std::uint8_t>(values_[index] | 1u << (value - names.begin()));
  }
}

bool Conditions::hold(const Traits& traits) const {
  for (std::size_t i = 0; i < kTraits; ++i) {
    if (values_[i] == 0) continue;
    const int value = traits[static_cast<Trait>(i)];
    if (value < 0 || (values_[i] >> value & 1) == 0) return false;
  }
  return true;
}

int Conditions::count() const {
  return static_cast<int>(std::count_if(values_.begin(), values_.end(), [](std::uint8_t set) { return set != 0; }));
}

bool Conditions::on_customer() const {
  for (const Trait trait : {Trait::age, Trait::gender, Trait::sensitivity, Trait::spend, Trait::level}) {
    if (values_[static_cast<std::size_t>(trait)] != 0) return true;
  }
  return false;
}

void Book::read(const std::filesystem::path& file) {
  std::ifstream in(file);
  if (!in.is_open()) fail(ErrorCode::not_found, "cannot open ", file.string());
  std::string line, section, argument;
  Conditions conditions;
  for (int number = 1; std::getline(in, line); ++number) {
    const std::string where = file.string() + ":" + std::to_string(number);
    if (line.empty() || line.starts_with("# ")) continue;
    if (line.starts_with("== ")) {
      const std::vector<std::string_view> parts = split(std::string_view(line).substr(3), ' ');
      require(!parts.empty(), where, ": a section needs a name");
      section = parts[0];
      argument.clear();
      conditions = {};
      // The name of an attribute may have blanks; a condition never does.
      for (std::size_t i = 1; i < parts.size(); ++i) {
        if (parts[i].find('=') != std::string_view::npos) {
          conditions.add(parts[i], where);
        } else {
          argument += (argument.empty() ? "" : " ") + std::string(parts[i]);
        }
      }
      if (section == "attribute") attributes.push_back({argument, {}});
      continue;
    }
    const auto role = std::find(kRoleNames.begin(), kRoleNames.end(), section);
    if (role != kRoleNames.end()) {
      entries[static_cast<std::size_t>(role - kRoleNames.begin())].push_back({Pattern(line, where), conditions, argument});
    } else if (section.starts_with('@')) {
      const std::optional<List> list = parse_list(std::string_view(section).substr(1));
      require(list.has_value(), where, ": there is no list ", section);
      Pattern pattern(line, where);
      require(pattern.uses() == 0, where, ": an entry of a list holds no slots");
      lists[static_cast<std::size_t>(*list)].push_back(std::move(pattern));
    } else if (section == "attribute") {
      attributes.back().values.emplace_back(line, where);
    } else if (section == "titles") {
      titles.emplace_back(line, where);
    } else if (section == "reviews") {
      reviews.emplace_back(line, where);
    } else if (section == "levels") {
      levels.push_back({Pattern(line, where), conditions, ""});
    } else if (section == "names") {
      names.push_back(line);
    } else if (section == "interests") {
      interests.push_back(line);
    } else if (section == "buys") {
      buys.push_back(line);
    } else if (section == "ages") {
      ages.push_back(line);
    } else if (section == "cities") {
      cities.push_back(line);
    } else {
      fail(ErrorCode::bad_format, where, ": there is no section '", section, "'");
    }
  }
}

Lexicon Lexicon::from_directory(const std::filesystem::path& directory, Language language) {
  Lexicon lexicon;
  lexicon.language = language;
  const std::filesystem::path home = directory / to_string(language);
  lexicon.general.read(home / "general.txt");
  lexicon.general.read(home / "names.txt");
  std::set<std::string> words;
  const auto read_all = [&](const char* folder, std::vector<Book>& books) {
    std::error_code error;
    for (const auto& file : std::filesystem::directory_iterator(home / folder, error)) {
      if (file.path().extension() != ".txt") continue;
      Book& book = books.emplace_back();
      book.id = file.path().stem().string();
      book.read(file.path());
    }
    if (error || books.empty()) fail(ErrorCode::not_found, "there are no files in ", (home / folder).string());
    std::sort(books.begin(), books.end(), [](const Book& a, const Book& b) { return a.id < b.id; });
  };
  read_all("categories", lexicon.categories);
  read_all("kinds", lexicon.kinds);
  for (const Book& book : lexicon.categories) {
    for (const Pattern& title : book.titles) collect_words(title.text(), language, words);
    for (const Attribute& attribute : book.attributes) {
      for (const Pattern& value : attribute.values) collect_words(value.text(), language, words);
    }
    for (const auto& list : book.lists) {
      for (const Pattern& entry : list) collect_words(entry.text(), language, words);
    }
  }
  lexicon.words.assign(words.begin(), words.end());
  std::ifstream characters(home / "characters.txt");
  for (std::string line; std::getline(characters, line);) {
    for (std::size_t at = 0; at < line.size();) {
      const std::size_t start = at;
      next_code_point(line, at);
      lexicon.characters.push_back(line.substr(start, at - start));
    }
  }
  return lexicon;
}

const Book& Lexicon::category(std::string_view id) const {
  const auto found = std::find_if(categories.begin(), categories.end(), [&](const Book& book) { return book.id == id; });
  if (found == categories.end()) {
    fail(ErrorCode::not_found, "there is no category '", id, "' in ", to_string(language));
  }
  return *found;
}

}  // namespace adlib::copywriter::corpus
