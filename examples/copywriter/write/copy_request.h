// copywriter/write/copy_request.h: what one copy of a campaign is made of.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "copywriter/write/prompt.h"

namespace adlib::copywriter {

/// All that a text is made of: the same request gives the same bytes again.
struct CopyRequest {
  TaggedPrompt fields;       ///< what is known, for the prompt and for the rules
  std::string prompt = {};   ///< as the model reads it
  bool is_template = false;  ///< the prompt is a template's, not the fields
  Language language = Language::zh;
  std::vector<std::string> unspoken = {};
  std::string channel;  ///< whose field the text fits; an id, or none
  std::vector<std::string> ending = {};
  std::uint64_t seed = 0;
  bool guarded = true;
  std::optional<int> attempt = {};  ///< which text of GuardedWriter it is; none: it has yet to be found out

  std::string to_json() const;
  /// Throws Error(bad_format) "where: …".
  static CopyRequest from_json(std::string_view text, const std::string& where);
};

}  // namespace adlib::copywriter
