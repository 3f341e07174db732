#include "copywriter/write/phrase_sets.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "adlib/core/parallel.h"

namespace adlib::copywriter {
namespace {

/// Of one pattern; without one, copy is held to more than it must.
constexpr std::size_t kMostExceptions = 20;

}  // namespace

PhraseSets::PhraseSets(std::shared_ptr<const RuleSet> rules, std::size_t most)
    : rules_(std::move(rules)), most_(std::max<std::size_t>(most, 1)) {}

std::shared_ptr<const PhraseSet> PhraseSets::of(const std::vector<const Rule*>& rules, const Words& forbidden,
                                                const Words& names) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& kept) {
    return kept.rules == rules && kept.forbidden == forbidden && kept.names == names;
  });
  if (found != kept_.end()) {
    kept_.splice(kept_.begin(), kept_, found);
  } else {
    kept_.push_front({rules, forbidden, names, make(rules, forbidden, names)});
    if (kept_.size() > most_) kept_.pop_back();  // a text that is under way still has its own
  }
  return kept_.front().set;
}

std::shared_ptr<const PhraseSet> PhraseSets::make(const std::vector<const Rule*>& rules, Words forbidden,
                                                  const Words& names) const {
  Words allowed = names;
  for (const Rule* rule : rules) {
    for (const PhraseSource& phrase : rule->phrases) {
      for (std::string& plain : plain_phrases(phrase)) forbidden.push_back(std::move(plain));
    }
    for (const PhraseSource& phrase : rule->exceptions) {
      Words plain = plain_phrases(phrase);
      if (plain.size() > kMostExceptions) continue;  // to look through them all would take seconds
      std::move(plain.begin(), plain.end(), std::back_inserter(allowed));
    }
  }
  // The set has one list of exceptions for all rules: those stay that no rule objects to.
  std::vector<PhraseSource> called;
  for (const std::string& name : names) called.push_back({escaped_phrase(name), "name"});
  const PhraseMatcher own(called);
  std::vector<std::string> kept(allowed.size());
  parallel_for(num_threads(), std::ssize(allowed), [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    const FoldedText all(allowed[at]);
    const std::vector<const Rule*> near = rules_->rules_for(all);
    const bool refused = std::any_of(near.begin(), near.end(), [&](const Rule* rule) {
      return std::find(rules.begin(), rules.end(), rule) != rules.end() && !rule->breaches(all, own).empty();
    });
    if (!refused) kept[at] = std::move(allowed[at]);
  });
  std::erase(kept, "");
  return forbidden.empty() ? nullptr : std::make_shared<PhraseSet>(forbidden, kept);
}

}  // namespace adlib::copywriter
