// copywriter/write/guard.h: the rules under which copy is written: the law, and what the shop says about the
// product.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "adlib/generate/constraint.h"
#include "copywriter/rules/rule_set.h"
#include "copywriter/write/phrase_sets.h"
#include "copywriter/write/prompt.h"

namespace adlib::copywriter {

/// What a campaign asks of its copy beside the rules.
struct CopyForm {
  std::optional<ChannelField> field = {};  ///< that the copy must fit
  std::vector<std::string> ending = {};    ///< closes every copy: a way to opt out, a label
};

/// What every copy obeys, whatever model writes it:
/// - it says nothing that a rule of level ban forbids by a phrase without gap and number, of the packs that
/// are
///   about its language, and about the product's kind and the channel;
/// - a number, with its unit, is one that the prompt tells of the product or of what the customer looked at
/// and
///   bought, never the customer's age or spending;
/// - words of another script (English ones in Chinese copy) are those of the same fields, and their units;
/// - it does not say what it may know of the customer and must not tell;
/// - it says nothing twice, and names the product, letter by letter, where that is asked for and fits;
/// - it fits the field of the channel, and ends with a whole sentence and what closes every copy.
/// Safe to share between threads.
class Guard {
 public:
  /// `sets` are those of the same rules, for guards that share them; without, it has its own.
  explicit Guard(std::shared_ptr<const RuleSet> rules, CopyForm form = {},
                 std::shared_ptr<PhraseSets> sets = nullptr);

  enum class Name { free, required };
  /// `unspoken` are words that the copy must not say, whatever it is about: Customer::unspoken.
  /// Throws Error(invalid_argument) where what closes the copy does not fit the field.
  std::shared_ptr<const Constraint> constraint(const TaggedPrompt& prompt, Language language,
                                               const std::vector<std::string>& unspoken = {},
                                               Name name = Name::required) const;
  /// Whether the field holds the product's name and something to say about it.
  bool has_room(std::string_view title) const;

 private:
  std::shared_ptr<const PhraseSet> forbidden(const TaggedPrompt& prompt, Language language,
                                             const std::vector<std::string>& unspoken) const;

  std::shared_ptr<const RuleSet> rules_;
  CopyForm form_;
  std::shared_ptr<PhraseSets> sets_;
  mutable std::mutex mutex_;  // of what follows
  mutable std::vector<std::string> last_asked_;
  mutable std::shared_ptr<const PhraseSet> last_set_;
};

}  // namespace adlib::copywriter
