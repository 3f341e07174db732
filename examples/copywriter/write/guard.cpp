#include "copywriter/write/guard.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>

#include "adlib/core/error.h"

namespace adlib::copywriter {
namespace {

/// Fields whose numbers are not for the customer's eyes, or are no text of the shop's.
constexpr std::array<std::string_view, 6> silent = {"<|channel|>", "<|age|>",    "<|gender|>",
                                                    "<|spend|>",   "<|prices|>", "<|tone|>"};

std::vector<std::vector<std::string>> read_classes(const std::filesystem::path& path) {
  std::ifstream in(path);
  if (!in)
    fail(ErrorCode::not_found, path.string(),
         ": the rules for copy lack their units; reinstall adlib, or give --rules a directory that has them");
  std::vector<std::vector<std::string>> classes;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    std::vector<std::string> units;
    for (std::string unit; words >> unit;) units.push_back(unit);
    if (!units.empty()) classes.push_back(std::move(units));
  }
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
