// examples/adlib/eval_report.h: figures under headings, as a table, Markdown or JSON.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "adlib/io/json.h"

namespace adlib::cli {

struct Figure {
  std::string key;    ///< in JSON: "bleu"
  std::string label;  ///< in tables: "BLEU-4"
  double value = 0;
  int decimals = 2;                                ///< 0: a count, an integer in JSON
  std::optional<double> reference = std::nullopt;  ///< the same figure of the references
};
struct ReportSection {
  std::string key;
  std::string title;
  std::vector<Figure> figures;
};
struct Report {
  std::vector<ReportSection> sections;
};

/// {"section": {"figure": 1.5, …, "references": {"figure": 2.5}}}, with every digit.
nlohmann::ordered_json to_json(const Report& report);
/// `format` is "text", "markdown" or "json"; ends with a newline.
std::string format_report(const Report& report, const std::string& format);

}  // namespace adlib::cli
