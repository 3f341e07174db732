// copywriter/rules/rule_set.h: a folder of rules, read once for all that hold texts against it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "adlib/generate/number_scan.h"
#include "copywriter/rules/channels.h"
#include "copywriter/rules/kinds.h"
#include "copywriter/rules/rule_pack.h"

namespace adlib::copywriter {

/// The packs, kinds.toml, channels.toml and units.txt of a folder. It does not change and is handed on as
/// std::shared_ptr<const RuleSet>; const use from many threads is safe.
class RuleSet {
 public:
  /// `packs` are files, or folders of them, beside those of `directory`: a brand's house words, a shop's own
  /// rules. Throws what read_unit_classes(), Kinds, read_channels(), read_packs() and RulePack::read() throw.
  explicit RuleSet(const std::filesystem::path& directory, std::span<const std::filesystem::path> packs = {});
  RuleSet(const RuleSet&) = delete;
  RuleSet& operator=(const RuleSet&) = delete;

  const std::filesystem::path& directory() const { return directory_; }
  const std::vector<RulePack>& packs() const { return packs_; }
  const Kinds& kinds() const { return kinds_; }
  const std::vector<ChannelField>& channels() const { return channels_; }
  const std::vector<std::vector<std::string>>& unit_classes() const { return unit_classes_; }
  const std::shared_ptr<const UnitSet>& units() const { return units_; }  ///< of the classes

  /// Of the packs about a language, or of all, the rules that a text may break, in the order of the packs:
  /// all that it does break and few others, whatever it is about. A rule's regular expression takes
  /// microseconds, this about as long as one of them.
  std::vector<const Rule*> rules_for(const FoldedText& text, std::optional<Language> language = {}) const;

 private:
  void make_index();

  std::filesystem::path directory_;
  std::vector<std::vector<std::string>> unit_classes_;
  std::shared_ptr<const UnitSet> units_;
  Kinds kinds_;
  std::vector<ChannelField> channels_;
  std::vector<RulePack> packs_;

  struct Entry {
    const RulePack* pack;
    const Rule* rule;
  };
  std::vector<Entry> rules_;           // of all packs
  std::vector<std::uint32_t> always_;  // places in rules_ of those without keys
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> by_key_;  // of the others
};

}  // namespace adlib::copywriter
