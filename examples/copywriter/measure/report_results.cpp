// The report's sections on what came of it.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>

#include "adlib/core/error.h"
#include "copywriter/collect/text.h"
#include "copywriter/measure/report_page.h"

namespace adlib::copywriter {
namespace {

constexpr double kSignificant = 0.05;
constexpr std::size_t kMostSteps = 24;  // of the plot over time

std::string number_text(double value) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.2g", value);
  return text.data();
}

std::string points(double difference) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%+.2f", 100 * difference);
  return text.data();
}

// A round number that all intervals stay below.
double axis_end(const std::vector<Estimate>& estimates) {
  double most = 0;
  for (const Estimate& one : estimates) most = std::max(most, one.high);
  for (const double end : {0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8}) {
    if (most <= end) return end;
  }
  return 1;
}

std::string axis_percent(double rate) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%g%%", 100 * rate);
  return text.data();
}

std::string rate_table(const Page& page, const std::string& caption, const std::string& what,
                       const std::vector<ResultRow>& results, Count ResultRow::*count) {
  std::vector<Estimate> rates;
  for (const ResultRow& row : results) rates.push_back(wilson(row.*count));
  const double end = axis_end(rates);
  std::vector<std::vector<Cell>> rows;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const std::string name = page.name(results[i].name);
    rows.push_back({text_cell(name),
                    interval_plot(rates[i], 0, end, concat(name, ": ", range_text(page, rates[i]))),
                    range_cell(page, rates[i]), number_cell((results[i].*count).successes),
                    number_cell((results[i].*count).trials)});
  }
  const bool clicks = count == &ResultRow::clicked;
  return table(caption,
               {text_cell(what),
                axis_cell("0%", axis_percent(end)),
                text_cell(clicks ? page.say("click rate, 95% interval", "点击率（95% 区间）")
                                 : page.say("conversion rate, 95% interval", "转化率（95% 区间）")),
                {escaped(clicks ? page.say("clicked", "点击") : page.say("bought", "转化")), "number"},
                {escaped(page.say("seen", "曝光")), "number"}},
               rows);
}

std::string lift_part(const Page& page, const Lift& lift) {
  const std::array<Estimate, 2> rates{wilson(lift.got_copy), wilson(lift.held_out)};
  const double end = axis_end({rates[0], rates[1]});
  std::vector<std::vector<Cell>> rows;
  for (std::size_t i = 0; i < 2; ++i) {
    const Count& count = i == 0 ? lift.got_copy : lift.held_out;
    const std::string name = i == 0 ? page.say("got copy", "收到文案") : page.say("held out", "对照组");
    rows.push_back({text_cell(name),
                    interval_plot(rates[i], 0, end, concat(name, ": ", range_text(page, rates[i]))),
                    range_cell(page, rates[i]), number_cell(count.successes), number_cell(count.trials)});
  }
  std::string out =
      table(page.say("Users who got copy against users who were held out", "收到文案的用户与对照组"),
            {text_cell(page.say("group", "组别")),
             axis_cell("0%", axis_percent(end)),
             text_cell(page.say("conversion rate, 95% interval", "转化率（95% 区间）")),
             {escaped(page.say("bought", "转化")), "number"},
             {escaped(page.say("users", "用户")), "number"}},
            rows);
  const double reach = std::max({std::abs(lift.difference.low), std::abs(lift.difference.high), 0.001});
  const std::string difference =
      page.say(concat(points(lift.difference.value), " points (", points(lift.difference.low), " to ",
                      points(lift.difference.high), ")"),
               concat(points(lift.difference.value), " 个百分点（", points(lift.difference.low), " 至 ",
                      points(lift.difference.high), "）"));
  out += table(page.say("Difference", "差异"),
               {text_cell(""), axis_cell(points(-reach), points(reach)),
                text_cell(page.say("95% interval", "95% 区间"))},
               {{text_cell(page.say("conversion rate", "转化率")),
                 interval_plot(lift.difference, -reach, reach, difference), text_cell(difference)}});
  const std::string high =
      std::isfinite(lift.ratio.high) ? number_text(lift.ratio.high) : page.say("no bound yet", "暂无上界");
  out += paragraph(page.say(concat("Safe to look at any time: p = ", number_text(lift.p_value),
                                   "; copy multiplies the conversion rate by ", number_text(lift.ratio.low),
                                   " to ", high, "."),
                            concat("可随时查看的检验：p = ", number_text(lift.p_value), "；转化率是对照组的 ",
                                   number_text(lift.ratio.low), " 至 ", high, " 倍。")),
                   "note");
  return out;
}

std::string what_if_table(const Page& page, const Results& results) {
  std::vector<Estimate> values{results.as_drawn};
  for (const WhatIf& one : results.what_if) values.push_back(one.value.dr);
  const double end = axis_end(values);
  std::vector<std::vector<Cell>> rows;
  const auto add = [&](const std::string& name, const Estimate& value, std::int64_t worth) {
    Estimate shown = value;  // an interval may pass 0, a rate may not
    shown.low = std::max(0.0, shown.low);
    rows.push_back({text_cell(name),
                    interval_plot(shown, 0, end, concat(name, ": ", range_text(page, shown))),
                    range_cell(page, shown), number_cell(worth)});
  };
  add(page.say("as it was drawn", "实际分配"), results.as_drawn, results.what_if.front().draws);
  for (const WhatIf& one : results.what_if) {
    const std::string everyone = "everyone: ";
    const std::string name = one.policy.starts_with(everyone) ? page.say("everyone gets ", "全部使用 ") +
                                                                    one.policy.substr(everyone.size())
                                                              : page.name(one.policy);
    add(name, one.value.dr, std::llround(one.value.effective));
  }
  return table(page.say("The click rate if variants were drawn otherwise (doubly robust estimate)",
                        "换一种分配方式的点击率（双重稳健估计）"),
               {text_cell(page.say("policy", "策略")),
                axis_cell("0%", axis_percent(end)),
                text_cell(page.say("click rate, 95% interval", "点击率（95% 区间）")),
                {escaped(page.say("worth of draws", "有效样本")), "number"}},
               rows);
}

}  // namespace

std::string range_text(const Page& page, const Estimate& estimate) {
  return concat(percent(estimate.value), page.say(" (", "（"), percent(estimate.low),
                page.say(" to ", " 至 "), percent(estimate.high), page.say(")", "）"));
}

Cell range_cell(const Page& page, const Estimate& estimate) {
  return {concat("<strong>", escaped(percent(estimate.value)), "</strong> <span class=\"range\">",
                 escaped(concat(percent(estimate.low), page.say(" to ", " 至 "), percent(estimate.high))),
                 "</span>")};
}

std::string headline(const Page& page, const Results& results) {
  if (page.count("SELECT count(*) FROM copy") == 0)
    return page.say("No copy has been written yet.", "还没有生成文案。");
  if (results.all.clicked.trials == 0 && results.conversions == 0)
    return page.say("Copies are written; no outcomes have been imported yet.",
                    "文案已生成，还没有导入效果数据。");
  std::string out;
  if (results.all.clicked.trials > 0) {
    const std::string rate = range_text(page, wilson(results.all.clicked));
    out = page.say(concat("Of ", grouped(results.all.clicked.trials), " copies that were seen, ", rate,
                          " were clicked."),
                   concat("曝光 ", grouped(results.all.clicked.trials), " 条，点击率 ", rate, "。"));
  }
  if (!results.lift) return out;
  const Lift& lift = *results.lift;
  const std::string got = percent(lift.got_copy.rate()), held = percent(lift.held_out.rate());
  const bool sure = lift.p_value <= kSignificant;
  const std::string verdict =
      !sure ? page.say("The difference may still be chance.", "差异仍可能是偶然。")
      : lift.difference.value > 0
          ? page.say("Copy sells more, and that is more than chance.", "文案带来了更多成交，且不是偶然。")
          : page.say("Copy sells less, and that is more than chance.", "文案使成交变少，且不是偶然。");
  return out +
         page.say(concat(" Users who got copy bought in ", got, " of cases, users who were held out in ",
                         held, ". "),
                  concat("收到文案的用户转化率 ", got, "，对照组 ", held, "。")) +
         verdict;
}

std::string results_section(const Page& page, const Results& results) {
  if (results.all.clicked.trials == 0 && !results.lift) {
    return paragraph(
        page.say("There are no outcomes yet: give adlib measure the files of impressions, clicks and orders.",
                 "还没有效果数据：请用 adlib measure 导入曝光、点击和订单文件。"));
  }
  std::string out;
  if (results.lift && results.lift->got_copy.successes + results.lift->held_out.successes > 0)
    out += lift_part(page, *results.lift);
  const auto part = [&](std::string_view en, std::string_view zh, std::string_view what_en,
                        std::string_view what_zh, const std::vector<ResultRow>& rows,
                        Count ResultRow::*count = &ResultRow::clicked) {
    if (!rows.empty()) out += rate_table(page, page.say(en, zh), page.say(what_en, what_zh), rows, count);
  };
  part("Clicks by variant", "各版本点击率", "variant", "版本", results.arms);
  part("Conversions by variant", "各版本转化率", "variant", "版本", results.arms, &ResultRow::converted);
  part("Clicks by life cycle", "各生命周期点击率", "stage", "阶段", results.life_cycles);
  part("Clicks by strongest interest", "各兴趣点击率", "interest", "兴趣", results.interests);
  part("Clicks by scene", "各场景点击率", "scene", "场景", results.scenes);
  part("Clicks by channel", "各渠道点击率", "channel", "渠道", results.channels);
  part("Clicks by language", "各语言点击率", "language", "语言", results.languages);
  if (!results.what_if.empty()) out += what_if_table(page, results);
  if (results.unsubscribes > 0) {
    out += paragraph(
        page.say(grouped(results.unsubscribes) + " unsubscribes were recorded and are obeyed from now on.",
                 "记录到 " + grouped(results.unsubscribes) + " 次退订，此后不再发送。"),
        "note");
  }
  return out + paragraph(page.say("A point is the rate, a line its 95% interval. The intervals of Wilson and "
                                  "Newcombe are meant for one "
                                  "look; the test against the held-out users may be looked at any time.",
                                  "点是比率，线是 95% 区间。Wilson 与 Newcombe "
                                  "区间适用于单次查看；与对照组的检验可随时查看。"),
                         "note");
}

std::string allocation_section(const Page& page) {
  // Times are put into at most so many steps of whole days, or of calls where all happened in one.
  const Store& store = page.store();
  if (page.count("SELECT count(*) FROM assignment") == 0)
    return paragraph(page.say("No variant has been assigned yet.", "还没有分配版本。"));
  const std::int64_t first = page.count("SELECT min(time) FROM assignment");
  const std::int64_t last = page.count("SELECT max(time) FROM assignment");
  const std::int64_t width =
      std::max<std::int64_t>(1, (last - first) / static_cast<std::int64_t>(kMostSteps) + 1);
  std::map<std::int64_t, std::map<std::string, std::int64_t>> steps;
  std::map<std::string, std::int64_t> totals;
  const std::string held_out = page.say("held out", "对照组");
  Statement rows = store.prepare(
      "SELECT (a.time - ?) / ?, coalesce(c.arm, ''), count(*) FROM assignment a LEFT JOIN copy c ON c.id = "
      "a.copy "
      "GROUP BY 1, 2");
  rows.with(first, width);
  while (rows.step()) {
    const std::string arm(rows.text(1));
    steps[rows.integer(0)][arm] += rows.integer(2);
    totals[arm] += rows.integer(2);
  }
  const auto share = [&](const std::map<std::string, std::int64_t>& counts, const std::string& arm) {
    std::int64_t sum = 0;
    for (const auto& [name, count] : counts) sum += count;
    const auto found = counts.find(arm);
    return found == counts.end() ? 0.0 : static_cast<double>(found->second) / static_cast<double>(sum);
  };
  std::vector<std::vector<Cell>> table_rows;
  for (const auto& [arm, total] : totals) {
    std::vector<double> shares;
    for (const auto& [step, counts] : steps) shares.push_back(share(counts, arm));
    const std::string name = arm.empty() ? held_out : arm;
    table_rows.push_back(
        {text_cell(name),
         steps_plot(shares, concat(name, ": ", percent(shares.front()), page.say(" at first, ", "（起）至 "),
                                   percent(shares.back()), page.say(" last", "（最近）"))),
         {escaped(percent(shares.front())), "number"},
         {escaped(percent(shares.back())), "number"},
         number_cell(total)});
  }
  std::string policies;
  Statement kinds = store.prepare("SELECT policy, count(*) FROM assignment GROUP BY policy ORDER BY min(id)");
  while (kinds.step()) {
    policies += concat(policies.empty() ? "" : page.say(", ", "，"), page.name(kinds.text(0)), " ",
                       grouped(kinds.integer(1)));
  }
  const std::string from = date_text(first), to = date_text(last);
  return paragraph(page.say("How variants were drawn: ", "分配方式：") + policies + page.say(".", "。")) +
         table(page.say("The share of each variant over time", "各版本占比随时间的变化"),
               {text_cell(page.say("variant", "版本")),
                axis_cell(from, to == from ? "" : to),
                {escaped(page.say("at first", "起初")), "number"},
                {escaped(page.say("last", "最近")), "number"},
                {escaped(page.say("in all", "合计")), "number"}},
               table_rows);
}

}  // namespace adlib::copywriter
