// copywriter/polish/finding.h: something that a check found in a text.
#pragma once

#include <optional>
#include <string>

#include "copywriter/rules/folded_text.h"
#include "copywriter/rules/rule_pack.h"

namespace adlib::copywriter {

struct Finding {
  std::string rule;  ///< "cn-advertising/absolute", "typography/space-before-mark", "facts/number"
  Level level = Level::style;
  Range where;                          ///< bytes of the text; empty at its end for something that is missing
  std::string message;                  ///< what is wrong, one clause without a full stop
  std::string basis = {};               ///< the statute or source
  std::string rewrite = {};             ///< a suggestion in words
  std::optional<std::string> fix = {};  ///< what --fix puts in place of `where`
};

}  // namespace adlib::copywriter
