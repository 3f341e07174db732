#include "copywriter/rules/rule_set.h"

#include <algorithm>

#include "adlib/core/error.h"
#include "adlib/tokenizer/characters.h"
#include "copywriter/rules/units.h"
#include "copywriter/shop/hash.h"

namespace adlib::copywriter {
namespace {

// Of a key, letter by letter. Two keys with the same hash only cost time.
std::uint64_t add_letter(std::uint64_t hash, char32_t letter) { return mixed(hash + letter + 1); }

std::vector<RulePack> read_all(const std::filesystem::path& directory,
                               std::span<const std::filesystem::path> more) {
  std::vector<RulePack> packs = read_packs(directory);
  for (const std::filesystem::path& file : more) {
    if (std::filesystem::is_directory(file)) {
      std::vector<RulePack> own = read_packs(file);
      if (own.empty())
        fail(ErrorCode::bad_format, file.string(),
             ": holds no rules; a pack is a .toml file that begins with [pack]");
      for (RulePack& pack : own) packs.push_back(std::move(pack));
    } else {
      packs.push_back(RulePack::read(file));
    }
  }
  return packs;
}

}  // namespace

RuleSet::RuleSet(const std::filesystem::path& directory, std::span<const std::filesystem::path> packs)
    : directory_(directory),
      unit_classes_(read_unit_classes(directory / "units.txt")),
      units_(std::make_shared<UnitSet>(unit_classes_)),
      kinds_(directory / "kinds.toml"),
      channels_(read_channels(directory / "channels.toml")),
      packs_(read_all(directory, packs)) {
  make_index();
}

void RuleSet::make_index() {
  for (const RulePack& pack : packs_) {
    for (const Rule& rule : pack.rules) {
      const auto at = static_cast<std::uint32_t>(rules_.size());
      rules_.push_back({&pack, &rule});
      if (!rule.require.empty() || rule.keys.empty()) {  // what is not there breaks it, too
        always_.push_back(at);
        continue;
      }
      for (const std::u32string& key : rule.keys) {
        std::uint64_t hash = 0;
        for (const char32_t letter : key) hash = add_letter(hash, letter);
        by_key_[hash].push_back(at);
      }
    }
  }
}

std::vector<const Rule*> RuleSet::rules_for(const FoldedText& text, std::optional<Language> language) const {
  std::vector<std::uint32_t> found = always_;
  const std::u32string letters = code_points(text.folded());
  for (std::size_t begin = 0; begin < letters.size(); ++begin) {
    std::uint64_t hash = 0;
    const std::size_t end = std::min(letters.size(), begin + kPhraseKeyLetters);
    for (std::size_t at = begin; at < end; ++at) {
      hash = add_letter(hash, letters[at]);
      const auto rules = by_key_.find(hash);
      if (rules != by_key_.end()) found.insert(found.end(), rules->second.begin(), rules->second.end());
    }
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  std::vector<const Rule*> out;
  for (const std::uint32_t at : found) {
    if (!language || rules_[at].pack->is_about(*language)) out.push_back(rules_[at].rule);
  }
  return out;
}

}  // namespace adlib::copywriter
