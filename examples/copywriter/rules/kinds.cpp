#include "copywriter/rules/kinds.h"

#include "copywriter/rules/toml_table.h"

namespace adlib::copywriter {

Kinds::Kinds(const std::filesystem::path& file) {
  for_each_table(file, "kind", [&](TomlTable& table) {
    kinds_.push_back(
        {table.text("id"), PhraseMatcher(table.list("words")), PhraseMatcher(table.list("except"))});
  });
}

std::vector<std::string> Kinds::of(std::string_view text) const {
  const FoldedText folded(text);
  std::vector<std::string> out;
  for (const Kind& kind : kinds_) {
    for (const Range& word : kind.words.find_all(folded)) {
      if (kind.except.covers(folded, word)) continue;
      out.push_back(kind.id);
      break;
    }
  }
  return out;
}

std::vector<std::string> Kinds::names() const {
  std::vector<std::string> out;
  for (const Kind& kind : kinds_) out.push_back(kind.id);
  return out;
}

}  // namespace adlib::copywriter
