// copywriter/measure/html.h: pieces of a page that holds texts of anybody: nothing in them becomes markup.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "copywriter/measure/statistics.h"

namespace adlib::copywriter {

/// The text for an element or a quoted attribute: & < > " ' are escaped, what is not UTF-8 becomes U+FFFD,
/// and control characters and marks of direction are dropped. Lines stay apart.
std::string escaped(std::string_view text);

/// <p class="CLASS">…
std::string paragraph(std::string_view text, std::string_view css_class = {});

/// A cell of a table: HTML that stands as it is.
struct Cell {
  std::string html;
  std::string css_class = {};
};
/// A cell of text, and one of a number.
Cell text_cell(std::string_view text);
Cell number_cell(std::int64_t number);

/// A table whose rows are named by their first cell; the caption is its name.
std::string table(std::string_view caption, const std::vector<Cell>& header,
                  const std::vector<std::vector<Cell>>& rows);

/// A point and the line of its interval on an axis from `low` to `high`, with a mark at 0 where the axis has
/// it inside. `label` says the same in words. Without `point` there is the line alone.
Cell interval_plot(const Estimate& estimate, double low, double high, std::string_view label,
                   bool point = true);
/// A bar from 0 on an axis that ends at `high`.
Cell bar_plot(double value, double high, std::string_view label);
/// How a share from 0 to 1 went, with one step for each value.
Cell steps_plot(const std::vector<double>& shares, std::string_view label);
/// The head of a column of plots: where its axis begins and ends.
Cell axis_cell(std::string_view low, std::string_view high);

/// "12.3%", "0.45%", "0%".
std::string percent(double rate);
/// "1,234,567".
std::string grouped(std::int64_t number);

/// The style sheet of the page.
std::string_view page_style();

}  // namespace adlib::copywriter
