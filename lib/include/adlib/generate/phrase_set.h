// adlib/generate/phrase_set.h: thousands of phrases looked for at once in a text that is still growing.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "adlib/core/error.h"
#include "adlib/tokenizer/characters.h"

namespace adlib {

/// Phrases that must not stand in a text, and longer ones in which they may ("最" is forbidden, "最近" is
/// not). Letters are compared after append_folded(): case, width, accents and spaces do not count. A phrase
/// that begins or ends with a word character (is_word_character) must begin or end a word there: "best" is
/// not found in "bestow". An automaton of Aho and Corasick ("Efficient string matching", 1975); const after
/// construction, shared by any number of texts.
class PhraseSet {
 public:
  /// Throws Error(invalid_argument) naming a phrase of which folding leaves nothing.
  explicit PhraseSet(std::span<const std::string> forbidden, std::span<const std::string> exceptions = {}) {
    for (const std::string& phrase : forbidden) add(phrase, false);
    for (const std::string& phrase : exceptions) add(phrase, true);
    link();
  }
  std::size_t size() const { return phrases_.size(); }

  class Scan;

 private:
  using Node = std::uint32_t;
  static constexpr std::int32_t none = -1;
  struct Phrase {
    std::uint32_t length = 0;
    bool exception = false, begins_word = false, ends_word = false;
  };
  struct State {
    Node fail = 0;
    Node shorter = 0;                       // the longest proper suffix that is a phrase; 0: none
    std::uint32_t depth = 0;                // characters of the path that leads here
    std::uint32_t saving = 0;               // the longest suffix that can still grow into an exception
    std::int32_t phrase[2] = {none, none};  // that ends here: forbidden, exception
  };

  static std::uint64_t edge(Node from, char32_t c) { return std::uint64_t{from} << 32 | c; }

  void add(std::string_view text, bool exception) {
    const std::u32string points = code_points(text);
    std::u32string letters;
    std::vector<bool> word;  // of which of them a word character is the origin
    for (const char32_t c : points) {
      append_folded(letters, c);
      word.resize(letters.size(), is_word_character(c));
    }
    require(!letters.empty(), "phrase '", text, "': there is nothing in it to look for");
    Node at = 0;
    for (const char32_t c : letters) {
      const auto [child, fresh] = edges_.try_emplace(edge(at, c), static_cast<Node>(states_.size()));
      if (fresh) states_.push_back({.depth = states_[at].depth + 1});
      at = child->second;
    }
    if (const std::int32_t same = states_[at].phrase[exception];
        same != none) {  // "1" and "①": the stricter counts
      Phrase& phrase = phrases_[static_cast<std::size_t>(same)];
      phrase.begins_word = phrase.begins_word && word.front();
      phrase.ends_word = phrase.ends_word && word.back();
      return;
    }
    states_[at].phrase[exception] = static_cast<std::int32_t>(phrases_.size());
    phrases_.push_back({static_cast<std::uint32_t>(letters.size()), exception, word.front(), word.back()});
  }

  void link() {
    std::vector<std::vector<std::pair<char32_t, Node>>> children(states_.size());
    for (const auto& [key, child] : edges_) {
      children[key >> 32].emplace_back(static_cast<char32_t>(key & 0xFFFFFFFF), child);
    }
    std::vector<Node> order = {0};
    for (std::size_t i = 0; i < order.size(); ++i) {
      for (const auto& [c, child] : children[order[i]]) order.push_back(child);
    }
    std::vector<bool> grows(states_.size());  // into an exception
    for (auto node = order.rbegin(); node != order.rend(); ++node) {
      for (const auto& [c, child] : children[*node]) {
        if (grows[child] || states_[child].phrase[true] != none) grows[*node] = true;
      }
    }
    for (const Node node : order) {
      for (const auto& [c, child] : children[node]) {
        State& state = states_[child];
        state.fail = node == 0 ? 0 : next(states_[node].fail, c);
        const State& fail = states_[state.fail];
        const bool ends = fail.phrase[0] != none || fail.phrase[1] != none;
        state.shorter = ends ? state.fail : fail.shorter;
        state.saving = grows[child] ? state.depth : fail.saving;
      }
    }
  }

  Node next(Node at, char32_t c) const {
    for (;; at = states_[at].fail) {
      const auto found = edges_.find(edge(at, c));
      if (found != edges_.end()) return found->second;
      if (at == 0) return 0;
    }
  }

  std::vector<Phrase> phrases_;
  std::vector<State> states_ = std::vector<State>(1);
  std::unordered_map<std::uint64_t, Node> edges_;
};

/// Where a growing text stands. Small and copyable; `set` must outlive it.
class PhraseSet::Scan {
 public:
  explicit Scan(const PhraseSet& set) : set_(&set) {}

  /// Adds a character and what append_folded() leaves of it. False when the text now certainly holds a
  /// forbidden phrase: no exception can still come to cover it.
  bool push(char32_t c, std::u32string_view letters) {
    if (is_part_of_previous(c)) return true;
    const bool word = is_word_character(c);
    bool boundary = !(word && in_word_);
    in_word_ = word;
    if (letters.empty()) return meet(boundary);
    for (const char32_t letter : letters) {
      if (!meet(boundary) || !step(letter, boundary)) return false;
      boundary = !word;  // between the letters that one character stands for
    }
    return true;
  }
  /// Whether the text may end here: it holds no forbidden phrase outside of an exception.
  bool may_end() const { return matches_.empty(); }

 private:
  struct Match {
    std::uint32_t begin = 0;
    bool open = false;     // counts only if the word ends here, as the next character will tell
    bool dropped = false;  // the word went on
  };

  // Tells the matches that wait for it whether a word ends before the next letter.
  bool meet(bool boundary) {
    for (Match& match : matches_) {
      if (match.open) match.open = false, match.dropped = !boundary;
    }
    std::erase_if(matches_, [](const Match& match) { return match.dropped; });
    return !doomed();
  }
  bool step(char32_t letter, bool begins_word) {
    begins_ = begins_ << 1 | (begins_word ? 1 : 0);
    node_ = set_->next(node_, letter);
    ++position_;
    std::uint32_t excused = position_;  // from here on, by the longest exception that ends here
    for (Node node = node_; node != 0 && excused == position_; node = set_->states_[node].shorter) {
      if (const auto exception = set_->states_[node].phrase[true]; exception != none) {
        excused = position_ - set_->phrases_[static_cast<std::size_t>(exception)].length;
      }
    }
    std::erase_if(matches_, [&](const Match& match) { return match.begin >= excused; });
    for (Node node = node_; node != 0; node = set_->states_[node].shorter) {
      const std::int32_t forbidden = set_->states_[node].phrase[false];
      if (forbidden == none) continue;
      const Phrase& phrase = set_->phrases_[static_cast<std::size_t>(forbidden)];
      // Of long phrases the beginning is out of sight and taken for one of a word.
      const bool starts = !phrase.begins_word || phrase.length > 64 || (begins_ >> (phrase.length - 1) & 1);
      const std::uint32_t begin = position_ - phrase.length;
      if (starts && begin < excused) matches_.push_back({begin, phrase.ends_word});
    }
    return !doomed();
  }
  bool doomed() const {
    const std::uint32_t saved = position_ - set_->states_[node_].saving;
    return std::any_of(matches_.begin(), matches_.end(),
                       [&](const Match& match) { return !match.open && match.begin < saved; });
  }

  const PhraseSet* set_;
  Node node_ = 0;
  std::uint32_t position_ = 0;  // letters so far
  std::uint64_t begins_ = 0;    // bit i: the letter i places back began a word
  bool in_word_ = false;        // the last character was one of a word
  std::vector<Match> matches_;
};

}  // namespace adlib
