#include "copywriter/write/guard.h"

#include <algorithm>
#include <array>

#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

/// Fields whose words and numbers are not for the customer's eyes, or are no text of the shop's.
constexpr std::array<std::string_view, 7> silent = {"<|scene|>", "<|channel|>", "<|age|>", "<|gender|>",
                                                    "<|spend|>", "<|prices|>",  "<|tone|>"};

/// No run of so many letters comes twice: six are the shortest clauses in Chinese, three or four words in
/// English.
constexpr std::int64_t kNoRepeatChinese = 6, kNoRepeatEnglish = 20;

std::string_view field(const TaggedPrompt& prompt, std::string_view tag) {
  const auto found =
      std::find_if(prompt.begin(), prompt.end(), [&](const PromptField& one) { return one.tag == tag; });
  return found == prompt.end() ? "" : std::string_view(found->text);
}

}  // namespace

Guard::Guard(std::shared_ptr<const RuleSet> rules, CopyForm form, std::shared_ptr<PhraseSets> sets)
    : rules_(std::move(rules)),
      form_(std::move(form)),
      sets_(sets ? std::move(sets) : std::make_shared<PhraseSets>(rules_)) {}

std::shared_ptr<const PhraseSet> Guard::forbidden(const TaggedPrompt& prompt, Language language,
                                                  const std::vector<std::string>& unspoken) const {
  const std::string title(field(prompt, "<|product|>")), brand(field(prompt, "<|brand|>"));
  // Requests come product by product: most ask for what the one before asked for.
  std::vector<std::string> asked{to_string(language), title, brand};
  for (const std::string_view tag : {"<|category|>", "<|channel|>", "<|tone|>"})
    asked.emplace_back(field(prompt, tag));
  asked.insert(asked.end(), unspoken.begin(), unspoken.end());
  {
    const std::lock_guard lock(mutex_);
    if (asked == last_asked_) return last_set_;
  }
  Occasion occasion;
  occasion.kinds = rules_->kinds().of(std::string(field(prompt, "<|category|>")) + "\n" + title);
  if (const std::string_view channel = field(prompt, "<|channel|>"); !channel.empty())
    occasion.channels = {std::string(trim(channel))};
  if (form_.field) occasion.channels.insert(occasion.channels.end(), {form_.field->id, form_.field->family});
  occasion.tone = trim(field(prompt, "<|tone|>"));
  occasion.generated = true;
  std::vector<const Rule*> rules;
  bool in_names = false;  // a name says what other words must not
  const FoldedText names(title), brand_names(brand);
  for (const RulePack& pack : rules_->packs()) {
    if (!pack.is_about(language)) continue;
    for (const Rule& rule : pack.rules) {
      if (rule.level != Level::ban || rule.matcher.empty() || !rule.concerns(occasion)) continue;
      rules.push_back(&rule);
      in_names = in_names ||
                 (rule.outside_names && (rule.matcher.found_in(names) || rule.matcher.found_in(brand_names)));
    }
  }
  std::vector<std::string> called;
  if (in_names || !unspoken.empty()) {
    for (const std::string& name : {title, brand}) {
      if (!folded(name).empty()) called.push_back(name);
    }
  }
  auto set = sets_->of(rules, unspoken, called);
  const std::lock_guard lock(mutex_);
  last_asked_ = std::move(asked);
  last_set_ = set;
  return set;
}

bool Guard::has_room(std::string_view title) const {
  return !form_.field || form_.field->limit == 0 ||
         length_of(title).share(form_.field->unit, form_.field->limit) <= 0.5;
}

std::shared_ptr<const Constraint> Guard::constraint(const TaggedPrompt& prompt, Language language,
                                                    const std::vector<std::string>& unspoken,
                                                    Name name) const {
  ConstraintRules rules;
  rules.forbidden = forbidden(prompt, language, unspoken);
  rules.units = rules_->units();
  rules.numbers.emplace();
  for (const PromptField& field : prompt) {
    if (std::find(silent.begin(), silent.end(), field.tag) != silent.end()) continue;
    rules.numbers->push_back(field.text);
    rules.foreign.push_back(field.text);
    for (const Quantity& number : quantities(field.text, rules_->units().get())) {  // 380克 may be 380g
      for (const int unit : {number.unit, number.prefix}) {
        if (unit == UnitSet::none) continue;
        const std::vector<std::string>& names = rules_->unit_classes()[static_cast<std::size_t>(unit)];
        rules.foreign.insert(rules.foreign.end(), names.begin(), names.end());
      }
    }
  }
  rules.scripts = {language == Language::zh ? Script::han : Script::latin};
  rules.foreign.insert(rules.foreign.end(), form_.ending.begin(), form_.ending.end());
  rules.ending = form_.ending;
  if (form_.field) {
    rules.unit = form_.field->unit;
    rules.max_length = beside_label(*form_.field, language).limit;
  }
  rules.full_stop = language == Language::zh ? "。" : ".";
  rules.no_repeat = language == Language::zh ? kNoRepeatChinese : kNoRepeatEnglish;
  const std::string title(trim(field(prompt, "<|product|>")));
  if (name == Name::required && !title.empty() && has_room(title)) {
    ConstraintRules named = rules;
    named.required = {title};
    try {
      return std::make_shared<Constraint>(std::move(named));
    } catch (const Error&) {
      // The name itself says what copy must not: then copy does without.
    }
  }
  return std::make_shared<Constraint>(std::move(rules));
}

}  // namespace adlib::copywriter
