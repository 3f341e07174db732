// The report's sections on what came of it.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>

#include "adlib/core/error.h"
#include "copywriter/measure/report_page.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

constexpr double kSignificant = 0.05;
constexpr std::size_t kMostSteps = 24;  // of the plot over time

std::string number_text(double value) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), value >= 10 ? "%.0f" : "%.2g", value);
  return text.data();
}

std::string points(double difference) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%+.2f", 100 * difference);
  return text.data();
}

// A round number that all intervals stay below.
double axis_end(const std::vector<Rate>& rates) {
  double most = 0;
  for (const Rate& one : rates) most = std::max(most, one.estimate.high);
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

// Name, plot and interval.
std::vector<Cell> rate_row(const Page& page, const std::string& name, const Rate& rate, double end) {
  return {text_cell(name),
          interval_plot(rate.estimate, 0, end, concat(name, ": ", rate_text(page, rate)), rate.is_telling),
          rate_cell(page, rate)};
}

std::string rate_table(const Page& page, const std::string& caption, const std::string& what,
                       const std::vector<ResultRow>& results, Count ResultRow::*count) {
  std::vector<Rate> rates;
  for (const ResultRow& row : results) rates.emplace_back(row.*count);
  const double end = axis_end(rates);
  std::vector<std::vector<Cell>> rows;
  for (std::size_t i = 0; i < results.size(); ++i) {
    rows.push_back(rate_row(page, page.name(results[i].name), rates[i], end));
    rows.back().push_back(number_cell((results[i].*count).successes));
    rows.back().push_back(number_cell((results[i].*count).trials));
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
  const std::vector<Rate> rates{Rate(lift.got_copy), Rate(lift.held_out)};
  const double end = axis_end(rates);
  std::vector<std::vector<Cell>> rows;
  for (std::size_t i = 0; i < 2; ++i) {
    const Count& count = i == 0 ? lift.got_copy : lift.held_out;
    rows.push_back(rate_row(page, i == 0 ? page.say("got copy", "收到文案") : page.say("held out", "对照组"),
                            rates[i], end));
    rows.back().push_back(number_cell(count.successes));
    rows.back().push_back(number_cell(count.trials));
  }
  std::string out =
      table(page.say("Users who got copy against users who were held out", "收到文案的用户与对照组"),
            {text_cell(page.say("group", "组别")),
             axis_cell("0%", axis_percent(end)),
             text_cell(page.say("conversion rate, 95% interval", "转化率（95% 区间）")),
             {escaped(page.say("bought", "转化")), "number"},
             {escaped(page.say("users", "用户")), "number"}},
            rows);
  if (!can_compare(lift)) {
    return out +
           paragraph(
               page.say(
                   "Too few customers to compare: at least 10 on each side are needed to say anything, and "
                   "hundreds to be sure.",
                   "客户太少，无法比较：每组至少要有 10 位才能看出端倪，要有把握需要几百位。"),
               "note");
  }
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
  const std::string factor =
      std::isfinite(lift.ratio.high)
          ? page.say(concat("copy multiplies the conversion rate by ", number_text(lift.ratio.low), " to ",
                            number_text(lift.ratio.high), "."),
                     concat("转化率是对照组的 ", number_text(lift.ratio.low), " 至 ",
                            number_text(lift.ratio.high), " 倍。"))
          : page.say("how much copy changes the conversion rate cannot be told yet.",
                     "文案使转化率改变多少还说不准。");
  return out + paragraph(page.say("A test that may be looked at any time: p = ", "可随时查看的检验：p = ") +
                             number_text(lift.p_value) + page.say("; ", "；") + factor,
                         "note");
}

std::string what_if_table(const Page& page, const Results& results) {
  const std::int64_t drawn = results.what_if.front().draws;
  std::vector<Rate> rates{{results.as_drawn, drawn >= kFewTrials}};
  for (const WhatIf& one : results.what_if)
    rates.emplace_back(WhatIf::as_rate(one.value.dr), one.is_telling());
  const double end = axis_end(rates);
  std::vector<std::vector<Cell>> rows;
  const auto add = [&](const std::string& name, std::int64_t worth) {
    rows.push_back(rate_row(page, name, rates[rows.size()], end));
    rows.back().push_back(number_cell(worth));
  };
  add(page.say("as it was drawn", "实际分配"), drawn);
  for (const WhatIf& one : results.what_if) {
    const std::string everyone = "everyone: ";
    const std::string name = one.policy.starts_with(everyone) ? page.say("everyone gets ", "全部使用 ") +
                                                                    one.policy.substr(everyone.size())
                                                              : page.name(one.policy);
    add(name, std::llround(one.value.effective));
  }
  return table(page.say("The click rate if variants were drawn otherwise (doubly robust estimate)",
                        "换一种分配方式的点击率（双重稳健估计）"),
               {text_cell(page.say("policy", "策略")),
                axis_cell("0%", axis_percent(end)),
                text_cell(page.say("click rate, 95% interval", "点击率（95% 区间）")),
                {escaped(page.say("worth, in draws", "有效样本")), "number"}},
               rows);
}

}  // namespace

bool can_compare(const Lift& lift) {
  return std::min(lift.got_copy.trials, lift.held_out.trials) >= kFewTrials;
}

std::string range_text(const Page& page, const Estimate& estimate) {
  return concat(percent(estimate.low), page.say(" to ", " 至 "), percent(estimate.high));
}

std::string rate_text(const Page& page, const Rate& rate) {
  return concat(rate.is_telling ? percent(rate.estimate.value) : page.say("too little data", "数据太少"),
                page.say(" (", "（"), range_text(page, rate.estimate), page.say(")", "）"));
}

Cell rate_cell(const Page& page, const Rate& rate) {
  return {concat(rate.is_telling
                     ? concat("<strong>", escaped(percent(rate.estimate.value)), "</strong>")
                     : concat("<span class=\"few\">", page.say("too little data", "数据太少"), "</span>"),
                 " <span class=\"range\">", escaped(range_text(page, rate.estimate)), "</span>")};
}

std::string headline(const Page& page, const Results& results) {
  if (page.count("SELECT count(*) FROM copy") == 0)
    return page.say("No copy has been written yet.", "还没有生成文案。");
  if (results.all.clicked.trials == 0 && results.conversions == 0)
    return page.say("Copies are written; no outcomes have been imported yet.",
                    "文案已生成，还没有导入效果数据。");
  std::string out;
  if (const std::int64_t seen = results.all.clicked.trials; seen > 0 && seen < kFewTrials) {
    out = page.say(concat(grouped(seen), seen == 1 ? " copy has" : " copies have",
                          " been seen so far: too few to say how often copies are clicked."),
                   concat("目前只有 ", grouped(seen), " 条曝光，还看不出点击率。"));
  } else if (seen > 0) {
    const std::string rate = rate_text(page, Rate(results.all.clicked));
    out = page.say(concat("Of ", grouped(results.all.clicked.trials), " copies that were seen, ", rate,
                          " were clicked."),
                   concat("曝光 ", grouped(results.all.clicked.trials), " 条，点击率 ", rate, "。"));
  }
  if (!results.lift) return out;
  const Lift& lift = *results.lift;
  if (!can_compare(lift)) {
    return out + page.say(concat(out.empty() ? "" : " ",
                                 "Too few customers are held out, or got copy, to say "
                                 "what copy brings."),
                          "收到文案的或对照组的客户太少，还说不出文案带来了什么。");
  }
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
    // One row alone is the headline once more.
    if (rows.size() > 1) out += rate_table(page, page.say(en, zh), page.say(what_en, what_zh), rows, count);
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
    out += paragraph(page.say(grouped(results.unsubscribes) +
                                  (results.unsubscribes == 1 ? " unsubscribe was" : " unsubscribes were") +
                                  " recorded; no more goes to these customers that way.",
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
  Statement rows = store.prepare(
      "SELECT (a.time - ?) / ?, c.arm, count(*) FROM assignment a JOIN copy c ON c.id = a.copy GROUP BY 1, "
      "2");
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
  const bool is_one = steps.size() == 1;  // all at once: there is no course to draw
  std::vector<std::vector<Cell>> table_rows;
  for (const auto& [arm, total] : totals) {
    std::vector<double> shares;
    for (const auto& [step, counts] : steps) shares.push_back(share(counts, arm));
    const std::string first_share = percent(shares.front()), last_share = percent(shares.back());
    std::vector<Cell>& row = table_rows.emplace_back(std::vector<Cell>{text_cell(arm)});
    row.push_back(
        is_one ? bar_plot(shares.front(), 1, concat(arm, ": ", first_share))
               : steps_plot(shares, concat(arm, ": ", first_share, page.say(" at first, ", "（起）至 "),
                                           last_share, page.say(" last", "（最近）"))));
    row.push_back({escaped(first_share), "number"});
    if (!is_one) row.push_back({escaped(last_share), "number"});
    row.push_back(number_cell(total));
  }
  // A customer is on one side with all placements, as the first assignment says.
  Statement sides = store.prepare(
      "SELECT count(*), sum(held) FROM (SELECT a.copy IS NULL AS held, min(a.id) FROM assignment a JOIN "
      "placement p ON p.id = a.placement GROUP BY p.user)");
  sides.step();
  const std::int64_t people = sides.integer(0), held_out = sides.integer(1);
  const std::string held_share = percent(static_cast<double>(held_out) / static_cast<double>(people));
  std::string out = paragraph(page.say(
      concat(grouped(people - held_out), people - held_out == 1 ? " customer gets" : " customers get",
             " copy, ", grouped(held_out), " (", held_share, ") ", held_out == 1 ? "is" : "are",
             " held out and get none, to compare with."),
      concat(grouped(people - held_out), " 位客户收到文案，", grouped(held_out), " 位（", held_share,
             "）是对照组，不收文案，用来比较。")));
  std::string policies;
  Statement kinds = store.prepare(
      "SELECT policy, count(*) FROM assignment WHERE copy IS NOT NULL GROUP BY policy ORDER BY min(id)");
  while (kinds.step()) {
    policies += concat(policies.empty() ? "" : page.say(", ", "，"), page.name(kinds.text(0)), " ",
                       grouped(kinds.integer(1)));
  }
  if (table_rows.empty()) return out;
  const auto head = [&](std::string_view en, std::string_view zh) {
    return Cell{escaped(page.say(en, zh)), "number"};
  };
  std::vector<Cell> header{text_cell(page.say("variant", "版本"))};
  if (is_one) {
    header.insert(header.end(), {axis_cell("0%", "100%"), head("share", "占比")});
  } else {
    header.insert(header.end(), {axis_cell(date_text(first), date_text(last)), head("at first", "起初"),
                                 head("last", "最近")});
  }
  header.push_back(head("copies in all", "文案合计"));
  return out +
         paragraph(page.say("How variants were drawn: ", "分配方式：") + policies + page.say(".", "。")) +
         table(is_one ? page.say("The share of each variant", "各版本的占比")
                      : page.say("The share of each variant over time", "各版本占比随时间的变化"),
               header, table_rows);
}

}  // namespace adlib::copywriter
