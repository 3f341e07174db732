// The report's sections from the files that were read to the copies that went out.
#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "adlib/core/error.h"
#include "copywriter/measure/context.h"
#include "copywriter/measure/report_page.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

struct Name {
  std::string_view value, en, zh;
};
constexpr std::array kNames{
    Name{"new", "new", "新客"},
    Name{"active", "active", "活跃"},
    Name{"lapsing", "lapsing", "流失中"},
    Name{"lost", "lost", "已流失"},
    Name{"unknown", "not known", "未知"},
    Name{"other", "other", "其他"},
    Name{"recommendation", "recommendation", "推荐"},
    Name{"promotion", "promotion", "促销"},
    Name{"member", "member", "会员"},
    Name{"social", "social", "种草"},
    Name{"ad", "advertisement", "广告"},
    Name{"zh", "Chinese", "中文"},
    Name{"en", "English", "英文"},
    Name{"products", "products", "商品"},
    Name{"customers", "customers", "客户"},
    Name{"events", "events", "行为"},
    Name{"reviews", "reviews", "评价"},
    Name{"copy", "past copy", "历史文案"},
    Name{"outcomes", "outcomes", "效果数据"},
    Name{"item-to-item", "bought or viewed together", "协同过滤（同看同买）"},
    Name{"popular", "popular in the shop", "热门商品"},
    Name{"written", "written, not yet checked", "已生成，待检查"},
    Name{"blocked", "blocked by a rule", "被规则拦下"},
    Name{"ready", "checked, waiting for review", "已检查，待审核"},
    Name{"approved", "approved", "审核通过"},
    Name{"rejected", "rejected", "审核未通过"},
    Name{"published", "published", "已发布"},
    Name{"fix", "fixed automatically", "自动修正"},
    Name{"approve", "approved", "通过"},
    Name{"reject", "rejected", "驳回"},
    Name{"edit", "edited", "修改"},
    Name{"ban", "not allowed", "禁止"},
    Name{"error", "wrong", "错误"},
    Name{"evidence", "needs proof", "需证明"},
    Name{"caution", "on a condition", "有条件"},
    Name{"style", "style", "文风"},
    Name{"uniform", "all alike", "均匀分配"},
    Name{"thompson", "Thompson sampling", "汤普森采样"},
    Name{"contextual", "by what is known of the user", "按用户特征分配"},
};

// "counts of something": a name, a bar, a number, a share of all of them, or of `all`, where these are some.
std::string count_table(const Page& page, std::string_view caption, std::string_view what,
                        const std::vector<std::pair<std::string, std::int64_t>>& counts,
                        std::int64_t all = 0) {
  std::int64_t most = 1, sum = 0;
  for (const auto& [name, count] : counts) {
    most = std::max(most, count);
    sum += count;
  }
  if (all > 0) sum = all;
  std::vector<std::vector<Cell>> rows;
  for (const auto& [name, count] : counts) {
    const std::string share =
        percent(static_cast<double>(count) / static_cast<double>(std::max<std::int64_t>(sum, 1)));
    rows.push_back({text_cell(page.name(name)),
                    bar_plot(static_cast<double>(count), static_cast<double>(most),
                             concat(page.name(name), ": ", grouped(count), ", ", share)),
                    number_cell(count),
                    {escaped(share), "number"}});
  }
  return table(caption,
               {text_cell(what),
                axis_cell("0", grouped(most)),
                {escaped(page.say("number", "数量")), "number"},
                {escaped(page.say("share", "占比")), "number"}},
               rows);
}

std::vector<std::pair<std::string, std::int64_t>> counts_of(const Store& store, std::string_view sql) {
  std::vector<std::pair<std::string, std::int64_t>> counts;
  Statement rows = store.prepare(sql);
  while (rows.step()) counts.emplace_back(std::string(rows.text(0)), rows.integer(1));
  return counts;
}

// A file without the folders above it, an address as its host: the rest is nobody's business, and may be a
// secret.
std::string place_name(std::string_view place) {
  if (const std::size_t scheme = place.find("://"); scheme != std::string_view::npos) {
    const std::string_view host =
        place.substr(scheme + 3, place.find_first_of("/?#", scheme + 3) - scheme - 3);
    return std::string(host.substr(host.find('@') + 1));
  }
  return std::string(place.substr(place.find_last_of('/') + 1));
}

}  // namespace

std::string Page::name(std::string_view value) const {
  for (const Name& known : kNames) {
    if (known.value == value) return say(known.en, known.zh);
  }
  return std::string(value);
}

std::string Page::command(std::string_view name, std::string_view arguments) const {
  std::string file(place_name(store_.where()));
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  if (!std::all_of(file.begin(), file.end(), is_plain) || file.starts_with('-')) file = "STORE";
  return concat("adlib ", name, " ", file, arguments.empty() ? "" : " ", arguments);
}

std::string collected_section(const Page& page) {
  std::vector<std::vector<Cell>> rows;
  std::int64_t rejected = 0;
  Statement sources =
      page.store().prepare("SELECT file, kind, rows, new_rows, rejected FROM source ORDER BY id");
  while (sources.step()) {
    rejected += sources.integer(4);
    rows.push_back({text_cell(place_name(sources.text(0))), text_cell(page.name(sources.text(1))),
                    number_cell(sources.integer(2)), number_cell(sources.integer(3)),
                    number_cell(sources.integer(4))});
  }
  if (rows.empty()) return paragraph(page.say("No file has been read yet.", "还没有读入任何文件。"));
  const auto head = [&](std::string_view en, std::string_view zh) {
    return Cell{escaped(page.say(en, zh)), "number"};
  };
  std::string out = table(page.say("Files that were read", "读入的文件"),
                          {text_cell(page.say("file", "文件")), text_cell(page.say("what", "内容")),
                           head("rows", "行数"), head("new", "新增"), head("rejected", "拒收")},
                          rows);
  if (rejected > 0) {
    out += count_table(page, page.say("Why rows were rejected", "拒收的原因"), page.say("reason", "原因"),
                       counts_of(page.store(),
                                 "SELECT reason, count(*) AS n FROM rejected GROUP BY reason "
                                 "ORDER BY n DESC, reason LIMIT 8"),
                       rejected);
  }
  return out;
}

std::string customers_section(const Page& page) {
  const std::int64_t users = page.count("SELECT count(*) FROM user");
  if (users == 0) return paragraph(page.say("There are no customers yet.", "还没有客户。"));
  const std::int64_t opted_out = page.count("SELECT count(*) FROM user WHERE personalised = 0");
  const std::int64_t refused = page.count("SELECT count(DISTINCT user) FROM consent WHERE granted = 0");
  std::string out = paragraph(
      page.say(concat(grouped(users), " customers. ", grouped(opted_out),
                      " want nothing personal and get the same text as everybody; ", grouped(refused),
                      " refuse at least one channel."),
               concat("共 ", grouped(users), " 位客户。", grouped(opted_out),
                      " 位不要个性化，收到的是通用文案；", grouped(refused), " 位至少拒收一个渠道。")));
  std::map<std::string, std::int64_t> stages, interests;
  std::int64_t cold = 0, known = 0;
  Statement features = page.store().prepare("SELECT record FROM feature");
  while (features.step()) {
    const io::Json record = io::parse_json(features.text(0), page.store().where() + ": feature");
    const UserContext user = user_context(record);
    ++known;
    ++stages[user.life_cycle.empty() ? "unknown" : user.life_cycle];
    if (!user.interests.empty()) ++interests[user.interests.front().first];
    const auto start = record.find("cold_start");
    cold += start != record.end() && start->is_boolean() && start->get<bool>() ? 1 : 0;
  }
  if (known == 0)
    return out + paragraph(page.say("Features have not been made yet.", "还没有生成客户特征。"));
  const auto ordered = [](const std::map<std::string, std::int64_t>& counts) {
    std::vector<std::pair<std::string, std::int64_t>> list;
    std::int64_t others = 0;  // a handful of people is nobody's segment
    for (const auto& [name, count] : counts) {
      if (count < kSmallestSegment)
        others += count;
      else
        list.emplace_back(name, count);
    }
    std::stable_sort(list.begin(), list.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    for (; list.size() > 12; list.pop_back()) others += list.back().second;
    if (others > 0) list.emplace_back("other", others);
    return list;
  };
  out += count_table(page, page.say("Customers by life cycle", "客户生命周期"), page.say("stage", "阶段"),
                     ordered(stages));
  if (!interests.empty()) {
    out += count_table(page, page.say("Customers by their strongest interest", "客户的首要兴趣"),
                       page.say("interest", "兴趣"), ordered(interests));
  }
  if (cold > 0) {
    out += paragraph(page.say(concat(grouped(cold), " customers have too few events to tell their taste."),
                              concat(grouped(cold), " 位客户的行为太少，看不出偏好。")),
                     "note");
  }
  return out;
}

std::string recommended_section(const Page& page) {
  const auto methods =
      counts_of(page.store(),
                "SELECT method, count(*) FROM recommendation WHERE rank = 1 GROUP BY method ORDER BY 2 DESC");
  if (methods.empty()) return paragraph(page.say("Nothing has been recommended yet.", "还没有推荐。"));
  return count_table(
             page,
             page.say("How the first product of each customer was found", "每位客户的首选商品是怎样得出的"),
             page.say("method", "方法"), methods) +
         count_table(page, page.say("The products that are recommended first", "最常被首推的商品"),
                     page.say("product", "商品"),
                     counts_of(page.store(),
                               "SELECT coalesce(nullif(json_extract(p.record, '$.title'), ''), p.shop_id), "
                               "count(*) AS n FROM recommendation r JOIN product p ON p.id = r.product WHERE "
                               "r.rank = 1 GROUP BY p.id ORDER BY n DESC, p.id LIMIT 5"),
                     page.count("SELECT count(*) FROM recommendation WHERE rank = 1"));
}

std::string written_section(const Page& page) {
  std::vector<std::vector<Cell>> rows;
  Statement copies = page.store().prepare(
      "SELECT p.scene, p.channel, p.language, count(*), sum(c.guarded), sum(c.personalised), count(DISTINCT "
      "c.arm) FROM copy c JOIN placement p ON p.id = c.placement GROUP BY 1, 2, 3 ORDER BY 1, 2, 3");
  std::int64_t total = 0, unguarded = 0;
  while (copies.step()) {
    total += copies.integer(3);
    unguarded += copies.integer(3) - copies.integer(4);
    rows.push_back({text_cell(page.name(copies.text(0))),
                    text_cell(page.name(copies.text(1))),
                    text_cell(page.name(copies.text(2))),
                    number_cell(copies.integer(3)),
                    number_cell(copies.integer(5)),
                    {grouped(copies.integer(6)), "number optional"}});
  }
  if (rows.empty()) return paragraph(page.say("Nothing has been written yet.", "还没有生成文案。"));
  const auto head = [&](std::string_view en, std::string_view zh) {
    return Cell{escaped(page.say(en, zh)), "number"};
  };
  const std::string guard =
      unguarded == 0
          ? page.say(
                "All of them were written under the rules: what law packs forbid and numbers that the "
                "product "
                "does not have could not be said.",
                "全部在规则约束下生成：法规词库禁止的说法和商品资料里没有的数字写不出来。")
          : page.say(concat(grouped(unguarded),
                            " were written without the guard, for evaluation; they are never published."),
                     concat(grouped(unguarded), " 条未加约束，仅供评测，不会发布。"));
  return paragraph(page.say(grouped(total) + " copies. ", "共 " + grouped(total) + " 条文案。") + guard) +
         table(page.say("Copies by scene, channel and language", "按场景、渠道和语言"),
               {text_cell(page.say("scene", "场景")),
                text_cell(page.say("channel", "渠道")),
                text_cell(page.say("language", "语言")),
                head("copies", "文案"),
                head("personal", "个性化"),
                {escaped(page.say("variants", "版本")), "number optional"}},
               rows);
}

std::string reviewed_section(const Page& page) {
  const auto statuses =
      counts_of(page.store(), "SELECT status, count(*) FROM copy GROUP BY status ORDER BY 2 DESC");
  if (statuses.empty()) return paragraph(page.say("There is nothing to check yet.", "还没有可检查的文案。"));
  std::string out = count_table(page, page.say("Where the copies stand", "文案的状态"),
                                page.say("status", "状态"), statuses);
  std::vector<std::vector<Cell>> rows;
  Statement findings = page.store().prepare(
      concat("SELECT f.rule, f.level, count(*) AS n, count(DISTINCT f.copy), max(iif(", kQuotesNothing,
             " OR ", kNobodys,
             ", f.message, '')) FROM finding f JOIN copy c ON c.id = f.copy JOIN placement p ON p.id = "
             "c.placement GROUP BY f.rule, f.level ORDER BY f.level = 'ban' DESC, n DESC, f.rule LIMIT 15"));
  while (findings.step()) {
    rows.push_back({text_cell(findings.text(findings.text(4).empty() ? 0 : 4)),
                    text_cell(page.name(findings.text(1))),
                    {"<code>" + escaped(findings.text(0)) + "</code>", "optional"},
                    number_cell(findings.integer(3))});
  }
  if (!rows.empty()) {
    out += table(page.say("What the check found in the texts as they are now", "检查在现有文案中发现的问题"),
                 {{escaped(page.say("finding", "问题")), "words"},
                  text_cell(page.say("level", "级别")),
                  {escaped(page.say("rule", "规则")), "optional"},
                  {escaped(page.say("copies", "文案")), "number"}},
                 rows);
  } else {
    out += paragraph(page.say("The check has nothing to say about the texts as they are now.",
                              "现有文案没有检查出问题。"));
  }
  const auto decisions =
      counts_of(page.store(), "SELECT action, count(*) FROM decision GROUP BY action ORDER BY 2 DESC");
  if (!decisions.empty())
    out += count_table(page, page.say("Decisions and changes", "审核与修改"), page.say("action", "动作"),
                       decisions);
  return out;
}

std::string published_section(const Page& page) {
  std::vector<std::vector<Cell>> rows;
  Statement published = page.store().prepare(
      "SELECT target, destination, sum(status = 'sent'), sum(status = 'pending'), sum(status = 'dead'), "
      "max(CASE WHEN status = 'sent' THEN time END) FROM publication GROUP BY target, destination ORDER BY "
      "1, 2");
  while (published.step()) {
    rows.push_back({text_cell(page.name(published.text(0))), text_cell(place_name(published.text(1))),
                    number_cell(published.integer(2)), number_cell(published.integer(3)),
                    number_cell(published.integer(4)),
                    text_cell(published.is_null(5) ? "" : date_text(published.integer(5)))});
  }
  if (rows.empty()) return paragraph(page.say("Nothing has been published yet.", "还没有发布。"));
  const auto head = [&](std::string_view en, std::string_view zh) {
    return Cell{escaped(page.say(en, zh)), "number"};
  };
  return table(
      page.say("Where copies went", "发布去向"),
      {text_cell(page.say("target", "目标")), text_cell(page.say("to", "去处")), head("sent", "已发"),
       head("waiting", "待发"), head("failed", "失败"), text_cell(page.say("last", "最近"))},
      rows);
}

}  // namespace adlib::copywriter
