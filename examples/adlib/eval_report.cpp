#include "eval_report.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <sstream>

namespace adlib::cli {
namespace {

using OrderedJson = nlohmann::ordered_json;

std::string number(double value, int decimals) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(decimals) << value;
  return out.str();
}

OrderedJson json_number(double value, int decimals) {
  if (decimals == 0) return static_cast<std::int64_t>(std::llround(value));
  return value;
}

bool has_references(const ReportSection& section) {
  return std::any_of(section.figures.begin(), section.figures.end(),
                     [](const Figure& figure) { return figure.reference.has_value(); });
}

std::string reference_of(const Figure& figure) {
  return figure.reference ? number(*figure.reference, figure.decimals) : "";
}

// Labels are ASCII: a byte is a column.
std::string text_table(const ReportSection& section, std::size_t label_width) {
  std::ostringstream out;
  const bool two = has_references(section);
  if (two) {
    out << std::left << std::setw(static_cast<int>(label_width)) << section.title << std::right
        << std::setw(12) << "texts" << std::setw(12) << "references";
  } else {
    out << section.title;
  }
  out << '\n';
  for (const Figure& figure : section.figures) {
    out << "  " << std::left << std::setw(static_cast<int>(label_width) - 2) << figure.label << std::right
        << std::setw(12) << number(figure.value, figure.decimals);
    if (figure.reference) out << std::setw(12) << reference_of(figure);
    out << '\n';
  }
  return out.str();
}

std::string markdown_table(const ReportSection& section) {
  std::ostringstream out;
  const bool two = has_references(section);
  out << "| " << section.title << " | "
      << (two ? "Texts | References |\n|---|---:|---:|\n" : "Value |\n|---|---:|\n");
  for (const Figure& figure : section.figures) {
    out << "| " << figure.label << " | " << number(figure.value, figure.decimals) << " |";
    if (two) out << ' ' << reference_of(figure) << " |";
    out << '\n';
  }
  return out.str();
}

}  // namespace

OrderedJson to_json(const Report& report) {
  OrderedJson out = OrderedJson::object();
  for (const ReportSection& section : report.sections) {
    OrderedJson& object = out[section.key];
    OrderedJson references = OrderedJson::object();
    for (const Figure& figure : section.figures) {
      object[figure.key] = json_number(figure.value, figure.decimals);
      if (figure.reference) references[figure.key] = json_number(*figure.reference, figure.decimals);
    }
    if (!references.empty()) object["references"] = std::move(references);
  }
  return out;
}

std::string format_report(const Report& report, const std::string& format) {
  if (format == "json") return to_json(report).dump(2) + "\n";
  std::size_t width = 0;
  for (const ReportSection& section : report.sections) {
    width = std::max(width, section.title.size() + 2);
    for (const Figure& figure : section.figures) width = std::max(width, figure.label.size() + 4);
  }
  std::string out;
  for (const ReportSection& section : report.sections) {
    if (!out.empty()) out += '\n';
    out += format == "markdown" ? markdown_table(section) : text_table(section, width);
  }
  return out;
}

}  // namespace adlib::cli
