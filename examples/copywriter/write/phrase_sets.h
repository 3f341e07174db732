// copywriter/write/phrase_sets.h: what copy must not say, made ready for the model's automaton.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "adlib/generate/phrase_set.h"
#include "copywriter/rules/rule_set.h"

namespace adlib::copywriter {

/// The PhraseSets of rules that apply together. One takes some 0.1 s to make and some megabytes to keep, and
/// most texts ask for what others before them did: the latest are kept. Safe to share between threads.
class PhraseSets {
 public:
  /// `rules` must not be null. At least one is kept.
  explicit PhraseSets(std::shared_ptr<const RuleSet> rules, std::size_t most = kMost);

  using Words = std::vector<std::string>;
  /// The set of what these rules forbid by phrases without gap and number, and of `forbidden`; where a rule
  /// leaves a product's own name alone, `names` are allowed. Null where nothing is forbidden.
  std::shared_ptr<const PhraseSet> of(const std::vector<const Rule*>& rules, const Words& forbidden,
                                      const Words& names);

  static constexpr std::size_t kMost = 32;

 private:
  std::shared_ptr<const PhraseSet> make(const std::vector<const Rule*>& rules, Words forbidden,
                                        const Words& names) const;

  struct Kept {
    std::vector<const Rule*> rules;
    Words forbidden, names;
    std::shared_ptr<const PhraseSet> set;
  };
  std::shared_ptr<const RuleSet> rules_;
  std::size_t most_;
  std::mutex mutex_;
  std::list<Kept> kept_;  // the latest first; guarded by mutex_
};

}  // namespace adlib::copywriter
