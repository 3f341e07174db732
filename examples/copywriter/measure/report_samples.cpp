// The report's sections with copies to read, and what to do next.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "adlib/core/error.h"
#include "copywriter/measure/report_page.h"
#include "copywriter/measure/shown.h"

namespace adlib::copywriter {
namespace {

constexpr std::size_t kMostSamples = 2;  // of a language

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

// Copies that people can read and that are about nobody, of a language: the texts that were clicked most
// surely first, then those that were published, approved, or passed the check. One a product, as long as
// there are products.
std::vector<Sample> readable_samples(const Page& page, const char* language) {
  struct Text {
    std::int64_t copy = 0, product = 0, rank = 0;
    std::string status;
    Count count;
    double sure() const { return count.successes > 0 ? wilson(count).low : 0; }
  };
  std::map<std::string, Text> texts;
  Statement rows = page.store().prepare(concat(
      "SELECT c.text, c.id, p.product, c.status FROM copy c JOIN placement p ON p.id = c.placement WHERE "
      "p.language = ? AND c.guarded = 1 AND c.status IN ('published', 'approved', 'ready') AND ",
      kNobodys, " ORDER BY c.status = 'published' DESC, c.status = 'approved' DESC, c.id"));
  rows.with(language);
  std::map<std::int64_t, Text*> by_copy;
  while (rows.step()) {
    const auto [at, is_new] = texts.try_emplace(std::string(rows.text(0)));
    Text& text = at->second;
    if (is_new) {
      text.copy = rows.integer(1);
      text.product = rows.integer(2);
      text.status = rows.text(3);
      text.rank = static_cast<std::int64_t>(texts.size());
    }
    by_copy[rows.integer(1)] = &text;
  }
  for_each_shown_copy(page.store(), [&](ShownCopy&& shown) {
    const auto at = by_copy.find(shown.copy);
    if (at == by_copy.end()) return;
    at->second->count.successes += std::min(shown.clicked, shown.seen);
    at->second->count.trials += shown.seen;
  });
  std::vector<const Text*> order;
  for (const auto& [words, text] : texts) order.push_back(&text);
  std::sort(order.begin(), order.end(), [](const Text* a, const Text* b) {
    return std::pair(-a->sure(), a->rank) < std::pair(-b->sure(), b->rank);
  });
  std::set<std::int64_t> products;
  std::stable_partition(order.begin(), order.end(),
                        [&](const Text* text) { return products.insert(text->product).second; });
  order.resize(std::min(order.size(), kMostSamples));
  std::vector<Sample> samples;
  for (const Text* text : order) {
    const Count& count = text->count;
    Sample& sample = samples.emplace_back(Sample{text->copy, page.name(text->status), {}});
    if (count.successes == 0) continue;
    sample.title = page.say("Clicked by customers", "客户点击过的文案");
    sample.why.push_back(escaped(page.say(
        concat("Clicked ", grouped(count.successes), " of ", grouped(count.trials), " times it was seen."),
        concat("曝光 ", grouped(count.trials), " 次，点击 ", grouped(count.successes), " 次。"))));
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
  const bool is_told = find.text(2).find(find.text(5)) != std::string_view::npos;  // by the message itself
  const std::string words = is_told ? "" : escaped(find.text(5));
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
  std::vector<Sample> samples = readable_samples(page, "zh");
  for (Sample& sample : readable_samples(page, "en")) samples.push_back(std::move(sample));
  if (auto blocked = blocked_sample(page)) samples.push_back(std::move(*blocked));
  std::string out;
  if (!samples.empty()) {
    out += "<div class=\"copies\">\n";
    for (const Sample& sample : samples) out += show(page, sample);
    out += "</div>\n";
  }
  const std::int64_t personal = page.count(
      concat("SELECT count(*) FROM copy c JOIN placement p ON p.id = c.placement WHERE NOT ", kNobodys));
  if (personal > 0) {
    out += concat(
        "<p class=\"note\">",
        escaped(page.say(
            concat(grouped(personal), personal == 1 ? " copy is" : " copies are",
                   " made of what is known of one customer, and not shown here, since a report "
                   "goes round. Who may read them finds them by "),
            concat("另有 ", grouped(personal),
                   " 条是根据某一位客户的资料写的，报告会被转发，所以这里不展示。有权限的人可以这样查看："))),
        " <code>", escaped(page.command("review list")), "</code></p>\n");
  }
  return out.empty() ? paragraph(page.say("No copy has passed the check yet.", "还没有通过检查的文案。"))
                     : out;
}

std::string next_section(const Page& page, const Results& results) {
  std::vector<std::string> steps;  // HTML
  const auto add = [&](std::string_view en, std::string_view zh, std::string_view command) {
    steps.push_back(concat(escaped(page.say(en, zh)),
                           command.empty() ? "" : concat(" <code>", escaped(command), "</code>")));
  };
  const auto some = [&](std::string_view sql) { return page.count(sql); };
  if (some("SELECT count(*) FROM source") + some("SELECT count(*) FROM user") == 0) {
    add("Read the shop's products, customers and logs.", "先读入商品、客户和行为日志。",
        page.command("collect", "--products FILE --customers FILE --events FILE"));
  }
  if (const auto n = some("SELECT coalesce(sum(rejected), 0) FROM source"); n > 0) {
    add(concat("Look at the ", grouped(n), " rows that were rejected, and mend their files."),
        concat("查看被拒收的 ", grouped(n), " 行，修正后重新读入。"), "");
  }
  if (some("SELECT count(*) FROM user") > 0 && some("SELECT count(*) FROM feature") == 0)
    add("Make the customers' features.", "生成客户特征。", page.command("prepare"));
  if (some("SELECT count(*) FROM feature") > 0 && some("SELECT count(*) FROM recommendation") == 0)
    add("Find products for the customers.", "为客户推荐商品。", page.command("recommend"));
  if (some("SELECT count(*) FROM recommendation") > 0 && some("SELECT count(*) FROM copy") == 0)
    add("Write copies.", "生成文案。", page.command("write", "--channel CHANNEL"));
  if (const auto n = some("SELECT count(*) FROM copy WHERE status = 'written' AND guarded = 1"); n > 0)
    add(concat("Check ", grouped(n), " copies."), concat("检查 ", grouped(n), " 条文案。"),
        page.command("polish"));
  if (const auto n = some("SELECT count(*) FROM copy WHERE status = 'ready'"); n > 0)
    add(concat("Decide on ", grouped(n), " copies that wait for review."),
        concat("审核 ", grouped(n), " 条待审文案。"), page.command("review export", "-o sheet.csv"));
  if (const auto n = some("SELECT count(*) FROM copy WHERE status = 'blocked'"); n > 0)
    add(concat("Edit or reject ", grouped(n), " copies that a rule blocks."),
        concat("修改或驳回被规则拦下的 ", grouped(n), " 条文案。"),
        page.command("review list", "--status blocked"));
  if (const auto n = some(
          "SELECT count(DISTINCT p.id) FROM placement p JOIN copy c ON c.placement = p.id WHERE c.status "
          "= 'approved' AND p.user IS NOT NULL AND NOT EXISTS(SELECT 1 FROM assignment a WHERE "
          "a.placement = p.id)");
      n > 0)
    add(concat("Draw variants for ", grouped(n), " placements."),
        concat("为 ", grouped(n), " 个投放位分配版本。"), page.command("assign"));
  if (some("SELECT count(*) FROM copy WHERE status = 'approved'") > 0 &&
      some("SELECT count(*) FROM publication") == 0)
    add("Publish what was approved.", "发布已通过的文案。", page.command("publish", "--to TARGET -o FILE"));
  if (const auto n = some("SELECT count(*) FROM publication WHERE status = 'dead'"); n > 0)
    add(concat("Find out why ", grouped(n), " publications failed for good."),
        concat("查明 ", grouped(n), " 次发布失败的原因。"), "");
  if (some("SELECT count(*) FROM publication") > 0 && results.all.clicked.trials == 0)
    add("Import impressions, clicks and orders.", "导入曝光、点击和订单。",
        page.command("measure", "--outcomes FILE"));
  if (results.lift && !can_compare(*results.lift)) {
    add("Go on with more customers: too few are held out, or got copy, to compare them.",
        "扩大投放：收到文案的或对照组的客户太少，无法比较。", "");
  } else if (results.lift && results.lift->p_value > 0.05) {
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
  if (results.all.clicked.successes >= kFewTrials)
    add("Let the model learn from what was clicked.", "让模型从点击中学习。",
        page.command("measure", "--preferences pairs.jsonl"));
  const Count left{std::min(results.all.unsubscribed, results.all.clicked.trials),
                   results.all.clicked.trials};
  if (left.trials > 0 && wilson(left).low > 0.01)
    add("Send less often: more than one in a hundred copies led to an unsubscribe.",
        "降低频率：退订超过曝光的百分之一。", "");
  if (steps.empty()) return paragraph(page.say("Nothing is waiting.", "没有待办。"));
  std::string out = "<ol class=\"next\">\n";
  for (const std::string& step : steps) out += "<li>" + step + "</li>\n";
  return out + "</ol>\n";
}

}  // namespace adlib::copywriter
