#include "copywriter/write/guard.h"

#include <algorithm>
#include <array>

#include "copywriter/collect/lines.h"

namespace adlib::copywriter {
namespace {

/// Fields whose numbers are not for the customer's eyes, or are no text of the shop's.
constexpr std::array<std::string_view, 6> silent = {"<|channel|>", "<|age|>",    "<|gender|>",
                                                    "<|spend|>",   "<|prices|>", "<|tone|>"};

std::vector<std::vector<std::string>> read_classes(const std::filesystem::path& path) {
  std::vector<std::vector<std::string>> classes;
  read_lines(path, [&](const std::string& line, const std::string&) {
    const auto units = split(line, ' ');
    classes.emplace_back(units.begin(), units.end());
  });
  return classes;
}

}  // namespace

Guard::Guard(const std::filesystem::path& rules)
    : units_(std::make_shared<UnitSet>(read_classes(rules / "units.txt"))) {}

std::shared_ptr<const Constraint> Guard::constraint(const TaggedPrompt& prompt, Language language) const {
  ConstraintRules rules;
  rules.units = units_;
  rules.numbers.emplace();
  for (const PromptField& field : prompt) {
    if (std::find(silent.begin(), silent.end(), field.tag) == silent.end())
      rules.numbers->push_back(field.text);
  }
  rules.full_stop = language == Language::zh ? "。" : ".";
  return std::make_shared<Constraint>(std::move(rules));
}

}  // namespace adlib::copywriter
