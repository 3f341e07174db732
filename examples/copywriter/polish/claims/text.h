// copywriter/polish/claims/text.h: what those share that look around a place of a folded text.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "copywriter/polish/claims/lexicon.h"

namespace adlib::copywriter::claims {

inline std::string_view without_spaces_behind(std::string_view text) {
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}
inline std::string_view without_spaces_before(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  return text;
}
inline bool ends_with_any(std::string_view text, const std::vector<std::string>& words) {
  return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
    return text.ends_with(word) && is_word_edge(text, text.size() - word.size());
  });
}
inline const std::string* beginning(std::string_view text, const std::vector<std::string>& words) {
  const std::string* longest = nullptr;
  for (const std::string& word : words) {
    if (text.starts_with(word) && is_word_edge(text, word.size()) &&
        (!longest || word.size() > longest->size()))
      longest = &word;
  }
  return longest;
}
inline bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<signed char>(c) >= 0; });
}

}  // namespace adlib::copywriter::claims
