// copywriter/shop/json_line.h: records as lines of JSON.
#pragma once

#include <string>

#include "adlib/io/json.h"

namespace adlib::copywriter {

/// Keeps the order in which fields were added.
using OrderedJson = nlohmann::ordered_json;

/// The record as one line. A model's bytes need not be UTF-8: what is not becomes U+FFFD, rather than an
/// exception after the work is done.
std::string to_line(const OrderedJson& record);

}  // namespace adlib::copywriter
