// copywriter/prepare/opinion.h: what a review praises and complains about.
#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "copywriter/rules/phrase_pattern.h"

namespace adlib::copywriter {

/// What people judge in reviews, in the order of aspect_names().
inline constexpr std::size_t kAspects = 8;
struct AspectName {
  const char* id;
  const char* zh;
  const char* en;
};
const std::array<AspectName, kAspects>& aspect_names();

/// How often each aspect was praised and complained about.
struct Opinions {
  std::array<int, kAspects> praise{};
  std::array<int, kAspects> complaint{};
};

/// The words of one language, from a file whose format lexicon/zh.toml tells. Const use from many threads is
/// safe.
class OpinionLexicon {
 public:
  /// Throws Error(bad_format) "file:line:column: …", also for an unknown aspect and a phrase that is there
  /// twice.
  explicit OpinionLexicon(const std::filesystem::path& file);

  /// Adds what a review says: for each clause, an aspect counts once as praised or once as complained about.
  /// docs/features.md tells how.
  void add(std::string_view review, Opinions& opinions) const;

 private:
  enum class Role { word, praise, complaint, negation, contrast };
  struct Entry {
    Role role;
    std::size_t aspect;  // kAspects: any
  };
  struct Mention {
    Range where;
    Entry entry;
  };
  void add_clause(const FoldedText& text, const std::vector<Mention>& clause, Opinions& opinions) const;

  std::unordered_map<std::string, Entry> entries_;  // by the phrase, folded, without blanks and hyphens
  PhraseMatcher phrases_;
};

/// The lexicon of each language.
class OpinionReader {
 public:
  /// Reads zh.toml and en.toml of a directory.
  explicit OpinionReader(const std::filesystem::path& directory);
  /// Reads a review in the language that it is most likely in.
  void add(std::string_view review, Opinions& opinions) const;

 private:
  OpinionLexicon zh_, en_;
};

}  // namespace adlib::copywriter
