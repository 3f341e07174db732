// copywriter/measure/report.h: the whole campaign on one page, for people who did not run it.
#pragma once

#include <cstdint>
#include <string>

#include "copywriter/shop/language.h"
#include "copywriter/store/store.h"

namespace adlib::copywriter {

struct ReportOptions {
  Language language = Language::en;      ///< of the page; copies keep theirs
  std::int64_t now = copywriter::now();  ///< the date that the page bears
};

/// One HTML page that needs nothing but itself: no script, no font, no image from elsewhere. It tells what
/// the store holds at one moment: sources, customers, recommendations, copies, findings, decisions,
/// publications, results. Every text of the store is escaped.
std::string campaign_report(const Store& store, const ReportOptions& options = {});

}  // namespace adlib::copywriter
