// copywriter/polish/typography/typography.h: marks, spaces, capitals and repeated words.
#pragma once

#include <string_view>
#include <vector>

#include "copywriter/polish/finding.h"
#include "copywriter/shop/language.h"

namespace adlib::copywriter {

/// What is wrong (Level::error) or uneven (Level::style) in the marks, spaces, capitals and small words of a
/// text, only where it is sure: addresses, file names, tags, emoticons and abbreviations are left alone.
/// Rules are named "typography/…" and "grammar/…". Sorted by place; fixes do not overlap, and the text with
/// all of them needs no other. Any bytes may be checked; those that are no UTF-8 are a finding.
std::vector<Finding> check_typography(std::string_view text, Language language);

}  // namespace adlib::copywriter
