#include "copywriter/measure/html.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "adlib/core/error.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

std::string number_text(double value, const char* format) {
  std::array<char, 40> text;
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

// A coordinate: of 100 across.
std::string at(double value, double low, double high) {
  const double share = high > low ? (value - low) / (high - low) : 0;
  return number_text(100 * std::clamp(share, 0.0, 1.0), "%.2f");
}

// Strokes keep their width when the drawing is stretched, so that it can be as wide as its column.
Cell plot(std::string_view label, const std::string& drawing, std::string_view css_class = "plot") {
  return {concat("<svg class=\"", css_class,
                 "\" role=\"img\" viewBox=\"0 0 100 20\" preserveAspectRatio=\"none\"><title>",
                 escaped(label), "</title>", drawing, "</svg>"),
          "plotted"};
}

std::string line(std::string_view css_class, const std::string& x1, const std::string& y1,
                 const std::string& x2, const std::string& y2) {
  return concat("<line class=\"", css_class, "\" x1=\"", x1, "\" y1=\"", y1, "\" x2=\"", x2, "\" y2=\"", y2,
                "\"/>");
}

std::string tag(std::string_view name, const Cell& cell, std::string_view attributes = {}) {
  std::string out = concat("<", name, attributes);
  if (!cell.css_class.empty()) out += concat(" class=\"", cell.css_class, "\"");
  return out + concat(">", cell.html, "</", name, ">");
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    if (begin > 0) out += '\n';
    for (const char c : clean_text(text.substr(begin, end - begin))) {
      switch (c) {
        case '&':
          out += "&amp;";
          break;
        case '<':
          out += "&lt;";
          break;
        case '>':
          out += "&gt;";
          break;
        case '"':
          out += "&quot;";
          break;
        case '\'':
          out += "&#39;";
          break;
        default:
          out += c;
      }
    }
    begin = end + 1;
  }
  return out;
}

std::string paragraph(std::string_view text, std::string_view css_class) {
  if (css_class.empty()) return concat("<p>", escaped(text), "</p>\n");
  return concat("<p class=\"", css_class, "\">", escaped(text), "</p>\n");
}

Cell text_cell(std::string_view text) { return {escaped(text)}; }
Cell number_cell(std::int64_t number) { return {grouped(number), "number"}; }

std::string table(std::string_view caption, const std::vector<Cell>& header,
                  const std::vector<std::vector<Cell>>& rows) {
  // Wide tables are moved sideways, by touch or, since the box can be focused, by keys.
  std::string out =
      concat("<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"", escaped(caption),
             "\"><table>\n<caption>", escaped(caption), "</caption>\n<thead><tr>");
  for (const Cell& cell : header) out += tag("th", cell, " scope=\"col\"");
  out += "</tr></thead>\n<tbody>\n";
  for (const std::vector<Cell>& row : rows) {
    out += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i)
      out += i == 0 ? tag("th", row[i], " scope=\"row\"") : tag("td", row[i]);
    out += "</tr>\n";
  }
  return out + "</tbody>\n</table></div>\n";
}

Cell interval_plot(const Estimate& estimate, double low, double high, std::string_view label, bool point) {
  const std::string left = at(estimate.low, low, high), right = at(estimate.high, low, high);
  std::string drawing = line("axis", "0", "10", "100", "10");
  if (low < 0 && high > 0) drawing += line("zero", at(0, low, high), "1", at(0, low, high), "19");
  drawing += line("whisker", left, "10", right, "10") + line("whisker", left, "6", left, "14") +
             line("whisker", right, "6", right, "14");
  if (point) drawing += concat("<path class=\"point\" d=\"M", at(estimate.value, low, high), " 10h0.01\"/>");
  return plot(label, drawing);
}

Cell bar_plot(double value, double high, std::string_view label) {
  return plot(label, concat("<rect class=\"track\" x=\"0\" y=\"4\" width=\"100\" height=\"12\"/><rect "
                            "class=\"bar\" x=\"0\" y=\"4\" width=\"",
                            at(value, 0, high), "\" height=\"12\"/>"));
}

Cell steps_plot(const std::vector<double>& shares, std::string_view label) {
  std::string area = "M0 20", top;
  const auto count = static_cast<double>(shares.size());
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const std::string y = number_text(19 - 18 * std::clamp(shares[i], 0.0, 1.0), "%.2f");
    const std::string from = at(static_cast<double>(i), 0, count),
                      to = at(static_cast<double>(i + 1), 0, count);
    area += concat("L", from, " ", y, "L", to, " ", y);
    top += concat(i == 0 ? "M" : "L", from, " ", y, "L", to, " ", y);
  }
  return plot(label,
              concat("<path class=\"area\" d=\"", area, "L100 20Z\"/><path class=\"top\" d=\"", top, "\"/>",
                     line("axis", "0", "20", "100", "20")),
              "plot tall");
}

Cell axis_cell(std::string_view low, std::string_view high) {
  return {
      concat("<span class=\"ends\"><span>", escaped(low), "</span><span>", escaped(high), "</span></span>"),
      "plotted"};
}

std::string percent(double rate) {
  const double value = 100 * rate;
  const double size = std::abs(value);
  const bool is_whole = size == 0 || size == 100;
  return number_text(value, is_whole ? "%.0f" : size >= 10 ? "%.1f" : size >= 0.1 ? "%.2f" : "%.3f") + "%";
}

std::string grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  const std::size_t first = digits.starts_with('-') ? 1 : 0;
  for (std::size_t i = digits.size(); i > first + 3;) digits.insert(i -= 3, ",");
  return digits;
}

}  // namespace adlib::copywriter
