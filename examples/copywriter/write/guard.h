// copywriter/write/guard.h: the rules under which copy is written, made of what the shop says about the
// product.
#pragma once

#include <filesystem>
#include <memory>

#include "adlib/generate/constraint.h"
#include "copywriter/write/prompt.h"

namespace adlib::copywriter {

/// What every copy obeys, whatever model writes it: a number, with its unit, is one that the prompt tells of
/// the product or of what the customer looked at and bought, never the customer's age or spending; the text
/// ends with a whole sentence. Safe to share between threads.
class Guard {
 public:
  /// Reads units.txt of a directory of rules. Throws what read_lines() throws.
  explicit Guard(const std::filesystem::path& rules);

  std::shared_ptr<const Constraint> constraint(const TaggedPrompt& prompt, Language language) const;

 private:
  std::shared_ptr<const UnitSet> units_;
};

}  // namespace adlib::copywriter
