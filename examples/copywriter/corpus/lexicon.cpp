#include "copywriter/corpus/lexicon.h"

#include <algorithm>
#include <set>

#include "adlib/core/error.h"
#include "copywriter/shop/lines.h"
#include "copywriter/shop/text.h"
#include "copywriter/write/prompt.h"

namespace adlib::copywriter::corpus {
namespace {

constexpr std::array<std::string_view, kTraits> kTraitNames{"scene",  "tone",        "channel", "age",
                                                            "gender", "sensitivity", "spend",   "level"};

template <class Name>
std::vector<std::string_view> names_of(const std::vector<Name>& all) {
  std::vector<std::string_view> names;
  for (const Name name : all) names.emplace_back(to_string(name));
  return names;
}

std::optional<int> find_value(Trait trait, std::string_view name) {
  const auto& names = trait_values(trait);
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<int>(found - names.begin());
}

// Words of letters in English; what stands between slots and punctuation in Chinese.
void collect_words(const std::string& text, Language language, std::set<std::string>& words) {
  const bool zh = language == Language::zh;
  const std::size_t shortest = zh ? 2 : 3, longest = zh ? 4 : 11;
  std::string word;
  int depth = 0;
  std::size_t characters = 0;
  const auto flush = [&] {
    if (characters >= shortest && characters <= longest) words.insert(word);
    word.clear();
    characters = 0;
  };
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    const char32_t c = next_code_point(text, at);
    if (c == U'{' || c == U'<') ++depth;
    const bool letter = zh ? c >= 0x4E00 && c < 0xA000 : (c | 32) >= 'a' && (c | 32) <= 'z';
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

void collect_words(const Book& book, Language language, std::set<std::string>& words) {
  const auto collect = [&](const std::vector<Pattern>& patterns) {
    for (const Pattern& pattern : patterns) collect_words(pattern.text(), language, words);
  };
  collect(book.titles);
  for (const Attribute& attribute : book.attributes) collect(attribute.values);
  for (const auto& list : book.lists) collect(list);
}

std::vector<Book> read_books(const std::filesystem::path& folder) {
  std::vector<Book> books;
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator(folder, error)) {
    if (file.path().extension() != ".txt") continue;
    Book& book = books.emplace_back();
    book.id = file.path().stem().string();
    book.read(file.path());
  }
  if (books.empty()) fail(ErrorCode::not_found, "there are no files NAME.txt in ", folder.string());
  std::sort(books.begin(), books.end(), [](const Book& a, const Book& b) { return a.id < b.id; });
  return books;
}

std::vector<std::string> read_characters(const std::filesystem::path& file) {
  std::vector<std::string> characters;
  read_lines(file, [&](const std::string& line, const std::string&) {
    for (std::size_t at = 0; at < line.size();) {
      const std::size_t start = at;
      next_code_point(line, at);
      characters.push_back(line.substr(start, at - start));
    }
  });
  return characters;
}

}  // namespace

const std::vector<std::string_view>& trait_values(Trait trait) {
  static const std::array<std::vector<std::string_view>, kTraits> values{{
      names_of(all_scenes()),
      names_of(all_tones()),
      names_of(all_channels()),
      {"teen", "young", "adult", "middle", "senior"},
      {"male", "female"},
      {"high", "low"},
      {"high", "low"},
      {"high", "low"},
  }};
  return values[static_cast<std::size_t>(trait)];
}

bool Traits::is(Trait trait, std::string_view value) const {
  return known(trait) && find_value(trait, value) == (*this)[trait];
}

void Traits::set(Trait trait, std::string_view value) {
  const auto index = static_cast<std::size_t>(trait);
  const std::optional<int> found = find_value(trait, value);
  require(found.has_value(), "corpus: '", value, "' is no ", kTraitNames[index]);
  values_[index] = static_cast<std::int8_t>(*found);
}

void Conditions::add(std::string_view condition, const std::string& where) {
  const std::size_t equals = std::min(condition.find('='), condition.size());
  const auto trait = std::find(kTraitNames.begin(), kTraitNames.end(), condition.substr(0, equals));
  const std::vector<std::string_view> names =
      split(condition.substr(std::min(equals + 1, condition.size())), ',');
  if (trait == kTraitNames.end() || names.empty()) {
    fail(ErrorCode::bad_format, where, ": '", condition,
         "' is no condition, expected one such as tone=warm,playful");
  }
  const auto index = static_cast<std::size_t>(trait - kTraitNames.begin());
  for (const std::string_view name : names) {
    const std::optional<int> value = find_value(static_cast<Trait>(index), name);
    if (!value) fail(ErrorCode::bad_format, where, ": '", name, "' is no ", *trait);
    values_[index] = static_cast<std::uint8_t>(values_[index] | 1u << *value);
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
  return static_cast<int>(
      std::count_if(values_.begin(), values_.end(), [](std::uint8_t set) { return set != 0; }));
}

bool Conditions::on_customer() const {
  return ask_for(Trait::age) || ask_for(Trait::gender) || ask_for(Trait::sensitivity) ||
         ask_for(Trait::spend) || ask_for(Trait::level);
}

Lexicon Lexicon::from_directory(const std::filesystem::path& directory, Language language) {
  const std::filesystem::path home = directory / to_string(language);
  Lexicon lexicon;
  lexicon.language = language;
  lexicon.general.read(home / "general.txt");
  lexicon.general.read(home / "names.txt");
  lexicon.categories = read_books(home / "categories");
  lexicon.kinds = read_books(home / "kinds");
  if (language == Language::zh) lexicon.characters = read_characters(home / "characters.txt");

  std::set<std::string> words;
  for (const Book& book : lexicon.categories) collect_words(book, language, words);
  lexicon.words.assign(words.begin(), words.end());

  const auto needs = [&](bool there, const std::filesystem::path& file, std::string_view what) {
    if (!there) fail(ErrorCode::bad_format, file.string(), ": ", what);
  };
  needs(!lexicon.general.cities.empty(), home / "names.txt", "the section 'cities' is missing");
  needs(!lexicon.general.levels.empty(), home / "names.txt", "the section 'levels' is missing");
  needs(!lexicon.words.empty(), home / "categories", "no title and no list has a word to make names of");
  needs(language != Language::zh || !lexicon.characters.empty(), home / "characters.txt",
        "the file is empty");
  for (const Book& kind : lexicon.kinds) {
    const std::filesystem::path file = home / "kinds" / (kind.id + ".txt");
    needs(!kind.interests.empty(), file, "the section 'interests' is missing");
    for (const std::string& id : kind.buys) {
      const bool there = std::any_of(lexicon.categories.begin(), lexicon.categories.end(),
                                     [&](const Book& category) { return category.id == id; });
      needs(there, file, concat("'buys' names ", id, ", but there is no categories/", id, ".txt"));
    }
  }
  return lexicon;
}

}  // namespace adlib::copywriter::corpus
