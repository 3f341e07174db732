// copywriter/recommend/report.h: what the stage did and measured, for programs and for people.
#pragma once

#include <string>

#include "copywriter/recommend/recommend.h"
#include "copywriter/shop/json_line.h"

namespace adlib::copywriter {

/// docs/recommend.md names the fields.
OrderedJson to_json(const RecommendSummary& summary);
/// The evaluation as lines of aligned text, with the setting above it.
std::string to_table(const Evaluation& evaluation);

}  // namespace adlib::copywriter
