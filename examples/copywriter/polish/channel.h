// copywriter/polish/channel.h: a text held against what the place asks where it is shown.
#pragma once

#include <string_view>
#include <vector>

#include "copywriter/polish/finding.h"
#include "copywriter/rules/channels.h"

namespace adlib::copywriter {

/// Findings are named "channel/…". `text` is well-formed UTF-8.
std::vector<Finding> check_channel(std::string_view text, const ChannelField& channel);

}  // namespace adlib::copywriter
