// copywriter/rules/kinds.h: what kind of thing a product is, for the rules that are about some kinds only.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "copywriter/rules/phrase_pattern.h"

namespace adlib::copywriter {

/// Tells by words: "面霜" is a cosmetic. Const use from many threads is safe.
class Kinds {
 public:
  /// Reads kinds.toml, whose format README.md tells. Throws Error(bad_format) "file:line:column: …".
  explicit Kinds(const std::filesystem::path& file);
  /// The kinds whose words stand in a text (a title, a category, a whole copy), in the order of the file.
  std::vector<std::string> of(std::string_view text) const;
  std::vector<std::string> names() const;

 private:
  struct Kind {
    std::string id;
    PhraseMatcher words, except;
  };
  std::vector<Kind> kinds_;
};

}  // namespace adlib::copywriter
