// The report's sections with copies to read, and what to do next.
#include <algorithm>
#include <map>
#include <optional>

#include "adlib/core/error.h"
#include "copywriter/measure/report_page.h"
#include "copywriter/measure/shown.h"

namespace adlib::copywriter {
namespace {

struct Sample {
  std::int64_t copy = 0;
  std::string title;  // why it is shown
  std::vector<std::string> why;
  bool blocked = false;
};

std::string show(const Page& page, const Sample& sample) {
  Statement find = page.store().prepare(concat(
      "SELECT c.text, p.scene, p.channel, p.language, json_extract(q.record, '$.title'), c.arm, ", kNobodys,
      " FROM copy c JOIN placement p ON p.id = c.placement JOIN product q ON q.id = p.product WHERE "
      "c.id = ?"));
  if (!find.with(sample.copy).step()) return {};
  const std::string language = find.text(3) == "zh" ? "zh-Hans" : "en";
  std::string out = concat("<article class=\"copy", sample.blocked ? " blocked" : "", "\">\n<h4>",
                           escaped(sample.title), "</h4>\n");
  if (find.integer(6) != 0) {
    out += concat("<blockquote lang=\"", language, "\">", escaped(find.text(0)), "</blockquote>\n");
  } else {
    out += paragraph(page.say("Its words are not shown: it is made of what is known of one customer.",
                              "不展示原文：它是根据某一位客户的资料写的。"),
                     "why soft");
  }
  for (const std::string& why : sample.why) out += "<p class=\"why\">" + why + "</p>\n";
  out += concat("<p class=\"why soft\"><span lang=\"", language, "\">", escaped(find.text(4)), "</span> · ",
                escaped(page.name(find.text(1))), " · ", escaped(page.name(find.text(2))), " · ",
                escaped(find.text(5)), " · ", escaped(page.say("copy", "文案")), " ", sample.copy,
                "</p>\n</article>\n");
  return out;
}

// The copy of each language whose text was clicked most surely, or else one that was published or approved.
std::vector<Sample> best_samples(const Page& page) {
  std::vector<Sample> samples;
  for (const char* language : {"zh", "en"}) {
    // What can be read comes first.
    std::map<std::pair<bool, std::string>, std::pair<Count, std::int64_t>> texts;
    Statement find_text = page.store().prepare(concat(
        "SELECT c.text, ", kNobodys, " FROM copy c JOIN placement p ON p.id = c.placement WHERE c.id = ?"));
    for_each_shown_copy(page.store(), [&](ShownCopy&& shown) {
      if (shown.language != language || shown.seen == 0) return;
      find_text.with(shown.copy).step();
      auto& [count, copy] = texts[{find_text.integer(1) != 0, std::string(find_text.text(0))}];
      count.successes += std::min(shown.clicked, shown.seen);
      count.trials += shown.seen;
      if (copy == 0) copy = shown.copy;
    });
    std::optional<Sample> best;
    std::pair<bool, double> highest{false, -1};
    for (const auto& [text, entry] : texts) {
      const std::pair rank{text.first, wilson(entry.first).low};
      if (entry.first.successes == 0 || rank <= highest) continue;
      highest = rank;
      best = Sample{
          entry.second,
          page.say("Clicked by customers", "客户点击过的文案"),
          {escaped(page.say(
              concat("Clicked ", entry.first.successes, " of ", entry.first.trials, " times it was seen."),
              concat("曝光 ", entry.first.trials, " 次，点击 ", entry.first.successes, " 次。")))}};
    }
    if (!best) {
      Statement other = page.store().prepare(concat(
          "SELECT c.id, c.status FROM copy c JOIN placement p ON p.id = c.placement WHERE p.language = "
          "? AND c.status IN ('published', 'approved') ORDER BY ",
          kNobodys, " DESC, c.status DESC, c.id LIMIT 1"));
      if (other.with(language).step()) best = Sample{other.integer(0), page.name(other.text(1)), {}};
    }
    if (best) samples.push_back(*best);
  }
  return samples;
}

// A blocked copy, with the words that it was blocked for.
std::optional<Sample> blocked_sample(const Page& page) {
  Statement find = page.store().prepare(
      concat("SELECT c.id, f.rule, iif(n OR ", kQuotesNothing, ", f.message, ''), f.basis, iif(n OR ",
             kQuotesNothing,
             ", f.rewrite, ''), iif(n, "
             "substr(CAST(c.text AS BLOB), f.first + 1, f.last - f.first), '') FROM (SELECT c.id, c.text, ",
             kNobodys,
             " AS n FROM copy c JOIN placement p ON p.id = c.placement WHERE c.status = 'blocked') c JOIN "
             "finding f ON f.copy = c.id ORDER BY n DESC, f.level = 'ban' DESC, c.id, f.first LIMIT 1"));
  if (!find.step()) return std::nullopt;
  Sample sample{find.integer(0), page.say("Blocked, and never published", "已拦下，不会发布"), {}, true};
  const std::string words = escaped(find.text(5));
  sample.why.push_back(concat("<span class=\"bad\">", escaped(page.say("Why:", "原因：")), "</span> ",
                              escaped(find.text(2)), words.empty() ? "" : concat(" “", words, "”"), " <code>",
                              escaped(find.text(1)), "</code>"));
  if (!find.text(3).empty())
    sample.why.push_back(escaped(page.say("Basis: ", "依据：") + std::string(find.text(3))));
  if (!find.text(4).empty())
    sample.why.push_back(escaped(page.say("Instead: ", "改法：") + std::string(find.text(4))));
  return sample;
}

}  // namespace

std::string samples_section(const Page& page) {
  std::vector<Sample> samples = best_samples(page);
  if (auto blocked = blocked_sample(page)) samples.push_back(std::move(*blocked));
  if (samples.empty())
    return paragraph(page.say("No copy has been approved or blocked yet.", "还没有通过或被拦下的文案。"));
  std::string out = "<div class=\"copies\">\n";
  for (const Sample& sample : samples) out += show(page, sample);
  return out + "</div>\n";
}

std::string next_section(const Page& page, const Results& results) {
  std::vector<std::string> steps;  // HTML
  const auto add = [&](std::string_view en, std::string_view zh, std::string_view command) {
    steps.push_back(concat(escaped(page.say(en, zh)),
                           command.empty() ? "" : concat(" <code>", escaped(command), "</code>")));
  };
  const auto some = [&](std::string_view sql) { return page.count(sql); };
  const std::string store = "STORE";
  if (some("SELECT count(*) FROM source") + some("SELECT count(*) FROM user") == 0) {
    add("Read the shop's products, customers and logs.", "先读入商品、客户和行为日志。",
        "adlib collect " + store);
  }
  if (const auto n = some("SELECT coalesce(sum(rejected), 0) FROM source"); n > 0) {
    add(concat("Look at the ", grouped(n), " rows that were rejected, and mend their files."),
        concat("查看被拒收的 ", grouped(n), " 行，修正后重新读入。"), "");
  }
  if (some("SELECT count(*) FROM user") > 0 && some("SELECT count(*) FROM feature") == 0)
    add("Make the customers' features.", "生成客户特征。", "adlib prepare " + store);
  if (some("SELECT count(*) FROM feature") > 0 && some("SELECT count(*) FROM recommendation") == 0)
    add("Find products for the customers.", "为客户推荐商品。", "adlib recommend " + store);
  if (some("SELECT count(*) FROM recommendation") > 0 && some("SELECT count(*) FROM copy") == 0)
    add("Write copies.", "生成文案。", "adlib write " + store);
  if (const auto n = some("SELECT count(*) FROM copy WHERE status = 'written' AND guarded = 1"); n > 0)
    add(concat("Check ", grouped(n), " copies."), concat("检查 ", grouped(n), " 条文案。"),
        "adlib polish " + store);
  if (const auto n = some("SELECT count(*) FROM copy WHERE status = 'ready'"); n > 0)
    add(concat("Decide on ", grouped(n), " copies that wait for review."),
        concat("审核 ", grouped(n), " 条待审文案。"), "adlib review " + store);
  if (const auto n = some(
          "SELECT count(DISTINCT p.id) FROM placement p JOIN copy c ON c.placement = p.id WHERE c.status "
          "= 'approved' AND p.user IS NOT NULL AND NOT EXISTS(SELECT 1 FROM assignment a WHERE "
          "a.placement = p.id)");
      n > 0)
    add(concat("Draw variants for ", grouped(n), " placements."),
        concat("为 ", grouped(n), " 个投放位分配版本。"), "adlib assign " + store);
  if (some("SELECT count(*) FROM copy WHERE status = 'approved'") > 0 &&
      some("SELECT count(*) FROM publication") == 0)
    add("Publish what was approved.", "发布已通过的文案。", "adlib publish " + store);
  if (const auto n = some("SELECT count(*) FROM publication WHERE status = 'dead'"); n > 0)
    add(concat("Find out why ", grouped(n), " publications failed for good."),
        concat("查明 ", grouped(n), " 次发布失败的原因。"), "");
  if (some("SELECT count(*) FROM publication") > 0 && results.all.clicked.trials == 0)
    add("Import impressions, clicks and orders.", "导入曝光、点击和订单。",
        "adlib measure " + store + " --outcomes FILE");
  if (results.lift && results.lift->p_value > 0.05) {
    add("Go on: the difference from the held-out users is not yet beyond chance.",
        "继续投放：与对照组的差异还不显著。", "");
  } else if (results.lift && results.lift->difference.value > 0) {
    add("Keep sending: copy sells more than silence.", "继续发送：有文案比没有文案成交更多。", "");
  } else if (results.lift) {
    add("Stop and look at the copies: those who got none bought more.",
        "先停下检查文案：没有收到文案的用户成交更多。", "");
  }
  std::vector<Beta> rates;
  for (const ResultRow& arm : results.arms) {
    rates.push_back({1.0 + static_cast<double>(arm.clicked.successes),
                     1.0 + static_cast<double>(arm.clicked.trials - arm.clicked.successes)});
  }
  if (rates.size() > 1) {
    const std::vector<double> best = probability_best(std::span<const Beta>(rates));
    const auto at = static_cast<std::size_t>(std::max_element(best.begin(), best.end()) - best.begin());
    const std::string& arm = results.arms[at].name;
    if (best[at] > 0.95) {
      add(concat("Write more like “", arm, "”: it is the most clicked variant with a probability of ",
                 percent(best[at]), "."),
          concat("多写“", arm, "”这一版：它点击率最高的概率是 ", percent(best[at]), "。"), "");
    }
  }
  if (results.all.clicked.successes > 0)
    add("Let the model learn from what was clicked.", "让模型从点击中学习。",
        "adlib measure " + store + " --preferences pairs.jsonl");
  if (results.all.clicked.trials > 0 &&
      static_cast<double>(results.unsubscribes) > 0.01 * static_cast<double>(results.all.clicked.trials))
    add("Send less often: more than one in a hundred copies led to an unsubscribe.",
        "降低频率：退订超过曝光的百分之一。", "");
  if (steps.empty()) return paragraph(page.say("Nothing is waiting.", "没有待办。"));
  std::string out = "<ol class=\"next\">\n";
  for (const std::string& step : steps) out += "<li>" + step + "</li>\n";
  return out + "</ol>\n";
}

}  // namespace adlib::copywriter
