// copywriter/collect/reason.h: what is wrong with a row, told without the row.
#pragma once

#include <string>
#include <string_view>

namespace adlib::copywriter {

/// What a reader's message says was expected, without what the row holds. `message` is "where:line: …", such
/// as "c.csv:3: field 'age' is "x", expected an integer".
std::string reason_of(std::string_view message, const std::string& where);

}  // namespace adlib::copywriter
