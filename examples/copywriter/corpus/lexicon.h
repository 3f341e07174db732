// copywriter/corpus/lexicon.h: the sentences and words of one language, read from its folder. The format of
// the files is told in README.md.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "copywriter/corpus/pattern.h"
#include "copywriter/shop/language.h"

namespace adlib::copywriter::corpus {

/// What a sentence does in a copy; `whole` is the section `short`.
enum class Role { open, name, fact, about, use, link, offer, close, whole };
inline constexpr std::size_t kRoles = static_cast<std::size_t>(Role::whole) + 1;

/// What a sentence may ask of the occasion and the customer.
enum class Trait { scene, tone, channel, age, gender, sensitivity, spend, level };
inline constexpr std::size_t kTraits = static_cast<std::size_t>(Trait::level) + 1;
/// The names of a trait's values, in the order of their numbers: those of the enumerations Scene, Tone and
/// Channel.
const std::vector<std::string_view>& trait_values(Trait trait);

/// The value of every trait, or nothing (-1) where it is not known.
class Traits {
 public:
  Traits() { values_.fill(-1); }
  int operator[](Trait trait) const { return values_[static_cast<std::size_t>(trait)]; }
  bool known(Trait trait) const { return (*this)[trait] >= 0; }
  bool is(Trait trait, std::string_view value) const;
  /// Throws Error(invalid_argument) for a value that the trait does not have.
  void set(Trait trait, std::string_view value);

 private:
  std::array<std::int8_t, kTraits> values_;
};

/// Sets of values: an empty set asks for nothing.
class Conditions {
 public:
  /// Adds "tone=warm,playful". Throws Error(bad_format) "where: …" for a trait or value that is unknown.
  void add(std::string_view condition, const std::string& where);
  bool hold(const Traits& traits) const;
  /// How many traits they ask for.
  int count() const;
  bool ask_for(Trait trait) const { return values_[static_cast<std::size_t>(trait)] != 0; }
  /// True when they ask for a trait of the customer.
  bool on_customer() const;

 private:
  std::array<std::uint8_t, kTraits> values_{};  // of each trait, one bit a value
};

struct Entry {
  Pattern pattern;
  Conditions conditions;
  std::string fact;  ///< of a fact sentence that tells one attribute only: that attribute
};

struct Attribute {
  std::string name;
  std::vector<Pattern> values;
};

/// One file, or several that say the same kind of thing.
struct Book {
  std::string id;  ///< "headphones"
  std::array<std::vector<Entry>, kRoles> entries;
  std::array<std::vector<Pattern>, kLists> lists;
  std::vector<std::string> names, interests, buys, ages, cities;
  std::vector<Entry> levels;  ///< names of member levels, with a condition on what they are worth
  std::vector<Pattern> titles, reviews;
  std::vector<Attribute> attributes;

  const std::vector<Entry>& of(Role role) const { return entries[static_cast<std::size_t>(role)]; }
  /// Adds what the file holds. Throws Error(bad_format) "file:line: …" for what the format does not allow,
  /// Error(not_found) when there is no such file.
  void read(const std::filesystem::path& file);
};

struct Lexicon {
  Language language = Language::zh;
  Book general;
  std::vector<Book> categories, kinds;  ///< sorted by id
  std::vector<std::string> words;       ///< of titles, values and lists: what invented names are made of
  std::vector<std::string> characters;  ///< Chinese: those of characters.txt, for the same

  /// Reads DIRECTORY/zh or DIRECTORY/en. Throws as Book::read, and where something is missing without which
  /// no example can be made.
  static Lexicon from_directory(const std::filesystem::path& directory, Language language);
};

}  // namespace adlib::copywriter::corpus
