// Results as tables for people.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "copywriter/measure/results.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

std::string percent(double rate) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.2f%%", 100 * rate);
  return text.data();
}

std::string with_interval(const Estimate& estimate) {
  return percent(estimate.value) + " (" + percent(estimate.low) + " to " + percent(estimate.high) + ")";
}

std::string rate_text(const Estimate& rate, bool is_telling) {
  return is_telling ? with_interval(rate)
                    : "too little data (" + percent(rate.low) + " to " + percent(rate.high) + ")";
}
std::string rate_text(const Count& count) { return rate_text(wilson(count), count.trials >= kFewTrials); }

std::string ratio_text(double ratio) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.3g", ratio);
  return std::isfinite(ratio) ? text.data() : "?";
}

// Columns that a terminal shows: Chinese characters are two wide.
std::size_t width_of(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_code_point(text, at);
    width += c >= 0x2E80 && c < 0xFFE7 ? 2 : 1;
  }
  return width;
}

using Cells = std::vector<std::string>;

std::string table(const std::string& title, const std::vector<Cells>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const Cells& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string out = title + "\n";
  for (const Cells& row : rows) {
    std::string line = " ";
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string space(widths[i] - width_of(row[i]), ' ');
      line += " " + (i == 0 ? row[i] + space : space + row[i]) + " ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out + "\n";
}

std::string result_table(const std::string& title, const std::vector<ResultRow>& rows) {
  if (rows.empty()) return {};
  std::vector<Cells> cells{{"", "seen", "clicked", "click rate", "converted", "conversion rate"}};
  for (const ResultRow& row : rows) {
    cells.push_back({clean_text(row.name), std::to_string(row.clicked.trials),
                     std::to_string(row.clicked.successes), rate_text(row.clicked),
                     std::to_string(row.converted.successes), rate_text(row.converted)});
  }
  return table(title, cells);
}

std::string lift_text(const Lift& lift) {
  std::string out = table("Against users who were held out",
                          {{"", "users", "converted", "conversion rate"},
                           {"got copy", std::to_string(lift.got_copy.trials),
                            std::to_string(lift.got_copy.successes), rate_text(lift.got_copy)},
                           {"held out", std::to_string(lift.held_out.trials),
                            std::to_string(lift.held_out.successes), rate_text(lift.held_out)}});
  out.pop_back();
  out += "  difference " + with_interval(lift.difference) + "\n  ratio of the rates from " +
         ratio_text(lift.ratio.low) + " to " + ratio_text(lift.ratio.high) + ", p " +
         ratio_text(lift.p_value) + ": safe to look at any time\n\n";
  return out;
}

}  // namespace

std::string to_text(const Results& results) {
  std::string out = table("Outcomes", {{"impressions", std::to_string(results.impressions)},
                                       {"clicks", std::to_string(results.clicks)},
                                       {"conversions", std::to_string(results.conversions)},
                                       {"unsubscribes", std::to_string(results.unsubscribes)}});
  if (results.all.clicked.trials == 0) return out + "No copy has been seen yet.\n";
  out += result_table("By variant", results.arms) + result_table("By life cycle", results.life_cycles) +
         result_table("By interest", results.interests) + result_table("By scene", results.scenes) +
         result_table("By channel", results.channels) + result_table("By language", results.languages);
  if (results.lift) out += lift_text(*results.lift);
  if (!results.what_if.empty()) {
    std::vector<Cells> cells{{"", "draws", "worth", "doubly robust", "self-normalised"}};
    for (const WhatIf& one : results.what_if) {
      cells.push_back({clean_text(one.policy), std::to_string(one.draws),
                       std::to_string(std::llround(one.value.effective)),
                       rate_text(WhatIf::as_rate(one.value.dr), one.is_telling()),
                       rate_text(WhatIf::as_rate(one.value.snips), one.is_telling())});
    }
    out += table("Click rate if it had been drawn otherwise; as drawn " + with_interval(results.as_drawn),
                 cells);
  }
  out.pop_back();
  return out;
}

}  // namespace adlib::copywriter
