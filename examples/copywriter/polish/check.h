// copywriter/polish/check.h: any text, human or generated, held against the rules.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "copywriter/polish/check_reader.h"
#include "copywriter/polish/claims/claims.h"
#include "copywriter/polish/finding.h"
#include "copywriter/rules/rule_set.h"
#include "copywriter/shop/customer.h"
#include "copywriter/shop/language.h"
#include "copywriter/shop/product.h"

namespace adlib::copywriter {

/// A text and what is known about it. Everything but the text may be missing.
struct Subject {
  std::string_view text;
  Language language = Language::zh;
  std::vector<std::string> kinds = {};    ///< of the product; none: told from its record or the text
  const ChannelField* channel = nullptr;  ///< whose limits it must keep
  std::string channel_family = {};        ///< "sms", where the channel itself is not known
  std::string tone = {};                  ///< "plain"
  bool generated = false;                 ///< a model wrote it
  const Product* product = nullptr;       ///< whose facts it must keep to
  const Customer* customer = nullptr;     ///< for whom it is
  bool unpersonalised = false;  ///< it is made of the product alone, and may say nothing of a reader
};

/// The language a text is most likely in: Chinese where a quarter of its letters are.
Language language_of(std::string_view text);

/// Rules read once, for any number of texts. Const use from many threads is safe.
class Checker {
 public:
  /// Reads a directory of rules, and `packs` beside it: a brand's house words, a shop's own rules.
  /// `catalogue` are all products of the shop; it must outlive this. Throws Error(bad_format)
  /// "file:line:column: …" for a mistake in a file, and for a rule that names a kind or channel that there is
  /// not.
  explicit Checker(const std::filesystem::path& rules, std::span<const std::filesystem::path> packs = {},
                   std::span<const Product> catalogue = {});
  /// The same with rules that were read before.
  explicit Checker(std::shared_ptr<const RuleSet> rules, std::span<const Product> catalogue = {});

  /// Everything that is found, sorted by place.
  std::vector<Finding> check(const Subject& subject) const;
  const std::vector<RulePack>& packs() const { return rules_->packs(); }
  const std::vector<ChannelField>& channels() const { return rules_->channels(); }
  const Kinds& kinds() const { return rules_->kinds(); }

 private:
  void refuse_unknown_names() const;

  std::shared_ptr<const RuleSet> rules_;
  Claims claims_;
  ReaderRules reader_;
};

/// Whether nothing contradicts the facts of the product and of its reader: a text that does is written again.
bool keeps_to_facts(const Checker& checker, const Subject& subject);

/// The text with the fixes of its findings, of two that overlap the first. Fixes can show something else that
/// can be mended: check again until there is none.
std::string fixed(std::string_view text, std::span<const Finding> findings);

}  // namespace adlib::copywriter
