// copywriter/polish/claims/lexicon.h: the words with which texts claim something, from rules/attributes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "copywriter/rules/phrase_pattern.h"

namespace adlib::copywriter::claims {

/// Folded as FoldedText does it.
std::string folded_text(std::string_view text);
/// Whether `at` in folded text is not between two letters or digits of a word in Latin script.
bool is_word_edge(std::string_view folded, std::size_t at);
/// The first place of a phrase, whole words only, from `from` on; npos without one. Both are folded.
std::size_t find_words(std::string_view folded, std::string_view phrase, std::size_t from = 0);
inline bool holds_words(std::string_view folded, std::string_view phrase) {
  return find_words(folded, phrase) != std::string_view::npos;
}

/// Very many phrases with what they stand for, looked for at once.
template <class Entry>
class WordIndex {
 public:
  /// `phrase` is folded; an empty one is left out. No phrase is found before link().
  void add(std::string phrase, Entry entry) {
    if (!phrase.empty()) phrases_.emplace_back(std::move(phrase), std::move(entry));
  }
  void link();
  /// Calls take(Range, entry) for each phrase at each place, whole words only.
  template <class Take>
  void find_all(std::string_view folded, const Take& take) const;

 private:
  static constexpr std::size_t kKey = 3;  // bytes; one character of Chinese
  static std::uint32_t key(std::string_view begin) {
    std::uint32_t key = static_cast<std::uint32_t>(begin.size());
    for (const char c : begin) key = key << 8 | static_cast<unsigned char>(c);
    return key;
  }

  std::vector<std::pair<std::string, Entry>> phrases_;                                    // sorted
  std::unordered_map<std::uint32_t, std::pair<std::uint32_t, std::uint32_t>> beginning_;  // of phrases_
};

/// A word of a property, or one that means the same.
struct LexiconWord {
  std::string text;   ///< folded
  bool weak = false;  ///< it has other meanings, too
};
/// Words that mean the same, and other words that bear the first of them out.
struct LexiconGroup {
  std::vector<LexiconWord> words;
  std::vector<std::string> narrower;  ///< parts of words, folded
};
struct Cue {
  std::string before, behind;  ///< folded
};
struct PropertyClass {
  std::string id;
  std::vector<std::string> names;  ///< folded
  bool weak = false;               ///< all words have other meanings, too
  std::vector<LexiconGroup> groups;
  std::vector<Cue> cues;
};
struct ClaimRule {
  bool comparison = false;
  PhraseMatcher phrases, except;
};
/// How sentences tell a value.
struct Statements {
  std::vector<std::string> binders, back_binders, before, behind, openers, links, aside, open, under, answers,
      entries, listed;  ///< folded
};

/// A property as sentences tell it that do not name it as the shop does.
struct ToldProperty {
  std::string id;
  std::vector<std::string> names;  ///< folded; those of the PropertyClass with this id, too
  std::vector<std::string> units;  ///< only a quantity of one of these is a value; none: any text is
};
/// What announces words of the shop's, and what stands behind them.
struct Quotations {
  PhraseMatcher before, behind;
};

/// What rules/attributes holds, but for numbers.toml.
struct ClaimLexicon {
  std::vector<PropertyClass> classes;
  std::vector<ToldProperty> told;
  WordIndex<std::uint32_t> told_words;  ///< which tell a property, by its place in `told`
  WordIndex<std::uint32_t> frames;      ///< of them, those behind which a quantity must stand
  /// What shops call a property: which of `told` it names. One name may be that of several.
  std::map<std::string, std::set<std::uint32_t>, std::less<>> told_names;
  Quotations quotations;
  PhraseMatcher except;  ///< idioms, inside of which a word of a property is none
  std::vector<ClaimRule> claims;
  Statements statements;

  /// Throws Error(bad_format) "file:line:column: …", Error(not_found) for a file that is missing.
  static ClaimLexicon read(const std::filesystem::path& directory);
};

template <class Entry>
void WordIndex<Entry>::link() {
  std::stable_sort(phrases_.begin(), phrases_.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  beginning_.clear();
  for (std::uint32_t i = 0; i < phrases_.size(); ++i) {
    const auto begin = std::string_view(phrases_[i].first).substr(0, kKey);
    const auto [at, fresh] = beginning_.try_emplace(key(begin), i, i);
    at->second.second = i + 1;
  }
}

template <class Entry>
template <class Take>
void WordIndex<Entry>::find_all(std::string_view folded, const Take& take) const {
  for (std::size_t at = 0; at < folded.size(); ++at) {
    if ((static_cast<unsigned char>(folded[at]) & 0xC0) == 0x80 || !is_word_edge(folded, at)) continue;
    // A short phrase has a key of its own; a long one shares that of its first bytes.
    for (std::size_t length = 1; length <= kKey && at + length <= folded.size(); ++length) {
      const auto found = beginning_.find(key(folded.substr(at, length)));
      if (found == beginning_.end()) continue;
      auto [low, high] = found->second;
      for (std::size_t depth = length; low < high; ++depth) {
        for (; low < high && phrases_[low].first.size() == depth; ++low) {
          if (is_word_edge(folded, at + depth)) take(Range{at, at + depth}, phrases_[low].second);
        }
        if (length < kKey || at + depth == folded.size()) break;
        const auto next = static_cast<unsigned char>(folded[at + depth]);
        const auto byte_before = [&](const auto& phrase, unsigned char byte) {
          return static_cast<unsigned char>(phrase.first[depth]) < byte;
        };
        const auto byte_behind = [&](unsigned char byte, const auto& phrase) {
          return byte < static_cast<unsigned char>(phrase.first[depth]);
        };
        const auto first = phrases_.begin() + low, last = phrases_.begin() + high;
        const auto begin = std::lower_bound(first, last, next, byte_before);
        const auto end = std::upper_bound(begin, last, next, byte_behind);
        low = static_cast<std::uint32_t>(begin - phrases_.begin());
        high = static_cast<std::uint32_t>(end - phrases_.begin());
      }
    }
  }
}

}  // namespace adlib::copywriter::claims
